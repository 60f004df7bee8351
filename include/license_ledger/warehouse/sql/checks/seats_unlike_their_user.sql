-- What a seat says of its holder must be what table users says.
SELECT
    seats.snapshot_date,
    CASE
        WHEN seats.is_active IS DISTINCT FROM users.is_active THEN 'seats.is_active'
        WHEN seats.is_frozen IS DISTINCT FROM users.is_frozen THEN 'seats.is_frozen'
        WHEN seats.activity_band IS DISTINCT FROM users.activity_band THEN 'seats.activity_band'
        ELSE 'seats.account_class'
    END AS subject
FROM seats
INNER JOIN users ON users.snapshot_date = seats.snapshot_date AND users.user_id = seats.user_id
WHERE seats.is_active IS DISTINCT FROM users.is_active
    OR seats.is_frozen IS DISTINCT FROM users.is_frozen
    OR seats.activity_band IS DISTINCT FROM users.activity_band
    OR seats.account_class IS DISTINCT FROM users.account_class
