-- Who holds the seats of a license that are booked under a cause? One row is a seat of an in-scope user; of
-- people out of scope nothing but their number is kept.
SELECT
    s.user_id,
    u.name,
    u.username,
    u.email,
    u.email_domain,
    u.department,
    u.title,
    u.country,
    u.profile_name,
    s.account_class,
    s.is_active,
    s.is_frozen,
    s.activity_band,
    u.last_login_at,
    s.assigned_at,
    s.certainty
FROM seats AS s
INNER JOIN users AS u
    ON u.org_id = s.org_id AND u.snapshot_date = s.snapshot_date AND u.user_id = s.user_id
WHERE s.org_id = $org_id
    AND s.snapshot_date = $day
    AND u.org_id = $org_id
    AND u.snapshot_date = $day
    AND s.license_layer = $license_layer
    AND s.license_id = $license_id
    AND s.cause = $cause
