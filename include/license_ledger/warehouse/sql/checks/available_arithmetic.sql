-- available_count must be total_count - used_count, and null when either is null.
SELECT snapshot_date, license_layer || ' license ' || coalesce(license_name, license_id) AS subject
FROM licenses
WHERE available_count IS DISTINCT FROM total_count - used_count
