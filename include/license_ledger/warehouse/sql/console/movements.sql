-- Who came, went and moved on a day? One row is a user, a kind and, for movers, an attribute.
SELECT
    kind,
    attribute,
    from_value,
    to_value,
    user_id,
    name,
    username,
    email_domain,
    department,
    account_class,
    license_name,
    previous_snapshot_date,
    certainty
FROM movements
WHERE org_id = $org_id
    AND snapshot_date = $day
    AND kind = $kind
