-- The license of a seat must be in table licenses.
SELECT
    seats.snapshot_date,
    seats.license_layer || ' license ' || coalesce(seats.license_name, seats.license_id) AS subject
FROM seats
LEFT JOIN licenses
    ON licenses.snapshot_date = seats.snapshot_date
    AND licenses.license_layer = seats.license_layer
    AND licenses.license_id = seats.license_id
WHERE licenses.license_id IS NULL
