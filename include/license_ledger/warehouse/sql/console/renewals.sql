-- Which licenses expire within half a year of a day, or have expired in the month before? Usage entitlements
-- begin again with every period, and are left out. One row is a license.
SELECT
    license_layer,
    license_id,
    license_key,
    license_name,
    expires_on,
    expires_in_days,
    due,
    total_count,
    used_count,
    peak_used_count
FROM renewals
WHERE org_id = $org_id AND snapshot_date = $day AND license_layer <> 'usage' AND expires_in_days BETWEEN -30 AND 180
ORDER BY expires_on, license_layer, license_name
