-- A column with a closed vocabulary must hold words of it. A variable per column holds what schemas.py declares.
SELECT snapshot_date, 'users.account_class' AS subject
FROM users
WHERE NOT list_contains(getvariable('users.account_class'), account_class)
UNION ALL
SELECT snapshot_date, 'users.scope_reason' AS subject
FROM users
WHERE NOT list_contains(getvariable('users.scope_reason'), scope_reason)
UNION ALL
SELECT snapshot_date, 'users.activity_band' AS subject
FROM users
WHERE NOT list_contains(getvariable('users.activity_band'), activity_band)
UNION ALL
SELECT snapshot_date, 'licenses.license_layer' AS subject
FROM licenses
WHERE NOT list_contains(getvariable('licenses.license_layer'), license_layer)
UNION ALL
SELECT snapshot_date, 'licenses.count_basis' AS subject
FROM licenses
WHERE NOT list_contains(getvariable('licenses.count_basis'), count_basis)
UNION ALL
SELECT snapshot_date, 'seats.license_layer' AS subject
FROM seats
WHERE NOT list_contains(getvariable('seats.license_layer'), license_layer)
UNION ALL
SELECT snapshot_date, 'seats.activity_band' AS subject
FROM seats
WHERE NOT list_contains(getvariable('seats.activity_band'), activity_band)
UNION ALL
SELECT snapshot_date, 'seats.account_class' AS subject
FROM seats
WHERE NOT list_contains(getvariable('seats.account_class'), account_class)
UNION ALL
SELECT snapshot_date, 'seats.cause' AS subject
FROM seats
WHERE NOT list_contains(getvariable('seats.cause'), cause)
UNION ALL
SELECT snapshot_date, 'mismatches.license_layer' AS subject
FROM mismatches
WHERE NOT list_contains(getvariable('mismatches.license_layer'), license_layer)
UNION ALL
SELECT snapshot_date, 'mismatches.cause' AS subject
FROM mismatches
WHERE NOT list_contains(getvariable('mismatches.cause'), cause)
UNION ALL
SELECT snapshot_date, 'control_totals.license_layer' AS subject
FROM control_totals
WHERE NOT list_contains(getvariable('control_totals.license_layer'), license_layer)
UNION ALL
SELECT snapshot_date, 'users.certainty' AS subject
FROM users
WHERE NOT list_contains(getvariable('users.certainty'), certainty)
UNION ALL
SELECT snapshot_date, 'licenses.certainty' AS subject
FROM licenses
WHERE NOT list_contains(getvariable('licenses.certainty'), certainty)
UNION ALL
SELECT snapshot_date, 'seats.certainty' AS subject
FROM seats
WHERE NOT list_contains(getvariable('seats.certainty'), certainty)
UNION ALL
SELECT snapshot_date, 'mismatches.certainty' AS subject
FROM mismatches
WHERE NOT list_contains(getvariable('mismatches.certainty'), certainty)
