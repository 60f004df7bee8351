-- What did a snapshot see? Where it did not see all people, or all holders of a layer, or tells of nobody,
-- somebody who is missing in it may still be there, and nobody is taken for a leaver.
-- Grain: a snapshot, that is an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- days_back: Days from this one to the newest day of the org.
-- sees_people: Whether all users were visible, and are told of.
-- sees_user_seats: Whether all holders of user licenses were visible.
-- sees_permission_set_seats: Whether all holders of permission set licenses were visible.
-- sees_package_seats: Whether all holders of package licenses were visible.
-- sees_permission_set_licenses: Whether the permission set licenses were visible.
-- sees_package_licenses: Whether the package licenses were visible.
-- sees_usage: Whether the usage entitlements were visible.
-- sees_departments: Whether departments of users were visible.
-- sees_companies: Whether company names of users were visible.
WITH gaps AS (
    SELECT
        org_id,
        snapshot_date,
        count(CASE WHEN object_name = 'User' AND field_name IS NULL THEN 1 END) AS people,
        count(CASE WHEN object_name = 'Profile' AND field_name IS NULL THEN 1 END) AS profiles,
        count(CASE WHEN object_name = 'PermissionSetLicenseAssign' AND field_name IS NULL THEN 1 END)
            AS permission_set_seats,
        count(CASE WHEN object_name = 'UserPackageLicense' AND field_name IS NULL THEN 1 END) AS package_seats,
        count(CASE WHEN object_name = 'PermissionSetLicense' AND field_name IS NULL THEN 1 END)
            AS permission_set_licenses,
        count(CASE WHEN object_name = 'PackageLicense' AND field_name IS NULL THEN 1 END) AS package_licenses,
        count(CASE WHEN object_name = 'TenantUsageEntitlement' AND field_name IS NULL THEN 1 END) AS usages,
        count(CASE WHEN object_name = 'User' AND field_name = 'Department' THEN 1 END) AS departments,
        count(CASE WHEN object_name = 'User' AND field_name = 'CompanyName' THEN 1 END) AS companies
    FROM capability_gaps
    GROUP BY org_id, snapshot_date
),
seen AS (
    SELECT
        s.org_id,
        s.snapshot_date,
        CAST(max(s.snapshot_date) OVER (PARTITION BY s.org_id) - s.snapshot_date AS INTEGER) AS days_back,
        s.captured_at,
        s.provenance,
        s.scope_hash,
        coalesce(s.privacy_mode, 'named') AS privacy_mode,
        -- A snapshot that calls itself partial without saying in what did not see anything for sure.
        coalesce(g.people, 0) > 0 OR (
            coalesce(s.is_partial, false)
            AND coalesce(g.profiles + g.permission_set_seats + g.package_seats, 0) = 0
        ) OR coalesce(s.privacy_mode = 'aggregate', false) AS hides_people,
        coalesce(g.profiles, 0) > 0 AS hides_profiles,
        coalesce(g.permission_set_seats, 0) > 0 AS hides_permission_set_seats,
        coalesce(g.package_seats, 0) > 0 AS hides_package_seats,
        coalesce(g.permission_set_licenses, 0) > 0 AS hides_permission_set_licenses,
        coalesce(g.package_licenses, 0) > 0 AS hides_package_licenses,
        coalesce(g.usages, 0) > 0 AS hides_usage,
        coalesce(g.departments, 0) > 0 AS hides_departments,
        coalesce(g.companies, 0) > 0 AS hides_companies
    FROM snapshots AS s
    LEFT JOIN gaps AS g ON g.org_id = s.org_id AND g.snapshot_date = s.snapshot_date
)
SELECT
    org_id,
    snapshot_date,
    days_back = 0 AS is_latest,
    days_back,
    captured_at,
    provenance,
    scope_hash,
    NOT hides_people AS sees_people,
    NOT (hides_people OR hides_profiles) AS sees_user_seats,
    NOT (hides_people OR hides_permission_set_seats OR hides_permission_set_licenses)
        AS sees_permission_set_seats,
    NOT (hides_people OR hides_package_seats OR hides_package_licenses) AS sees_package_seats,
    NOT hides_permission_set_licenses AS sees_permission_set_licenses,
    NOT hides_package_licenses AS sees_package_licenses,
    NOT hides_usage AS sees_usage,
    NOT hides_departments AS sees_departments,
    NOT hides_companies AS sees_companies,
    privacy_mode
FROM seen
