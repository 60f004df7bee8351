-- Which licenses expire, when, how many seats are concerned, and are they used? User licenses have no date in
-- Salesforce; theirs is in the contract.
-- Grain: a license that has an expiry date, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- expires_in_days: Days from the snapshot date to expires_on; negative when it has passed.
-- due: One of expired, 30_days, 60_days, 90_days, 120_days, later.
-- utilization_percent: used_count in percent of total_count. Empty when there is no total, or it is 0.
-- peak_used_count: Most seats used on a day of the 90 days up to this one.
WITH peaks AS (
    SELECT
        l.*,
        max(l.used_count) OVER (
            PARTITION BY l.org_id, l.license_layer, l.license_id
            ORDER BY l.snapshot_date
            RANGE BETWEEN INTERVAL '89 days' PRECEDING AND CURRENT ROW
        ) AS peak_used_count,
        CAST(l.expires_on - l.snapshot_date AS BIGINT) AS expires_in_days
    FROM licenses AS l
)
SELECT
    p.org_id,
    p.snapshot_date,
    sight.is_latest,
    p.license_layer,
    p.license_id,
    p.license_key,
    p.license_name,
    p.status,
    p.expires_on,
    p.expires_in_days,
    CASE
        WHEN p.expires_in_days < 0 THEN 'expired'
        WHEN p.expires_in_days <= 30 THEN '30_days'
        WHEN p.expires_in_days <= 60 THEN '60_days'
        WHEN p.expires_in_days <= 90 THEN '90_days'
        WHEN p.expires_in_days <= 120 THEN '120_days'
        ELSE 'later'
    END AS due,
    p.is_unlimited,
    p.total_count,
    p.used_count,
    p.available_count,
    p.in_scope_count,
    CAST(100.0 * p.used_count / nullif(p.total_count, 0) AS NUMERIC(38, 1)) AS utilization_percent,
    p.peak_used_count,
    sight.provenance,
    p.certainty
FROM peaks AS p
INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
WHERE p.expires_on IS NOT NULL
