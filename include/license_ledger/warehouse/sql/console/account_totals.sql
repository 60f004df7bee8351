-- How many accounts are there of each class? One row is an account class and user type.
SELECT
    account_class,
    user_type,
    count(*) AS account_count,
    count(CASE WHEN is_active THEN 1 END) AS active_account_count,
    count(DISTINCT email_domain) AS domain_count,
    count(CASE WHEN is_active AND activity_band IN ('91-180', '181+', 'never') THEN 1 END)
        AS not_seen_in_90_days_count
FROM users
WHERE org_id = $org_id AND snapshot_date = $day
GROUP BY account_class, user_type
ORDER BY account_class, account_count DESC, user_type
