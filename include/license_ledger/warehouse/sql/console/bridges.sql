-- Where are the seats of every license booked on a day? One row is a license and a cause.
SELECT
    license_layer,
    license_id,
    license_key,
    license_name,
    cause_order,
    cause,
    seat_count,
    used_count,
    share_of_used_percent,
    is_balanced,
    count_basis,
    used_as_of,
    detail
FROM mismatch_bridge
WHERE org_id = $org_id AND snapshot_date = $day
ORDER BY license_layer, coalesce(license_name, license_key, license_id), license_id, cause_order
