-- The holder of a seat must be in table users: a seat of somebody out of scope must not be published.
SELECT
    seats.snapshot_date,
    seats.license_layer || ' license ' || coalesce(seats.license_name, seats.license_id) AS subject
FROM seats
LEFT JOIN users ON users.snapshot_date = seats.snapshot_date AND users.user_id = seats.user_id
WHERE users.user_id IS NULL
