-- A count of seats must not be negative. Only what is booked as counter_timing, not_visible or unexplained
-- has a sign, and available_count, which is below zero when a license is over-allocated.
SELECT
    snapshot_date,
    'mismatches.seat_count: ' || cause || ' of ' || license_layer || ' license '
        || coalesce(license_name, license_id) AS subject
FROM mismatches
WHERE seat_count < 0 AND cause NOT IN ('counter_timing', 'not_visible', 'unexplained')
UNION ALL
SELECT
    snapshot_date,
    'licenses.' || CASE
        WHEN total_count < 0 THEN 'total_count'
        WHEN used_count < 0 THEN 'used_count'
        WHEN active_holder_count < 0 THEN 'active_holder_count'
        WHEN all_holder_count < 0 THEN 'all_holder_count'
        ELSE 'in_scope_count'
    END || ': ' || license_layer || ' license ' || coalesce(license_name, license_id) AS subject
FROM licenses
WHERE license_layer <> 'usage'
    AND (
        total_count < 0
        OR used_count < 0
        OR active_holder_count < 0
        OR all_holder_count < 0
        OR in_scope_count < 0
    )
UNION ALL
SELECT
    snapshot_date,
    'control_totals.' || CASE
        WHEN assigned_count < 0 THEN 'assigned_count'
        WHEN active_count < 0 THEN 'active_count'
        ELSE 'total_count'
    END || ': ' || license_layer || ' license ' || coalesce(license_key, license_id) AS subject
FROM control_totals
WHERE assigned_count < 0 OR active_count < 0 OR total_count < 0
