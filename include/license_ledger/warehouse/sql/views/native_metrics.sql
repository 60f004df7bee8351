-- What did Salesforce itself count on a day? Its dated metrics, each day once, as it was told last.
-- Grain: a license of an org and a day that was counted.
-- told_on: Day of the snapshot that told it last.
WITH ranked AS (
    SELECT
        c.*,
        row_number() OVER (
            PARTITION BY c.org_id, c.license_layer, c.license_id, c.metrics_on
            ORDER BY c.snapshot_date DESC
        ) AS newness
    FROM control_totals AS c
)
SELECT
    org_id,
    license_layer,
    license_id,
    license_key,
    metrics_on,
    assigned_count,
    active_count,
    total_count,
    snapshot_date AS told_on
FROM ranked
WHERE newness = 1
