-- How many seats look wasted, by license, waste class and state? One row is one of these combinations.
SELECT
    license_layer,
    license_id,
    max(license_key) AS license_key,
    max(license_name) AS license_name,
    waste_class,
    candidate_state,
    count(*) AS seat_count
FROM reclaim_candidates
WHERE org_id = $org_id AND snapshot_date = $day
GROUP BY license_layer, license_id, waste_class, candidate_state
ORDER BY license_layer, license_id, waste_class, candidate_state
