-- A column that schemas.py declares not null, keys among them, must have a value in every row.
SELECT
    snapshot_date,
    'users.' || CASE
        WHEN user_id IS NULL THEN 'user_id'
        WHEN account_class IS NULL THEN 'account_class'
        WHEN scope_reason IS NULL THEN 'scope_reason'
        ELSE 'is_active'
    END AS subject
FROM users
WHERE user_id IS NULL
    OR account_class IS NULL
    OR scope_reason IS NULL
    OR is_active IS NULL
UNION ALL
SELECT
    snapshot_date,
    'licenses.' || CASE
        WHEN license_layer IS NULL THEN 'license_layer'
        WHEN license_id IS NULL THEN 'license_id'
        WHEN is_unlimited IS NULL THEN 'is_unlimited'
        ELSE 'count_basis'
    END AS subject
FROM licenses
WHERE license_layer IS NULL
    OR license_id IS NULL
    OR is_unlimited IS NULL
    OR count_basis IS NULL
UNION ALL
SELECT
    snapshot_date,
    'seats.' || CASE
        WHEN user_id IS NULL THEN 'user_id'
        WHEN license_layer IS NULL THEN 'license_layer'
        WHEN license_id IS NULL THEN 'license_id'
        WHEN is_active IS NULL THEN 'is_active'
        WHEN account_class IS NULL THEN 'account_class'
        ELSE 'cause'
    END AS subject
FROM seats
WHERE user_id IS NULL
    OR license_layer IS NULL
    OR license_id IS NULL
    OR is_active IS NULL
    OR account_class IS NULL
    OR cause IS NULL
UNION ALL
SELECT
    snapshot_date,
    'mismatches.' || CASE
        WHEN license_layer IS NULL THEN 'license_layer'
        WHEN license_id IS NULL THEN 'license_id'
        WHEN cause IS NULL THEN 'cause'
        ELSE 'seat_count'
    END AS subject
FROM mismatches
WHERE license_layer IS NULL
    OR license_id IS NULL
    OR cause IS NULL
    OR seat_count IS NULL
UNION ALL
SELECT
    snapshot_date,
    'control_totals.' || CASE
        WHEN license_layer IS NULL THEN 'license_layer'
        WHEN license_id IS NULL THEN 'license_id'
        ELSE 'metrics_on'
    END AS subject
FROM control_totals
WHERE license_layer IS NULL
    OR license_id IS NULL
    OR metrics_on IS NULL
