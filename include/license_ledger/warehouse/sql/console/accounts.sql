-- Which people from outside the company have accounts, by user type and domain? An account counts once. One row
-- is an account class, user type and e-mail domain.
SELECT
    account_class,
    user_type,
    email_domain,
    count(*) AS account_count,
    count(CASE WHEN is_active THEN 1 END) AS active_account_count,
    count(CASE WHEN is_active AND is_frozen THEN 1 END) AS frozen_account_count,
    count(CASE WHEN is_active AND activity_band = '0-30' THEN 1 END) AS seen_in_30_days_count,
    count(CASE WHEN is_active AND activity_band IN ('91-180', '181+', 'never') THEN 1 END)
        AS not_seen_in_90_days_count
FROM users
WHERE org_id = $org_id
    AND snapshot_date = $day
    AND account_class IN ('external', 'contractor', 'guest')
    AND account_class = $account_class
GROUP BY account_class, user_type, email_domain
