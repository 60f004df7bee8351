-- Who came, who went, and who moved? Each snapshot is held against the one that snapshot_pairs names.
-- joiner: created since; leaver: was active, is deactivated; reactivated: the other way round; mover: has
-- another license, profile, department, company or e-mail domain; entered_scope and left_scope: came into or
-- out of the company filter by a change of their own. rescoped_in and rescoped_out are no movements of people:
-- the filter was changed. Nobody enters or leaves by a snapshot that did not see everybody.
-- Grain: a user, a kind of movement and, for movers, an attribute, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- previous_snapshot_date: The day that this one was compared with.
-- kind: One of joiner, leaver, reactivated, mover, entered_scope, left_scope, rescoped_in, rescoped_out.
-- attribute: What a mover changed, one of license, profile, department, company, email_domain.
-- from_value: What it was.
-- to_value: What it is now.
-- from_id: Salesforce id of the license or profile that it was.
-- to_id: Salesforce id of the license or profile that it is now.
-- previous_provenance: Where the snapshot that it was compared with comes from.
WITH pairs AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.compared_with AS previous_snapshot_date,
        sight.days_back,
        sight.provenance,
        earlier.provenance AS previous_provenance,
        earlier.captured_at AS previous_captured_at,
        sight.scope_hash <> earlier.scope_hash AS is_rescoped,
        sight.sees_people AND earlier.sees_people AS sees_people,
        sight.sees_departments AND earlier.sees_departments AS sees_departments,
        sight.sees_companies AND earlier.sees_companies AS sees_companies,
        -- What a reconstruction does not know is null, and null is no department one can have left.
        sight.provenance <> 'reconstructed' AND earlier.provenance <> 'reconstructed' AS knows_blanks
    FROM snapshot_pairs AS p
    INNER JOIN snapshot_sight AS sight
        ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
    INNER JOIN snapshot_sight AS earlier
        ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.compared_with
),
-- Both sides of a comparison carry day and days_back, so that whoever asks for a few days, or for the latest,
-- reads no others.
earlier_users AS NOT MATERIALIZED (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.days_back,
        was.user_id,
        was.is_active,
        was.license_id,
        coalesce(was.license_name, was.license_key, was.license_id) AS license_name,
        was.profile_id,
        coalesce(was.profile_name, was.profile_id) AS profile_name,
        was.department,
        was.company_name,
        was.email_domain,
        was.certainty
    FROM pairs AS p
    INNER JOIN users AS was ON was.org_id = p.org_id AND was.snapshot_date = p.previous_snapshot_date
),
present_users AS NOT MATERIALIZED (
    SELECT p.org_id, p.snapshot_date, p.days_back, users.user_id
    FROM pairs AS p
    INNER JOIN users ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
),
present AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.days_back,
        p.previous_snapshot_date,
        p.provenance,
        p.previous_provenance,
        CASE
            WHEN was.user_id IS NOT NULL THEN NULL
            WHEN users.created_at > p.previous_captured_at THEN 'joiner'
            WHEN NOT p.sees_people THEN NULL
            WHEN p.is_rescoped THEN 'rescoped_in'
            WHEN users.created_at IS NULL THEN 'joiner'
            ELSE 'entered_scope'
        END AS arrival,
        CASE
            WHEN was.is_active AND NOT users.is_active THEN 'leaver'
            WHEN users.is_active AND NOT was.is_active THEN 'reactivated'
        END AS switch,
        was.user_id IS NOT NULL AND was.license_id <> users.license_id AS has_license_changed,
        was.user_id IS NOT NULL AND was.profile_id <> users.profile_id AS has_profile_changed,
        was.user_id IS NOT NULL AND p.sees_departments
            AND was.department IS DISTINCT FROM users.department
            AND (p.knows_blanks OR (was.department IS NOT NULL AND users.department IS NOT NULL))
            AS has_department_changed,
        was.user_id IS NOT NULL AND p.sees_companies
            AND was.company_name IS DISTINCT FROM users.company_name
            AND (p.knows_blanks OR (was.company_name IS NOT NULL AND users.company_name IS NOT NULL))
            AS has_company_changed,
        was.user_id IS NOT NULL AND was.email_domain IS DISTINCT FROM users.email_domain
            AND (p.knows_blanks OR (was.email_domain IS NOT NULL AND users.email_domain IS NOT NULL))
            AS has_email_domain_changed,
        was.license_id AS was_license_id,
        was.license_name AS was_license,
        was.profile_id AS was_profile_id,
        was.profile_name AS was_profile,
        was.department AS was_department,
        was.company_name AS was_company,
        was.email_domain AS was_email_domain,
        was.certainty AS was_certainty,
        users.user_id,
        users.username,
        users.name,
        users.email_domain,
        users.company_name,
        users.department,
        users.account_class,
        users.profile_id,
        users.profile_name,
        users.license_id,
        users.license_key,
        users.license_name,
        users.is_active,
        users.certainty
    FROM pairs AS p
    INNER JOIN users ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
    LEFT JOIN earlier_users AS was
        ON was.org_id = users.org_id
        AND was.snapshot_date = p.snapshot_date
        AND was.days_back = p.days_back
        AND was.user_id = users.user_id
    WHERE was.user_id IS NULL
        OR was.is_active <> users.is_active
        OR was.license_id <> users.license_id
        OR was.profile_id <> users.profile_id
        OR was.department IS DISTINCT FROM users.department
        OR was.company_name IS DISTINCT FROM users.company_name
        OR was.email_domain IS DISTINCT FROM users.email_domain
),
gone AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.days_back,
        p.previous_snapshot_date,
        p.provenance,
        p.previous_provenance,
        CASE WHEN p.is_rescoped THEN 'rescoped_out' ELSE 'left_scope' END AS kind,
        was.user_id,
        was.username,
        was.name,
        was.email_domain,
        was.company_name,
        was.department,
        was.account_class,
        was.profile_name,
        was.license_id,
        was.license_key,
        was.license_name,
        was.is_active,
        was.certainty
    FROM pairs AS p
    INNER JOIN users AS was ON was.org_id = p.org_id AND was.snapshot_date = p.previous_snapshot_date
    LEFT JOIN present_users AS users
        ON users.org_id = was.org_id
        AND users.snapshot_date = p.snapshot_date
        AND users.days_back = p.days_back
        AND users.user_id = was.user_id
    WHERE p.sees_people AND users.user_id IS NULL
),
steps (step, attribute) AS (
    VALUES
        ('arrival', CAST(NULL AS VARCHAR)),
        ('switch', NULL),
        ('mover', 'license'),
        ('mover', 'profile'),
        ('mover', 'department'),
        ('mover', 'company'),
        ('mover', 'email_domain')
)
SELECT
    m.org_id,
    m.snapshot_date,
    m.days_back = 0 AS is_latest,
    m.previous_snapshot_date,
    m.user_id,
    CASE steps.step WHEN 'arrival' THEN m.arrival WHEN 'switch' THEN m.switch ELSE 'mover' END AS kind,
    steps.attribute,
    CASE steps.attribute
        WHEN 'license' THEN m.was_license
        WHEN 'profile' THEN m.was_profile
        WHEN 'department' THEN m.was_department
        WHEN 'company' THEN m.was_company
        WHEN 'email_domain' THEN m.was_email_domain
    END AS from_value,
    CASE steps.attribute
        WHEN 'license' THEN coalesce(m.license_name, m.license_key, m.license_id)
        WHEN 'profile' THEN coalesce(m.profile_name, m.profile_id)
        WHEN 'department' THEN m.department
        WHEN 'company' THEN m.company_name
        WHEN 'email_domain' THEN m.email_domain
    END AS to_value,
    CASE steps.attribute WHEN 'license' THEN m.was_license_id WHEN 'profile' THEN m.was_profile_id END AS from_id,
    CASE steps.attribute WHEN 'license' THEN m.license_id WHEN 'profile' THEN m.profile_id END AS to_id,
    m.username,
    m.name,
    m.email_domain,
    m.company_name,
    m.department,
    m.account_class,
    m.profile_name,
    m.license_id,
    m.license_key,
    m.license_name,
    m.is_active,
    m.provenance,
    m.previous_provenance,
    CASE
        WHEN 'unsure' IN (m.certainty, m.was_certainty) THEN 'unsure'
        WHEN 'likely' IN (m.certainty, m.was_certainty) THEN 'likely'
        ELSE 'sure'
    END AS certainty
FROM present AS m
CROSS JOIN steps
WHERE (steps.step = 'arrival' AND m.arrival IS NOT NULL)
    OR (steps.step = 'switch' AND m.switch IS NOT NULL)
    OR (steps.attribute = 'license' AND m.has_license_changed)
    OR (steps.attribute = 'profile' AND m.has_profile_changed)
    OR (steps.attribute = 'department' AND m.has_department_changed)
    OR (steps.attribute = 'company' AND m.has_company_changed)
    OR (steps.attribute = 'email_domain' AND m.has_email_domain_changed)
UNION ALL
SELECT
    org_id,
    snapshot_date,
    days_back = 0 AS is_latest,
    previous_snapshot_date,
    user_id,
    kind,
    NULL AS attribute,
    NULL AS from_value,
    NULL AS to_value,
    NULL AS from_id,
    NULL AS to_id,
    username,
    name,
    email_domain,
    company_name,
    department,
    account_class,
    profile_name,
    license_id,
    license_key,
    license_name,
    is_active,
    provenance,
    previous_provenance,
    coalesce(certainty, 'sure') AS certainty
FROM gone
