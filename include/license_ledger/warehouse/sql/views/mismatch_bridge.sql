-- Why is the number of seats in scope not the number Salesforce counts? The causes of a license, in order,
-- with their share of its used_count. is_balanced says whether they add up to it; it is null where
-- Salesforce counts no seats.
-- Grain: a license and a cause, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- cause_order: Place of the cause in the order in which causes are tried.
-- cause_text: The cause in words.
-- share_of_used_percent: seat_count in percent of used_count.
-- bridge_count: Sum of seat_count over all causes of the license.
-- is_balanced: Whether bridge_count is used_count.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
causes (cause, cause_order, cause_text) AS (
    VALUES
        ('in_scope', 1, 'In scope'),
        ('counter_timing', 2, 'Salesforce''s counter is older than the snapshot'),
        ('not_visible', 3, 'Holders the integration user may not see'),
        ('deactivated_holder', 4, 'Deactivated users who still hold the license'),
        ('system_user', 5, 'System users'),
        ('external_user', 6, 'External users, excluded by policy'),
        ('service_account', 7, 'Service accounts, excluded by policy'),
        ('no_email', 8, 'Users without an e-mail address'),
        ('unusable_email', 9, 'Users whose e-mail address is not usable'),
        ('other_company', 10, 'Users of another company of the group'),
        ('third_party_domain', 11, 'Users with the domain of a third party'),
        ('public_mailbox', 12, 'Users with a public mailbox'),
        ('unexplained', 13, 'Not explained')
),
bridge AS (
    SELECT
        m.*,
        CAST(sum(m.seat_count) OVER (
            PARTITION BY m.org_id, m.snapshot_date, m.license_layer, m.license_id
        ) AS BIGINT) AS bridge_count
    FROM mismatches AS m
)
SELECT
    b.org_id,
    b.snapshot_date,
    b.snapshot_date = latest.snapshot_date AS is_latest,
    b.license_layer,
    b.license_id,
    b.license_key,
    b.license_name,
    c.cause_order,
    b.cause,
    c.cause_text,
    b.seat_count,
    l.used_count,
    CAST(100.0 * b.seat_count / nullif(l.used_count, 0) AS NUMERIC(38, 1)) AS share_of_used_percent,
    b.bridge_count,
    b.bridge_count = l.used_count AS is_balanced,
    l.count_basis,
    l.used_as_of,
    b.detail
FROM bridge AS b
INNER JOIN latest ON latest.org_id = b.org_id
LEFT JOIN causes AS c ON c.cause = b.cause
LEFT JOIN licenses AS l
    ON l.org_id = b.org_id
    AND l.snapshot_date = b.snapshot_date
    AND l.license_layer = b.license_layer
    AND l.license_id = b.license_id
