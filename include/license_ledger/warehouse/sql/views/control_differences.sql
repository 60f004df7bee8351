-- Do the ledger's counts agree with what Salesforce counted independently? Held against each other are the
-- holders that were read and the newest of Salesforce's dated metrics that came with the same snapshot, unless it
-- is more than 31 days old.
-- Grain: a license that Salesforce measures, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- ledger_count: Holders the ledger counted: active ones, or all where the license's counter counts all.
-- difference_count: ledger_count - assigned_count. Signed; 0 when they agree.
-- metric_age_days: Days from metrics_on to the snapshot date. Holders may have changed in them.
WITH newest AS (
    SELECT
        c.*,
        row_number() OVER (
            PARTITION BY c.org_id, c.snapshot_date, c.license_layer, c.license_id
            ORDER BY c.metrics_on DESC
        ) AS newness
    FROM control_totals AS c
    WHERE c.assigned_count IS NOT NULL
)
SELECT
    n.org_id,
    n.snapshot_date,
    sight.is_latest,
    n.license_layer,
    n.license_id,
    l.license_key,
    l.license_name,
    n.metrics_on,
    n.assigned_count,
    n.active_count,
    CASE WHEN l.count_basis = 'all_assignees' THEN l.all_holder_count ELSE l.active_holder_count END
        AS ledger_count,
    CASE WHEN l.count_basis = 'all_assignees' THEN l.all_holder_count ELSE l.active_holder_count END
        - n.assigned_count AS difference_count,
    l.count_basis,
    CAST(n.snapshot_date - n.metrics_on AS BIGINT) AS metric_age_days,
    sight.provenance,
    l.certainty
FROM newest AS n
INNER JOIN licenses AS l
    ON l.org_id = n.org_id
    AND l.snapshot_date = n.snapshot_date
    AND l.license_layer = n.license_layer
    AND l.license_id = n.license_id
INNER JOIN snapshot_sight AS sight
    ON sight.org_id = n.org_id AND sight.snapshot_date = n.snapshot_date
WHERE n.newness = 1
    AND n.snapshot_date - n.metrics_on <= 31
    AND CASE WHEN l.count_basis = 'all_assignees' THEN l.all_holder_count ELSE l.active_holder_count END
        IS NOT NULL
