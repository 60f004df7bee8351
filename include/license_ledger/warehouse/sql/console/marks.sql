-- What is published now? One row is a snapshot and the writing of it that is there.
SELECT org_id, snapshot_date, snapshot_id, built_at
FROM snapshots
ORDER BY org_id, snapshot_date
