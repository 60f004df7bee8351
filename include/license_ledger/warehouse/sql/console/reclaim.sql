-- Which seats look wasted? One row is a seat of an in-scope user. A condition whose
-- parameter is null is left out.
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
    AND license_layer = $license_layer
    AND license_id = $license_id
    AND waste_class = $waste_class
    AND candidate_state = $candidate_state
    AND account_class = $account_class
    AND email_domain = $domain
    AND department = $department
    AND position($words IN lower(coalesce(name, '') || ' ' || coalesce(username, '') || ' ' || coalesce(email, ''))) > 0
