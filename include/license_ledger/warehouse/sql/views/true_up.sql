-- Of which licenses is more used, or set up, than the contract says, and what would that cost? Only licenses
-- whose lines in the price list say how many seats they are for.
-- Grain: a license with a quantity in the contract, of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- contract_count: Seats bought by the lines of the price list together.
-- over_contract_count: used_count above contract_count; 0 when it is not above.
-- allotted_over_contract_count: total_count minus contract_count: what Salesforce lets be used beyond the
--   contract. Negative when it lets less be used than was bought. Empty when unlimited.
-- monthly_unit_price: Price of one seat for a month.
-- price_state: priced, or why there is no price, see seat_costs.
-- products: The products of the license, by name.
-- contract_ids: The contracts of its lines, by name.
-- monthly_exposure: over_contract_count times monthly_unit_price. Empty without a price.
-- peak_used_count: Most seats used on a day of the 90 days up to this one.
-- peak_over_contract_count: peak_used_count above today's contract_count; 0 when it is not above.
WITH peaks AS (
    SELECT
        c.*,
        max(c.used_count) OVER (
            PARTITION BY c.org_id, c.license_layer, c.license_id
            ORDER BY c.snapshot_date
            RANGE BETWEEN INTERVAL '89 days' PRECEDING AND CURRENT ROW
        ) AS peak_used_count
    FROM seat_costs AS c
)
SELECT
    org_id,
    snapshot_date,
    is_latest,
    license_layer,
    license_id,
    license_key,
    license_name,
    contract_count,
    total_count,
    used_count,
    greatest(used_count - contract_count, 0) AS over_contract_count,
    total_count - contract_count AS allotted_over_contract_count,
    peak_used_count,
    greatest(peak_used_count - contract_count, 0) AS peak_over_contract_count,
    price_state,
    confidence,
    price_basis,
    currency,
    monthly_unit_price,
    CAST(greatest(used_count - contract_count, 0) * monthly_unit_price AS NUMERIC(38, 2)) AS monthly_exposure,
    products,
    contract_ids,
    provenance
FROM peaks
WHERE contract_count IS NOT NULL
