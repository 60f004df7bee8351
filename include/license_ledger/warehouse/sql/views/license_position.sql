-- Of each license: how many seats are bought, used and left, how many of the used ones are in scope, and
-- where the others went? The five counts from in_scope_count to unexplained_count add up to used_count.
-- Grain: a license of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- out_of_scope_count: Seats of people and accounts that the company filter or a policy leaves out.
-- deactivated_holder_count: Seats that deactivated users still hold and Salesforce still counts.
-- not_seen_count: Seats that Salesforce counts and the snapshot could not see, on evidence: the counter is
--   older, or holders are not visible. Signed.
-- unexplained_count: What is left of used_count. Signed; 0 when all is explained.
-- utilization_percent: used_count in percent of total_count. Empty when there is no total, or it is 0.
-- is_over_allocated: Whether more seats are used than there are.
-- is_nearly_exhausted: Whether 95 % or more of the seats are used.
-- expires_in_days: Days from the snapshot date to expires_on; negative when it has passed.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
booked AS (
    SELECT
        org_id,
        snapshot_date,
        license_layer,
        license_id,
        CAST(sum(CASE WHEN cause IN (
            'system_user', 'external_user', 'service_account', 'no_email', 'unusable_email',
            'other_company', 'third_party_domain', 'public_mailbox'
        ) THEN seat_count ELSE 0 END) AS BIGINT) AS out_of_scope_count,
        CAST(sum(CASE WHEN cause = 'deactivated_holder' THEN seat_count ELSE 0 END) AS BIGINT)
            AS deactivated_holder_count,
        CAST(sum(CASE WHEN cause IN ('counter_timing', 'not_visible') THEN seat_count ELSE 0 END) AS BIGINT)
            AS not_seen_count,
        CAST(sum(CASE WHEN cause = 'unexplained' THEN seat_count ELSE 0 END) AS BIGINT) AS unexplained_count
    FROM mismatches
    GROUP BY org_id, snapshot_date, license_layer, license_id
)
SELECT
    l.org_id,
    s.org_name,
    l.snapshot_date,
    l.snapshot_date = latest.snapshot_date AS is_latest,
    l.license_layer,
    l.license_id,
    l.license_key,
    l.license_name,
    l.status,
    l.is_unlimited,
    l.total_count,
    l.used_count,
    l.available_count,
    l.in_scope_count,
    CASE WHEN l.license_layer <> 'usage' THEN coalesce(b.out_of_scope_count, 0) END AS out_of_scope_count,
    CASE WHEN l.license_layer <> 'usage' THEN coalesce(b.deactivated_holder_count, 0) END
        AS deactivated_holder_count,
    CASE WHEN l.license_layer <> 'usage' THEN coalesce(b.not_seen_count, 0) END AS not_seen_count,
    CASE WHEN l.license_layer <> 'usage' THEN coalesce(b.unexplained_count, 0) END AS unexplained_count,
    CAST(100.0 * l.used_count / nullif(l.total_count, 0) AS NUMERIC(38, 1)) AS utilization_percent,
    coalesce(l.used_count > l.total_count, false) AS is_over_allocated,
    coalesce(l.total_count > 0 AND 100.0 * l.used_count >= 95.0 * l.total_count, false)
        AS is_nearly_exhausted,
    l.expires_on,
    CAST(l.expires_on - l.snapshot_date AS BIGINT) AS expires_in_days,
    l.count_basis,
    l.active_holder_count,
    l.all_holder_count,
    l.used_as_of,
    s.captured_at,
    s.provenance
FROM licenses AS l
INNER JOIN snapshots AS s ON s.org_id = l.org_id AND s.snapshot_date = l.snapshot_date
INNER JOIN latest ON latest.org_id = l.org_id
LEFT JOIN booked AS b
    ON b.org_id = l.org_id
    AND b.snapshot_date = l.snapshot_date
    AND b.license_layer = l.license_layer
    AND b.license_id = l.license_id
