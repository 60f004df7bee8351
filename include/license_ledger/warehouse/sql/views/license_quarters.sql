-- How high and how low did the use of each license go in a quarter, and when? Evidence for a renewal: what was
-- needed at the most, and what was bought.
-- Grain: a license of an org and a calendar quarter.
-- quarter_start: First day of the quarter.
-- is_over: Whether the quarter is over, as seen from the org's newest day.
-- snapshot_count: Snapshots of the quarter that tell this license's use.
-- first_on: The first of them.
-- last_on: The last of them.
-- peak_used_count: Most seats used on a day.
-- peak_on: The first such day.
-- high_used_count: Seats used that 95 % of the days do not exceed.
-- average_used_count: Average of the days.
-- trough_used_count: Fewest seats used on a day.
-- trough_on: The first such day.
-- peak_total_count: Most seats bought on a day.
-- last_total_count: Seats bought on the last day.
-- peak_utilization_percent: Highest utilization of a day. Empty when there is no total.
-- observed_count: Days whose snapshot was observed.
-- replayed_count: Days whose snapshot was replayed.
-- reconstructed_count: Days whose snapshot was reconstructed.
WITH newest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
ranked AS (
    SELECT
        t.*,
        CAST(date_trunc('quarter', t.snapshot_date) AS DATE) AS quarter_start,
        row_number() OVER (
            PARTITION BY t.org_id, t.license_layer, t.license_id, date_trunc('quarter', t.snapshot_date)
            ORDER BY t.used_count DESC, t.snapshot_date
        ) AS from_top,
        row_number() OVER (
            PARTITION BY t.org_id, t.license_layer, t.license_id, date_trunc('quarter', t.snapshot_date)
            ORDER BY t.used_count, t.snapshot_date
        ) AS from_bottom,
        row_number() OVER (
            PARTITION BY t.org_id, t.license_layer, t.license_id, date_trunc('quarter', t.snapshot_date)
            ORDER BY t.snapshot_date DESC
        ) AS from_end
    FROM license_trend AS t
    WHERE t.used_count IS NOT NULL
)
SELECT
    r.org_id,
    r.quarter_start,
    CAST(r.quarter_start + INTERVAL '3 months' AS DATE) <= newest.snapshot_date AS is_over,
    r.license_layer,
    r.license_id,
    max(CASE WHEN r.from_end = 1 THEN r.license_key END) AS license_key,
    max(CASE WHEN r.from_end = 1 THEN r.license_name END) AS license_name,
    count(*) AS snapshot_count,
    min(r.snapshot_date) AS first_on,
    max(r.snapshot_date) AS last_on,
    max(r.used_count) AS peak_used_count,
    max(CASE WHEN r.from_top = 1 THEN r.snapshot_date END) AS peak_on,
    percentile_disc(0.95) WITHIN GROUP (ORDER BY r.used_count) AS high_used_count,
    CAST(avg(r.used_count) AS NUMERIC(38, 1)) AS average_used_count,
    min(r.used_count) AS trough_used_count,
    max(CASE WHEN r.from_bottom = 1 THEN r.snapshot_date END) AS trough_on,
    max(r.total_count) AS peak_total_count,
    max(CASE WHEN r.from_end = 1 THEN r.total_count END) AS last_total_count,
    max(r.utilization_percent) AS peak_utilization_percent,
    count(CASE WHEN r.provenance = 'observed' THEN 1 END) AS observed_count,
    count(CASE WHEN r.provenance = 'replayed' THEN 1 END) AS replayed_count,
    count(CASE WHEN r.provenance = 'reconstructed' THEN 1 END) AS reconstructed_count
FROM ranked AS r
INNER JOIN newest ON newest.org_id = r.org_id
GROUP BY r.org_id, r.quarter_start, newest.snapshot_date, r.license_layer, r.license_id
