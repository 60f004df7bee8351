-- What is the position of every license on a day, the most used of each layer first? One row is a license.
SELECT
    p.license_layer,
    p.license_id,
    p.license_key,
    p.license_name,
    p.status,
    p.is_unlimited,
    p.total_count,
    p.used_count,
    p.available_count,
    p.in_scope_count,
    p.out_of_scope_count,
    p.deactivated_holder_count,
    p.not_seen_count,
    p.unexplained_count,
    p.utilization_percent,
    p.is_over_allocated,
    p.is_nearly_exhausted,
    p.expires_on,
    p.expires_in_days,
    p.count_basis,
    p.used_as_of,
    l.certainty
FROM license_position AS p
INNER JOIN licenses AS l
    ON l.org_id = p.org_id
    AND l.snapshot_date = p.snapshot_date
    AND l.license_layer = p.license_layer
    AND l.license_id = p.license_id
WHERE p.org_id = $org_id AND p.snapshot_date = $day
ORDER BY
    p.license_layer,
    coalesce(p.used_count, 0) DESC,
    coalesce(p.total_count, 0) DESC,
    coalesce(p.license_name, p.license_key, p.license_id),
    p.license_id
