-- Every user of every snapshot must be in exactly one range of users_history.
SELECT 'users' AS subject, counted.snapshot_date
FROM (
    SELECT snapshots.org_id, snapshots.snapshot_date, count(history.user_id) AS range_count
    FROM snapshots
    LEFT JOIN users_history AS history
        ON history.org_id = snapshots.org_id
        AND history.valid_from <= snapshots.snapshot_date
        AND coalesce(history.valid_to, snapshots.snapshot_date + 1) > snapshots.snapshot_date
    GROUP BY snapshots.org_id, snapshots.snapshot_date
) AS counted
LEFT JOIN (
    SELECT org_id, snapshot_date, count(*) AS user_count
    FROM users
    GROUP BY org_id, snapshot_date
) AS people ON people.org_id = counted.org_id AND people.snapshot_date = counted.snapshot_date
WHERE counted.range_count <> coalesce(people.user_count, 0)
