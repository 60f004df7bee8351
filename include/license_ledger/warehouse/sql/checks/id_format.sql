-- A Salesforce id must have 18 letters and digits. Feature licenses have none: theirs is the feature type.
SELECT snapshot_date, 'users.user_id' AS subject
FROM users
WHERE NOT regexp_full_match(user_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'users.profile_id' AS subject
FROM users
WHERE NOT regexp_full_match(profile_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'users.license_id' AS subject
FROM users
WHERE NOT regexp_full_match(license_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'licenses.license_id' AS subject
FROM licenses
WHERE license_layer <> 'feature' AND NOT regexp_full_match(license_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'seats.user_id' AS subject
FROM seats
WHERE NOT regexp_full_match(user_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'seats.license_id' AS subject
FROM seats
WHERE license_layer <> 'feature' AND NOT regexp_full_match(license_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'mismatches.license_id' AS subject
FROM mismatches
WHERE license_layer <> 'feature' AND NOT regexp_full_match(license_id, '[A-Za-z0-9]{18}')
UNION ALL
SELECT snapshot_date, 'control_totals.license_id' AS subject
FROM control_totals
WHERE license_layer <> 'feature' AND NOT regexp_full_match(license_id, '[A-Za-z0-9]{18}')
