-- What does a seat of each license cost on a day, and what do all of them? By the crosswalk and the lines of the
-- price list that hold on the day; where something is missing the costs are empty, never 0, and price_state
-- says what. A row of the crosswalk by license id goes before one by key, one for the org before one for every
-- org; the same for lines of the price list. Several lines that hold at once are averaged by their quantities.
-- Grain: a license of an org on a day.
-- is_latest: Whether this is the newest day of the org.
-- price_state: priced; no_product (not in the crosswalk); no_price (no line holds on the day);
--   mixed_currencies; no_quantity (several lines, and not all of them say how many seats they are for).
-- products: The products of the license, by name.
-- contract_ids: The contracts of its lines, by name.
-- contract_count: Seats bought by the lines together. Empty when a line does not tell.
-- purchased_count: contract_count, else total_count.
-- quantity_source: contract or salesforce: where purchased_count comes from.
-- monthly_unit_price: Price of one seat for a month: a third of a quarter's, a twelfth of a year's.
-- monthly_list_unit_price: The same without the negotiated discount. Empty when a line does not tell.
-- daily_unit_price: Price of one seat for this day: that of the month, quarter or year, by its days.
-- daily_list_unit_price: The same without the negotiated discount.
-- monthly_cost: purchased_count times monthly_unit_price.
-- daily_cost: purchased_count times daily_unit_price.
-- monthly_cost_per_used_seat: monthly_cost by used_count. Empty when nothing is used.
WITH named AS (
    SELECT
        l.org_id,
        l.snapshot_date,
        l.license_layer,
        l.license_id,
        c.product,
        c.confidence,
        coalesce(c.price_share, 1) AS price_share,
        rank() OVER (
            PARTITION BY l.org_id, l.snapshot_date, l.license_layer, l.license_id
            ORDER BY
                CASE WHEN c.license_id IS NOT NULL THEN 0 ELSE 1 END,
                CASE WHEN c.org_id IS NOT NULL THEN 0 ELSE 1 END
        ) AS preference
    FROM licenses AS l
    INNER JOIN license_products AS c
        ON c.license_layer = l.license_layer
        AND (c.license_id = l.license_id OR c.license_key = l.license_key)
        AND (c.org_id IS NULL OR c.org_id = l.org_id)
),
lines AS (
    SELECT
        n.org_id,
        n.snapshot_date,
        n.license_layer,
        n.license_id,
        n.product,
        n.confidence,
        p.contract_id,
        p.currency,
        p.contract_quantity,
        coalesce(p.price_basis, 'contract') AS price_basis,
        p.unit_price * n.price_share / CASE p.billing_period WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END
            AS monthly_unit_price,
        p.list_unit_price * n.price_share
            / CASE p.billing_period WHEN 'month' THEN 1 WHEN 'quarter' THEN 3 ELSE 12 END
            AS monthly_list_unit_price,
        p.unit_price * n.price_share / (
            CAST(date_trunc(p.billing_period, n.snapshot_date) + CASE p.billing_period
                WHEN 'month' THEN INTERVAL '1 month' WHEN 'quarter' THEN INTERVAL '3 months' ELSE INTERVAL '1 year'
            END AS DATE) - CAST(date_trunc(p.billing_period, n.snapshot_date) AS DATE)
        ) AS daily_unit_price,
        p.list_unit_price * n.price_share / (
            CAST(date_trunc(p.billing_period, n.snapshot_date) + CASE p.billing_period
                WHEN 'month' THEN INTERVAL '1 month' WHEN 'quarter' THEN INTERVAL '3 months' ELSE INTERVAL '1 year'
            END AS DATE) - CAST(date_trunc(p.billing_period, n.snapshot_date) AS DATE)
        ) AS daily_list_unit_price,
        p.unit_price IS NOT NULL AS is_priced,
        rank() OVER (
            PARTITION BY n.org_id, n.snapshot_date, n.license_layer, n.license_id, n.product
            ORDER BY CASE WHEN p.org_id IS NOT NULL THEN 0 ELSE 1 END
        ) AS preference
    FROM named AS n
    LEFT JOIN prices AS p
        ON p.product = n.product
        AND (p.org_id IS NULL OR p.org_id = n.org_id)
        AND p.starts_on <= n.snapshot_date
        AND (p.ends_on IS NULL OR p.ends_on >= n.snapshot_date)
    WHERE n.preference = 1
),
summed AS (
    SELECT
        org_id,
        snapshot_date,
        license_layer,
        license_id,
        string_agg(DISTINCT product, ', ' ORDER BY product) AS products,
        string_agg(DISTINCT contract_id, ', ' ORDER BY contract_id) AS contract_ids,
        max(CASE confidence WHEN 'sure' THEN 1 WHEN 'likely' THEN 2 ELSE 3 END) AS doubt,
        max(CASE price_basis WHEN 'contract' THEN 1 WHEN 'list' THEN 2 ELSE 3 END) AS basis,
        min(currency) AS currency,
        CASE
            WHEN NOT bool_and(is_priced) THEN 'no_price'
            WHEN min(currency) <> max(currency) THEN 'mixed_currencies'
            WHEN count(*) > 1 AND (count(contract_quantity) < count(*) OR sum(contract_quantity) = 0)
                THEN 'no_quantity'
            ELSE 'priced'
        END AS price_state,
        CASE WHEN count(contract_quantity) = count(*) THEN CAST(sum(contract_quantity) AS BIGINT) END
            AS contract_count,
        count(*) AS line_count,
        min(monthly_unit_price) AS monthly_of_one,
        min(daily_unit_price) AS daily_of_one,
        CASE WHEN count(monthly_list_unit_price) = count(*) THEN min(monthly_list_unit_price) END
            AS monthly_list_of_one,
        CASE WHEN count(daily_list_unit_price) = count(*) THEN min(daily_list_unit_price) END
            AS daily_list_of_one,
        sum(monthly_unit_price * contract_quantity) / nullif(sum(contract_quantity), 0) AS monthly_of_all,
        sum(daily_unit_price * contract_quantity) / nullif(sum(contract_quantity), 0) AS daily_of_all,
        CASE WHEN count(monthly_list_unit_price) = count(*)
            THEN sum(monthly_list_unit_price * contract_quantity) / nullif(sum(contract_quantity), 0)
        END AS monthly_list_of_all,
        CASE WHEN count(daily_list_unit_price) = count(*)
            THEN sum(daily_list_unit_price * contract_quantity) / nullif(sum(contract_quantity), 0)
        END AS daily_list_of_all
    FROM lines
    WHERE preference = 1
    GROUP BY org_id, snapshot_date, license_layer, license_id
),
priced AS (
    SELECT
        l.*,
        coalesce(s.price_state, 'no_product') AS price_state,
        s.products,
        s.contract_ids,
        CASE s.doubt WHEN 1 THEN 'sure' WHEN 2 THEN 'likely' WHEN 3 THEN 'unsure' END AS confidence,
        s.contract_count,
        coalesce(s.contract_count, l.total_count) AS purchased_count,
        CASE
            WHEN s.contract_count IS NOT NULL THEN 'contract'
            WHEN l.total_count IS NOT NULL THEN 'salesforce'
        END AS quantity_source,
        CASE WHEN s.price_state = 'priced' THEN s.currency END AS currency,
        CASE WHEN s.price_state = 'priced' THEN
            CASE s.basis WHEN 1 THEN 'contract' WHEN 2 THEN 'list' ELSE 'estimate' END
        END AS price_basis,
        CAST(CASE WHEN s.price_state = 'priced' THEN
            CASE WHEN s.line_count = 1 THEN s.monthly_of_one ELSE s.monthly_of_all END
        END AS NUMERIC(18, 6)) AS monthly_unit_price,
        CAST(CASE WHEN s.price_state = 'priced' THEN
            CASE WHEN s.line_count = 1 THEN s.monthly_list_of_one ELSE s.monthly_list_of_all END
        END AS NUMERIC(18, 6)) AS monthly_list_unit_price,
        CAST(CASE WHEN s.price_state = 'priced' THEN
            CASE WHEN s.line_count = 1 THEN s.daily_of_one ELSE s.daily_of_all END
        END AS NUMERIC(18, 6)) AS daily_unit_price,
        CAST(CASE WHEN s.price_state = 'priced' THEN
            CASE WHEN s.line_count = 1 THEN s.daily_list_of_one ELSE s.daily_list_of_all END
        END AS NUMERIC(18, 6)) AS daily_list_unit_price
    FROM licenses AS l
    LEFT JOIN summed AS s
        ON s.org_id = l.org_id
        AND s.snapshot_date = l.snapshot_date
        AND s.license_layer = l.license_layer
        AND s.license_id = l.license_id
)
SELECT
    p.org_id,
    p.snapshot_date,
    sight.is_latest,
    p.license_layer,
    p.license_id,
    p.license_key,
    p.license_name,
    p.is_unlimited,
    p.total_count,
    p.used_count,
    p.in_scope_count,
    p.price_state,
    p.products,
    p.contract_ids,
    p.confidence,
    p.currency,
    p.price_basis,
    p.contract_count,
    p.purchased_count,
    p.quantity_source,
    p.monthly_unit_price,
    p.monthly_list_unit_price,
    p.daily_unit_price,
    p.daily_list_unit_price,
    CAST(p.purchased_count * p.monthly_unit_price AS NUMERIC(38, 6)) AS monthly_cost,
    CAST(p.purchased_count * p.daily_unit_price AS NUMERIC(38, 6)) AS daily_cost,
    CAST(p.purchased_count * p.monthly_unit_price / nullif(p.used_count, 0) AS NUMERIC(38, 2))
        AS monthly_cost_per_used_seat,
    sight.provenance,
    p.certainty
FROM priced AS p
INNER JOIN snapshot_sight AS sight
    ON sight.org_id = p.org_id AND sight.snapshot_date = p.snapshot_date
