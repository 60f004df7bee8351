-- Which seats look wasted? One row is a seat of an in-scope user. A parameter that is null asks for nothing.
SELECT
    license_layer,
    license_id,
    license_key,
    license_name,
    waste_class,
    candidate_state,
    attention_reason,
    user_id,
    name,
    username,
    email,
    email_domain,
    employee_number,
    company_name,
    department,
    title,
    country,
    user_type,
    account_class,
    profile_name,
    is_active,
    is_frozen,
    activity_band,
    last_login_at,
    idle_days,
    assigned_at,
    created_at
FROM reclaim_candidates
WHERE org_id = $org_id
    AND snapshot_date = $day
    AND (CAST($license_layer AS VARCHAR) IS NULL OR license_layer = CAST($license_layer AS VARCHAR))
    AND (CAST($license_id AS VARCHAR) IS NULL OR license_id = CAST($license_id AS VARCHAR))
    AND (CAST($waste_class AS VARCHAR) IS NULL OR waste_class = CAST($waste_class AS VARCHAR))
    AND (CAST($candidate_state AS VARCHAR) IS NULL OR candidate_state = CAST($candidate_state AS VARCHAR))
    AND (CAST($account_class AS VARCHAR) IS NULL OR account_class = CAST($account_class AS VARCHAR))
    AND (CAST($domain AS VARCHAR) IS NULL OR email_domain = CAST($domain AS VARCHAR))
    AND (CAST($department AS VARCHAR) IS NULL OR department = CAST($department AS VARCHAR))
    AND (
        CAST($words AS VARCHAR) IS NULL
        OR position(CAST($words AS VARCHAR) IN lower(coalesce(name, ''))) > 0
        OR position(CAST($words AS VARCHAR) IN lower(coalesce(username, ''))) > 0
        OR position(CAST($words AS VARCHAR) IN lower(coalesce(email, ''))) > 0
    )
