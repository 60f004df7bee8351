-- Which seats in scope look wasted, and can they be taken back at once or must somebody look first? A seat
-- is in one waste class only, the first that applies: deactivated (and Salesforce still counts the seat),
-- frozen, never logged in (30 days or more after the user was created), idle for 181 days or more, idle for
-- 91 to 180 days. Activity that is not monitored is never taken for idleness, and system users are no
-- candidates.
-- Grain: a wasted seat of an in-scope user, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- waste_class: One of deactivated, frozen, never_logged_in, idle_181_plus, idle_91_180.
-- candidate_state: Ready, or Attention required when somebody must look before the seat is taken back.
-- attention_reason: Why somebody must look first.
-- idle_days: Days from the last login to the snapshot date. Empty when there was none, or logins are not
--   shown.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
counted_though_deactivated AS (
    SELECT org_id, snapshot_date, license_layer, license_id
    FROM mismatches
    WHERE cause = 'deactivated_holder' AND seat_count > 0
),
marked AS (
    SELECT seats.*, seats.snapshot_date = latest.snapshot_date AS is_latest
    FROM seats
    INNER JOIN latest ON latest.org_id = seats.org_id
    WHERE seats.cause IN ('in_scope', 'deactivated_holder')
        AND (NOT seats.is_active OR seats.is_frozen OR seats.activity_band IN ('never', '181+', '91-180'))
),
classified AS (
    SELECT
        seats.*,
        CASE
            WHEN NOT seats.is_active
                THEN CASE WHEN counted.license_id IS NOT NULL THEN 'deactivated' END
            WHEN seats.is_frozen THEN 'frozen'
            WHEN seats.activity_band = 'never'
                AND CAST(users.created_at AT TIME ZONE 'UTC' AS DATE) <= seats.snapshot_date - 30
                THEN 'never_logged_in'
            WHEN seats.activity_band = '181+' THEN 'idle_181_plus'
            WHEN seats.activity_band = '91-180' THEN 'idle_91_180'
        END AS waste_class,
        CASE
            WHEN NOT seats.is_active THEN NULL
            WHEN seats.is_frozen THEN 'Somebody froze the account and has yet to decide'
            WHEN seats.account_class IN ('integration', 'guest', 'unknown')
                THEN 'The account may not be a person''s'
            -- Whoever is a pseudonym with a domain has an address, which is not told.
            WHEN users.email IS NULL AND (users.email_domain IS NULL OR users.user_id NOT LIKE '005zy%')
                THEN 'There is no e-mail address to ask at'
        END AS attention_reason,
        users.username,
        users.name,
        users.email,
        users.email_domain,
        users.company_name,
        users.department,
        users.title,
        users.country,
        users.employee_number,
        users.user_type,
        users.profile_name,
        users.role_name,
        users.last_login_at,
        users.created_at
    FROM marked AS seats
    INNER JOIN users
        ON users.org_id = seats.org_id
        AND users.snapshot_date = seats.snapshot_date
        AND users.user_id = seats.user_id
        -- A seat has its user's state. Said of both, the join is no larger than what it finds.
        AND (NOT users.is_active OR users.is_frozen OR users.activity_band IN ('never', '181+', '91-180'))
    LEFT JOIN counted_though_deactivated AS counted
        ON counted.org_id = seats.org_id
        AND counted.snapshot_date = seats.snapshot_date
        AND counted.license_layer = seats.license_layer
        AND counted.license_id = seats.license_id
)
SELECT
    c.org_id,
    c.snapshot_date,
    c.is_latest,
    c.license_layer,
    c.license_id,
    c.license_key,
    c.license_name,
    l.is_unlimited,
    c.waste_class,
    CASE WHEN c.attention_reason IS NULL THEN 'Ready' ELSE 'Attention required' END AS candidate_state,
    c.attention_reason,
    c.user_id,
    c.username,
    c.name,
    c.email,
    c.email_domain,
    c.company_name,
    c.department,
    c.title,
    c.country,
    c.employee_number,
    c.user_type,
    c.account_class,
    c.profile_name,
    c.role_name,
    c.is_active,
    c.is_frozen,
    c.activity_band,
    c.last_login_at,
    CAST(c.snapshot_date - CAST(c.last_login_at AT TIME ZONE 'UTC' AS DATE) AS BIGINT) AS idle_days,
    c.created_at,
    c.assigned_at
FROM classified AS c
LEFT JOIN licenses AS l
    ON l.org_id = c.org_id
    AND l.snapshot_date = c.snapshot_date
    AND l.license_layer = c.license_layer
    AND l.license_id = c.license_id
WHERE c.waste_class IS NOT NULL
