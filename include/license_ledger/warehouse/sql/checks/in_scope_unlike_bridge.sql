-- in_scope_count of a license must be what the bridge books in scope.
SELECT
    l.license_layer || ' license ' || coalesce(l.license_name, l.license_id) AS subject,
    l.in_scope_count,
    coalesce(b.seat_count, 0) AS seat_count
FROM licenses AS l
LEFT JOIN (
    SELECT license_layer, license_id, sum(seat_count) AS seat_count
    FROM mismatches
    WHERE cause = 'in_scope'
    GROUP BY license_layer, license_id
) AS b ON b.license_layer = l.license_layer AND b.license_id = l.license_id
WHERE coalesce(l.in_scope_count, 0) <> coalesce(b.seat_count, 0)
