-- How far can the numbers of a day be trusted? Where they come from and how sure they are, how old
-- Salesforce's own counters were, what is not explained, how far Salesforce's dated metrics differ from what the
-- ledger counted, what was not visible, which days are missing before it, and whether the meaning of "in scope"
-- changed since the day before.
-- Grain: a snapshot, that is an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- license_count: Licenses of all layers.
-- oldest_counter_at: When the oldest of Salesforce's counters was taken.
-- oldest_counter_age_hours: Hours from then to captured_at.
-- unexplained_count: Sum of the unexplained seats of all licenses, each without its sign.
-- unexplained_license_count: Licenses with unexplained seats.
-- explained_percent: 100 minus unexplained_count in percent of the seats that Salesforce counts.
-- not_sure_user_count: Users whose row is likely or unsure; see certainty in users.
-- not_sure_seat_count: Seats whose row is likely or unsure.
-- not_sure_license_count: Licenses whose row is likely or unsure.
-- sure_percent: Rows of users, seats and licenses that are sure, in percent of all of them.
-- control_license_count: Licenses that Salesforce's dated metrics measured too; see control_differences.
-- control_difference_count: Sum of the differences to what the ledger counted, each without its sign.
-- control_difference_license_count: Licenses with a difference.
-- missing_capability_count: Objects and fields that were not visible.
-- missing_capabilities: Which those are; see capability_gaps.
-- previous_snapshot_date: The org's day before this one. Empty for its first.
-- days_since_previous: Days between the two.
-- missing_days_before: Days in between that have no snapshot.
-- is_scope_changed: Whether the rules that decide who is in scope differ from those of the day before.
-- users_row_count: Rows in users.
-- licenses_row_count: Rows in licenses.
-- seats_row_count: Rows in seats.
-- mismatches_row_count: Rows in mismatches.
-- control_totals_row_count: Rows in control_totals.
WITH counters AS (
    SELECT
        org_id,
        snapshot_date,
        count(*) AS license_count,
        min(used_as_of) AS oldest_counter_at,
        count(CASE WHEN certainty <> 'sure' THEN 1 END) AS not_sure_count,
        CAST(sum(CASE WHEN license_layer <> 'usage' THEN used_count ELSE 0 END) AS BIGINT) AS used_count
    FROM licenses
    GROUP BY org_id, snapshot_date
),
rest AS (
    SELECT
        org_id,
        snapshot_date,
        CAST(sum(abs(seat_count)) AS BIGINT) AS unexplained_count,
        count(CASE WHEN seat_count <> 0 THEN 1 END) AS unexplained_license_count
    FROM mismatches
    WHERE cause = 'unexplained'
    GROUP BY org_id, snapshot_date
),
people AS (
    SELECT
        org_id,
        snapshot_date,
        count(*) AS user_count,
        count(CASE WHEN certainty <> 'sure' THEN 1 END) AS not_sure_count
    FROM users
    GROUP BY org_id, snapshot_date
),
holdings AS (
    SELECT
        org_id,
        snapshot_date,
        count(*) AS seat_count,
        count(CASE WHEN certainty <> 'sure' THEN 1 END) AS not_sure_count
    FROM seats
    GROUP BY org_id, snapshot_date
),
controls AS (
    SELECT
        org_id,
        snapshot_date,
        count(*) AS control_license_count,
        CAST(sum(abs(difference_count)) AS BIGINT) AS control_difference_count,
        count(CASE WHEN difference_count <> 0 THEN 1 END) AS control_difference_license_count
    FROM control_differences
    GROUP BY org_id, snapshot_date
),
gaps AS (
    SELECT
        org_id,
        snapshot_date,
        count(*) AS missing_capability_count,
        string_agg(
            CASE WHEN field_name IS NULL THEN object_name ELSE object_name || '.' || field_name END,
            ', ' ORDER BY object_name, field_name
        ) AS missing_capabilities
    FROM capability_gaps
    GROUP BY org_id, snapshot_date
),
history AS (
    SELECT
        s.*,
        lag(s.snapshot_date) OVER (PARTITION BY s.org_id ORDER BY s.snapshot_date) AS previous_snapshot_date,
        lag(s.scope_hash) OVER (PARTITION BY s.org_id ORDER BY s.snapshot_date) AS previous_scope_hash,
        max(s.snapshot_date) OVER (PARTITION BY s.org_id) AS latest_snapshot_date
    FROM snapshots AS s
)
SELECT
    h.org_id,
    h.org_name,
    h.is_sandbox,
    h.snapshot_date,
    h.snapshot_date = h.latest_snapshot_date AS is_latest,
    h.snapshot_id,
    h.provenance,
    h.captured_at,
    h.is_partial,
    coalesce(p.not_sure_count, 0) AS not_sure_user_count,
    coalesce(t.not_sure_count, 0) AS not_sure_seat_count,
    coalesce(c.not_sure_count, 0) AS not_sure_license_count,
    CAST(
        100.0 - 100.0 * (
            coalesce(p.not_sure_count, 0) + coalesce(t.not_sure_count, 0) + coalesce(c.not_sure_count, 0)
        ) / greatest(
            coalesce(p.user_count, 0) + coalesce(t.seat_count, 0) + coalesce(c.license_count, 0), 1
        ) AS NUMERIC(38, 2)
    ) AS sure_percent,
    coalesce(x.control_license_count, 0) AS control_license_count,
    x.control_difference_count,
    coalesce(x.control_difference_license_count, 0) AS control_difference_license_count,
    c.license_count,
    c.oldest_counter_at,
    CAST(EXTRACT(EPOCH FROM h.captured_at - c.oldest_counter_at) / 3600 AS NUMERIC(38, 1))
        AS oldest_counter_age_hours,
    coalesce(r.unexplained_count, 0) AS unexplained_count,
    coalesce(r.unexplained_license_count, 0) AS unexplained_license_count,
    CAST(100.0 - 100.0 * coalesce(r.unexplained_count, 0) / greatest(c.used_count, 1) AS NUMERIC(38, 2))
        AS explained_percent,
    coalesce(g.missing_capability_count, 0) AS missing_capability_count,
    g.missing_capabilities,
    h.previous_snapshot_date,
    CAST(h.snapshot_date - h.previous_snapshot_date AS BIGINT) AS days_since_previous,
    CAST(h.snapshot_date - h.previous_snapshot_date AS BIGINT) - 1 AS missing_days_before,
    coalesce(h.scope_hash <> h.previous_scope_hash, false) AS is_scope_changed,
    array_to_string(h.company_names, ', ') AS company_names,
    h.out_of_scope,
    CAST(CAST(h.rows AS JSON) ->> 'users' AS BIGINT) AS users_row_count,
    CAST(CAST(h.rows AS JSON) ->> 'licenses' AS BIGINT) AS licenses_row_count,
    CAST(CAST(h.rows AS JSON) ->> 'seats' AS BIGINT) AS seats_row_count,
    CAST(CAST(h.rows AS JSON) ->> 'mismatches' AS BIGINT) AS mismatches_row_count,
    coalesce(CAST(CAST(h.rows AS JSON) ->> 'control_totals' AS BIGINT), 0) AS control_totals_row_count,
    h.api_calls,
    h.api_version,
    h.ledger_version,
    h.schema_version,
    coalesce(h.privacy_mode, 'named') AS privacy_mode
FROM history AS h
LEFT JOIN counters AS c ON c.org_id = h.org_id AND c.snapshot_date = h.snapshot_date
LEFT JOIN people AS p ON p.org_id = h.org_id AND p.snapshot_date = h.snapshot_date
LEFT JOIN holdings AS t ON t.org_id = h.org_id AND t.snapshot_date = h.snapshot_date
LEFT JOIN controls AS x ON x.org_id = h.org_id AND x.snapshot_date = h.snapshot_date
LEFT JOIN rest AS r ON r.org_id = h.org_id AND r.snapshot_date = h.snapshot_date
LEFT JOIN gaps AS g ON g.org_id = h.org_id AND g.snapshot_date = h.snapshot_date
