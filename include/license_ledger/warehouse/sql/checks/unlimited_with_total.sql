-- An unlimited license has no total.
SELECT snapshot_date, license_layer || ' license ' || coalesce(license_name, license_id) AS subject
FROM licenses
WHERE is_unlimited AND total_count IS NOT NULL
