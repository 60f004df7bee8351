-- Snowflake. Written by `license-ledger statements --dialect snowflake`.
-- The views on top of the tables, translated by sqlglot from those that DuckDB and Postgres run.
-- By hand, compared with the manual by eye alone: capability_gaps.
-- How it was tested: each view is parsed by sqlglot as SQL of Snowflake, and those that it translated are
-- translated back to DuckDB and run there: they have the same rows as the originals over made-up snapshots.
-- It was not run on Snowflake, for want of one: try it in a schema of its own first, and report what
-- differs.

CREATE OR REPLACE VIEW license_position AS
WITH latest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), booked AS (
  SELECT
    mismatches.org_id AS org_id,
    mismatches.snapshot_date AS snapshot_date,
    mismatches.license_layer AS license_layer,
    mismatches.license_id AS license_id,
    CAST(SUM(
      CASE
        WHEN mismatches."CAUSE" IN (
          'system_user',
          'external_user',
          'service_account',
          'no_email',
          'unusable_email',
          'other_company',
          'third_party_domain',
          'public_mailbox'
        )
        THEN mismatches.seat_count
        ELSE 0
      END
    ) AS BIGINT) AS out_of_scope_count,
    CAST(SUM(
      CASE
        WHEN mismatches."CAUSE" = 'deactivated_holder'
        THEN mismatches.seat_count
        ELSE 0
      END
    ) AS BIGINT) AS deactivated_holder_count,
    CAST(SUM(
      CASE
        WHEN mismatches."CAUSE" IN ('counter_timing', 'not_visible')
        THEN mismatches.seat_count
        ELSE 0
      END
    ) AS BIGINT) AS not_seen_count,
    CAST(SUM(
      CASE WHEN mismatches."CAUSE" = 'unexplained' THEN mismatches.seat_count ELSE 0 END
    ) AS BIGINT) AS unexplained_count
  FROM mismatches AS mismatches
  GROUP BY
    mismatches.org_id,
    mismatches.snapshot_date,
    mismatches.license_layer,
    mismatches.license_id
)
SELECT
  l.org_id AS org_id,
  s.org_name AS org_name,
  l.snapshot_date AS snapshot_date,
  l.snapshot_date = latest.snapshot_date AS is_latest,
  l.license_layer AS license_layer,
  l.license_id AS license_id,
  l.license_key AS license_key,
  l.license_name AS license_name,
  l."STATUS" AS "STATUS",
  l.is_unlimited AS is_unlimited,
  l.total_count AS total_count,
  l.used_count AS used_count,
  l.available_count AS available_count,
  l.in_scope_count AS in_scope_count,
  CASE WHEN l.license_layer <> 'usage' THEN COALESCE(b.out_of_scope_count, 0) END AS out_of_scope_count,
  CASE
    WHEN l.license_layer <> 'usage'
    THEN COALESCE(b.deactivated_holder_count, 0)
  END AS deactivated_holder_count,
  CASE WHEN l.license_layer <> 'usage' THEN COALESCE(b.not_seen_count, 0) END AS not_seen_count,
  CASE WHEN l.license_layer <> 'usage' THEN COALESCE(b.unexplained_count, 0) END AS unexplained_count,
  CAST(100.0 * l.used_count / NULLIF(l.total_count, 0) AS DECIMAL(38, 1)) AS utilization_percent,
  COALESCE(l.used_count > l.total_count, FALSE) AS is_over_allocated,
  COALESCE(l.total_count > 0 AND 100.0 * l.used_count >= 95.0 * l.total_count, FALSE) AS is_nearly_exhausted,
  l.expires_on AS expires_on,
  CAST(DATEDIFF(DAY, l.snapshot_date, l.expires_on) AS BIGINT) AS expires_in_days,
  l.count_basis AS count_basis,
  l.active_holder_count AS active_holder_count,
  l.all_holder_count AS all_holder_count,
  l.used_as_of AS used_as_of,
  s.captured_at AS captured_at,
  s.provenance AS provenance
FROM licenses AS l
INNER JOIN snapshots AS s
  ON s.org_id = l.org_id AND s.snapshot_date = l.snapshot_date
INNER JOIN latest AS latest
  ON latest.org_id = l.org_id
LEFT JOIN booked AS b
  ON b.org_id = l.org_id
  AND b.snapshot_date = l.snapshot_date
  AND b.license_layer = l.license_layer
  AND b.license_id = l.license_id;

CREATE OR REPLACE VIEW mismatch_bridge AS
WITH latest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), causes AS (
  SELECT
    _values._col_0 AS "CAUSE",
    _values._col_1 AS cause_order,
    _values._col_2 AS cause_text
  FROM (VALUES
    ('in_scope', 1, 'In scope'),
    ('counter_timing', 2, 'Salesforce\'s counter is older than the snapshot'),
    ('not_visible', 3, 'Holders the integration user may not see'),
    ('deactivated_holder', 4, 'Deactivated users who still hold the license'),
    ('system_user', 5, 'System users'),
    ('external_user', 6, 'External users, excluded by policy'),
    ('service_account', 7, 'Service accounts, excluded by policy'),
    ('no_email', 8, 'Users without an e-mail address'),
    ('unusable_email', 9, 'Users whose e-mail address is not usable'),
    ('other_company', 10, 'Users of another company of the group'),
    ('third_party_domain', 11, 'Users with the domain of a third party'),
    ('public_mailbox', 12, 'Users with a public mailbox'),
    ('unexplained', 13, 'Not explained')) AS _values(_col_0, _col_1, _col_2)
), bridge AS (
  SELECT
    m.org_id AS org_id,
    m.snapshot_date AS snapshot_date,
    m.license_layer AS license_layer,
    m.license_id AS license_id,
    m.license_key AS license_key,
    m.license_name AS license_name,
    m."CAUSE" AS "CAUSE",
    m.seat_count AS seat_count,
    m.detail AS detail,
    m."CERTAINTY" AS "CERTAINTY",
    CAST(SUM(m.seat_count) OVER (PARTITION BY m.org_id, m.snapshot_date, m.license_layer, m.license_id) AS BIGINT) AS bridge_count
  FROM mismatches AS m
)
SELECT
  b.org_id AS org_id,
  b.snapshot_date AS snapshot_date,
  b.snapshot_date = latest.snapshot_date AS is_latest,
  b.license_layer AS license_layer,
  b.license_id AS license_id,
  b.license_key AS license_key,
  b.license_name AS license_name,
  c.cause_order AS cause_order,
  b."CAUSE" AS "CAUSE",
  c.cause_text AS cause_text,
  b.seat_count AS seat_count,
  l.used_count AS used_count,
  CAST(100.0 * b.seat_count / NULLIF(l.used_count, 0) AS DECIMAL(38, 1)) AS share_of_used_percent,
  b.bridge_count AS bridge_count,
  b.bridge_count = l.used_count AS is_balanced,
  l.count_basis AS count_basis,
  l.used_as_of AS used_as_of,
  b.detail AS detail
FROM bridge AS b
INNER JOIN latest AS latest
  ON latest.org_id = b.org_id
LEFT JOIN causes AS c
  ON c."CAUSE" = b."CAUSE"
LEFT JOIN licenses AS l
  ON l.org_id = b.org_id
  AND l.snapshot_date = b.snapshot_date
  AND l.license_layer = b.license_layer
  AND l.license_id = b.license_id;

CREATE OR REPLACE VIEW reclaim_candidates AS
WITH latest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), counted_though_deactivated AS (
  SELECT
    mismatches.org_id AS org_id,
    mismatches.snapshot_date AS snapshot_date,
    mismatches.license_layer AS license_layer,
    mismatches.license_id AS license_id
  FROM mismatches AS mismatches
  WHERE
    mismatches."CAUSE" = 'deactivated_holder' AND mismatches.seat_count > 0
), marked AS (
  SELECT
    seats.org_id AS org_id,
    seats.snapshot_date AS snapshot_date,
    seats.user_id AS user_id,
    seats.license_layer AS license_layer,
    seats.license_id AS license_id,
    seats.license_key AS license_key,
    seats.license_name AS license_name,
    seats.assigned_at AS assigned_at,
    seats.is_active AS is_active,
    seats.is_frozen AS is_frozen,
    seats.activity_band AS activity_band,
    seats.account_class AS account_class,
    seats."CAUSE" AS "CAUSE",
    seats."CERTAINTY" AS "CERTAINTY",
    seats.snapshot_date = latest.snapshot_date AS is_latest
  FROM seats AS seats
  INNER JOIN latest AS latest
    ON latest.org_id = seats.org_id
  WHERE
    seats."CAUSE" IN ('in_scope', 'deactivated_holder')
    AND (
      NOT seats.is_active
      OR seats.is_frozen
      OR seats.activity_band IN ('never', '181+', '91-180')
    )
), classified AS (
  SELECT
    seats.org_id AS org_id,
    seats.snapshot_date AS snapshot_date,
    seats.user_id AS user_id,
    seats.license_layer AS license_layer,
    seats.license_id AS license_id,
    seats.license_key AS license_key,
    seats.license_name AS license_name,
    seats.assigned_at AS assigned_at,
    seats.is_active AS is_active,
    seats.is_frozen AS is_frozen,
    seats.activity_band AS activity_band,
    seats.account_class AS account_class,
    seats."CAUSE" AS "CAUSE",
    seats."CERTAINTY" AS "CERTAINTY",
    seats.is_latest AS is_latest,
    CASE
      WHEN NOT seats.is_active
      THEN CASE WHEN NOT counted.license_id IS NULL THEN 'deactivated' END
      WHEN seats.is_frozen
      THEN 'frozen'
      WHEN seats.activity_band = 'never'
      AND CAST(CONVERT_TIMEZONE('UTC', users.created_at) AS DATE) <= DATEADD(DAY, 30 * -1, seats.snapshot_date)
      THEN 'never_logged_in'
      WHEN seats.activity_band = '181+'
      THEN 'idle_181_plus'
      WHEN seats.activity_band = '91-180'
      THEN 'idle_91_180'
    END AS waste_class,
    CASE
      WHEN NOT seats.is_active
      THEN NULL
      WHEN seats.is_frozen
      THEN 'Somebody froze the account and has yet to decide'
      WHEN seats.account_class IN ('integration', 'guest', 'unknown')
      THEN 'The account may not be a person\'s'
      WHEN users.email IS NULL
      AND (
        users.email_domain IS NULL OR users.user_id NOT LIKE '005zy%'
      )
      THEN 'There is no e-mail address to ask at'
    END AS attention_reason,
    users.username AS username,
    users."NAME" AS "NAME",
    users.email AS email,
    users.email_domain AS email_domain,
    users.company_name AS company_name,
    users.department AS department,
    users."TITLE" AS "TITLE",
    users.country AS country,
    users.employee_number AS employee_number,
    users.user_type AS user_type,
    users.profile_name AS profile_name,
    users.role_name AS role_name,
    users.last_login_at AS last_login_at,
    users.created_at AS created_at
  FROM marked AS seats
  INNER JOIN users AS users
    ON users.org_id = seats.org_id
    AND users.snapshot_date = seats.snapshot_date
    AND users.user_id = seats.user_id
    AND /* A seat has its user's state. Said of both, the join is no larger than what it finds. */ (
      NOT users.is_active
      OR users.is_frozen
      OR users.activity_band IN ('never', '181+', '91-180')
    )
  LEFT JOIN counted_though_deactivated AS counted
    ON counted.org_id = seats.org_id
    AND counted.snapshot_date = seats.snapshot_date
    AND counted.license_layer = seats.license_layer
    AND counted.license_id = seats.license_id
)
SELECT
  c.org_id AS org_id,
  c.snapshot_date AS snapshot_date,
  c.is_latest AS is_latest,
  c.license_layer AS license_layer,
  c.license_id AS license_id,
  c.license_key AS license_key,
  c.license_name AS license_name,
  l.is_unlimited AS is_unlimited,
  c.waste_class AS waste_class,
  CASE WHEN c.attention_reason IS NULL THEN 'Ready' ELSE 'Attention required' END AS candidate_state,
  c.attention_reason AS attention_reason,
  c.user_id AS user_id,
  c.username AS username,
  c."NAME" AS "NAME",
  c.email AS email,
  c.email_domain AS email_domain,
  c.company_name AS company_name,
  c.department AS department,
  c."TITLE" AS "TITLE",
  c.country AS country,
  c.employee_number AS employee_number,
  c.user_type AS user_type,
  c.account_class AS account_class,
  c.profile_name AS profile_name,
  c.role_name AS role_name,
  c.is_active AS is_active,
  c.is_frozen AS is_frozen,
  c.activity_band AS activity_band,
  c.last_login_at AS last_login_at,
  CAST(DATEDIFF(DAY, CAST(CONVERT_TIMEZONE('UTC', c.last_login_at) AS DATE), c.snapshot_date) AS BIGINT) AS idle_days,
  c.created_at AS created_at,
  c.assigned_at AS assigned_at
FROM classified AS c
LEFT JOIN licenses AS l
  ON l.org_id = c.org_id
  AND l.snapshot_date = c.snapshot_date
  AND l.license_layer = c.license_layer
  AND l.license_id = c.license_id
WHERE
  NOT c.waste_class IS NULL;

CREATE OR REPLACE VIEW external_accounts AS
WITH latest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
)
SELECT
  users.org_id AS org_id,
  users.snapshot_date AS snapshot_date,
  users.snapshot_date = latest.snapshot_date AS is_latest,
  users.account_class AS account_class,
  users.user_type AS user_type,
  users.email_domain AS email_domain,
  seats.license_layer AS license_layer,
  seats.license_id AS license_id,
  MAX(seats.license_key) AS license_key,
  MAX(seats.license_name) AS license_name,
  COUNT(*) AS account_count,
  COUNT(CASE WHEN users.is_active THEN 1 END) AS active_account_count,
  COUNT(CASE WHEN users.is_active AND users.is_frozen THEN 1 END) AS frozen_account_count,
  COUNT(CASE WHEN users.is_active AND users.activity_band = '0-30' THEN 1 END) AS seen_in_30_days_count,
  COUNT(
    CASE
      WHEN users.is_active AND users.activity_band IN ('91-180', '181+', 'never')
      THEN 1
    END
  ) AS not_seen_in_90_days_count
FROM users AS users
INNER JOIN latest AS latest
  ON latest.org_id = users.org_id
LEFT JOIN seats AS seats
  ON seats.org_id = users.org_id
  AND seats.snapshot_date = users.snapshot_date
  AND seats.user_id = users.user_id
WHERE
  users.account_class IN ('external', 'contractor', 'guest')
GROUP BY
  users.org_id,
  users.snapshot_date,
  latest.snapshot_date,
  users.account_class,
  users.user_type,
  users.email_domain,
  seats.license_layer,
  seats.license_id;

CREATE OR REPLACE VIEW department_licenses AS
WITH latest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), departments AS (
  SELECT
    users.org_id AS org_id,
    users.snapshot_date AS snapshot_date,
    COALESCE(users.department, '') AS department,
    COUNT(*) AS people_count
  FROM users AS users
  WHERE
    users.is_active
  GROUP BY
    users.org_id,
    users.snapshot_date,
    COALESCE(users.department, '')
), ordered AS (
  SELECT
    departments.org_id AS org_id,
    departments.snapshot_date AS snapshot_date,
    departments.department AS department,
    departments.people_count AS people_count,
    SUM(CASE WHEN departments.people_count < 5 THEN departments.people_count ELSE 0 END) OVER (PARTITION BY departments.org_id, departments.snapshot_date) AS small_people_count,
    ROW_NUMBER() OVER (
      PARTITION BY departments.org_id, departments.snapshot_date, departments.people_count < 5
      ORDER BY departments.people_count, departments.department
    ) AS place
  FROM departments AS departments
), folded AS (
  SELECT
    ordered.org_id AS org_id,
    ordered.snapshot_date AS snapshot_date,
    ordered.department AS department,
    ordered.people_count AS people_count,
    ordered.people_count < 5
    OR (
      ordered.place = 1
      AND ordered.small_people_count > 0
      AND ordered.small_people_count < 5
    ) AS is_small
  FROM ordered AS ordered
), told AS (
  SELECT
    folded.org_id AS org_id,
    folded.snapshot_date AS snapshot_date,
    folded.is_small AS is_small,
    CASE WHEN NOT folded.is_small THEN folded.department END AS department,
    CAST(SUM(folded.people_count) AS BIGINT) AS people_count
  FROM folded AS folded
  GROUP BY
    folded.org_id,
    folded.snapshot_date,
    folded.is_small,
    CASE WHEN NOT folded.is_small THEN folded.department END
)
SELECT
  g.org_id AS org_id,
  g.snapshot_date AS snapshot_date,
  g.snapshot_date = MAX(latest.snapshot_date) AS is_latest,
  NULLIF(g.department, '') AS department,
  g.is_small AS is_small_departments,
  g.people_count AS department_people_count,
  seats.license_layer AS license_layer,
  seats.license_id AS license_id,
  MAX(seats.license_key) AS license_key,
  MAX(seats.license_name) AS license_name,
  COUNT(*) AS active_seat_count,
  COUNT(CASE WHEN seats.activity_band = '0-30' THEN 1 END) AS seen_in_30_days_count,
  COUNT(CASE WHEN seats.activity_band IN ('91-180', '181+', 'never') THEN 1 END) AS not_seen_in_90_days_count,
  COUNT(CASE WHEN seats.is_frozen THEN 1 END) AS frozen_count
FROM users AS users
INNER JOIN folded AS f
  ON f.org_id = users.org_id
  AND f.snapshot_date = users.snapshot_date
  AND f.department = COALESCE(users.department, '')
INNER JOIN told AS g
  ON g.org_id = f.org_id
  AND g.snapshot_date = f.snapshot_date
  AND g.is_small = f.is_small
  AND (
    g.is_small OR g.department = f.department
  )
INNER JOIN seats AS seats
  ON seats.org_id = users.org_id
  AND seats.snapshot_date = users.snapshot_date
  AND seats.user_id = users.user_id
INNER JOIN latest AS latest
  ON latest.org_id = g.org_id
WHERE
  seats.is_active AND g.people_count >= 5
GROUP BY
  g.org_id,
  g.snapshot_date,
  g.department,
  g.is_small,
  g.people_count,
  seats.license_layer,
  seats.license_id;

CREATE OR REPLACE VIEW capability_gaps AS
SELECT
  s.org_id,
  s.snapshot_date,
  s.snapshot_date = latest.snapshot_date AS is_latest,
  gap.value:object::VARCHAR AS object_name,
  gap.value:field::VARCHAR AS field_name,
  gap.value:missing_permission::VARCHAR AS missing_permission,
  gap.value:costs::VARCHAR AS costs,
  gap.value:unlocks::VARCHAR AS unlocks
FROM snapshots AS s
INNER JOIN (SELECT org_id, MAX(snapshot_date) AS snapshot_date FROM snapshots GROUP BY org_id) AS latest
  ON latest.org_id = s.org_id
CROSS JOIN LATERAL FLATTEN(input => PARSE_JSON(s.capabilities)) AS gap;

CREATE OR REPLACE VIEW snapshot_sight AS
WITH gaps AS (
  SELECT
    capability_gaps.org_id AS org_id,
    capability_gaps.snapshot_date AS snapshot_date,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'User' AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS people,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'Profile' AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS profiles,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'PermissionSetLicenseAssign'
        AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS permission_set_seats,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'UserPackageLicense'
        AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS package_seats,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'PermissionSetLicense'
        AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS permission_set_licenses,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'PackageLicense'
        AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS package_licenses,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'TenantUsageEntitlement'
        AND capability_gaps.field_name IS NULL
        THEN 1
      END
    ) AS usages,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'User'
        AND capability_gaps.field_name = 'Department'
        THEN 1
      END
    ) AS departments,
    COUNT(
      CASE
        WHEN capability_gaps.object_name = 'User'
        AND capability_gaps.field_name = 'CompanyName'
        THEN 1
      END
    ) AS companies
  FROM capability_gaps AS capability_gaps
  GROUP BY
    capability_gaps.org_id,
    capability_gaps.snapshot_date
), seen AS (
  SELECT
    s.org_id AS org_id,
    s.snapshot_date AS snapshot_date,
    CAST(DATEDIFF(DAY, s.snapshot_date, MAX(s.snapshot_date) OVER (PARTITION BY s.org_id)) AS INT) AS days_back,
    s.captured_at AS captured_at,
    s.provenance AS provenance,
    s.scope_hash AS scope_hash,
    COALESCE(s.privacy_mode, 'named') AS privacy_mode,
    COALESCE(g.people, 0) /* A snapshot that calls itself partial without saying in what did not see anything for sure. */ > 0
    OR (
      COALESCE(s.is_partial, FALSE)
      AND COALESCE(g.profiles + g.permission_set_seats + g.package_seats, 0) = 0
    )
    OR COALESCE(s.privacy_mode = 'aggregate', FALSE) AS hides_people,
    COALESCE(g.profiles, 0) > 0 AS hides_profiles,
    COALESCE(g.permission_set_seats, 0) > 0 AS hides_permission_set_seats,
    COALESCE(g.package_seats, 0) > 0 AS hides_package_seats,
    COALESCE(g.permission_set_licenses, 0) > 0 AS hides_permission_set_licenses,
    COALESCE(g.package_licenses, 0) > 0 AS hides_package_licenses,
    COALESCE(g.usages, 0) > 0 AS hides_usage,
    COALESCE(g.departments, 0) > 0 AS hides_departments,
    COALESCE(g.companies, 0) > 0 AS hides_companies
  FROM snapshots AS s
  LEFT JOIN gaps AS g
    ON g.org_id = s.org_id AND g.snapshot_date = s.snapshot_date
)
SELECT
  seen.org_id AS org_id,
  seen.snapshot_date AS snapshot_date,
  seen.days_back = 0 AS is_latest,
  seen.days_back AS days_back,
  seen.captured_at AS captured_at,
  seen.provenance AS provenance,
  seen.scope_hash AS scope_hash,
  NOT seen.hides_people AS sees_people,
  NOT (
    seen.hides_people OR seen.hides_profiles
  ) AS sees_user_seats,
  NOT (
    seen.hides_people
    OR seen.hides_permission_set_seats
    OR seen.hides_permission_set_licenses
  ) AS sees_permission_set_seats,
  NOT (
    seen.hides_people OR seen.hides_package_seats OR seen.hides_package_licenses
  ) AS sees_package_seats,
  NOT seen.hides_permission_set_licenses AS sees_permission_set_licenses,
  NOT seen.hides_package_licenses AS sees_package_licenses,
  NOT seen.hides_usage AS sees_usage,
  NOT seen.hides_departments AS sees_departments,
  NOT seen.hides_companies AS sees_companies,
  seen.privacy_mode AS privacy_mode
FROM seen AS seen;

CREATE OR REPLACE VIEW snapshot_pairs AS
WITH ordered AS (
  SELECT
    snapshot_sight.org_id AS org_id,
    snapshot_sight.snapshot_date AS snapshot_date,
    snapshot_sight.sees_people AS sees_people,
    LAG(snapshot_sight.snapshot_date) OVER (
      PARTITION BY snapshot_sight.org_id
      ORDER BY snapshot_sight.snapshot_date NULLS FIRST
    ) AS previous_snapshot_date,
    snapshot_sight.privacy_mode = LAG(snapshot_sight.privacy_mode) OVER (
      PARTITION BY snapshot_sight.org_id
      ORDER BY snapshot_sight.snapshot_date NULLS FIRST
    ) AS is_alike,
    MAX(CASE WHEN snapshot_sight.sees_people THEN snapshot_sight.snapshot_date END) OVER (
      PARTITION BY snapshot_sight.org_id, snapshot_sight.privacy_mode
      ORDER BY snapshot_sight.snapshot_date NULLS FIRST
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS last_whole_date
  FROM snapshot_sight AS snapshot_sight
)
SELECT
  ordered.org_id AS org_id,
  ordered.snapshot_date AS snapshot_date,
  ordered.previous_snapshot_date AS previous_snapshot_date,
  CASE
    WHEN ordered.last_whole_date IS NULL AND ordered.is_alike
    THEN ordered.previous_snapshot_date
    WHEN ordered.sees_people
    THEN ordered.last_whole_date
  END AS compared_with,
  CAST(DATEDIFF(DAY, ordered.previous_snapshot_date, ordered.snapshot_date) AS BIGINT) - 1 AS missing_days_before
FROM ordered AS ordered;

CREATE OR REPLACE VIEW movements AS
WITH pairs AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.compared_with AS previous_snapshot_date,
    sight.days_back AS days_back,
    sight.provenance AS provenance,
    earlier.provenance AS previous_provenance,
    earlier.captured_at AS previous_captured_at,
    sight.scope_hash <> earlier.scope_hash AS is_rescoped,
    sight.sees_people AND earlier.sees_people AS sees_people,
    sight.sees_departments AND earlier.sees_departments AS sees_departments,
    sight.sees_companies AND earlier.sees_companies AS sees_companies,
    sight.provenance /* What a reconstruction does not know is null, and null is no department one can have left. */ <> 'reconstructed'
    AND earlier.provenance <> 'reconstructed' AS knows_blanks
  FROM snapshot_pairs AS p
  INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
  INNER JOIN snapshot_sight AS earlier
    ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.compared_with
), earlier_users /* Both sides of a comparison carry day and days_back, so that whoever asks for a few days, or for the latest, */ /* reads no others. */ AS NOT MATERIALIZED (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    was.user_id AS user_id,
    was.is_active AS is_active,
    was.license_id AS license_id,
    COALESCE(was.license_name, was.license_key, was.license_id) AS license_name,
    was.profile_id AS profile_id,
    COALESCE(was.profile_name, was.profile_id) AS profile_name,
    was.department AS department,
    was.company_name AS company_name,
    was.email_domain AS email_domain,
    was."CERTAINTY" AS "CERTAINTY"
  FROM pairs AS p
  INNER JOIN users AS was
    ON was.org_id = p.org_id AND was.snapshot_date = p.previous_snapshot_date
), present_users AS NOT MATERIALIZED (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    users.user_id AS user_id
  FROM pairs AS p
  INNER JOIN users AS users
    ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
), present AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.provenance AS provenance,
    p.previous_provenance AS previous_provenance,
    CASE
      WHEN NOT was.user_id IS NULL
      THEN NULL
      WHEN users.created_at > p.previous_captured_at
      THEN 'joiner'
      WHEN NOT p.sees_people
      THEN NULL
      WHEN p.is_rescoped
      THEN 'rescoped_in'
      WHEN users.created_at IS NULL
      THEN 'joiner'
      ELSE 'entered_scope'
    END AS arrival,
    CASE
      WHEN was.is_active AND NOT users.is_active
      THEN 'leaver'
      WHEN users.is_active AND NOT was.is_active
      THEN 'reactivated'
    END AS switch,
    NOT was.user_id IS NULL AND was.license_id <> users.license_id AS has_license_changed,
    NOT was.user_id IS NULL AND was.profile_id <> users.profile_id AS has_profile_changed,
    NOT was.user_id IS NULL
    AND p.sees_departments
    AND was.department IS DISTINCT FROM users.department
    AND (
      p.knows_blanks
      OR (
        NOT was.department IS NULL AND NOT users.department IS NULL
      )
    ) AS has_department_changed,
    NOT was.user_id IS NULL
    AND p.sees_companies
    AND was.company_name IS DISTINCT FROM users.company_name
    AND (
      p.knows_blanks
      OR (
        NOT was.company_name IS NULL AND NOT users.company_name IS NULL
      )
    ) AS has_company_changed,
    NOT was.user_id IS NULL
    AND was.email_domain IS DISTINCT FROM users.email_domain
    AND (
      p.knows_blanks
      OR (
        NOT was.email_domain IS NULL AND NOT users.email_domain IS NULL
      )
    ) AS has_email_domain_changed,
    was.license_id AS was_license_id,
    was.license_name AS was_license,
    was.profile_id AS was_profile_id,
    was.profile_name AS was_profile,
    was.department AS was_department,
    was.company_name AS was_company,
    was.email_domain AS was_email_domain,
    was."CERTAINTY" AS was_certainty,
    users.user_id AS user_id,
    users.username AS username,
    users."NAME" AS "NAME",
    users.email_domain AS email_domain,
    users.company_name AS company_name,
    users.department AS department,
    users.account_class AS account_class,
    users.profile_id AS profile_id,
    users.profile_name AS profile_name,
    users.license_id AS license_id,
    users.license_key AS license_key,
    users.license_name AS license_name,
    users.is_active AS is_active,
    users."CERTAINTY" AS "CERTAINTY"
  FROM pairs AS p
  INNER JOIN users AS users
    ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
  LEFT JOIN earlier_users AS was
    ON was.org_id = users.org_id
    AND was.snapshot_date = p.snapshot_date
    AND was.days_back = p.days_back
    AND was.user_id = users.user_id
  WHERE
    was.user_id IS NULL
    OR was.is_active <> users.is_active
    OR was.license_id <> users.license_id
    OR was.profile_id <> users.profile_id
    OR was.department IS DISTINCT FROM users.department
    OR was.company_name IS DISTINCT FROM users.company_name
    OR was.email_domain IS DISTINCT FROM users.email_domain
), gone AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.provenance AS provenance,
    p.previous_provenance AS previous_provenance,
    CASE WHEN p.is_rescoped THEN 'rescoped_out' ELSE 'left_scope' END AS kind,
    was.user_id AS user_id,
    was.username AS username,
    was."NAME" AS "NAME",
    was.email_domain AS email_domain,
    was.company_name AS company_name,
    was.department AS department,
    was.account_class AS account_class,
    was.profile_name AS profile_name,
    was.license_id AS license_id,
    was.license_key AS license_key,
    was.license_name AS license_name,
    was.is_active AS is_active,
    was."CERTAINTY" AS "CERTAINTY"
  FROM pairs AS p
  INNER JOIN users AS was
    ON was.org_id = p.org_id AND was.snapshot_date = p.previous_snapshot_date
  LEFT JOIN present_users AS users
    ON users.org_id = was.org_id
    AND users.snapshot_date = p.snapshot_date
    AND users.days_back = p.days_back
    AND users.user_id = was.user_id
  WHERE
    p.sees_people AND users.user_id IS NULL
), steps AS (
  SELECT
    _values._col_0 AS step,
    _values._col_1 AS attribute
  FROM (VALUES
    ('arrival', CAST(NULL AS VARCHAR)),
    ('switch', NULL),
    ('mover', 'license'),
    ('mover', 'profile'),
    ('mover', 'department'),
    ('mover', 'company'),
    ('mover', 'email_domain')) AS _values(_col_0, _col_1)
)
SELECT
  m.org_id AS org_id,
  m.snapshot_date AS snapshot_date,
  m.days_back = 0 AS is_latest,
  m.previous_snapshot_date AS previous_snapshot_date,
  m.user_id AS user_id,
  CASE steps.step
    WHEN 'arrival'
    THEN m.arrival
    WHEN 'switch'
    THEN m.switch
    ELSE 'mover'
  END AS kind,
  steps.attribute AS attribute,
  CASE steps.attribute
    WHEN 'license'
    THEN m.was_license
    WHEN 'profile'
    THEN m.was_profile
    WHEN 'department'
    THEN m.was_department
    WHEN 'company'
    THEN m.was_company
    WHEN 'email_domain'
    THEN m.was_email_domain
  END AS from_value,
  CASE steps.attribute
    WHEN 'license'
    THEN COALESCE(m.license_name, m.license_key, m.license_id)
    WHEN 'profile'
    THEN COALESCE(m.profile_name, m.profile_id)
    WHEN 'department'
    THEN m.department
    WHEN 'company'
    THEN m.company_name
    WHEN 'email_domain'
    THEN m.email_domain
  END AS to_value,
  CASE steps.attribute
    WHEN 'license'
    THEN m.was_license_id
    WHEN 'profile'
    THEN m.was_profile_id
  END AS from_id,
  CASE steps.attribute
    WHEN 'license'
    THEN m.license_id
    WHEN 'profile'
    THEN m.profile_id
  END AS to_id,
  m.username AS username,
  m."NAME" AS "NAME",
  m.email_domain AS email_domain,
  m.company_name AS company_name,
  m.department AS department,
  m.account_class AS account_class,
  m.profile_name AS profile_name,
  m.license_id AS license_id,
  m.license_key AS license_key,
  m.license_name AS license_name,
  m.is_active AS is_active,
  m.provenance AS provenance,
  m.previous_provenance AS previous_provenance,
  CASE
    WHEN 'unsure' IN (m."CERTAINTY", m.was_certainty)
    THEN 'unsure'
    WHEN 'likely' IN (m."CERTAINTY", m.was_certainty)
    THEN 'likely'
    ELSE 'sure'
  END AS "CERTAINTY"
FROM present AS m
CROSS JOIN steps AS steps
WHERE
  (
    steps.step = 'arrival' AND NOT m.arrival IS NULL
  )
  OR (
    steps.step = 'switch' AND NOT m.switch IS NULL
  )
  OR (
    steps.attribute = 'license' AND m.has_license_changed
  )
  OR (
    steps.attribute = 'profile' AND m.has_profile_changed
  )
  OR (
    steps.attribute = 'department' AND m.has_department_changed
  )
  OR (
    steps.attribute = 'company' AND m.has_company_changed
  )
  OR (
    steps.attribute = 'email_domain' AND m.has_email_domain_changed
  )
UNION ALL
SELECT
  gone.org_id AS org_id,
  gone.snapshot_date AS snapshot_date,
  gone.days_back = 0 AS is_latest,
  gone.previous_snapshot_date AS previous_snapshot_date,
  gone.user_id AS user_id,
  gone.kind AS kind,
  NULL AS attribute,
  NULL AS from_value,
  NULL AS to_value,
  NULL AS from_id,
  NULL AS to_id,
  gone.username AS username,
  gone."NAME" AS "NAME",
  gone.email_domain AS email_domain,
  gone.company_name AS company_name,
  gone.department AS department,
  gone.account_class AS account_class,
  gone.profile_name AS profile_name,
  gone.license_id AS license_id,
  gone.license_key AS license_key,
  gone.license_name AS license_name,
  gone.is_active AS is_active,
  gone.provenance AS provenance,
  gone.previous_provenance AS previous_provenance,
  COALESCE(gone."CERTAINTY", 'sure') AS "CERTAINTY"
FROM gone AS gone;

CREATE OR REPLACE VIEW seat_movements AS
WITH pairs AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    sight.days_back AS days_back,
    sight.provenance AS provenance,
    earlier.provenance AS previous_provenance,
    earlier.captured_at AS previous_captured_at,
    sight.scope_hash <> earlier.scope_hash AS is_rescoped,
    sight.sees_people AND sight.privacy_mode = earlier.privacy_mode AS sees_people,
    sight.sees_user_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_user_seats,
    sight.sees_permission_set_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_permission_set_seats,
    sight.sees_package_seats AND sight.privacy_mode = earlier.privacy_mode AS sees_package_seats,
    earlier.sees_people AND sight.privacy_mode = earlier.privacy_mode AS saw_people,
    earlier.sees_user_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_user_seats,
    earlier.sees_permission_set_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_permission_set_seats,
    earlier.sees_package_seats AND sight.privacy_mode = earlier.privacy_mode AS saw_package_seats
  FROM snapshot_pairs AS p
  INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
  INNER JOIN snapshot_sight AS earlier
    ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.previous_snapshot_date
), numbered /* Seats are many, and are compared by the number of their license and their user alone. Day and days_back go with */ /* them, so that whoever asks for a few days, or for the latest, reads no others. */ AS (
  SELECT
    l.org_id AS org_id,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    ROW_NUMBER() OVER (ORDER BY l.org_id NULLS FIRST, l.license_layer, l.license_id) AS number
  FROM (
    SELECT DISTINCT
      licenses.org_id AS org_id,
      licenses.license_layer AS license_layer,
      licenses.license_id AS license_id
    FROM licenses AS licenses
  ) AS l
), held /* Before and after are written out both on purpose: shared, DuckDB keeps them, and a year does not fit its memory. */ AS NOT MATERIALIZED (
  SELECT
    n.number AS number,
    n.org_id AS org_id,
    n.license_layer AS license_layer,
    n.license_id AS license_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    seats.user_id AS user_id,
    seats.license_key AS license_key,
    seats.license_name AS license_name,
    seats.account_class AS account_class,
    seats."CERTAINTY" AS "CERTAINTY"
  FROM pairs AS p
  INNER JOIN seats AS seats
    ON seats.org_id = p.org_id AND seats.snapshot_date = p.snapshot_date
  INNER JOIN numbered AS n
    ON n.org_id = seats.org_id
    AND n.license_layer = seats.license_layer
    AND n.license_id = seats.license_id
), keys_before AS NOT MATERIALIZED (
  SELECT
    n.number AS number,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    seats.user_id AS user_id
  FROM pairs AS p
  INNER JOIN seats AS seats
    ON seats.org_id = p.org_id AND seats.snapshot_date = p.previous_snapshot_date
  INNER JOIN numbered AS n
    ON n.org_id = seats.org_id
    AND n.license_layer = seats.license_layer
    AND n.license_id = seats.license_id
), held_before AS NOT MATERIALIZED (
  SELECT
    n.number AS number,
    n.org_id AS org_id,
    n.license_layer AS license_layer,
    n.license_id AS license_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    seats.user_id AS user_id,
    seats.license_key AS license_key,
    seats.license_name AS license_name,
    seats.account_class AS account_class,
    seats."CERTAINTY" AS "CERTAINTY"
  FROM pairs AS p
  INNER JOIN seats AS seats
    ON seats.org_id = p.org_id AND seats.snapshot_date = p.previous_snapshot_date
  INNER JOIN numbered AS n
    ON n.org_id = seats.org_id
    AND n.license_layer = seats.license_layer
    AND n.license_id = seats.license_id
), keys_now AS NOT MATERIALIZED (
  SELECT
    n.number AS number,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    seats.user_id AS user_id
  FROM pairs AS p
  INNER JOIN seats AS seats
    ON seats.org_id = p.org_id AND seats.snapshot_date = p.snapshot_date
  INNER JOIN numbered AS n
    ON n.org_id = seats.org_id
    AND n.license_layer = seats.license_layer
    AND n.license_id = seats.license_id
), turned AS (
  SELECT
    held.number AS number,
    held.org_id AS org_id,
    held.license_layer AS license_layer,
    held.license_id AS license_id,
    held.snapshot_date AS snapshot_date,
    held.days_back AS days_back,
    held.user_id AS user_id,
    held.license_key AS license_key,
    held.license_name AS license_name,
    held.account_class AS account_class,
    held."CERTAINTY" AS "CERTAINTY",
    'in' AS direction
  FROM held AS held
  LEFT JOIN keys_before AS keys_before
    ON keys_before.number = held.number
    AND keys_before.snapshot_date = held.snapshot_date
    AND keys_before.days_back = held.days_back
    AND keys_before.user_id = held.user_id
  WHERE
    keys_before.user_id IS NULL
  UNION ALL
  SELECT
    held_before.number AS number,
    held_before.org_id AS org_id,
    held_before.license_layer AS license_layer,
    held_before.license_id AS license_id,
    held_before.snapshot_date AS snapshot_date,
    held_before.days_back AS days_back,
    held_before.user_id AS user_id,
    held_before.license_key AS license_key,
    held_before.license_name AS license_name,
    held_before.account_class AS account_class,
    held_before."CERTAINTY" AS "CERTAINTY",
    'out' AS direction
  FROM held_before AS held_before
  LEFT JOIN keys_now AS keys_now
    ON keys_now.number = held_before.number
    AND keys_now.snapshot_date = held_before.snapshot_date
    AND keys_now.days_back = held_before.days_back
    AND keys_now.user_id = held_before.user_id
  WHERE
    keys_now.user_id IS NULL
), people_now AS NOT MATERIALIZED (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    users.user_id AS user_id,
    users.created_at AS created_at,
    users.is_active AS is_active,
    users.license_id AS license_id
  FROM pairs AS p
  INNER JOIN users AS users
    ON users.org_id = p.org_id AND users.snapshot_date = p.snapshot_date
), people_before AS NOT MATERIALIZED (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.days_back AS days_back,
    users.user_id AS user_id,
    users.is_active AS is_active,
    users.license_id AS license_id
  FROM pairs AS p
  INNER JOIN users AS users
    ON users.org_id = p.org_id AND users.snapshot_date = p.previous_snapshot_date
), judged AS (
  SELECT
    t.number AS number,
    t.org_id AS org_id,
    t.license_layer AS license_layer,
    t.license_id AS license_id,
    t.snapshot_date AS snapshot_date,
    t.days_back AS days_back,
    t.user_id AS user_id,
    t.license_key AS license_key,
    t.license_name AS license_name,
    t.account_class AS account_class,
    t."CERTAINTY" AS "CERTAINTY",
    t.direction AS direction,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.previous_captured_at AS previous_captured_at,
    p.provenance AS provenance,
    p.previous_provenance AS previous_provenance,
    p.is_rescoped AS is_rescoped,
    CASE t.license_layer
      WHEN 'user'
      THEN p.sees_user_seats
      WHEN 'permission_set'
      THEN p.sees_permission_set_seats
      WHEN 'package'
      THEN p.sees_package_seats
      ELSE p.sees_people
    END AS sees_seats,
    CASE t.license_layer
      WHEN 'user'
      THEN p.saw_user_seats
      WHEN 'permission_set'
      THEN p.saw_permission_set_seats
      WHEN 'package'
      THEN p.saw_package_seats
      ELSE p.saw_people
    END AS saw_seats
  FROM turned AS t
  INNER JOIN pairs AS p
    ON p.org_id = t.org_id
    AND p.snapshot_date = t.snapshot_date
    AND p.days_back = t.days_back
)
SELECT
  t.org_id AS org_id,
  t.snapshot_date AS snapshot_date,
  t.days_back = 0 AS is_latest,
  t.days_back AS days_back,
  t.previous_snapshot_date AS previous_snapshot_date,
  t.user_id AS user_id,
  t.license_layer AS license_layer,
  t.license_id AS license_id,
  t.license_key AS license_key,
  t.license_name AS license_name,
  t.direction AS direction,
  CASE
    WHEN t.direction = 'in'
    THEN CASE
      WHEN was.user_id IS NULL AND users.created_at > t.previous_captured_at
      THEN 'joiner'
      WHEN NOT t.saw_seats
      THEN 'unknown'
      WHEN was.user_id IS NULL AND t.is_rescoped
      THEN 'rescoped_in'
      WHEN was.user_id IS NULL AND users.created_at IS NULL
      THEN 'joiner'
      WHEN was.user_id IS NULL
      THEN 'entered_scope'
      WHEN users.is_active AND NOT was.is_active
      THEN 'reactivated'
      WHEN t.license_layer = 'user' AND was.is_active AND was.license_id <> t.license_id
      THEN 'moved'
      ELSE 'assigned'
    END
    WHEN NOT t.sees_seats
    THEN 'unknown'
    WHEN users.user_id IS NULL AND t.is_rescoped
    THEN 'rescoped_out'
    WHEN users.user_id IS NULL
    THEN 'left_scope'
    WHEN was.is_active AND NOT users.is_active
    THEN 'leaver'
    WHEN t.license_layer = 'user' AND users.is_active AND users.license_id <> t.license_id
    THEN 'moved'
    ELSE 'unassigned'
  END AS reason,
  t.account_class AS account_class,
  t.provenance AS provenance,
  t.previous_provenance AS previous_provenance,
  COALESCE(t."CERTAINTY", 'sure') AS "CERTAINTY"
FROM judged AS t
LEFT JOIN people_now AS users
  ON users.org_id = t.org_id
  AND users.snapshot_date = t.snapshot_date
  AND users.days_back = t.days_back
  AND users.user_id = t.user_id
LEFT JOIN people_before AS was
  ON was.org_id = t.org_id
  AND was.snapshot_date = t.snapshot_date
  AND was.days_back = t.days_back
  AND was.user_id = t.user_id;

CREATE OR REPLACE VIEW license_flows AS
WITH pairs AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    sight.days_back AS days_back,
    sight.provenance AS provenance
  FROM snapshot_pairs AS p
  INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
  WHERE
    NOT p.previous_snapshot_date IS NULL
), named AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.days_back AS days_back,
    p.provenance AS provenance,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    MAX(l.license_key) AS license_key,
    MAX(l.license_name) AS license_name
  FROM pairs AS p
  INNER JOIN licenses AS l
    ON l.org_id = p.org_id
    AND l.snapshot_date IN (p.snapshot_date, p.previous_snapshot_date)
  WHERE
    l.license_layer <> 'usage'
  GROUP BY
    p.org_id,
    p.snapshot_date,
    p.previous_snapshot_date,
    p.days_back,
    p.provenance,
    l.license_layer,
    l.license_id
), counted AS (
  SELECT
    seats.org_id AS org_id,
    seats.snapshot_date AS snapshot_date,
    seats.license_layer AS license_layer,
    seats.license_id AS license_id,
    COUNT(*) AS seat_count
  FROM seats AS seats
  GROUP BY
    seats.org_id,
    seats.snapshot_date,
    seats.license_layer,
    seats.license_id
), moved AS (
  SELECT
    seat_movements.org_id AS org_id,
    seat_movements.snapshot_date AS snapshot_date,
    seat_movements.days_back AS days_back,
    seat_movements.license_layer AS license_layer,
    seat_movements.license_id AS license_id,
    COUNT(CASE WHEN seat_movements.direction = 'in' THEN 1 END) AS in_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'joiner'
        THEN 1
      END
    ) AS in_joiner_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'reactivated'
        THEN 1
      END
    ) AS in_reactivated_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'assigned'
        THEN 1
      END
    ) AS in_assigned_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'moved'
        THEN 1
      END
    ) AS in_moved_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'entered_scope'
        THEN 1
      END
    ) AS in_entered_scope_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'rescoped_in'
        THEN 1
      END
    ) AS in_rescoped_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'in' AND seat_movements.reason = 'unknown'
        THEN 1
      END
    ) AS in_unknown_count,
    COUNT(CASE WHEN seat_movements.direction = 'out' THEN 1 END) AS out_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'leaver'
        THEN 1
      END
    ) AS out_leaver_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'unassigned'
        THEN 1
      END
    ) AS out_unassigned_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'moved'
        THEN 1
      END
    ) AS out_moved_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'left_scope'
        THEN 1
      END
    ) AS out_left_scope_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'rescoped_out'
        THEN 1
      END
    ) AS out_rescoped_count,
    COUNT(
      CASE
        WHEN seat_movements.direction = 'out' AND seat_movements.reason = 'unknown'
        THEN 1
      END
    ) AS out_unknown_count
  FROM seat_movements AS seat_movements
  GROUP BY
    seat_movements.org_id,
    seat_movements.snapshot_date,
    seat_movements.days_back,
    seat_movements.license_layer,
    seat_movements.license_id
)
SELECT
  n.org_id AS org_id,
  n.snapshot_date AS snapshot_date,
  n.days_back = 0 AS is_latest,
  n.previous_snapshot_date AS previous_snapshot_date,
  n.license_layer AS license_layer,
  n.license_id AS license_id,
  n.license_key AS license_key,
  n.license_name AS license_name,
  COALESCE(b.seat_count, 0) AS seats_before_count,
  COALESCE(m.in_count, 0) AS in_count,
  COALESCE(m.in_joiner_count, 0) AS in_joiner_count,
  COALESCE(m.in_reactivated_count, 0) AS in_reactivated_count,
  COALESCE(m.in_assigned_count, 0) AS in_assigned_count,
  COALESCE(m.in_moved_count, 0) AS in_moved_count,
  COALESCE(m.in_entered_scope_count, 0) AS in_entered_scope_count,
  COALESCE(m.in_rescoped_count, 0) AS in_rescoped_count,
  COALESCE(m.in_unknown_count, 0) AS in_unknown_count,
  COALESCE(m.out_count, 0) AS out_count,
  COALESCE(m.out_leaver_count, 0) AS out_leaver_count,
  COALESCE(m.out_unassigned_count, 0) AS out_unassigned_count,
  COALESCE(m.out_moved_count, 0) AS out_moved_count,
  COALESCE(m.out_left_scope_count, 0) AS out_left_scope_count,
  COALESCE(m.out_rescoped_count, 0) AS out_rescoped_count,
  COALESCE(m.out_unknown_count, 0) AS out_unknown_count,
  COALESCE(a.seat_count, 0) AS seats_after_count,
  COALESCE(b.seat_count, 0) + COALESCE(m.in_count, 0) - COALESCE(m.out_count, 0) = COALESCE(a.seat_count, 0) AS is_balanced,
  n.provenance AS provenance
FROM named AS n
LEFT JOIN counted AS b
  ON b.org_id = n.org_id
  AND b.snapshot_date = n.previous_snapshot_date
  AND b.license_layer = n.license_layer
  AND b.license_id = n.license_id
LEFT JOIN counted AS a
  ON a.org_id = n.org_id
  AND a.snapshot_date = n.snapshot_date
  AND a.license_layer = n.license_layer
  AND a.license_id = n.license_id
LEFT JOIN moved AS m
  ON m.org_id = n.org_id
  AND m.snapshot_date = n.snapshot_date
  AND m.days_back = n.days_back
  AND m.license_layer = n.license_layer
  AND m.license_id = n.license_id;

CREATE OR REPLACE VIEW license_changes AS
WITH layers AS (
  SELECT
    _values._col_0 AS license_layer
  FROM (VALUES
    ('user'),
    ('permission_set'),
    ('package'),
    ('feature'),
    ('usage')) AS _values(_col_0)
), pairs AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    layers.license_layer AS license_layer,
    sight.is_latest AS is_latest,
    sight.provenance AS provenance,
    earlier.provenance AS previous_provenance
  FROM snapshot_pairs AS p
  INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
  INNER JOIN snapshot_sight AS earlier
    ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.previous_snapshot_date
  CROSS JOIN layers AS layers
  WHERE
    CASE layers.license_layer
      WHEN 'permission_set'
      THEN sight.sees_permission_set_licenses AND earlier.sees_permission_set_licenses
      WHEN 'package'
      THEN sight.sees_package_licenses AND earlier.sees_package_licenses
      WHEN 'usage'
      THEN sight.sees_usage AND earlier.sees_usage
      ELSE TRUE
    END
), compared AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.license_layer AS license_layer,
    p.is_latest AS is_latest,
    p.provenance AS provenance,
    p.previous_provenance AS previous_provenance,
    l.license_id AS license_id,
    l.license_key AS license_key,
    l.license_name AS license_name,
    was.license_id IS NULL AS is_new,
    FALSE AS is_gone,
    l.is_unlimited AS is_unlimited,
    was.is_unlimited AS was_unlimited,
    was.total_count AS from_count,
    l.total_count AS to_count,
    was.expires_on AS from_expires_on,
    l.expires_on AS to_expires_on,
    was."STATUS" AS from_status,
    l."STATUS" AS to_status,
    l."CERTAINTY" AS "CERTAINTY",
    was."CERTAINTY" AS was_certainty
  FROM pairs AS p
  INNER JOIN licenses AS l
    ON l.org_id = p.org_id
    AND l.snapshot_date = p.snapshot_date
    AND l.license_layer = p.license_layer
  LEFT JOIN licenses AS was
    ON was.org_id = l.org_id
    AND was.snapshot_date = p.previous_snapshot_date
    AND was.license_layer = l.license_layer
    AND was.license_id = l.license_id
  UNION ALL
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.previous_snapshot_date AS previous_snapshot_date,
    p.license_layer AS license_layer,
    p.is_latest AS is_latest,
    p.provenance AS provenance,
    p.previous_provenance AS previous_provenance,
    was.license_id AS license_id,
    was.license_key AS license_key,
    was.license_name AS license_name,
    FALSE AS is_new,
    TRUE AS is_gone,
    NULL AS is_unlimited,
    was.is_unlimited AS was_unlimited,
    was.total_count AS from_count,
    NULL AS to_count,
    was.expires_on AS from_expires_on,
    NULL AS to_expires_on,
    was."STATUS" AS from_status,
    NULL AS to_status,
    NULL AS "CERTAINTY",
    was."CERTAINTY" AS was_certainty
  FROM pairs AS p
  INNER JOIN licenses AS was
    ON was.org_id = p.org_id
    AND was.snapshot_date = p.previous_snapshot_date
    AND was.license_layer = p.license_layer
  LEFT JOIN licenses AS l
    ON l.org_id = was.org_id
    AND l.snapshot_date = p.snapshot_date
    AND l.license_layer = was.license_layer
    AND l.license_id = was.license_id
  WHERE
    l.license_id IS NULL
), judged AS (
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.previous_snapshot_date AS previous_snapshot_date,
    c.license_layer AS license_layer,
    c.is_latest AS is_latest,
    c.provenance AS provenance,
    c.previous_provenance AS previous_provenance,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.license_name AS license_name,
    c.is_new AS is_new,
    c.is_gone AS is_gone,
    c.is_unlimited AS is_unlimited,
    c.was_unlimited AS was_unlimited,
    c.from_count AS from_count,
    c.to_count AS to_count,
    c.from_expires_on AS from_expires_on,
    c.to_expires_on AS to_expires_on,
    c.from_status AS from_status,
    c.to_status AS to_status,
    c."CERTAINTY" AS "CERTAINTY",
    c.was_certainty AS was_certainty,
    COALESCE(c.to_expires_on, c.from_expires_on) AS last_day,
    COALESCE(c.from_status <> 'Expired' AND c.to_status = 'Expired', FALSE) AS is_called_expired
  FROM compared AS c
), kinds AS (
  SELECT
    _values._col_0 AS kind
  FROM (VALUES
    ('new'),
    ('gone'),
    ('bought'),
    ('dropped'),
    ('became_unlimited'),
    ('became_limited'),
    ('expired'),
    ('renewed')) AS _values(_col_0)
)
SELECT
  j.org_id AS org_id,
  j.snapshot_date AS snapshot_date,
  j.is_latest AS is_latest,
  j.previous_snapshot_date AS previous_snapshot_date,
  j.license_layer AS license_layer,
  j.license_id AS license_id,
  j.license_key AS license_key,
  j.license_name AS license_name,
  kinds.kind AS kind,
  j.from_count AS from_count,
  j.to_count AS to_count,
  CASE
    WHEN j.is_new
    THEN j.to_count
    WHEN j.is_gone
    THEN -j.from_count
    ELSE j.to_count - j.from_count
  END AS change_count,
  j.from_expires_on AS from_expires_on,
  j.to_expires_on AS to_expires_on,
  j.provenance AS provenance,
  j.previous_provenance AS previous_provenance,
  CASE
    WHEN 'unsure' IN (j."CERTAINTY", j.was_certainty)
    THEN 'unsure'
    WHEN 'likely' IN (j."CERTAINTY", j.was_certainty)
    THEN 'likely'
    ELSE 'sure'
  END AS "CERTAINTY"
FROM judged AS j
CROSS JOIN kinds AS kinds
WHERE
  CASE kinds.kind
    WHEN 'new'
    THEN j.is_new
    WHEN 'gone'
    THEN j.is_gone
    WHEN 'bought'
    THEN j.to_count > j.from_count
    WHEN 'dropped'
    THEN j.to_count < j.from_count
    WHEN 'became_unlimited'
    THEN j.is_unlimited AND NOT j.was_unlimited
    WHEN 'became_limited'
    THEN j.was_unlimited AND NOT j.is_unlimited
    WHEN 'renewed'
    THEN j.to_expires_on > j.from_expires_on
    ELSE (
      NOT j.is_new
      AND j.last_day < j.snapshot_date
      AND j.last_day >= j.previous_snapshot_date
    )
    OR (
      j.is_called_expired AND (
        j.last_day IS NULL OR j.last_day >= j.snapshot_date
      )
    )
  END;

CREATE OR REPLACE VIEW users_history AS
WITH days AS (
  SELECT
    snapshots.org_id AS org_id,
    snapshots.snapshot_date AS snapshot_date,
    snapshots.provenance AS provenance,
    LAG(snapshots.snapshot_date) OVER (PARTITION BY snapshots.org_id ORDER BY snapshots.snapshot_date NULLS FIRST) AS previous_snapshot_date,
    LEAD(snapshots.snapshot_date) OVER (PARTITION BY snapshots.org_id ORDER BY snapshots.snapshot_date NULLS FIRST) AS next_snapshot_date
  FROM snapshots AS snapshots
), earlier /* The rows of all users of all days are many: the row of the day before is known by a mark of what is tracked. */ /* The projection is written twice on purpose: shared, DuckDB keeps it, and a year of days does not fit its memory. */ AS NOT MATERIALIZED (
  SELECT
    users.org_id AS org_id,
    users.snapshot_date AS snapshot_date,
    users.user_id AS user_id,
    CAST(MD5(
      CONCAT_WS(
        CHR(  31),
        COALESCE(COALESCE(CAST(users.is_active AS VARCHAR), CHR(  30)), ''),
        COALESCE(COALESCE(CAST(users.is_frozen AS VARCHAR), CHR(  30)), ''),
        COALESCE(COALESCE(users.license_id, CHR(  30)), ''),
        COALESCE(COALESCE(users.profile_id, CHR(  30)), ''),
        COALESCE(COALESCE(users.role_name, CHR(  30)), ''),
        COALESCE(COALESCE(users.department, CHR(  30)), ''),
        COALESCE(COALESCE(users.division, CHR(  30)), ''),
        COALESCE(COALESCE(users."TITLE", CHR(  30)), ''),
        COALESCE(COALESCE(users.country, CHR(  30)), ''),
        COALESCE(COALESCE(users.company_name, CHR(  30)), ''),
        COALESCE(COALESCE(users.email, CHR(  30)), ''),
        COALESCE(COALESCE(users.email_domain, CHR(  30)), ''),
        COALESCE(COALESCE(users.username, CHR(  30)), ''),
        COALESCE(COALESCE(users."NAME", CHR(  30)), ''),
        COALESCE(COALESCE(users.user_type, CHR(  30)), ''),
        COALESCE(COALESCE(users.account_class, CHR(  30)), ''),
        COALESCE(COALESCE(users.scope_reason, CHR(  30)), '')
      )
    ) AS UUID) AS mark
  FROM users AS users
), present AS NOT MATERIALIZED (
  SELECT
    users.org_id AS org_id,
    users.snapshot_date AS snapshot_date,
    users.user_id AS user_id,
    users.username AS username,
    users.email AS email,
    users.email_domain AS email_domain,
    users."NAME" AS "NAME",
    users.company_name AS company_name,
    users.department AS department,
    users.division AS division,
    users."TITLE" AS "TITLE",
    users.country AS country,
    users.employee_number AS employee_number,
    users.federation_id AS federation_id,
    users.user_type AS user_type,
    users.account_class AS account_class,
    users.scope_reason AS scope_reason,
    users.is_active AS is_active,
    users.is_frozen AS is_frozen,
    users.profile_id AS profile_id,
    users.profile_name AS profile_name,
    users.role_name AS role_name,
    users.license_id AS license_id,
    users.license_key AS license_key,
    users.license_name AS license_name,
    users.last_login_at AS last_login_at,
    users.activity_band AS activity_band,
    users.created_at AS created_at,
    users.last_modified_at AS last_modified_at,
    users."CERTAINTY" AS "CERTAINTY",
    CAST(MD5(
      CONCAT_WS(
        CHR(  31),
        COALESCE(COALESCE(CAST(users.is_active AS VARCHAR), CHR(  30)), ''),
        COALESCE(COALESCE(CAST(users.is_frozen AS VARCHAR), CHR(  30)), ''),
        COALESCE(COALESCE(users.license_id, CHR(  30)), ''),
        COALESCE(COALESCE(users.profile_id, CHR(  30)), ''),
        COALESCE(COALESCE(users.role_name, CHR(  30)), ''),
        COALESCE(COALESCE(users.department, CHR(  30)), ''),
        COALESCE(COALESCE(users.division, CHR(  30)), ''),
        COALESCE(COALESCE(users."TITLE", CHR(  30)), ''),
        COALESCE(COALESCE(users.country, CHR(  30)), ''),
        COALESCE(COALESCE(users.company_name, CHR(  30)), ''),
        COALESCE(COALESCE(users.email, CHR(  30)), ''),
        COALESCE(COALESCE(users.email_domain, CHR(  30)), ''),
        COALESCE(COALESCE(users.username, CHR(  30)), ''),
        COALESCE(COALESCE(users."NAME", CHR(  30)), ''),
        COALESCE(COALESCE(users.user_type, CHR(  30)), ''),
        COALESCE(COALESCE(users.account_class, CHR(  30)), ''),
        COALESCE(COALESCE(users.scope_reason, CHR(  30)), '')
      )
    ) AS UUID) AS mark
  FROM users AS users
), begun AS (
  SELECT
    d.org_id AS org_id,
    d.snapshot_date AS at_date,
    1 AS is_start,
    users.user_id AS user_id,
    d.provenance AS provenance,
    CAST(DATEDIFF(DAY, d.previous_snapshot_date, d.snapshot_date) AS BIGINT) - 1 AS gap_before_days,
    users.username AS username,
    users."NAME" AS "NAME",
    users.email AS email,
    users.email_domain AS email_domain,
    users.company_name AS company_name,
    users.department AS department,
    users.division AS division,
    users."TITLE" AS "TITLE",
    users.country AS country,
    users.user_type AS user_type,
    users.account_class AS account_class,
    users.scope_reason AS scope_reason,
    users.is_active AS is_active,
    users.is_frozen AS is_frozen,
    users.profile_id AS profile_id,
    users.profile_name AS profile_name,
    users.role_name AS role_name,
    users.license_id AS license_id,
    users.license_key AS license_key,
    users.license_name AS license_name,
    users."CERTAINTY" AS "CERTAINTY"
  FROM days AS d
  INNER JOIN present AS users
    ON users.org_id = d.org_id AND users.snapshot_date = d.snapshot_date
  LEFT JOIN earlier AS was
    ON was.org_id = users.org_id
    AND was.snapshot_date = DATEADD(DAY, 1 * -1, d.snapshot_date)
    AND was.user_id = users.user_id
  WHERE
    was.user_id IS NULL OR was.mark <> users.mark
), ended AS (
  SELECT
    d.org_id AS org_id,
    d.next_snapshot_date AS at_date,
    was.user_id AS user_id,
    'gone' AS ended_by
  FROM days AS d
  INNER JOIN users AS was
    ON was.org_id = d.org_id AND was.snapshot_date = d.snapshot_date
  LEFT JOIN users AS users
    ON users.org_id = was.org_id
    AND users.snapshot_date = d.next_snapshot_date
    AND users.user_id = was.user_id
  WHERE
    DATEDIFF(DAY, d.snapshot_date, d.next_snapshot_date) = 1
    AND users.user_id IS NULL
  UNION ALL
  SELECT
    d.org_id AS org_id,
    DATEADD(DAY, 1, d.snapshot_date) AS at_date,
    users.user_id AS user_id,
    'gap' AS ended_by
  FROM days AS d
  INNER JOIN users AS users
    ON users.org_id = d.org_id AND users.snapshot_date = d.snapshot_date
  WHERE
    DATEDIFF(DAY, d.snapshot_date, d.next_snapshot_date) > 1
), events AS (
  SELECT
    begun.org_id AS org_id,
    begun.user_id AS user_id,
    begun.at_date AS at_date,
    begun.is_start AS is_start,
    CAST(NULL AS VARCHAR) AS ended_by
  FROM begun AS begun
  UNION ALL
  SELECT
    ended.org_id AS org_id,
    ended.user_id AS user_id,
    ended.at_date AS at_date,
    0 AS is_start,
    ended.ended_by AS ended_by
  FROM ended AS ended
), ranges AS (
  SELECT
    events.org_id AS org_id,
    events.user_id AS user_id,
    events.is_start AS is_start,
    events.at_date AS valid_from,
    LEAD(events.at_date) OVER (
      PARTITION BY events.org_id, events.user_id
      ORDER BY events.at_date NULLS FIRST, events.is_start
    ) AS valid_to,
    LEAD(COALESCE(events.ended_by, 'change')) OVER (
      PARTITION BY events.org_id, events.user_id
      ORDER BY events.at_date NULLS FIRST, events.is_start
    ) AS ended_by
  FROM events AS events
)
SELECT
  b.org_id AS org_id,
  b.user_id AS user_id,
  r.valid_from AS valid_from,
  r.valid_to AS valid_to,
  r.valid_to IS NULL AS is_current,
  r.ended_by AS ended_by,
  b.gap_before_days AS gap_before_days,
  b.username AS username,
  b."NAME" AS "NAME",
  b.email AS email,
  b.email_domain AS email_domain,
  b.company_name AS company_name,
  b.department AS department,
  b.division AS division,
  b."TITLE" AS "TITLE",
  b.country AS country,
  b.user_type AS user_type,
  b.account_class AS account_class,
  b.scope_reason AS scope_reason,
  b.is_active AS is_active,
  b.is_frozen AS is_frozen,
  b.profile_id AS profile_id,
  b.profile_name AS profile_name,
  b.role_name AS role_name,
  b.license_id AS license_id,
  b.license_key AS license_key,
  b.license_name AS license_name,
  b.provenance AS provenance,
  b."CERTAINTY" AS "CERTAINTY"
FROM begun AS b
INNER JOIN ranges AS r
  ON r.org_id = b.org_id
  AND r.user_id = b.user_id
  AND r.valid_from = b.at_date
  AND r.is_start = 1;

CREATE OR REPLACE VIEW license_trend AS
WITH days AS (
  SELECT
    p.org_id AS org_id,
    p.snapshot_date AS snapshot_date,
    p.missing_days_before AS missing_days_before,
    sight.is_latest AS is_latest,
    sight.provenance AS provenance,
    LEAD(p.snapshot_date) OVER (PARTITION BY p.org_id ORDER BY p.snapshot_date NULLS FIRST) AS next_snapshot_date
  FROM snapshot_pairs AS p
  INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
)
SELECT
  l.org_id AS org_id,
  l.snapshot_date AS snapshot_date,
  d.is_latest AS is_latest,
  DATE_TRUNC('MONTH', COALESCE(d.next_snapshot_date, DATEADD(DAY, 1, l.snapshot_date))) > DATE_TRUNC('MONTH', l.snapshot_date) AS is_month_end,
  l.license_layer AS license_layer,
  l.license_id AS license_id,
  l.license_key AS license_key,
  l.license_name AS license_name,
  l.is_unlimited AS is_unlimited,
  l.total_count AS total_count,
  l.used_count AS used_count,
  l.available_count AS available_count,
  l.in_scope_count AS in_scope_count,
  l.active_holder_count AS active_holder_count,
  CAST(100.0 * l.used_count / NULLIF(l.total_count, 0) AS DECIMAL(38, 1)) AS utilization_percent,
  l.used_count - LAG(l.used_count) OVER (
    PARTITION BY l.org_id, l.license_layer, l.license_id
    ORDER BY l.snapshot_date NULLS FIRST
  ) AS used_change_count,
  l.total_count - LAG(l.total_count) OVER (
    PARTITION BY l.org_id, l.license_layer, l.license_id
    ORDER BY l.snapshot_date NULLS FIRST
  ) AS total_change_count,
  CAST(AVG(l.used_count) OVER (
    PARTITION BY l.org_id, l.license_layer, l.license_id
    ORDER BY l.snapshot_date NULLS FIRST
    RANGE BETWEEN INTERVAL '6 DAYS' PRECEDING AND CURRENT ROW
  ) AS DECIMAL(38, 1)) AS used_7_day_average,
  CAST(AVG(l.used_count) OVER (
    PARTITION BY l.org_id, l.license_layer, l.license_id
    ORDER BY l.snapshot_date NULLS FIRST
    RANGE BETWEEN INTERVAL '27 DAYS' PRECEDING AND CURRENT ROW
  ) AS DECIMAL(38, 1)) AS used_28_day_average,
  d.missing_days_before AS missing_days_before,
  d.provenance AS provenance,
  l."CERTAINTY" AS "CERTAINTY"
FROM licenses AS l
INNER JOIN days AS d
  ON d.org_id = l.org_id AND d.snapshot_date = l.snapshot_date;

CREATE OR REPLACE VIEW license_month_ends AS
SELECT
  license_trend.org_id AS org_id,
  CAST(DATE_TRUNC('MONTH', license_trend.snapshot_date) AS DATE) AS month_start,
  license_trend.license_layer AS license_layer,
  license_trend.license_id AS license_id,
  license_trend.license_key AS license_key,
  license_trend.license_name AS license_name,
  license_trend.snapshot_date AS snapshot_date,
  CAST(DATEDIFF(
    DAY,
    license_trend.snapshot_date,
    CAST(DATE_TRUNC('MONTH', license_trend.snapshot_date) + INTERVAL '1 MONTH' AS DATE)
  ) AS BIGINT) - 1 AS days_before_month_end,
  license_trend.is_unlimited AS is_unlimited,
  license_trend.total_count AS total_count,
  license_trend.used_count AS used_count,
  license_trend.available_count AS available_count,
  license_trend.in_scope_count AS in_scope_count,
  license_trend.utilization_percent AS utilization_percent,
  license_trend.used_count - LAG(license_trend.used_count) OVER (
    PARTITION BY license_trend.org_id, license_trend.license_layer, license_trend.license_id
    ORDER BY license_trend.snapshot_date NULLS FIRST
  ) AS used_change_count,
  license_trend.total_count - LAG(license_trend.total_count) OVER (
    PARTITION BY license_trend.org_id, license_trend.license_layer, license_trend.license_id
    ORDER BY license_trend.snapshot_date NULLS FIRST
  ) AS total_change_count,
  license_trend.provenance AS provenance,
  license_trend."CERTAINTY" AS "CERTAINTY"
FROM license_trend AS license_trend
WHERE
  license_trend.is_month_end;

CREATE OR REPLACE VIEW license_quarters AS
WITH newest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), ranked AS (
  SELECT
    t.org_id AS org_id,
    t.snapshot_date AS snapshot_date,
    t.is_latest AS is_latest,
    t.is_month_end AS is_month_end,
    t.license_layer AS license_layer,
    t.license_id AS license_id,
    t.license_key AS license_key,
    t.license_name AS license_name,
    t.is_unlimited AS is_unlimited,
    t.total_count AS total_count,
    t.used_count AS used_count,
    t.available_count AS available_count,
    t.in_scope_count AS in_scope_count,
    t.active_holder_count AS active_holder_count,
    t.utilization_percent AS utilization_percent,
    t.used_change_count AS used_change_count,
    t.total_change_count AS total_change_count,
    t.used_7_day_average AS used_7_day_average,
    t.used_28_day_average AS used_28_day_average,
    t.missing_days_before AS missing_days_before,
    t.provenance AS provenance,
    t."CERTAINTY" AS "CERTAINTY",
    CAST(DATE_TRUNC('QUARTER', t.snapshot_date) AS DATE) AS quarter_start,
    ROW_NUMBER() OVER (
      PARTITION BY t.org_id, t.license_layer, t.license_id, DATE_TRUNC('QUARTER', t.snapshot_date)
      ORDER BY t.used_count DESC NULLS LAST, t.snapshot_date NULLS FIRST
    ) AS from_top,
    ROW_NUMBER() OVER (
      PARTITION BY t.org_id, t.license_layer, t.license_id, DATE_TRUNC('QUARTER', t.snapshot_date)
      ORDER BY t.used_count, t.snapshot_date NULLS FIRST
    ) AS from_bottom,
    ROW_NUMBER() OVER (
      PARTITION BY t.org_id, t.license_layer, t.license_id, DATE_TRUNC('QUARTER', t.snapshot_date)
      ORDER BY t.snapshot_date DESC
    ) AS from_end
  FROM license_trend AS t
  WHERE
    NOT t.used_count IS NULL
)
SELECT
  r.org_id AS org_id,
  r.quarter_start AS quarter_start,
  CAST(r.quarter_start + INTERVAL '3 MONTHS' AS DATE) <= newest.snapshot_date AS is_over,
  r.license_layer AS license_layer,
  r.license_id AS license_id,
  MAX(CASE WHEN r.from_end = 1 THEN r.license_key END) AS license_key,
  MAX(CASE WHEN r.from_end = 1 THEN r.license_name END) AS license_name,
  COUNT(*) AS snapshot_count,
  MIN(r.snapshot_date) AS first_on,
  MAX(r.snapshot_date) AS last_on,
  MAX(r.used_count) AS peak_used_count,
  MAX(CASE WHEN r.from_top = 1 THEN r.snapshot_date END) AS peak_on,
  PERCENTILE_DISC(0.95) WITHIN GROUP (ORDER BY
    r.used_count) AS high_used_count,
  CAST(AVG(r.used_count) AS DECIMAL(38, 1)) AS average_used_count,
  MIN(r.used_count) AS trough_used_count,
  MAX(CASE WHEN r.from_bottom = 1 THEN r.snapshot_date END) AS trough_on,
  MAX(r.total_count) AS peak_total_count,
  MAX(CASE WHEN r.from_end = 1 THEN r.total_count END) AS last_total_count,
  MAX(r.utilization_percent) AS peak_utilization_percent,
  COUNT(CASE WHEN r.provenance = 'observed' THEN 1 END) AS observed_count,
  COUNT(CASE WHEN r.provenance = 'replayed' THEN 1 END) AS replayed_count,
  COUNT(CASE WHEN r.provenance = 'reconstructed' THEN 1 END) AS reconstructed_count
FROM ranked AS r
INNER JOIN newest AS newest
  ON newest.org_id = r.org_id
GROUP BY
  r.org_id,
  r.quarter_start,
  newest.snapshot_date,
  r.license_layer,
  r.license_id;

CREATE OR REPLACE VIEW license_forecast AS
WITH newest AS (
  SELECT
    snapshots.org_id AS org_id,
    MAX(snapshots.snapshot_date) AS snapshot_date
  FROM snapshots AS snapshots
  GROUP BY
    snapshots.org_id
), points AS (
  SELECT
    l.org_id AS org_id,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    l.snapshot_date AS snapshot_date,
    s.provenance AS provenance,
    CAST(DATEDIFF(DAY, newest.snapshot_date, l.snapshot_date) AS DOUBLE) AS x,
    CAST(l.used_count AS DOUBLE) AS y
  FROM licenses AS l
  INNER JOIN newest AS newest
    ON newest.org_id = l.org_id
  INNER JOIN snapshots AS s
    ON s.org_id = l.org_id AND s.snapshot_date = l.snapshot_date
  WHERE
    NOT l.used_count IS NULL
    AND l.snapshot_date > DATEADD(DAY, 90 * -1, newest.snapshot_date)
), fitted AS (
  SELECT
    points.org_id AS org_id,
    points.license_layer AS license_layer,
    points.license_id AS license_id,
    COUNT(*) AS point_count,
    MIN(points.snapshot_date) AS first_on,
    MAX(points.snapshot_date) AS last_on,
    COUNT(CASE WHEN points.provenance = 'observed' THEN 1 END) AS observed_count,
    COUNT(CASE WHEN points.provenance = 'replayed' THEN 1 END) AS replayed_count,
    COUNT(CASE WHEN points.provenance = 'reconstructed' THEN 1 END) AS reconstructed_count,
    AVG(points.x) AS mean_x,
    AVG(points.y) AS mean_y,
    REGR_SLOPE(points.y, points.x) AS slope,
    REGR_SXX(points.y, points.x) AS sxx,
    REGR_SYY(points.y, points.x) AS syy,
    REGR_SXY(points.y, points.x) AS sxy
  FROM points AS points
  GROUP BY
    points.org_id,
    points.license_layer,
    points.license_id
), tested AS (
  SELECT
    f.org_id AS org_id,
    f.license_layer AS license_layer,
    f.license_id AS license_id,
    f.point_count AS point_count,
    f.first_on AS first_on,
    f.last_on AS last_on,
    f.observed_count AS observed_count,
    f.replayed_count AS replayed_count,
    f.reconstructed_count AS reconstructed_count,
    f.mean_x AS mean_x,
    f.mean_y AS mean_y,
    f.slope AS slope,
    f.sxx AS sxx,
    f.syy AS syy,
    f.sxy AS sxy,
    POWER(
      1.6448536 + 1.5237691 / (
        f.point_count - 2
      ) + 1.4202029 / POWER(f.point_count - 2, 2) + 0.9830014 / POWER(f.point_count - 2, 3),
      2
    ) * GREATEST_IGNORE_NULLS(f.syy - f.slope * f.sxy, 0) / (
      f.point_count - 2
    ) AS spread
  FROM fitted AS f
  WHERE
    f.point_count >= 8 AND DATEDIFF(DAY, f.first_on, f.last_on) >= 14
), solved AS (
  SELECT
    l.org_id AS org_id,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    t.slope AS slope,
    t.slope * t.slope - t.spread / t.sxx AS determinant,
    t.mean_x AS mean_x,
    t.mean_x + (
      l.total_count - t.mean_y
    ) / t.slope AS crossing,
    t.slope * (
      l.total_count - t.mean_y
    ) AS middle,
    t.spread * (
      GREATEST_IGNORE_NULLS(t.slope * t.slope - t.spread / t.sxx, 0) * (
        1 + CAST(1 AS DOUBLE) / t.point_count
      ) + POWER(l.total_count - t.mean_y, 2) / t.sxx
    ) AS half_squared
  FROM tested AS t
  INNER JOIN newest AS newest
    ON newest.org_id = t.org_id
  INNER JOIN licenses AS l
    ON l.org_id = t.org_id
    AND l.snapshot_date = newest.snapshot_date
    AND l.license_layer = t.license_layer
    AND l.license_id = t.license_id
  WHERE
    t.slope * 90 >= 1
), bounded AS (
  SELECT
    solved.org_id AS org_id,
    solved.license_layer AS license_layer,
    solved.license_id AS license_id,
    CEIL(GREATEST_IGNORE_NULLS(solved.crossing, 0)) AS days,
    FLOOR(
      GREATEST_IGNORE_NULLS(
        solved.mean_x + (
          solved.middle - SQRT(solved.half_squared)
        ) / solved.determinant,
        0
      )
    ) AS earliest,
    CEIL(
      GREATEST_IGNORE_NULLS(
        solved.mean_x + (
          solved.middle + SQRT(solved.half_squared)
        ) / solved.determinant,
        0
      )
    ) AS latest
  FROM solved AS solved
  WHERE
    solved.determinant > 0
), reasoned AS (
  SELECT
    l.org_id AS org_id,
    l.snapshot_date AS snapshot_date,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    l.license_key AS license_key,
    l.license_name AS license_name,
    l.is_unlimited AS is_unlimited,
    l.total_count AS total_count,
    l.used_count AS used_count,
    l.available_count AS available_count,
    CASE
      WHEN l.used_count IS NULL
      THEN 'no_counter'
      WHEN l.is_unlimited
      THEN 'unlimited'
      WHEN l.total_count IS NULL
      THEN 'no_total'
      WHEN l.used_count >= l.total_count
      THEN 'exhausted'
      WHEN t.point_count IS NULL
      THEN 'too_few_points'
      WHEN b.days IS NULL
      THEN 'not_growing'
      WHEN b.days > 3650
      THEN 'beyond_ten_years'
    END AS reason,
    b.days AS days,
    b.earliest AS earliest,
    b.latest AS latest,
    t.slope AS slope,
    f.point_count AS point_count,
    f.first_on AS first_on,
    f.last_on AS last_on,
    f.observed_count AS observed_count,
    f.replayed_count AS replayed_count,
    f.reconstructed_count AS reconstructed_count
  FROM licenses AS l
  INNER JOIN newest AS newest
    ON newest.org_id = l.org_id AND newest.snapshot_date = l.snapshot_date
  LEFT JOIN fitted AS f
    ON f.org_id = l.org_id
    AND f.license_layer = l.license_layer
    AND f.license_id = l.license_id
  LEFT JOIN tested AS t
    ON t.org_id = l.org_id
    AND t.license_layer = l.license_layer
    AND t.license_id = l.license_id
  LEFT JOIN bounded AS b
    ON b.org_id = l.org_id
    AND b.license_layer = l.license_layer
    AND b.license_id = l.license_id
), told AS (
  SELECT
    r.org_id AS org_id,
    r.snapshot_date AS snapshot_date,
    r.license_layer AS license_layer,
    r.license_id AS license_id,
    r.license_key AS license_key,
    r.license_name AS license_name,
    r.is_unlimited AS is_unlimited,
    r.total_count AS total_count,
    r.used_count AS used_count,
    r.available_count AS available_count,
    r.reason AS reason,
    r.days AS days,
    r.earliest AS earliest,
    r.latest AS latest,
    r.slope AS slope,
    r.point_count AS point_count,
    r.first_on AS first_on,
    r.last_on AS last_on,
    r.observed_count AS observed_count,
    r.replayed_count AS replayed_count,
    r.reconstructed_count AS reconstructed_count,
    CASE
      WHEN r.reason = 'exhausted'
      THEN 0
      WHEN r.reason IS NULL
      THEN CAST(r.days AS INT)
    END AS days_to_exhaustion,
    CASE WHEN r.reason IS NULL THEN CAST(r.earliest AS INT) END AS earliest_days,
    CASE WHEN r.reason IS NULL AND r.latest <= 36500 THEN CAST(r.latest AS INT) END AS latest_days
  FROM reasoned AS r
)
SELECT
  told.org_id AS org_id,
  told.snapshot_date AS snapshot_date,
  told.license_layer AS license_layer,
  told.license_id AS license_id,
  told.license_key AS license_key,
  told.license_name AS license_name,
  told.is_unlimited AS is_unlimited,
  told.total_count AS total_count,
  told.used_count AS used_count,
  told.available_count AS available_count,
  told.reason AS reason,
  told.days_to_exhaustion AS days_to_exhaustion,
  told.earliest_days AS earliest_days,
  told.latest_days AS latest_days,
  DATEADD(DAY, told.days_to_exhaustion, told.snapshot_date) AS exhausted_on,
  DATEADD(DAY, told.earliest_days, told.snapshot_date) AS earliest_on,
  DATEADD(DAY, told.latest_days, told.snapshot_date) AS latest_on,
  CAST(30 * told.slope AS DECIMAL(38, 1)) AS seats_per_30_days,
  COALESCE(told.point_count, 0) AS point_count,
  told.first_on AS first_on,
  told.last_on AS last_on,
  COALESCE(told.observed_count, 0) AS observed_count,
  COALESCE(told.replayed_count, 0) AS replayed_count,
  COALESCE(told.reconstructed_count, 0) AS reconstructed_count
FROM told AS told;

CREATE OR REPLACE VIEW renewals AS
WITH peaks AS (
  SELECT
    l.org_id AS org_id,
    l.snapshot_date AS snapshot_date,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    l.license_key AS license_key,
    l.license_name AS license_name,
    l."STATUS" AS "STATUS",
    l.is_unlimited AS is_unlimited,
    l.total_count AS total_count,
    l.used_count AS used_count,
    l.available_count AS available_count,
    l.used_as_of AS used_as_of,
    l.expires_on AS expires_on,
    l.count_basis AS count_basis,
    l.active_holder_count AS active_holder_count,
    l.all_holder_count AS all_holder_count,
    l.in_scope_count AS in_scope_count,
    l."CERTAINTY" AS "CERTAINTY",
    MAX(l.used_count) OVER (
      PARTITION BY l.org_id, l.license_layer, l.license_id
      ORDER BY l.snapshot_date NULLS FIRST
      RANGE BETWEEN INTERVAL '89 DAYS' PRECEDING AND CURRENT ROW
    ) AS peak_used_count,
    CAST(DATEDIFF(DAY, l.snapshot_date, l.expires_on) AS BIGINT) AS expires_in_days
  FROM licenses AS l
)
SELECT
  p.org_id AS org_id,
  p.snapshot_date AS snapshot_date,
  sight.is_latest AS is_latest,
  p.license_layer AS license_layer,
  p.license_id AS license_id,
  p.license_key AS license_key,
  p.license_name AS license_name,
  p."STATUS" AS "STATUS",
  p.expires_on AS expires_on,
  p.expires_in_days AS expires_in_days,
  CASE
    WHEN p.expires_in_days < 0
    THEN 'expired'
    WHEN p.expires_in_days <= 30
    THEN '30_days'
    WHEN p.expires_in_days <= 60
    THEN '60_days'
    WHEN p.expires_in_days <= 90
    THEN '90_days'
    WHEN p.expires_in_days <= 120
    THEN '120_days'
    ELSE 'later'
  END AS due,
  p.is_unlimited AS is_unlimited,
  p.total_count AS total_count,
  p.used_count AS used_count,
  p.available_count AS available_count,
  p.in_scope_count AS in_scope_count,
  CAST(100.0 * p.used_count / NULLIF(p.total_count, 0) AS DECIMAL(38, 1)) AS utilization_percent,
  p.peak_used_count AS peak_used_count,
  sight.provenance AS provenance,
  p."CERTAINTY" AS "CERTAINTY"
FROM peaks AS p
INNER JOIN snapshot_sight AS sight
  ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
WHERE
  NOT p.expires_on IS NULL;

CREATE OR REPLACE VIEW native_metrics AS
WITH ranked AS (
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.license_layer AS license_layer,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.metrics_on AS metrics_on,
    c.assigned_count AS assigned_count,
    c.active_count AS active_count,
    c.total_count AS total_count,
    ROW_NUMBER() OVER (
      PARTITION BY c.org_id, c.license_layer, c.license_id, c.metrics_on
      ORDER BY c.snapshot_date DESC
    ) AS newness
  FROM control_totals AS c
)
SELECT
  ranked.org_id AS org_id,
  ranked.license_layer AS license_layer,
  ranked.license_id AS license_id,
  ranked.license_key AS license_key,
  ranked.metrics_on AS metrics_on,
  ranked.assigned_count AS assigned_count,
  ranked.active_count AS active_count,
  ranked.total_count AS total_count,
  ranked.snapshot_date AS told_on
FROM ranked AS ranked
WHERE
  ranked.newness = 1;

CREATE OR REPLACE VIEW control_differences AS
WITH newest AS (
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.license_layer AS license_layer,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.metrics_on AS metrics_on,
    c.assigned_count AS assigned_count,
    c.active_count AS active_count,
    c.total_count AS total_count,
    ROW_NUMBER() OVER (
      PARTITION BY c.org_id, c.snapshot_date, c.license_layer, c.license_id
      ORDER BY c.metrics_on DESC NULLS LAST
    ) AS newness
  FROM control_totals AS c
  WHERE
    NOT c.assigned_count IS NULL
)
SELECT
  n.org_id AS org_id,
  n.snapshot_date AS snapshot_date,
  sight.is_latest AS is_latest,
  n.license_layer AS license_layer,
  n.license_id AS license_id,
  l.license_key AS license_key,
  l.license_name AS license_name,
  n.metrics_on AS metrics_on,
  n.assigned_count AS assigned_count,
  n.active_count AS active_count,
  CASE
    WHEN l.count_basis = 'all_assignees'
    THEN l.all_holder_count
    ELSE l.active_holder_count
  END AS ledger_count,
  CASE
    WHEN l.count_basis = 'all_assignees'
    THEN l.all_holder_count
    ELSE l.active_holder_count
  END - n.assigned_count AS difference_count,
  l.count_basis AS count_basis,
  CAST(DATEDIFF(DAY, n.metrics_on, n.snapshot_date) AS BIGINT) AS metric_age_days,
  sight.provenance AS provenance,
  l."CERTAINTY" AS "CERTAINTY"
FROM newest AS n
INNER JOIN licenses AS l
  ON l.org_id = n.org_id
  AND l.snapshot_date = n.snapshot_date
  AND l.license_layer = n.license_layer
  AND l.license_id = n.license_id
INNER JOIN snapshot_sight AS sight
  ON sight.org_id = n.org_id AND sight.snapshot_date = n.snapshot_date
WHERE
  n.newness = 1
  AND DATEDIFF(DAY, n.metrics_on, n.snapshot_date) <= 31
  AND NOT CASE
    WHEN l.count_basis = 'all_assignees'
    THEN l.all_holder_count
    ELSE l.active_holder_count
  END IS NULL;

CREATE OR REPLACE VIEW seat_costs AS
WITH named AS (
  SELECT
    l.org_id AS org_id,
    l.snapshot_date AS snapshot_date,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    c.product AS product,
    c.confidence AS confidence,
    COALESCE(c.price_share, 1) AS price_share,
    RANK() OVER (
      PARTITION BY l.org_id, l.snapshot_date, l.license_layer, l.license_id
      ORDER BY CASE WHEN NOT c.license_id IS NULL THEN 0 ELSE 1 END, CASE WHEN NOT c.org_id IS NULL THEN 0 ELSE 1 END
    ) AS preference
  FROM licenses AS l
  INNER JOIN license_products AS c
    ON c.license_layer = l.license_layer
    AND (
      c.license_id = l.license_id OR c.license_key = l.license_key
    )
    AND (
      c.org_id IS NULL OR c.org_id = l.org_id
    )
), lines AS (
  SELECT
    n.org_id AS org_id,
    n.snapshot_date AS snapshot_date,
    n.license_layer AS license_layer,
    n.license_id AS license_id,
    n.product AS product,
    n.confidence AS confidence,
    p.contract_id AS contract_id,
    p.currency AS currency,
    p.contract_quantity AS contract_quantity,
    COALESCE(p.price_basis, 'contract') AS price_basis,
    p.unit_price * n.price_share / CASE p.billing_period WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END AS monthly_unit_price,
    p.list_unit_price * n.price_share / CASE p.billing_period WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END AS monthly_list_unit_price,
    p.unit_price * n.price_share / (
      DATEDIFF(
        DAY,
        CAST(DATE_TRUNC(p.billing_period, n.snapshot_date) AS DATE),
        CAST(DATE_TRUNC(p.billing_period, n.snapshot_date) + CASE p.billing_period
          WHEN 'month'
          THEN INTERVAL '1 MONTH'
          WHEN 'quarter'
          THEN INTERVAL '3 MONTHS'
          ELSE INTERVAL '1 YEAR'
        END AS DATE)
      )
    ) AS daily_unit_price,
    p.list_unit_price * n.price_share / (
      DATEDIFF(
        DAY,
        CAST(DATE_TRUNC(p.billing_period, n.snapshot_date) AS DATE),
        CAST(DATE_TRUNC(p.billing_period, n.snapshot_date) + CASE p.billing_period
          WHEN 'month'
          THEN INTERVAL '1 MONTH'
          WHEN 'quarter'
          THEN INTERVAL '3 MONTHS'
          ELSE INTERVAL '1 YEAR'
        END AS DATE)
      )
    ) AS daily_list_unit_price,
    NOT p.unit_price IS NULL AS is_priced,
    RANK() OVER (
      PARTITION BY n.org_id, n.snapshot_date, n.license_layer, n.license_id, n.product
      ORDER BY CASE WHEN NOT p.org_id IS NULL THEN 0 ELSE 1 END
    ) AS preference
  FROM named AS n
  LEFT JOIN prices AS p
    ON p.product = n.product
    AND (
      p.org_id IS NULL OR p.org_id = n.org_id
    )
    AND p.starts_on <= n.snapshot_date
    AND (
      p.ends_on IS NULL OR p.ends_on >= n.snapshot_date
    )
  WHERE
    n.preference = 1
), summed AS (
  SELECT
    lines.org_id AS org_id,
    lines.snapshot_date AS snapshot_date,
    lines.license_layer AS license_layer,
    lines.license_id AS license_id,
    LISTAGG(DISTINCT lines.product, ', ') WITHIN GROUP (ORDER BY
      lines.product) AS products,
    LISTAGG(DISTINCT lines.contract_id, ', ') WITHIN GROUP (ORDER BY
      lines.contract_id) AS contract_ids,
    MAX(CASE lines.confidence WHEN 'sure' THEN 1 WHEN 'likely' THEN 2 ELSE 3 END) AS doubt,
    MAX(CASE lines.price_basis WHEN 'contract' THEN 1 WHEN 'list' THEN 2 ELSE 3 END) AS basis,
    MIN(lines.currency) AS currency,
    CASE
      WHEN NOT BOOLAND_AGG(lines.is_priced)
      THEN 'no_price'
      WHEN MIN(lines.currency) <> MAX(lines.currency)
      THEN 'mixed_currencies'
      WHEN COUNT(*) > 1
      AND (
        COUNT(lines.contract_quantity) < COUNT(*) OR SUM(lines.contract_quantity) = 0
      )
      THEN 'no_quantity'
      ELSE 'priced'
    END AS price_state,
    CASE
      WHEN COUNT(lines.contract_quantity) = COUNT(*)
      THEN CAST(SUM(lines.contract_quantity) AS BIGINT)
    END AS contract_count,
    COUNT(*) AS line_count,
    MIN(lines.monthly_unit_price) AS monthly_of_one,
    MIN(lines.daily_unit_price) AS daily_of_one,
    CASE
      WHEN COUNT(lines.monthly_list_unit_price) = COUNT(*)
      THEN MIN(lines.monthly_list_unit_price)
    END AS monthly_list_of_one,
    CASE
      WHEN COUNT(lines.daily_list_unit_price) = COUNT(*)
      THEN MIN(lines.daily_list_unit_price)
    END AS daily_list_of_one,
    SUM(lines.monthly_unit_price * lines.contract_quantity) / NULLIF(SUM(lines.contract_quantity), 0) AS monthly_of_all,
    SUM(lines.daily_unit_price * lines.contract_quantity) / NULLIF(SUM(lines.contract_quantity), 0) AS daily_of_all,
    CASE
      WHEN COUNT(lines.monthly_list_unit_price) = COUNT(*)
      THEN SUM(lines.monthly_list_unit_price * lines.contract_quantity) / NULLIF(SUM(lines.contract_quantity), 0)
    END AS monthly_list_of_all,
    CASE
      WHEN COUNT(lines.daily_list_unit_price) = COUNT(*)
      THEN SUM(lines.daily_list_unit_price * lines.contract_quantity) / NULLIF(SUM(lines.contract_quantity), 0)
    END AS daily_list_of_all
  FROM lines AS lines
  WHERE
    lines.preference = 1
  GROUP BY
    lines.org_id,
    lines.snapshot_date,
    lines.license_layer,
    lines.license_id
), priced AS (
  SELECT
    l.org_id AS org_id,
    l.snapshot_date AS snapshot_date,
    l.license_layer AS license_layer,
    l.license_id AS license_id,
    l.license_key AS license_key,
    l.license_name AS license_name,
    l."STATUS" AS "STATUS",
    l.is_unlimited AS is_unlimited,
    l.total_count AS total_count,
    l.used_count AS used_count,
    l.available_count AS available_count,
    l.used_as_of AS used_as_of,
    l.expires_on AS expires_on,
    l.count_basis AS count_basis,
    l.active_holder_count AS active_holder_count,
    l.all_holder_count AS all_holder_count,
    l.in_scope_count AS in_scope_count,
    l."CERTAINTY" AS "CERTAINTY",
    COALESCE(s.price_state, 'no_product') AS price_state,
    s.products AS products,
    s.contract_ids AS contract_ids,
    CASE s.doubt WHEN 1 THEN 'sure' WHEN 2 THEN 'likely' WHEN 3 THEN 'unsure' END AS confidence,
    s.contract_count AS contract_count,
    COALESCE(s.contract_count, l.total_count) AS purchased_count,
    CASE
      WHEN NOT s.contract_count IS NULL
      THEN 'contract'
      WHEN NOT l.total_count IS NULL
      THEN 'salesforce'
    END AS quantity_source,
    CASE WHEN s.price_state = 'priced' THEN s.currency END AS currency,
    CASE
      WHEN s.price_state = 'priced'
      THEN CASE s.basis WHEN 1 THEN 'contract' WHEN 2 THEN 'list' ELSE 'estimate' END
    END AS price_basis,
    CAST(CASE
      WHEN s.price_state = 'priced'
      THEN CASE WHEN s.line_count = 1 THEN s.monthly_of_one ELSE s.monthly_of_all END
    END AS DECIMAL(18, 6)) AS monthly_unit_price,
    CAST(CASE
      WHEN s.price_state = 'priced'
      THEN CASE WHEN s.line_count = 1 THEN s.monthly_list_of_one ELSE s.monthly_list_of_all END
    END AS DECIMAL(18, 6)) AS monthly_list_unit_price,
    CAST(CASE
      WHEN s.price_state = 'priced'
      THEN CASE WHEN s.line_count = 1 THEN s.daily_of_one ELSE s.daily_of_all END
    END AS DECIMAL(18, 6)) AS daily_unit_price,
    CAST(CASE
      WHEN s.price_state = 'priced'
      THEN CASE WHEN s.line_count = 1 THEN s.daily_list_of_one ELSE s.daily_list_of_all END
    END AS DECIMAL(18, 6)) AS daily_list_unit_price
  FROM licenses AS l
  LEFT JOIN summed AS s
    ON s.org_id = l.org_id
    AND s.snapshot_date = l.snapshot_date
    AND s.license_layer = l.license_layer
    AND s.license_id = l.license_id
)
SELECT
  p.org_id AS org_id,
  p.snapshot_date AS snapshot_date,
  sight.is_latest AS is_latest,
  p.license_layer AS license_layer,
  p.license_id AS license_id,
  p.license_key AS license_key,
  p.license_name AS license_name,
  p.is_unlimited AS is_unlimited,
  p.total_count AS total_count,
  p.used_count AS used_count,
  p.in_scope_count AS in_scope_count,
  p.price_state AS price_state,
  p.products AS products,
  p.contract_ids AS contract_ids,
  p.confidence AS confidence,
  p.currency AS currency,
  p.price_basis AS price_basis,
  p.contract_count AS contract_count,
  p.purchased_count AS purchased_count,
  p.quantity_source AS quantity_source,
  p.monthly_unit_price AS monthly_unit_price,
  p.monthly_list_unit_price AS monthly_list_unit_price,
  p.daily_unit_price AS daily_unit_price,
  p.daily_list_unit_price AS daily_list_unit_price,
  CAST(p.purchased_count * p.monthly_unit_price AS DECIMAL(38, 6)) AS monthly_cost,
  CAST(p.purchased_count * p.daily_unit_price AS DECIMAL(38, 6)) AS daily_cost,
  CAST(p.purchased_count * p.monthly_unit_price / NULLIF(p.used_count, 0) AS DECIMAL(38, 2)) AS monthly_cost_per_used_seat,
  sight.provenance AS provenance,
  p."CERTAINTY" AS "CERTAINTY"
FROM priced AS p
INNER JOIN snapshot_sight AS sight
  ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date;

CREATE OR REPLACE VIEW shelfware AS
WITH held AS (
  SELECT
    reclaim_candidates.org_id AS org_id,
    reclaim_candidates.snapshot_date AS snapshot_date,
    reclaim_candidates.license_layer AS license_layer,
    reclaim_candidates.license_id AS license_id,
    reclaim_candidates.waste_class AS waste_class,
    COUNT(*) AS wasted_count
  FROM reclaim_candidates AS reclaim_candidates
  GROUP BY
    reclaim_candidates.org_id,
    reclaim_candidates.snapshot_date,
    reclaim_candidates.license_layer,
    reclaim_candidates.license_id,
    reclaim_candidates.waste_class
), wasted AS (
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.is_latest AS is_latest,
    c.license_layer AS license_layer,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.license_name AS license_name,
    c.is_unlimited AS is_unlimited,
    c.total_count AS total_count,
    c.used_count AS used_count,
    c.in_scope_count AS in_scope_count,
    c.price_state AS price_state,
    c.products AS products,
    c.contract_ids AS contract_ids,
    c.confidence AS confidence,
    c.currency AS currency,
    c.price_basis AS price_basis,
    c.contract_count AS contract_count,
    c.purchased_count AS purchased_count,
    c.quantity_source AS quantity_source,
    c.monthly_unit_price AS monthly_unit_price,
    c.monthly_list_unit_price AS monthly_list_unit_price,
    c.daily_unit_price AS daily_unit_price,
    c.daily_list_unit_price AS daily_list_unit_price,
    c.monthly_cost AS monthly_cost,
    c.daily_cost AS daily_cost,
    c.monthly_cost_per_used_seat AS monthly_cost_per_used_seat,
    c.provenance AS provenance,
    c."CERTAINTY" AS "CERTAINTY",
    'unassigned' AS shelfware_class,
    c.purchased_count - c.used_count AS wasted_count
  FROM seat_costs AS c
  WHERE
    c.purchased_count > c.used_count AND c.license_layer <> 'usage'
  UNION ALL
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.is_latest AS is_latest,
    c.license_layer AS license_layer,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.license_name AS license_name,
    c.is_unlimited AS is_unlimited,
    c.total_count AS total_count,
    c.used_count AS used_count,
    c.in_scope_count AS in_scope_count,
    c.price_state AS price_state,
    c.products AS products,
    c.contract_ids AS contract_ids,
    c.confidence AS confidence,
    c.currency AS currency,
    c.price_basis AS price_basis,
    c.contract_count AS contract_count,
    c.purchased_count AS purchased_count,
    c.quantity_source AS quantity_source,
    c.monthly_unit_price AS monthly_unit_price,
    c.monthly_list_unit_price AS monthly_list_unit_price,
    c.daily_unit_price AS daily_unit_price,
    c.daily_list_unit_price AS daily_list_unit_price,
    c.monthly_cost AS monthly_cost,
    c.daily_cost AS daily_cost,
    c.monthly_cost_per_used_seat AS monthly_cost_per_used_seat,
    c.provenance AS provenance,
    c."CERTAINTY" AS "CERTAINTY",
    h.waste_class AS shelfware_class,
    h.wasted_count AS wasted_count
  FROM seat_costs AS c
  INNER JOIN held AS h
    ON h.org_id = c.org_id
    AND h.snapshot_date = c.snapshot_date
    AND h.license_layer = c.license_layer
    AND h.license_id = c.license_id
)
SELECT
  wasted.org_id AS org_id,
  wasted.snapshot_date AS snapshot_date,
  wasted.is_latest AS is_latest,
  wasted.license_layer AS license_layer,
  wasted.license_id AS license_id,
  wasted.license_key AS license_key,
  wasted.license_name AS license_name,
  wasted.shelfware_class AS shelfware_class,
  wasted.wasted_count AS wasted_count,
  wasted.price_state AS price_state,
  wasted.confidence AS confidence,
  wasted.price_basis AS price_basis,
  wasted.currency AS currency,
  wasted.monthly_unit_price AS monthly_unit_price,
  CAST(wasted.wasted_count * wasted.monthly_unit_price AS DECIMAL(38, 2)) AS monthly_waste,
  wasted.products AS products,
  wasted.contract_ids AS contract_ids,
  wasted.provenance AS provenance
FROM wasted AS wasted;

CREATE OR REPLACE VIEW true_up AS
WITH peaks AS (
  SELECT
    c.org_id AS org_id,
    c.snapshot_date AS snapshot_date,
    c.is_latest AS is_latest,
    c.license_layer AS license_layer,
    c.license_id AS license_id,
    c.license_key AS license_key,
    c.license_name AS license_name,
    c.is_unlimited AS is_unlimited,
    c.total_count AS total_count,
    c.used_count AS used_count,
    c.in_scope_count AS in_scope_count,
    c.price_state AS price_state,
    c.products AS products,
    c.contract_ids AS contract_ids,
    c.confidence AS confidence,
    c.currency AS currency,
    c.price_basis AS price_basis,
    c.contract_count AS contract_count,
    c.purchased_count AS purchased_count,
    c.quantity_source AS quantity_source,
    c.monthly_unit_price AS monthly_unit_price,
    c.monthly_list_unit_price AS monthly_list_unit_price,
    c.daily_unit_price AS daily_unit_price,
    c.daily_list_unit_price AS daily_list_unit_price,
    c.monthly_cost AS monthly_cost,
    c.daily_cost AS daily_cost,
    c.monthly_cost_per_used_seat AS monthly_cost_per_used_seat,
    c.provenance AS provenance,
    c."CERTAINTY" AS "CERTAINTY",
    MAX(c.used_count) OVER (
      PARTITION BY c.org_id, c.license_layer, c.license_id
      ORDER BY c.snapshot_date NULLS FIRST
      RANGE BETWEEN INTERVAL '89 DAYS' PRECEDING AND CURRENT ROW
    ) AS peak_used_count
  FROM seat_costs AS c
)
SELECT
  peaks.org_id AS org_id,
  peaks.snapshot_date AS snapshot_date,
  peaks.is_latest AS is_latest,
  peaks.license_layer AS license_layer,
  peaks.license_id AS license_id,
  peaks.license_key AS license_key,
  peaks.license_name AS license_name,
  peaks.contract_count AS contract_count,
  peaks.total_count AS total_count,
  peaks.used_count AS used_count,
  GREATEST_IGNORE_NULLS(peaks.used_count - peaks.contract_count, 0) AS over_contract_count,
  peaks.total_count - peaks.contract_count AS allotted_over_contract_count,
  peaks.peak_used_count AS peak_used_count,
  GREATEST_IGNORE_NULLS(peaks.peak_used_count - peaks.contract_count, 0) AS peak_over_contract_count,
  peaks.price_state AS price_state,
  peaks.confidence AS confidence,
  peaks.price_basis AS price_basis,
  peaks.currency AS currency,
  peaks.monthly_unit_price AS monthly_unit_price,
  CAST(GREATEST_IGNORE_NULLS(peaks.used_count - peaks.contract_count, 0) * peaks.monthly_unit_price AS DECIMAL(38, 2)) AS monthly_exposure,
  peaks.products AS products,
  peaks.contract_ids AS contract_ids,
  peaks.provenance AS provenance
FROM peaks AS peaks
WHERE
  NOT peaks.contract_count IS NULL;

CREATE OR REPLACE VIEW cost_coverage AS
SELECT
  seat_costs.org_id AS org_id,
  seat_costs.snapshot_date AS snapshot_date,
  seat_costs.is_latest AS is_latest,
  COUNT(*) AS license_count,
  SUM(CASE WHEN seat_costs.price_state = 'priced' THEN 1 ELSE 0 END) AS priced_license_count,
  SUM(CASE WHEN seat_costs.price_state = 'no_product' THEN 1 ELSE 0 END) AS no_product_count,
  SUM(CASE WHEN seat_costs.price_state = 'no_price' THEN 1 ELSE 0 END) AS no_price_count,
  SUM(
    CASE
      WHEN seat_costs.price_state IN ('mixed_currencies', 'no_quantity')
      THEN 1
      ELSE 0
    END
  ) AS undecided_price_count,
  SUM(
    CASE
      WHEN seat_costs.price_state = 'priced' AND seat_costs.monthly_cost IS NULL
      THEN 1
      ELSE 0
    END
  ) AS no_cost_count,
  CAST(SUM(
    CASE
      WHEN seat_costs.license_layer <> 'usage'
      THEN COALESCE(seat_costs.used_count, 0)
      ELSE 0
    END
  ) AS BIGINT) AS seat_count_in_use,
  CAST(SUM(
    CASE
      WHEN seat_costs.license_layer <> 'usage' AND seat_costs.price_state <> 'priced'
      THEN COALESCE(seat_costs.used_count, 0)
      ELSE 0
    END
  ) AS BIGINT) AS unpriced_seat_count,
  CAST(100.0 * SUM(
    CASE
      WHEN seat_costs.license_layer <> 'usage' AND seat_costs.price_state <> 'priced'
      THEN seat_costs.used_count
      ELSE 0
    END
  ) / NULLIF(
    SUM(
      CASE WHEN seat_costs.license_layer <> 'usage' THEN seat_costs.used_count ELSE 0 END
    ),
    0
  ) AS DECIMAL(38, 1)) AS unpriced_seat_percent,
  CAST(SUM(
    CASE
      WHEN seat_costs.license_layer <> 'usage'
      AND seat_costs.price_state = 'priced'
      AND seat_costs.confidence <> 'sure'
      THEN COALESCE(seat_costs.used_count, 0)
      ELSE 0
    END
  ) AS BIGINT) AS unsure_seat_count,
  MIN(seat_costs.provenance) AS provenance
FROM seat_costs AS seat_costs
GROUP BY
  seat_costs.org_id,
  seat_costs.snapshot_date,
  seat_costs.is_latest;

CREATE OR REPLACE VIEW focus_costs AS
WITH waste AS (
  SELECT
    shelfware.org_id AS org_id,
    shelfware.snapshot_date AS snapshot_date,
    shelfware.license_layer AS license_layer,
    shelfware.license_id AS license_id,
    CAST(SUM(
      CASE
        WHEN shelfware.shelfware_class = 'unassigned'
        THEN 0
        ELSE shelfware.wasted_count
      END
    ) AS BIGINT) AS idle_count,
    CAST(SUM(
      CASE
        WHEN shelfware.shelfware_class = 'unassigned'
        THEN shelfware.wasted_count
        ELSE 0
      END
    ) AS BIGINT) AS unassigned_count
  FROM shelfware AS shelfware
  GROUP BY
    shelfware.org_id,
    shelfware.snapshot_date,
    shelfware.license_layer,
    shelfware.license_id
)
SELECT
  c.daily_cost AS "billedcost",
  c.org_id AS "billingaccountid",
  s.org_name AS "billingaccountname",
  'Org' AS "billingaccounttype",
  c.currency AS "billingcurrency",
  CONVERT_TIMEZONE(
    'UTC',
    (
      DATE_TRUNC('MONTH', CAST(c.snapshot_date AS TIMESTAMPNTZ)) + INTERVAL '1 MONTH'
    )
  ) AS "billingperiodend",
  CONVERT_TIMEZONE('UTC', DATE_TRUNC('MONTH', CAST(c.snapshot_date AS TIMESTAMPNTZ))) AS "billingperiodstart",
  'Purchase' AS "chargecategory",
  CAST(NULL AS VARCHAR) AS "chargeclass",
  CONCAT(
    COALESCE(c.license_name, ''),
    ' (',
    COALESCE(c.license_layer, ''),
    '), bought as ',
    COALESCE(c.products, '')
  ) AS "chargedescription",
  'Recurring' AS "chargefrequency",
  CONVERT_TIMEZONE('UTC', (
    CAST(c.snapshot_date AS TIMESTAMPNTZ) + INTERVAL '1 DAY'
  )) AS "chargeperiodend",
  CONVERT_TIMEZONE('UTC', CAST(c.snapshot_date AS TIMESTAMPNTZ)) AS "chargeperiodstart",
  c.daily_cost AS "contractedcost",
  c.daily_unit_price AS "contractedunitprice",
  c.daily_cost AS "effectivecost",
  'Salesforce' AS "invoiceissuername",
  CAST(c.purchased_count * COALESCE(c.daily_list_unit_price, c.daily_unit_price) AS DECIMAL(38, 6)) AS "listcost",
  c.daily_list_unit_price AS "listunitprice",
  'Standard' AS "pricingcategory",
  c.purchased_count AS "pricingquantity",
  'Seat-Days' AS "pricingunit",
  'Salesforce' AS "providername",
  'Salesforce' AS "publishername",
  'Business Applications' AS "servicecategory",
  COALESCE(c.license_name, c.license_key, c.license_id) AS "servicename",
  'Other (Business Applications)' AS "servicesubcategory",
  CASE WHEN c.products NOT LIKE '%, %' THEN c.products END AS "skuid",
  c.org_id AS "subaccountid",
  s.org_name AS "subaccountname",
  'Org' AS "subaccounttype",
  c.contract_ids AS "x_contractids",
  c.products AS "x_products",
  c.license_layer AS "x_licenselayer",
  c.license_id AS "x_licenseid",
  c.license_key AS "x_licensekey",
  c.confidence AS "x_priceconfidence",
  c.price_basis AS "x_pricebasis",
  c.quantity_source AS "x_quantitysource",
  c.used_count AS "x_usedquantity",
  c.in_scope_count AS "x_inscopequantity",
  COALESCE(w.idle_count, 0) AS "x_idlequantity",
  COALESCE(w.unassigned_count, 0) AS "x_unassignedquantity",
  c.provenance AS "x_snapshotprovenance"
FROM seat_costs AS c
INNER JOIN snapshots AS s
  ON s.org_id = c.org_id AND s.snapshot_date = c.snapshot_date
LEFT JOIN waste AS w
  ON w.org_id = c.org_id
  AND w.snapshot_date = c.snapshot_date
  AND w.license_layer = c.license_layer
  AND w.license_id = c.license_id
WHERE
  NOT c.daily_cost IS NULL;

CREATE OR REPLACE VIEW directory_gaps AS
WITH held AS (
  SELECT
    seats.org_id AS org_id,
    seats.snapshot_date AS snapshot_date,
    seats.user_id AS user_id,
    COUNT(*) AS held_license_count,
    LISTAGG(COALESCE(seats.license_name, seats.license_key, seats.license_id), ', ') WITHIN GROUP (ORDER BY
      seats.license_layer,
      seats.license_id) AS held_licenses
  FROM seats AS seats
  GROUP BY
    seats.org_id,
    seats.snapshot_date,
    seats.user_id
)
SELECT
  f.org_id AS org_id,
  f.snapshot_date AS snapshot_date,
  sight.is_latest AS is_latest,
  f.finding AS finding,
  f.matched_by AS matched_by,
  f.user_id AS user_id,
  u.username AS username,
  u."NAME" AS "NAME",
  u.email AS email,
  u.company_name AS company_name,
  u.department AS department,
  u.account_class AS account_class,
  u.profile_name AS profile_name,
  u.is_active AS is_active,
  u.is_frozen AS is_frozen,
  u.activity_band AS activity_band,
  u.last_login_at AS last_login_at,
  u.created_at AS created_at,
  COALESCE(h.held_license_count, 0) AS held_license_count,
  h.held_licenses AS held_licenses,
  d.read_at AS read_at
FROM directory_findings AS f
INNER JOIN users AS u
  ON u.org_id = f.org_id
  AND u.snapshot_date = f.snapshot_date
  AND u.user_id = f.user_id
INNER JOIN snapshot_sight AS sight
  ON sight.org_id = f.org_id AND sight.snapshot_date = f.snapshot_date
INNER JOIN directory_checks AS d
  ON d.org_id = f.org_id AND d.snapshot_date = f.snapshot_date
LEFT JOIN held AS h
  ON h.org_id = f.org_id
  AND h.snapshot_date = f.snapshot_date
  AND h.user_id = f.user_id
WHERE
  u.is_active OR NOT h.user_id IS NULL;

CREATE OR REPLACE VIEW data_trust AS
WITH counters AS (
  SELECT
    licenses.org_id AS org_id,
    licenses.snapshot_date AS snapshot_date,
    COUNT(*) AS license_count,
    MIN(licenses.used_as_of) AS oldest_counter_at,
    COUNT(CASE WHEN licenses."CERTAINTY" <> 'sure' THEN 1 END) AS not_sure_count,
    CAST(SUM(CASE WHEN licenses.license_layer <> 'usage' THEN licenses.used_count ELSE 0 END) AS BIGINT) AS used_count
  FROM licenses AS licenses
  GROUP BY
    licenses.org_id,
    licenses.snapshot_date
), rest AS (
  SELECT
    mismatches.org_id AS org_id,
    mismatches.snapshot_date AS snapshot_date,
    CAST(SUM(ABS(mismatches.seat_count)) AS BIGINT) AS unexplained_count,
    COUNT(CASE WHEN mismatches.seat_count <> 0 THEN 1 END) AS unexplained_license_count
  FROM mismatches AS mismatches
  WHERE
    mismatches."CAUSE" = 'unexplained'
  GROUP BY
    mismatches.org_id,
    mismatches.snapshot_date
), people AS (
  SELECT
    users.org_id AS org_id,
    users.snapshot_date AS snapshot_date,
    COUNT(*) AS user_count,
    COUNT(CASE WHEN users."CERTAINTY" <> 'sure' THEN 1 END) AS not_sure_count
  FROM users AS users
  GROUP BY
    users.org_id,
    users.snapshot_date
), holdings AS (
  SELECT
    seats.org_id AS org_id,
    seats.snapshot_date AS snapshot_date,
    COUNT(*) AS seat_count,
    COUNT(CASE WHEN seats."CERTAINTY" <> 'sure' THEN 1 END) AS not_sure_count
  FROM seats AS seats
  GROUP BY
    seats.org_id,
    seats.snapshot_date
), controls AS (
  SELECT
    control_differences.org_id AS org_id,
    control_differences.snapshot_date AS snapshot_date,
    COUNT(*) AS control_license_count,
    CAST(SUM(ABS(control_differences.difference_count)) AS BIGINT) AS control_difference_count,
    COUNT(CASE WHEN control_differences.difference_count <> 0 THEN 1 END) AS control_difference_license_count
  FROM control_differences AS control_differences
  GROUP BY
    control_differences.org_id,
    control_differences.snapshot_date
), gaps AS (
  SELECT
    capability_gaps.org_id AS org_id,
    capability_gaps.snapshot_date AS snapshot_date,
    COUNT(*) AS missing_capability_count,
    LISTAGG(
      
        CASE
          WHEN capability_gaps.field_name IS NULL
          THEN capability_gaps.object_name
          ELSE capability_gaps.object_name || '.' || capability_gaps.field_name
        END,
        ', '
      
    ) WITHIN GROUP (ORDER BY
      capability_gaps.object_name,
      capability_gaps.field_name) AS missing_capabilities
  FROM capability_gaps AS capability_gaps
  GROUP BY
    capability_gaps.org_id,
    capability_gaps.snapshot_date
), history AS (
  SELECT
    s.org_id AS org_id,
    s.snapshot_date AS snapshot_date,
    s.snapshot_id AS snapshot_id,
    s.provenance AS provenance,
    s.captured_at AS captured_at,
    s.org_name AS org_name,
    s.is_sandbox AS is_sandbox,
    s.company_names AS company_names,
    s.scope_hash AS scope_hash,
    s.api_version AS api_version,
    s."ROWS" AS "ROWS",
    s.capabilities AS capabilities,
    s.out_of_scope AS out_of_scope,
    s.api_calls AS api_calls,
    s.unexplained_count AS unexplained_count,
    s.ledger_version AS ledger_version,
    s.schema_version AS schema_version,
    s.built_at AS built_at,
    s.derived_from AS derived_from,
    s."SETTINGS" AS "SETTINGS",
    s.is_partial AS is_partial,
    s."CERTAINTY" AS "CERTAINTY",
    s.privacy_mode AS privacy_mode,
    s.manifest AS manifest,
    LAG(s.snapshot_date) OVER (PARTITION BY s.org_id ORDER BY s.snapshot_date NULLS FIRST) AS previous_snapshot_date,
    LAG(s.scope_hash) OVER (PARTITION BY s.org_id ORDER BY s.snapshot_date NULLS FIRST) AS previous_scope_hash,
    MAX(s.snapshot_date) OVER (PARTITION BY s.org_id) AS latest_snapshot_date
  FROM snapshots AS s
)
SELECT
  h.org_id AS org_id,
  h.org_name AS org_name,
  h.is_sandbox AS is_sandbox,
  h.snapshot_date AS snapshot_date,
  h.snapshot_date = h.latest_snapshot_date AS is_latest,
  h.snapshot_id AS snapshot_id,
  h.provenance AS provenance,
  h.captured_at AS captured_at,
  h.is_partial AS is_partial,
  COALESCE(p.not_sure_count, 0) AS not_sure_user_count,
  COALESCE(t.not_sure_count, 0) AS not_sure_seat_count,
  COALESCE(c.not_sure_count, 0) AS not_sure_license_count,
  CAST(100.0 - 100.0 * (
    COALESCE(p.not_sure_count, 0) + COALESCE(t.not_sure_count, 0) + COALESCE(c.not_sure_count, 0)
  ) / GREATEST_IGNORE_NULLS(
    COALESCE(p.user_count, 0) + COALESCE(t.seat_count, 0) + COALESCE(c.license_count, 0),
    1
  ) AS DECIMAL(38, 2)) AS sure_percent,
  COALESCE(x.control_license_count, 0) AS control_license_count,
  x.control_difference_count AS control_difference_count,
  COALESCE(x.control_difference_license_count, 0) AS control_difference_license_count,
  c.license_count AS license_count,
  c.oldest_counter_at AS oldest_counter_at,
  CAST(CAST(DATEDIFF(SECOND, c.oldest_counter_at, h.captured_at) AS DOUBLE) / 3600 AS DECIMAL(38, 1)) AS oldest_counter_age_hours,
  COALESCE(r.unexplained_count, 0) AS unexplained_count,
  COALESCE(r.unexplained_license_count, 0) AS unexplained_license_count,
  CAST(100.0 - 100.0 * COALESCE(r.unexplained_count, 0) / GREATEST_IGNORE_NULLS(c.used_count, 1) AS DECIMAL(38, 2)) AS explained_percent,
  COALESCE(g.missing_capability_count, 0) AS missing_capability_count,
  g.missing_capabilities AS missing_capabilities,
  h.previous_snapshot_date AS previous_snapshot_date,
  CAST(DATEDIFF(DAY, h.previous_snapshot_date, h.snapshot_date) AS BIGINT) AS days_since_previous,
  CAST(DATEDIFF(DAY, h.previous_snapshot_date, h.snapshot_date) AS BIGINT) - 1 AS missing_days_before,
  COALESCE(h.scope_hash <> h.previous_scope_hash, FALSE) AS is_scope_changed,
  ARRAY_TO_STRING(h.company_names, ', ') AS company_names,
  h.out_of_scope AS out_of_scope,
  CAST(JSON_EXTRACT_PATH_TEXT(h."ROWS", 'users') AS BIGINT) AS users_row_count,
  CAST(JSON_EXTRACT_PATH_TEXT(h."ROWS", 'licenses') AS BIGINT) AS licenses_row_count,
  CAST(JSON_EXTRACT_PATH_TEXT(h."ROWS", 'seats') AS BIGINT) AS seats_row_count,
  CAST(JSON_EXTRACT_PATH_TEXT(h."ROWS", 'mismatches') AS BIGINT) AS mismatches_row_count,
  COALESCE(CAST(JSON_EXTRACT_PATH_TEXT(h."ROWS", 'control_totals') AS BIGINT), 0) AS control_totals_row_count,
  h.api_calls AS api_calls,
  h.api_version AS api_version,
  h.ledger_version AS ledger_version,
  h.schema_version AS schema_version,
  COALESCE(h.privacy_mode, 'named') AS privacy_mode
FROM history AS h
LEFT JOIN counters AS c
  ON c.org_id = h.org_id AND c.snapshot_date = h.snapshot_date
LEFT JOIN people AS p
  ON p.org_id = h.org_id AND p.snapshot_date = h.snapshot_date
LEFT JOIN holdings AS t
  ON t.org_id = h.org_id AND t.snapshot_date = h.snapshot_date
LEFT JOIN controls AS x
  ON x.org_id = h.org_id AND x.snapshot_date = h.snapshot_date
LEFT JOIN rest AS r
  ON r.org_id = h.org_id AND r.snapshot_date = h.snapshot_date
LEFT JOIN gaps AS g
  ON g.org_id = h.org_id AND g.snapshot_date = h.snapshot_date;
