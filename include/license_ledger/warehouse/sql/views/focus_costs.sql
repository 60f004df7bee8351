-- What do the licenses cost, in the columns of FOCUS 1.2 (FinOps Open Cost and Usage Specification)? A charge is
-- one day of one license; days without a snapshot have none. FOCUS-shaped, not an invoice: amounts are prices of
-- the price list times seats, taxes and credits are not known, and nothing was checked against an invoice. Only
-- licenses with a price and a number of seats; cost_coverage counts the others. Columns that begin with x_ are
-- the ledger's own.
-- Grain: a license with a cost, of an org on a day.
-- BilledCost: PricingQuantity times ContractedUnitPrice.
-- BillingAccountId: The org.
-- BillingAccountName: Name of the org.
-- BillingAccountType: Always Org.
-- BillingCurrency: Currency of all amounts of the row.
-- BillingPeriodEnd: First instant after the calendar month.
-- BillingPeriodStart: First instant of the calendar month.
-- ChargeCategory: Always Purchase.
-- ChargeClass: Always empty: there are no corrections.
-- ChargeDescription: The license and what it was bought as.
-- ChargeFrequency: Always Recurring.
-- ChargePeriodEnd: First instant after the day.
-- ChargePeriodStart: First instant of the day, UTC.
-- ContractedCost: The same as BilledCost.
-- ContractedUnitPrice: Price of one seat for the day.
-- EffectiveCost: The same as BilledCost: what is paid ahead is spread over its days.
-- InvoiceIssuerName: Always Salesforce.
-- ListCost: PricingQuantity times ListUnitPrice; without a list price the same as ContractedCost.
-- ListUnitPrice: List price of one seat for the day. Empty when the price list does not tell it.
-- PricingCategory: Always Standard.
-- PricingQuantity: Seats bought.
-- PricingUnit: Always Seat-Days.
-- ProviderName: Always Salesforce.
-- PublisherName: Always Salesforce.
-- ServiceCategory: Always Business Applications.
-- ServiceName: Name of the license.
-- ServiceSubcategory: Always Other (Business Applications).
-- SkuId: Product of the price list. Empty when the license has several.
-- SubAccountId: The org.
-- SubAccountName: Name of the org.
-- SubAccountType: Always Org.
-- x_ContractIds: Contracts of the lines.
-- x_Products: All products of the license.
-- x_LicenseLayer: Kind of license.
-- x_LicenseId: Id of the license.
-- x_LicenseKey: Key of the license.
-- x_PriceConfidence: How sure the crosswalk is.
-- x_PriceBasis: Where the price comes from.
-- x_QuantitySource: contract or salesforce: where PricingQuantity comes from.
-- x_UsedQuantity: Seats used, by Salesforce's counter.
-- x_InScopeQuantity: Of them, seats in scope.
-- x_IdleQuantity: Seats in scope in a waste class of reclaim_candidates.
-- x_UnassignedQuantity: Seats bought that nobody holds.
-- x_SnapshotProvenance: Where the snapshot comes from.
WITH waste AS (
    SELECT
        org_id,
        snapshot_date,
        license_layer,
        license_id,
        CAST(sum(CASE WHEN shelfware_class = 'unassigned' THEN 0 ELSE wasted_count END) AS BIGINT) AS idle_count,
        CAST(sum(CASE WHEN shelfware_class = 'unassigned' THEN wasted_count ELSE 0 END) AS BIGINT)
            AS unassigned_count
    FROM shelfware
    GROUP BY org_id, snapshot_date, license_layer, license_id
)
SELECT
    c.daily_cost AS "BilledCost",
    c.org_id AS "BillingAccountId",
    s.org_name AS "BillingAccountName",
    'Org' AS "BillingAccountType",
    c.currency AS "BillingCurrency",
    (date_trunc('month', CAST(c.snapshot_date AS TIMESTAMP)) + INTERVAL '1 month') AT TIME ZONE 'UTC'
        AS "BillingPeriodEnd",
    date_trunc('month', CAST(c.snapshot_date AS TIMESTAMP)) AT TIME ZONE 'UTC' AS "BillingPeriodStart",
    'Purchase' AS "ChargeCategory",
    CAST(NULL AS TEXT) AS "ChargeClass",
    concat(c.license_name, ' (', c.license_layer, '), bought as ', c.products) AS "ChargeDescription",
    'Recurring' AS "ChargeFrequency",
    (CAST(c.snapshot_date AS TIMESTAMP) + INTERVAL '1 day') AT TIME ZONE 'UTC' AS "ChargePeriodEnd",
    CAST(c.snapshot_date AS TIMESTAMP) AT TIME ZONE 'UTC' AS "ChargePeriodStart",
    c.daily_cost AS "ContractedCost",
    c.daily_unit_price AS "ContractedUnitPrice",
    c.daily_cost AS "EffectiveCost",
    'Salesforce' AS "InvoiceIssuerName",
    CAST(c.purchased_count * coalesce(c.daily_list_unit_price, c.daily_unit_price) AS NUMERIC(38, 6))
        AS "ListCost",
    c.daily_list_unit_price AS "ListUnitPrice",
    'Standard' AS "PricingCategory",
    c.purchased_count AS "PricingQuantity",
    'Seat-Days' AS "PricingUnit",
    'Salesforce' AS "ProviderName",
    'Salesforce' AS "PublisherName",
    'Business Applications' AS "ServiceCategory",
    coalesce(c.license_name, c.license_key, c.license_id) AS "ServiceName",
    'Other (Business Applications)' AS "ServiceSubcategory",
    CASE WHEN c.products NOT LIKE '%, %' THEN c.products END AS "SkuId",
    c.org_id AS "SubAccountId",
    s.org_name AS "SubAccountName",
    'Org' AS "SubAccountType",
    c.contract_ids AS "x_ContractIds",
    c.products AS "x_Products",
    c.license_layer AS "x_LicenseLayer",
    c.license_id AS "x_LicenseId",
    c.license_key AS "x_LicenseKey",
    c.confidence AS "x_PriceConfidence",
    c.price_basis AS "x_PriceBasis",
    c.quantity_source AS "x_QuantitySource",
    c.used_count AS "x_UsedQuantity",
    c.in_scope_count AS "x_InScopeQuantity",
    coalesce(w.idle_count, 0) AS "x_IdleQuantity",
    coalesce(w.unassigned_count, 0) AS "x_UnassignedQuantity",
    c.provenance AS "x_SnapshotProvenance"
FROM seat_costs AS c
INNER JOIN snapshots AS s ON s.org_id = c.org_id AND s.snapshot_date = c.snapshot_date
LEFT JOIN waste AS w
    ON w.org_id = c.org_id
    AND w.snapshot_date = c.snapshot_date
    AND w.license_layer = c.license_layer
    AND w.license_id = c.license_id
WHERE c.daily_cost IS NOT NULL
