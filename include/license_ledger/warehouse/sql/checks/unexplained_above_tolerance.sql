-- What the bridge of a license cannot explain must not be more than the setting mismatch_tolerance, unless the
-- holders of a past day had to be deduced and are not sure.
SELECT
    snapshot_date,
    license_layer || ' license ' || coalesce(license_name, license_id) AS subject,
    seat_count
FROM mismatches
WHERE cause = 'unexplained' AND abs(seat_count) > $tolerance AND certainty = 'sure'
