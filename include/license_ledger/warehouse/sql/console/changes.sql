-- What was bought, dropped, renewed or has expired over some days? Usage entitlements begin again with every
-- period, which is no renewal. One row is a license and a kind of change.
SELECT
    snapshot_date,
    license_layer,
    license_id,
    license_key,
    license_name,
    kind,
    from_count,
    to_count,
    change_count,
    from_expires_on,
    to_expires_on,
    certainty
FROM license_changes
WHERE org_id = $org_id
    AND snapshot_date BETWEEN $since AND $day
    AND NOT (license_layer = 'usage' AND kind IN ('renewed', 'expired'))
ORDER BY snapshot_date DESC, license_layer, license_name, license_id, kind
LIMIT 100
