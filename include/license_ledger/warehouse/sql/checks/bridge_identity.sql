-- The causes of a license must add up to the number Salesforce counts, wherever it counts seats.
SELECT
    l.snapshot_date,
    l.license_layer || ' license ' || coalesce(l.license_name, l.license_id) AS subject,
    l.used_count,
    coalesce(b.seat_count, 0) AS seat_count
FROM licenses AS l
LEFT JOIN (
    SELECT snapshot_date, license_layer, license_id, sum(seat_count) AS seat_count
    FROM mismatches
    GROUP BY snapshot_date, license_layer, license_id
) AS b
    ON b.snapshot_date = l.snapshot_date AND b.license_layer = l.license_layer AND b.license_id = l.license_id
WHERE l.license_layer <> 'usage'
    AND l.used_count IS NOT NULL
    AND l.used_count <> coalesce(b.seat_count, 0)
