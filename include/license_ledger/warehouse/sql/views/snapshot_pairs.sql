-- With which earlier snapshot is each one compared? Seats are compared with the snapshot before. People are
-- compared with the last snapshot that saw everybody, and a snapshot that did not see everybody is passed
-- over, so that nobody is lost or counted twice; only in an org that has never been seen whole are such
-- snapshots compared with one another. A name is not compared with a pseudonym: where the privacy mode has
-- changed, the first snapshot of the new mode is compared with none.
-- Grain: a snapshot, that is an org on a day.
-- previous_snapshot_date: The org's day before this one. Empty for its first.
-- compared_with: The day that people are compared with. Empty for the first day of the org, or of a privacy
--   mode, and for a day that is passed over.
-- missing_days_before: Days between previous_snapshot_date and this day that have no snapshot.
WITH ordered AS (
    SELECT
        org_id,
        snapshot_date,
        sees_people,
        lag(snapshot_date) OVER (PARTITION BY org_id ORDER BY snapshot_date) AS previous_snapshot_date,
        privacy_mode = lag(privacy_mode) OVER (PARTITION BY org_id ORDER BY snapshot_date) AS is_alike,
        max(CASE WHEN sees_people THEN snapshot_date END) OVER (
            PARTITION BY org_id, privacy_mode
            ORDER BY snapshot_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last_whole_date
    FROM snapshot_sight
)
SELECT
    org_id,
    snapshot_date,
    previous_snapshot_date,
    CASE
        WHEN last_whole_date IS NULL AND is_alike THEN previous_snapshot_date
        WHEN sees_people THEN last_whole_date
    END AS compared_with,
    CAST(snapshot_date - previous_snapshot_date AS BIGINT) - 1 AS missing_days_before
FROM ordered
