-- How did one license develop? Days without a snapshot have no row. One row is a day.
SELECT
    t.snapshot_date,
    t.total_count,
    t.used_count,
    t.in_scope_count,
    t.available_count,
    t.utilization_percent,
    t.used_change_count,
    t.missing_days_before,
    t.provenance,
    t.certainty
FROM license_trend AS t
WHERE t.org_id = $org_id
    AND t.license_layer = $license_layer
    AND t.license_id = $license_id
    AND t.snapshot_date BETWEEN $since AND $day
ORDER BY t.snapshot_date
