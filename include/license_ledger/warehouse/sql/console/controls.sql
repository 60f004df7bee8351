-- Do the ledger's counts agree with Salesforce's dated metrics on a day? One row is a license that both count.
SELECT
    license_layer,
    license_id,
    license_key,
    license_name,
    metrics_on,
    assigned_count,
    active_count,
    ledger_count,
    difference_count,
    count_basis,
    metric_age_days
FROM control_differences
WHERE org_id = $org_id AND snapshot_date = $day
ORDER BY abs(difference_count) DESC, license_layer, license_name, license_id
