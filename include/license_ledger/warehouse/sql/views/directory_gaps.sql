-- Who holds seats and is not in the directory, or not active in it? By the directory as it was when the day was
-- loaded; a user is found by federation id, e-mail address, login name or employee number, the first that hits.
-- Partners, customers, guests and integrations are not looked for. A day that was not compared has no rows, and
-- none in directory_checks either.
-- Grain: a user in scope without an active entry in the directory, who is active or holds a seat, of an org on a
--   day.
-- is_latest: Whether this is the newest day of the org.
-- held_license_count: Licenses that the user holds a seat of.
-- held_licenses: Their names.
WITH held AS (
    SELECT
        org_id,
        snapshot_date,
        user_id,
        count(*) AS held_license_count,
        string_agg(coalesce(license_name, license_key, license_id), ', ' ORDER BY license_layer, license_id)
            AS held_licenses
    FROM seats
    GROUP BY org_id, snapshot_date, user_id
)
SELECT
    f.org_id,
    f.snapshot_date,
    sight.is_latest,
    f.finding,
    f.matched_by,
    f.user_id,
    u.username,
    u.name,
    u.email,
    u.company_name,
    u.department,
    u.account_class,
    u.profile_name,
    u.is_active,
    u.is_frozen,
    u.activity_band,
    u.last_login_at,
    u.created_at,
    coalesce(h.held_license_count, 0) AS held_license_count,
    h.held_licenses,
    d.read_at
FROM directory_findings AS f
INNER JOIN users AS u
    ON u.org_id = f.org_id AND u.snapshot_date = f.snapshot_date AND u.user_id = f.user_id
INNER JOIN snapshot_sight AS sight
    ON sight.org_id = f.org_id AND sight.snapshot_date = f.snapshot_date
INNER JOIN directory_checks AS d
    ON d.org_id = f.org_id AND d.snapshot_date = f.snapshot_date
LEFT JOIN held AS h
    ON h.org_id = f.org_id AND h.snapshot_date = f.snapshot_date AND h.user_id = f.user_id
WHERE u.is_active OR h.user_id IS NOT NULL
