-- How far can the costs be relied on: how many licenses and used seats have no price, and why? Usage entitlements
-- count things and not seats; they are counted among the licenses only.
-- Grain: a day of an org.
-- is_latest: Whether this is the newest day of the org.
-- license_count: Licenses of the org.
-- priced_license_count: Those whose seats have a price.
-- no_product_count: Licenses that are not in the crosswalk.
-- no_price_count: Licenses with a product that no line of the price list holds for on the day.
-- undecided_price_count: Licenses with lines in several currencies, or several lines without quantities.
-- no_cost_count: Licenses whose seats have a price, without a number of seats to multiply it by.
-- seat_count_in_use: Used seats of all licenses.
-- unpriced_seat_count: Of them, those without a price.
-- unpriced_seat_percent: unpriced_seat_count in percent of seat_count_in_use.
-- unsure_seat_count: Used seats whose price rests on a row of the crosswalk that is not sure.
SELECT
    org_id,
    snapshot_date,
    is_latest,
    count(*) AS license_count,
    sum(CASE WHEN price_state = 'priced' THEN 1 ELSE 0 END) AS priced_license_count,
    sum(CASE WHEN price_state = 'no_product' THEN 1 ELSE 0 END) AS no_product_count,
    sum(CASE WHEN price_state = 'no_price' THEN 1 ELSE 0 END) AS no_price_count,
    sum(CASE WHEN price_state IN ('mixed_currencies', 'no_quantity') THEN 1 ELSE 0 END) AS undecided_price_count,
    sum(CASE WHEN price_state = 'priced' AND monthly_cost IS NULL THEN 1 ELSE 0 END) AS no_cost_count,
    CAST(sum(CASE WHEN license_layer <> 'usage' THEN coalesce(used_count, 0) ELSE 0 END) AS BIGINT)
        AS seat_count_in_use,
    CAST(sum(CASE WHEN license_layer <> 'usage' AND price_state <> 'priced' THEN coalesce(used_count, 0) ELSE 0 END)
        AS BIGINT) AS unpriced_seat_count,
    CAST(
        100.0 * sum(CASE WHEN license_layer <> 'usage' AND price_state <> 'priced' THEN used_count ELSE 0 END)
        / nullif(sum(CASE WHEN license_layer <> 'usage' THEN used_count ELSE 0 END), 0)
    AS NUMERIC(38, 1)) AS unpriced_seat_percent,
    CAST(sum(CASE WHEN license_layer <> 'usage' AND price_state = 'priced' AND confidence <> 'sure'
        THEN coalesce(used_count, 0) ELSE 0 END) AS BIGINT) AS unsure_seat_count,
    min(provenance) AS provenance
FROM seat_costs
GROUP BY org_id, snapshot_date, is_latest
