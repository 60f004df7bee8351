-- Whoever never logged in, or whose logins are not shown, has no last login.
SELECT 'users.activity_band: ' || activity_band AS subject
FROM users
WHERE activity_band IN ('never', 'not_monitored') AND last_login_at IS NOT NULL
