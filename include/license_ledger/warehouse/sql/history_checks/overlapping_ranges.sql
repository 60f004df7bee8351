-- The ranges of a user must not overlap, and must be of one day at least.
SELECT 'users_history' AS subject, later.valid_from AS snapshot_date
FROM (
    SELECT
        valid_from,
        valid_to,
        lag(valid_to) OVER following AS previous_valid_to,
        row_number() OVER following AS place
    FROM users_history
    WINDOW following AS (PARTITION BY org_id, user_id ORDER BY valid_from)
) AS later
WHERE later.valid_to <= later.valid_from
    OR (later.place > 1 AND (later.previous_valid_to IS NULL OR later.previous_valid_to > later.valid_from))
