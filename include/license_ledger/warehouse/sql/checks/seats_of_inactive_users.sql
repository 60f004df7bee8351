-- A deactivated user holds no user license, and on the other layers such a seat must be booked under
-- deactivated_holder, as no other seat may be.
SELECT
    seats.snapshot_date,
    seats.license_layer || ' license ' || coalesce(seats.license_name, seats.license_id) AS subject
FROM seats
WHERE (seats.license_layer = 'user' AND NOT seats.is_active)
    OR seats.is_active = (seats.cause = 'deactivated_holder')
