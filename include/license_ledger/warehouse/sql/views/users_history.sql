-- What was true of a user from when to when? Ranges of days on which nothing of a user's row changed that is
-- told here, made of the daily snapshots. A day without a snapshot ends every range and is told as a gap; a
-- range is never drawn across days that nobody looked at. Ranges of a user do not overlap: on a day that has a
-- snapshot, valid_from <= day and (valid_to > day or valid_to is empty) finds one row.
-- Grain: a user of an org and a range of days.
-- valid_from: First day of the range.
-- valid_to: First day after the range. Empty while it lasts, that is up to the org's newest snapshot.
-- is_current: Whether the range lasts.
-- ended_by: change: another range follows at once; gone: the user is not in the next day's snapshot; gap: the
--   next day has no snapshot. Empty while it lasts.
-- gap_before_days: Days without a snapshot just before the range; 0 when the day before has one, empty for the
--   org's first day.
WITH days AS (
    SELECT
        org_id,
        snapshot_date,
        provenance,
        lag(snapshot_date) OVER (PARTITION BY org_id ORDER BY snapshot_date) AS previous_snapshot_date,
        lead(snapshot_date) OVER (PARTITION BY org_id ORDER BY snapshot_date) AS next_snapshot_date
    FROM snapshots
),
-- The rows of all users of all days are many: the row of the day before is known by a mark of what is tracked.
-- The projection is written twice on purpose: shared, DuckDB keeps it, and a year of days does not fit its memory.
earlier AS NOT MATERIALIZED (
    SELECT
        org_id,
        snapshot_date,
        user_id,
        CAST(md5(concat_ws(
            chr(31),
            coalesce(CAST(is_active AS VARCHAR), chr(30)), coalesce(CAST(is_frozen AS VARCHAR), chr(30)),
            coalesce(license_id, chr(30)), coalesce(profile_id, chr(30)), coalesce(role_name, chr(30)),
            coalesce(department, chr(30)), coalesce(division, chr(30)), coalesce(title, chr(30)),
            coalesce(country, chr(30)), coalesce(company_name, chr(30)), coalesce(email, chr(30)),
            coalesce(email_domain, chr(30)), coalesce(username, chr(30)), coalesce(name, chr(30)),
            coalesce(user_type, chr(30)), coalesce(account_class, chr(30)),
            coalesce(scope_reason, chr(30))
        )) AS UUID) AS mark
    FROM users
),
present AS NOT MATERIALIZED (
    SELECT
        *,
        CAST(md5(concat_ws(
            chr(31),
            coalesce(CAST(is_active AS VARCHAR), chr(30)), coalesce(CAST(is_frozen AS VARCHAR), chr(30)),
            coalesce(license_id, chr(30)), coalesce(profile_id, chr(30)), coalesce(role_name, chr(30)),
            coalesce(department, chr(30)), coalesce(division, chr(30)), coalesce(title, chr(30)),
            coalesce(country, chr(30)), coalesce(company_name, chr(30)), coalesce(email, chr(30)),
            coalesce(email_domain, chr(30)), coalesce(username, chr(30)), coalesce(name, chr(30)),
            coalesce(user_type, chr(30)), coalesce(account_class, chr(30)),
            coalesce(scope_reason, chr(30))
        )) AS UUID) AS mark
    FROM users
),
begun AS (
    SELECT
        d.org_id,
        d.snapshot_date AS at_date,
        1 AS is_start,
        users.user_id,
        d.provenance,
        CAST(d.snapshot_date - d.previous_snapshot_date AS BIGINT) - 1 AS gap_before_days,
        users.username,
        users.name,
        users.email,
        users.email_domain,
        users.company_name,
        users.department,
        users.division,
        users.title,
        users.country,
        users.user_type,
        users.account_class,
        users.scope_reason,
        users.is_active,
        users.is_frozen,
        users.profile_id,
        users.profile_name,
        users.role_name,
        users.license_id,
        users.license_key,
        users.license_name,
        users.certainty
    FROM days AS d
    INNER JOIN present AS users ON users.org_id = d.org_id AND users.snapshot_date = d.snapshot_date
    LEFT JOIN earlier AS was
        ON was.org_id = users.org_id
        AND was.snapshot_date = d.snapshot_date - 1
        AND was.user_id = users.user_id
    WHERE was.user_id IS NULL OR was.mark <> users.mark
),
ended AS (
    SELECT d.org_id, d.next_snapshot_date AS at_date, was.user_id, 'gone' AS ended_by
    FROM days AS d
    INNER JOIN users AS was ON was.org_id = d.org_id AND was.snapshot_date = d.snapshot_date
    LEFT JOIN users
        ON users.org_id = was.org_id
        AND users.snapshot_date = d.next_snapshot_date
        AND users.user_id = was.user_id
    WHERE d.next_snapshot_date - d.snapshot_date = 1 AND users.user_id IS NULL
    UNION ALL
    SELECT d.org_id, d.snapshot_date + 1 AS at_date, users.user_id, 'gap' AS ended_by
    FROM days AS d
    INNER JOIN users ON users.org_id = d.org_id AND users.snapshot_date = d.snapshot_date
    WHERE d.next_snapshot_date - d.snapshot_date > 1
),
events AS (
    SELECT org_id, user_id, at_date, is_start, CAST(NULL AS VARCHAR) AS ended_by
    FROM begun
    UNION ALL
    SELECT org_id, user_id, at_date, 0 AS is_start, ended_by
    FROM ended
),
ranges AS (
    SELECT
        org_id,
        user_id,
        is_start,
        at_date AS valid_from,
        lead(at_date) OVER following AS valid_to,
        lead(coalesce(ended_by, 'change')) OVER following AS ended_by
    FROM events
    WINDOW following AS (PARTITION BY org_id, user_id ORDER BY at_date, is_start)
)
SELECT
    b.org_id,
    b.user_id,
    r.valid_from,
    r.valid_to,
    r.valid_to IS NULL AS is_current,
    r.ended_by,
    b.gap_before_days,
    b.username,
    b.name,
    b.email,
    b.email_domain,
    b.company_name,
    b.department,
    b.division,
    b.title,
    b.country,
    b.user_type,
    b.account_class,
    b.scope_reason,
    b.is_active,
    b.is_frozen,
    b.profile_id,
    b.profile_name,
    b.role_name,
    b.license_id,
    b.license_key,
    b.license_name,
    b.provenance,
    b.certainty
FROM begun AS b
INNER JOIN ranges AS r
    ON r.org_id = b.org_id AND r.user_id = b.user_id AND r.valid_from = b.at_date AND r.is_start = 1
