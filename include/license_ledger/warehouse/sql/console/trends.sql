-- How did the use of every license develop over some days? One row is a license on a day.
SELECT license_layer, license_id, snapshot_date, total_count, used_count
FROM licenses
WHERE org_id = $org_id AND snapshot_date BETWEEN $since AND $day
ORDER BY license_layer, license_id, snapshot_date
