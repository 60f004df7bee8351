-- Which orgs are there, what is each called, and which days does it have? One row is an org.
WITH ranked AS (
    SELECT
        org_id,
        org_name,
        is_sandbox,
        snapshot_date,
        row_number() OVER (PARTITION BY org_id ORDER BY snapshot_date DESC) AS newness,
        count(*) OVER (PARTITION BY org_id) AS day_count,
        min(snapshot_date) OVER (PARTITION BY org_id) AS first_date
    FROM snapshots
)
SELECT org_id, org_name, is_sandbox, first_date, snapshot_date AS latest_date, day_count
FROM ranked
WHERE newness = 1
ORDER BY org_name, org_id
