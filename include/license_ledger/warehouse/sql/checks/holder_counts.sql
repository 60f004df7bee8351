-- The active holders of a license must be among all its holders, and its seats in scope be held by active
-- ones.
SELECT
    snapshot_date,
    license_layer || ' license ' || coalesce(license_name, license_id) AS subject,
    in_scope_count,
    active_holder_count,
    all_holder_count
FROM licenses
WHERE active_holder_count > all_holder_count OR in_scope_count > active_holder_count
