-- What could the integration user not see, what does that cost, and which permission would unlock it?
-- Grain: an object, or a field of it, that was not visible, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- object_name: Salesforce object.
-- field_name: Field of the object. Empty: the whole object was not visible.
-- missing_permission: What the integration user lacks.
-- costs: What the ledger cannot say for want of it.
-- unlocks: Published tables or columns that need it.
WITH latest AS (
    SELECT org_id, max(snapshot_date) AS snapshot_date
    FROM snapshots
    GROUP BY org_id
),
numbered AS (
    SELECT
        s.org_id,
        s.snapshot_date,
        CAST(s.capabilities AS JSON) -> CAST(place.position AS INTEGER) AS gap
    FROM snapshots AS s
    CROSS JOIN LATERAL generate_series(
        CAST(0 AS BIGINT), CAST(json_array_length(CAST(s.capabilities AS JSON)) AS BIGINT) - 1
    ) AS place (position)
)
SELECT
    numbered.org_id,
    numbered.snapshot_date,
    numbered.snapshot_date = latest.snapshot_date AS is_latest,
    numbered.gap ->> 'object' AS object_name,
    numbered.gap ->> 'field' AS field_name,
    numbered.gap ->> 'missing_permission' AS missing_permission,
    numbered.gap ->> 'costs' AS costs,
    numbered.gap ->> 'unlocks' AS unlocks
FROM numbered
INNER JOIN latest ON latest.org_id = numbered.org_id
