-- Which domains do people on standard licenses use that nobody has declared to be the company's? One row is a
-- domain with such accounts. Where the filter lets everybody in without declaring a company, every domain is.
SELECT
    email_domain,
    count(*) AS account_count,
    count(CASE WHEN is_active THEN 1 END) AS active_account_count,
    count(CASE WHEN account_class = 'contractor' THEN 1 END) AS contractor_count,
    count(CASE WHEN account_class = 'employee' THEN 1 END) AS employee_count,
    count(DISTINCT license_id) AS license_count,
    min(created_at) AS first_created_at
FROM users
WHERE org_id = $org_id
    AND snapshot_date = $day
    AND email_domain IS NOT NULL
    AND scope_reason = 'everyone'
    AND account_class IN ('contractor', 'employee', 'unknown')
    AND (
        account_class <> 'employee'
        OR NOT EXISTS (
            SELECT 1
            FROM users AS other
            WHERE other.org_id = $org_id AND other.snapshot_date = $day AND other.account_class = 'contractor'
        )
    )
GROUP BY email_domain
