-- Who came, went and moved on a day, in numbers? One row is a kind of movement and an attribute.
SELECT
    kind,
    attribute,
    count(*) AS movement_count,
    count(DISTINCT user_id) AS user_count,
    min(previous_snapshot_date) AS previous_snapshot_date
FROM movements
WHERE org_id = $org_id AND snapshot_date = $day
GROUP BY kind, attribute
ORDER BY kind, attribute
