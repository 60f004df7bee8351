-- What was bought, dropped, or has expired? Changes of what an org may use, from one snapshot to the next. A
-- license is new or gone when it is listed on one of the two days only, and could have been seen on both. A
-- total that was not told on one of the days is no change.
-- Grain: a license and a kind of change, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- previous_snapshot_date: The day that this one was compared with.
-- kind: One of new, gone, bought, dropped, became_unlimited, became_limited, expired, renewed.
-- from_count: Seats before. Empty when unlimited, not told, or there was no such license.
-- to_count: Seats now.
-- change_count: to_count - from_count; nothing counts as 0 of a license that is new or gone.
-- from_expires_on: Last day of the license as it was told before.
-- to_expires_on: Last day of the license as it is told now.
-- previous_provenance: Where the snapshot that it was compared with comes from.
WITH layers (license_layer) AS (
    VALUES ('user'), ('permission_set'), ('package'), ('feature'), ('usage')
),
pairs AS (
    SELECT
        p.org_id,
        p.snapshot_date,
        p.previous_snapshot_date,
        layers.license_layer,
        sight.is_latest,
        sight.provenance,
        earlier.provenance AS previous_provenance
    FROM snapshot_pairs AS p
    INNER JOIN snapshot_sight AS sight
        ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
    INNER JOIN snapshot_sight AS earlier
        ON earlier.org_id = p.org_id AND earlier.snapshot_date = p.previous_snapshot_date
    CROSS JOIN layers
    WHERE CASE layers.license_layer
        WHEN 'permission_set' THEN sight.sees_permission_set_licenses AND earlier.sees_permission_set_licenses
        WHEN 'package' THEN sight.sees_package_licenses AND earlier.sees_package_licenses
        WHEN 'usage' THEN sight.sees_usage AND earlier.sees_usage
        ELSE TRUE
    END
),
compared AS (
    SELECT
        p.*,
        l.license_id,
        l.license_key,
        l.license_name,
        was.license_id IS NULL AS is_new,
        FALSE AS is_gone,
        l.is_unlimited,
        was.is_unlimited AS was_unlimited,
        was.total_count AS from_count,
        l.total_count AS to_count,
        was.expires_on AS from_expires_on,
        l.expires_on AS to_expires_on,
        was.status AS from_status,
        l.status AS to_status,
        l.certainty,
        was.certainty AS was_certainty
    FROM pairs AS p
    INNER JOIN licenses AS l
        ON l.org_id = p.org_id AND l.snapshot_date = p.snapshot_date AND l.license_layer = p.license_layer
    LEFT JOIN licenses AS was
        ON was.org_id = l.org_id
        AND was.snapshot_date = p.previous_snapshot_date
        AND was.license_layer = l.license_layer
        AND was.license_id = l.license_id
    UNION ALL
    SELECT
        p.*,
        was.license_id,
        was.license_key,
        was.license_name,
        FALSE AS is_new,
        TRUE AS is_gone,
        NULL AS is_unlimited,
        was.is_unlimited AS was_unlimited,
        was.total_count AS from_count,
        NULL AS to_count,
        was.expires_on AS from_expires_on,
        NULL AS to_expires_on,
        was.status AS from_status,
        NULL AS to_status,
        NULL AS certainty,
        was.certainty AS was_certainty
    FROM pairs AS p
    INNER JOIN licenses AS was
        ON was.org_id = p.org_id
        AND was.snapshot_date = p.previous_snapshot_date
        AND was.license_layer = p.license_layer
    LEFT JOIN licenses AS l
        ON l.org_id = was.org_id
        AND l.snapshot_date = p.snapshot_date
        AND l.license_layer = was.license_layer
        AND l.license_id = was.license_id
    WHERE l.license_id IS NULL
),
judged AS (
    SELECT
        c.*,
        coalesce(c.to_expires_on, c.from_expires_on) AS last_day,
        coalesce(c.from_status <> 'Expired' AND c.to_status = 'Expired', FALSE) AS is_called_expired
    FROM compared AS c
),
kinds (kind) AS (
    VALUES
        ('new'),
        ('gone'),
        ('bought'),
        ('dropped'),
        ('became_unlimited'),
        ('became_limited'),
        ('expired'),
        ('renewed')
)
SELECT
    j.org_id,
    j.snapshot_date,
    j.is_latest,
    j.previous_snapshot_date,
    j.license_layer,
    j.license_id,
    j.license_key,
    j.license_name,
    kinds.kind,
    j.from_count,
    j.to_count,
    CASE
        WHEN j.is_new THEN j.to_count
        WHEN j.is_gone THEN - j.from_count
        ELSE j.to_count - j.from_count
    END AS change_count,
    j.from_expires_on,
    j.to_expires_on,
    j.provenance,
    j.previous_provenance,
    CASE
        WHEN 'unsure' IN (j.certainty, j.was_certainty) THEN 'unsure'
        WHEN 'likely' IN (j.certainty, j.was_certainty) THEN 'likely'
        ELSE 'sure'
    END AS certainty
FROM judged AS j
CROSS JOIN kinds
WHERE CASE kinds.kind
    WHEN 'new' THEN j.is_new
    WHEN 'gone' THEN j.is_gone
    WHEN 'bought' THEN j.to_count > j.from_count
    WHEN 'dropped' THEN j.to_count < j.from_count
    WHEN 'became_unlimited' THEN j.is_unlimited AND NOT j.was_unlimited
    WHEN 'became_limited' THEN j.was_unlimited AND NOT j.is_unlimited
    WHEN 'renewed' THEN j.to_expires_on > j.from_expires_on
    ELSE (NOT j.is_new AND j.last_day < j.snapshot_date AND j.last_day >= j.previous_snapshot_date)
        OR (j.is_called_expired AND (j.last_day IS NULL OR j.last_day >= j.snapshot_date))
END
