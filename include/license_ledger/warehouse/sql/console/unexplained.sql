-- Which licenses have seats on a day that no cause explains? One row is such a license.
SELECT license_layer, license_id, license_key, license_name, seat_count, used_count, detail
FROM mismatch_bridge
WHERE org_id = $org_id AND snapshot_date = $day AND cause = 'unexplained' AND seat_count <> 0
ORDER BY abs(seat_count) DESC, license_layer, license_name
