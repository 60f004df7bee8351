-- The key of a table must be unique.
WITH suspects AS (
    -- Seats are many and their keys wide. Whatever has a hash of its own is unique, the rest is looked at below.
    SELECT hash(user_id, license_layer, license_id) AS mark
    FROM seats
    GROUP BY mark
    HAVING count(*) > 1
)
SELECT 'users.user_id' AS subject
FROM users
GROUP BY user_id
HAVING count(*) > 1
UNION ALL
SELECT 'licenses: ' || license_layer || ' license ' || coalesce(max(license_name), max(license_id)) AS subject
FROM licenses
GROUP BY license_layer, license_id
HAVING count(*) > 1
UNION ALL
SELECT 'seats: ' || license_layer || ' license ' || coalesce(max(license_name), max(license_id)) AS subject
FROM seats
WHERE hash(user_id, license_layer, license_id) IN (SELECT mark FROM suspects)
GROUP BY user_id, license_layer, license_id
HAVING count(*) > 1
UNION ALL
SELECT
    'mismatches: ' || cause || ' of ' || license_layer || ' license '
        || coalesce(max(license_name), max(license_id)) AS subject
FROM mismatches
GROUP BY license_layer, license_id, cause
HAVING count(*) > 1
UNION ALL
SELECT
    'control_totals: ' || license_layer || ' license ' || coalesce(max(license_key), max(license_id)) AS subject
FROM control_totals
GROUP BY license_layer, license_id, metrics_on
HAVING count(*) > 1
