-- What could not be seen on a day, what does that cost, and what would unlock it? One row is an object or field.
SELECT object_name, field_name, missing_permission, costs, unlocks
FROM capability_gaps
WHERE org_id = $org_id AND snapshot_date = $day
ORDER BY object_name, field_name
