-- The two days that are asked for, in the place of every snapshot and the one before it: shadows the view
-- snapshot_pairs.
SELECT
    later.org_id,
    later.snapshot_date,
    earlier.snapshot_date AS previous_snapshot_date,
    earlier.snapshot_date AS compared_with,
    CAST(later.snapshot_date - earlier.snapshot_date AS BIGINT) - 1 AS missing_days_before
FROM snapshot_sight AS later
INNER JOIN snapshot_sight AS earlier ON earlier.org_id = later.org_id
WHERE later.org_id = $org_id AND earlier.snapshot_date = $from_date AND later.snapshot_date = $to_date
