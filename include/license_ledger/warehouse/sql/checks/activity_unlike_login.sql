-- Whoever never logged in, or whose logins are not shown or not remembered, has no last login.
SELECT snapshot_date, 'users.activity_band: ' || coalesce(activity_band, 'not remembered') AS subject
FROM users
WHERE (activity_band IS NULL OR activity_band IN ('never', 'not_monitored')) AND last_login_at IS NOT NULL
