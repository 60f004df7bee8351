-- How far can the numbers of a day be trusted? At most one row.
SELECT *
FROM data_trust
WHERE org_id = $org_id AND snapshot_date = $day
