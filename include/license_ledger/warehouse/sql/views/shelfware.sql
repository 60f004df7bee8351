-- Which seats are paid for and of no use, and what do they cost? A seat is counted once: as unassigned (bought,
-- and nobody holds it) or, of those in scope, in the waste class of reclaim_candidates. Seats of people outside
-- the scope are counted in neither. Without a price the number is there and the cost is empty.
-- Grain: a license and a class of waste, of an org on a day; only where there are such seats.
-- is_latest: Whether this is the newest day of the org.
-- shelfware_class: unassigned, or a waste class: deactivated, frozen, never_logged_in, idle_181_plus, idle_91_180.
-- wasted_count: Seats of that class.
-- price_state: priced, or why there is no price, see seat_costs.
-- monthly_unit_price: Price of one seat for a month.
-- products: The products of the license, by name.
-- contract_ids: The contracts of its lines, by name.
-- monthly_waste: wasted_count times monthly_unit_price. Empty without a price.
WITH held AS (
    SELECT org_id, snapshot_date, license_layer, license_id, waste_class, count(*) AS wasted_count
    FROM reclaim_candidates
    GROUP BY org_id, snapshot_date, license_layer, license_id, waste_class
),
wasted AS (
    SELECT c.*, 'unassigned' AS shelfware_class, c.purchased_count - c.used_count AS wasted_count
    FROM seat_costs AS c
    WHERE c.purchased_count > c.used_count AND c.license_layer <> 'usage'
    UNION ALL
    SELECT c.*, h.waste_class AS shelfware_class, h.wasted_count
    FROM seat_costs AS c
    INNER JOIN held AS h
        ON h.org_id = c.org_id
        AND h.snapshot_date = c.snapshot_date
        AND h.license_layer = c.license_layer
        AND h.license_id = c.license_id
)
SELECT
    org_id,
    snapshot_date,
    is_latest,
    license_layer,
    license_id,
    license_key,
    license_name,
    shelfware_class,
    wasted_count,
    price_state,
    confidence,
    price_basis,
    currency,
    monthly_unit_price,
    CAST(wasted_count * monthly_unit_price AS NUMERIC(38, 2)) AS monthly_waste,
    products,
    contract_ids,
    provenance
FROM wasted
