-- The license of a bridge row must be in table licenses, and must not be of layer usage, which counts
-- things.
SELECT
    mismatches.snapshot_date,
    mismatches.license_layer || ' license ' || coalesce(mismatches.license_name, mismatches.license_id)
        AS subject
FROM mismatches
LEFT JOIN licenses
    ON licenses.snapshot_date = mismatches.snapshot_date
    AND licenses.license_layer = mismatches.license_layer
    AND licenses.license_id = mismatches.license_id
WHERE licenses.license_id IS NULL OR mismatches.license_layer = 'usage'
