-- How did totals and use of each license develop? Every day that has a snapshot, whatever its provenance, which
-- is shown. Averages are over the snapshots of the days before and the day itself, however many those are.
-- Grain: a license of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- is_month_end: Whether this is the last snapshot of a month that is over.
-- utilization_percent: used_count in percent of total_count. Empty when there is no total, or it is 0.
-- used_change_count: used_count minus that of the snapshot before.
-- total_change_count: total_count minus that of the snapshot before.
-- used_7_day_average: Average of used_count over the 7 days up to this one.
-- used_28_day_average: Average of used_count over the 28 days up to this one.
-- missing_days_before: Days just before that have no snapshot. Empty for the org's first day.
WITH days AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.missing_days_before,
        sight.is_latest,
        sight.provenance,
        lead(p.snapshot_date) OVER (PARTITION BY p.org_id ORDER BY p.snapshot_date) AS next_snapshot_date
    FROM snapshot_pairs AS p
    INNER JOIN snapshot_sight AS sight
        ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
)
SELECT
    l.org_id,
    l.snapshot_date,
    d.is_latest,
    date_trunc('month', coalesce(d.next_snapshot_date, l.snapshot_date + 1))
        > date_trunc('month', l.snapshot_date) AS is_month_end,
    l.license_layer,
    l.license_id,
    l.license_key,
    l.license_name,
    l.is_unlimited,
    l.total_count,
    l.used_count,
    l.available_count,
    l.in_scope_count,
    l.active_holder_count,
    CAST(100.0 * l.used_count / nullif(l.total_count, 0) AS NUMERIC(38, 1)) AS utilization_percent,
    l.used_count - lag(l.used_count) OVER earlier AS used_change_count,
    l.total_count - lag(l.total_count) OVER earlier AS total_change_count,
    CAST(avg(l.used_count) OVER (
        PARTITION BY l.org_id, l.license_layer, l.license_id
        ORDER BY l.snapshot_date
        RANGE BETWEEN INTERVAL '6 days' PRECEDING AND CURRENT ROW
    ) AS NUMERIC(38, 1)) AS used_7_day_average,
    CAST(avg(l.used_count) OVER (
        PARTITION BY l.org_id, l.license_layer, l.license_id
        ORDER BY l.snapshot_date
        RANGE BETWEEN INTERVAL '27 days' PRECEDING AND CURRENT ROW
    ) AS NUMERIC(38, 1)) AS used_28_day_average,
    d.missing_days_before,
    d.provenance,
    l.certainty
FROM licenses AS l
INNER JOIN days AS d ON d.org_id = l.org_id AND d.snapshot_date = l.snapshot_date
WINDOW earlier AS (PARTITION BY l.org_id, l.license_layer, l.license_id ORDER BY l.snapshot_date)
