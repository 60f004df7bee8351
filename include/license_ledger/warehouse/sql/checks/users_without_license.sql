-- The user license that a user's profile names must be in table licenses, with the same key.
SELECT
    users.snapshot_date,
    CASE WHEN licenses.license_id IS NULL THEN 'users.license_id' ELSE 'users.license_key' END AS subject
FROM users
LEFT JOIN licenses
    ON licenses.snapshot_date = users.snapshot_date
    AND licenses.license_layer = 'user'
    AND licenses.license_id = users.license_id
WHERE users.license_id IS NOT NULL
    AND (licenses.license_id IS NULL OR licenses.license_key IS DISTINCT FROM users.license_key)
