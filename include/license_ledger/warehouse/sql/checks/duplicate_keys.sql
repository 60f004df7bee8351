-- The key of a table must be unique. Seats have a check of their own: no two large tables meet in memory.
SELECT snapshot_date, 'users.user_id' AS subject
FROM users
GROUP BY snapshot_date, user_id
HAVING count(*) > 1
UNION ALL
SELECT
    snapshot_date,
    'licenses: ' || license_layer || ' license ' || coalesce(max(license_name), max(license_id)) AS subject
FROM licenses
GROUP BY snapshot_date, license_layer, license_id
HAVING count(*) > 1
UNION ALL
SELECT
    snapshot_date,
    'mismatches: ' || cause || ' of ' || license_layer || ' license '
        || coalesce(max(license_name), max(license_id)) AS subject
FROM mismatches
GROUP BY snapshot_date, license_layer, license_id, cause
HAVING count(*) > 1
UNION ALL
SELECT
    snapshot_date,
    'control_totals: ' || license_layer || ' license ' || coalesce(max(license_key), max(license_id)) AS subject
FROM control_totals
GROUP BY snapshot_date, license_layer, license_id, metrics_on
HAVING count(*) > 1
