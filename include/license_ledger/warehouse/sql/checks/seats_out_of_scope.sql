-- A published seat must be booked in scope, under a deactivated holder, or under a system user whom the
-- filter * lets in; never under a cause that is out of scope.
SELECT
    seats.snapshot_date,
    seats.cause || ' in ' || seats.license_layer || ' license '
        || coalesce(seats.license_name, seats.license_id) AS subject
FROM seats
LEFT JOIN users ON users.snapshot_date = seats.snapshot_date AND users.user_id = seats.user_id
WHERE seats.cause NOT IN ('in_scope', 'deactivated_holder', 'system_user')
    OR (seats.cause = 'system_user' AND users.scope_reason <> 'everyone')
