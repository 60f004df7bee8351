-- A column with a closed vocabulary must hold words of it. Table vocabulary holds what schemas.py declares.
SELECT 'users.account_class' AS subject
FROM users
WHERE account_class NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'users' AND column_name = 'account_class'
)
UNION ALL
SELECT 'users.scope_reason' AS subject
FROM users
WHERE scope_reason NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'users' AND column_name = 'scope_reason'
)
UNION ALL
SELECT 'users.activity_band' AS subject
FROM users
WHERE activity_band NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'users' AND column_name = 'activity_band'
)
UNION ALL
SELECT 'licenses.license_layer' AS subject
FROM licenses
WHERE license_layer NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'licenses' AND column_name = 'license_layer'
)
UNION ALL
SELECT 'licenses.count_basis' AS subject
FROM licenses
WHERE count_basis NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'licenses' AND column_name = 'count_basis'
)
UNION ALL
SELECT 'seats.license_layer' AS subject
FROM seats
WHERE license_layer NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'seats' AND column_name = 'license_layer'
)
UNION ALL
SELECT 'seats.activity_band' AS subject
FROM seats
WHERE activity_band NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'seats' AND column_name = 'activity_band'
)
UNION ALL
SELECT 'seats.account_class' AS subject
FROM seats
WHERE account_class NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'seats' AND column_name = 'account_class'
)
UNION ALL
SELECT 'seats.cause' AS subject
FROM seats
WHERE cause NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'seats' AND column_name = 'cause'
)
UNION ALL
SELECT 'mismatches.license_layer' AS subject
FROM mismatches
WHERE license_layer NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'mismatches' AND column_name = 'license_layer'
)
UNION ALL
SELECT 'mismatches.cause' AS subject
FROM mismatches
WHERE cause NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'mismatches' AND column_name = 'cause'
)
UNION ALL
SELECT 'control_totals.license_layer' AS subject
FROM control_totals
WHERE license_layer NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'control_totals' AND column_name = 'license_layer'
)
UNION ALL
SELECT 'users.certainty' AS subject
FROM users
WHERE certainty NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'users' AND column_name = 'certainty'
)
UNION ALL
SELECT 'licenses.certainty' AS subject
FROM licenses
WHERE certainty NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'licenses' AND column_name = 'certainty'
)
UNION ALL
SELECT 'seats.certainty' AS subject
FROM seats
WHERE certainty NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'seats' AND column_name = 'certainty'
)
UNION ALL
SELECT 'mismatches.certainty' AS subject
FROM mismatches
WHERE certainty NOT IN (
    SELECT word FROM vocabulary WHERE table_name = 'mismatches' AND column_name = 'certainty'
)
