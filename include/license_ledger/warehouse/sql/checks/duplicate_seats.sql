-- The key of table seats must be unique.
WITH suspects AS (
    -- Seats are many and their keys wide. Whatever has a hash of its own is unique, the rest is looked at below.
    SELECT hash(snapshot_date, user_id, license_layer, license_id) AS mark
    FROM seats
    GROUP BY mark
    HAVING count(*) > 1
)
SELECT
    snapshot_date,
    'seats: ' || license_layer || ' license ' || coalesce(max(license_name), max(license_id)) AS subject
FROM seats
WHERE hash(snapshot_date, user_id, license_layer, license_id) IN (SELECT mark FROM suspects)
GROUP BY snapshot_date, user_id, license_layer, license_id
HAVING count(*) > 1
