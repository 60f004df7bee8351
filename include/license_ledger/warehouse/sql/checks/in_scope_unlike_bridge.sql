-- in_scope_count of a license must be what the bridge books in scope.
SELECT
    l.snapshot_date,
    l.license_layer || ' license ' || coalesce(l.license_name, l.license_id) AS subject,
    l.in_scope_count,
    coalesce(b.seat_count, 0) AS seat_count
FROM licenses AS l
LEFT JOIN (
    SELECT snapshot_date, license_layer, license_id, sum(seat_count) AS seat_count
    FROM mismatches
    WHERE cause = 'in_scope'
    GROUP BY snapshot_date, license_layer, license_id
) AS b
    ON b.snapshot_date = l.snapshot_date AND b.license_layer = l.license_layer AND b.license_id = l.license_id
WHERE coalesce(l.in_scope_count, 0) <> coalesce(b.seat_count, 0)
