-- Which people from outside the company have accounts, from which domains, on which licenses, and do they
-- use them? Accounts of partners and customers (external), of people on a standard license whose domain is
-- not the company's (contractor), and of guests. An account counts once for every license it holds, and
-- once without a license if it holds none.
-- Grain: an account class, user type, e-mail domain and license, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- account_count: Accounts, active or not.
-- active_account_count: Accounts that can log in.
-- frozen_account_count: Active accounts whose login is blocked for now.
-- seen_in_30_days_count: Active accounts that logged in within 30 days.
-- not_seen_in_90_days_count: Active accounts without a login in the last 90 days, or ever.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
)
SELECT
    users.org_id,
    users.snapshot_date,
    users.snapshot_date = latest.snapshot_date AS is_latest,
    users.account_class,
    users.user_type,
    users.email_domain,
    seats.license_layer,
    seats.license_id,
    max(seats.license_key) AS license_key,
    max(seats.license_name) AS license_name,
    count(*) AS account_count,
    count(CASE WHEN users.is_active THEN 1 END) AS active_account_count,
    count(CASE WHEN users.is_active AND users.is_frozen THEN 1 END) AS frozen_account_count,
    count(CASE WHEN users.is_active AND users.activity_band = '0-30' THEN 1 END) AS seen_in_30_days_count,
    count(CASE WHEN users.is_active AND users.activity_band IN ('91-180', '181+', 'never') THEN 1 END)
        AS not_seen_in_90_days_count
FROM users
INNER JOIN latest ON latest.org_id = users.org_id
LEFT JOIN seats
    ON seats.org_id = users.org_id
    AND seats.snapshot_date = users.snapshot_date
    AND seats.user_id = users.user_id
WHERE users.account_class IN ('external', 'contractor', 'guest')
GROUP BY
    users.org_id,
    users.snapshot_date,
    latest.snapshot_date,
    users.account_class,
    users.user_type,
    users.email_domain,
    seats.license_layer,
    seats.license_id
