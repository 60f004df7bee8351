-- The seats of a license must be those of the snapshot before, plus those taken, minus those given up.
SELECT license_layer || ' license ' || coalesce(license_name, license_id) AS subject, snapshot_date
FROM license_flows
WHERE NOT is_balanced
