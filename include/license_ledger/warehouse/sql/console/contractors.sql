-- Who holds a standard license with an address that is not the company's? One row is such an account.
SELECT
    user_id,
    name,
    username,
    email,
    email_domain,
    company_name,
    department,
    title,
    country,
    license_name,
    profile_name,
    is_active,
    is_frozen,
    activity_band,
    last_login_at,
    created_at
FROM users
WHERE org_id = $org_id
    AND snapshot_date = $day
    AND account_class = 'contractor'
    AND email_domain = $domain
