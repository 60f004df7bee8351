-- Where did each license stand when a month ended? The last snapshot of every month that is over.
-- Grain: a license of an org and a month.
-- month_start: First day of the month.
-- days_before_month_end: Days from the snapshot to the last day of the month; 0 when that day has a snapshot.
-- used_change_count: used_count minus that of the month end before.
-- total_change_count: total_count minus that of the month end before.
-- utilization_percent: used_count in percent of total_count. Empty when there is no total, or it is 0.
SELECT
    org_id,
    CAST(date_trunc('month', snapshot_date) AS DATE) AS month_start,
    license_layer,
    license_id,
    license_key,
    license_name,
    snapshot_date,
    CAST(CAST(date_trunc('month', snapshot_date) + INTERVAL '1 month' AS DATE) - snapshot_date AS BIGINT) - 1
        AS days_before_month_end,
    is_unlimited,
    total_count,
    used_count,
    available_count,
    in_scope_count,
    utilization_percent,
    used_count - lag(used_count) OVER earlier AS used_change_count,
    total_count - lag(total_count) OVER earlier AS total_change_count,
    provenance,
    certainty
FROM license_trend
WHERE is_month_end
WINDOW earlier AS (PARTITION BY org_id, license_layer, license_id ORDER BY snapshot_date)
