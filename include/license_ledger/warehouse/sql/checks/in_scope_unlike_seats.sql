-- in_scope_count of a license must be the number of its published seats that are booked in scope.
SELECT
    l.snapshot_date,
    l.license_layer || ' license ' || coalesce(l.license_name, l.license_id) AS subject,
    l.in_scope_count,
    coalesce(s.seat_count, 0) AS seat_count
FROM licenses AS l
LEFT JOIN (
    SELECT snapshot_date, license_layer, license_id, count(*) AS seat_count
    FROM seats
    WHERE cause = 'in_scope'
    GROUP BY snapshot_date, license_layer, license_id
) AS s
    ON s.snapshot_date = l.snapshot_date AND s.license_layer = l.license_layer AND s.license_id = l.license_id
WHERE coalesce(l.in_scope_count, 0) <> coalesce(s.seat_count, 0)
