-- When does a license run out, as seen from the org's newest day? At most one row.
SELECT
    snapshot_date,
    reason,
    total_count,
    used_count,
    days_to_exhaustion,
    earliest_days,
    latest_days,
    exhausted_on,
    earliest_on,
    latest_on,
    seats_per_30_days,
    point_count,
    first_on,
    last_on,
    observed_count,
    replayed_count,
    reconstructed_count
FROM license_forecast
WHERE org_id = $org_id AND license_layer = $license_layer AND license_id = $license_id
