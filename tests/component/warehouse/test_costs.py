"""Seats become money only where a price says so."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from book import LICENSE, Book, Rows
from hypothesis import given, settings
from hypothesis import strategies as st
from made_snapshots import CPQ, DAY, OTHER_ORG, SALES

PRICE = {
    "product": "CPQ-PLUS",
    "currency": "EUR",
    "unit_price": Decimal(1200),
    "billing_period": "year",
    "starts_on": date(2026, 1, 1),
}
PRODUCT = {
    "license_layer": CPQ[0],
    "license_key": CPQ[2],
    "product": "CPQ-PLUS",
    "confidence": "sure",
}


def costs(book: Book, *, prices: Rows = (PRICE,), products: Rows = (PRODUCT,), **license_: Any) -> Rows:  # type: ignore[assignment]
    """The view `seat_costs` of one license on one day."""
    book.write("snapshots", {})
    book.write("licenses", {"total_count": 100, "used_count": 80, "in_scope_count": 70} | license_)
    book.keep("prices", *prices)
    book.keep("license_products", *products)
    return book.read("SELECT * FROM seat_costs")


@pytest.mark.parametrize(
    ("period", "price", "day", "monthly", "daily"),
    [
        ("month", "31", date(2026, 3, 2), "31", "1"),
        ("month", "30", date(2026, 2, 3), "30", "1.071429"),
        ("quarter", "90", date(2026, 3, 2), "30", "1"),
        ("year", "1200", date(2026, 3, 2), "100", "3.287671"),
        ("year", "366", date(2028, 2, 29), "30.5", "1"),
    ],
)
def test_a_price_is_spread_over_the_days_of_its_period(
    book: Book, period: str, price: str, day: date, monthly: str, daily: str
) -> None:
    """A day costs the price of its month, quarter or year by the days that has; a month its part of it."""
    book.write("snapshots", {}, day=day)
    book.write("licenses", {"total_count": 10, "used_count": 4}, day=day)
    book.keep("prices", PRICE | {"unit_price": Decimal(price), "billing_period": period})
    book.keep("license_products", PRODUCT)
    [row] = book.read("SELECT * FROM seat_costs")

    assert row["price_state"] == "priced"
    assert (row["monthly_unit_price"], row["daily_unit_price"]) == (Decimal(monthly), Decimal(daily))
    assert (row["monthly_cost"], row["daily_cost"]) == (10 * Decimal(monthly), 10 * Decimal(daily))


MONEY = (
    "currency",
    "price_basis",
    "monthly_unit_price",
    "monthly_list_unit_price",
    "daily_unit_price",
    "daily_list_unit_price",
    "monthly_cost",
    "daily_cost",
    "monthly_cost_per_used_seat",
)
OTHER = PRICE | {"contract_id": "B", "contract_quantity": 5}


@pytest.mark.parametrize(
    ("state", "prices", "products"),
    [
        ("no_product", [PRICE], []),
        ("no_product", [PRICE], [PRODUCT | {"license_key": "CPQ Add-on"}]),
        ("no_product", [PRICE], [PRODUCT | {"license_layer": "user"}]),
        ("no_product", [PRICE], [PRODUCT | {"org_id": OTHER_ORG}]),
        ("no_price", [], [PRODUCT]),
        ("no_price", [PRICE | {"product": "CPQ"}], [PRODUCT]),
        ("no_price", [PRICE | {"ends_on": DAY - timedelta(days=1)}], [PRODUCT]),
        ("no_price", [PRICE | {"starts_on": DAY + timedelta(days=1)}], [PRODUCT]),
        ("no_price", [PRICE | {"org_id": OTHER_ORG}], [PRODUCT]),
        ("no_price", [PRICE], [PRODUCT, PRODUCT | {"product": "OTHER"}]),
        ("mixed_currencies", [PRICE, OTHER | {"currency": "USD"}], [PRODUCT]),
        ("no_quantity", [PRICE, OTHER], [PRODUCT]),
        ("no_quantity", [OTHER | {"contract_quantity": 0}, OTHER | {"contract_quantity": 0}], [PRODUCT]),
    ],
)
def test_without_a_price_nothing_is_nought(book: Book, state: str, prices: Rows, products: Rows) -> None:
    """Where the price is missing or undecided every amount is empty, and the reason is told and counted."""
    [row] = costs(book, prices=prices, products=products)
    [coverage] = book.read("SELECT * FROM cost_coverage")

    assert row["price_state"] == state
    assert [row[name] for name in MONEY] == [None] * len(MONEY)
    assert coverage["priced_license_count"] == 0
    assert (coverage["seat_count_in_use"], coverage["unpriced_seat_count"]) == (80, 80)
    assert coverage["unpriced_seat_percent"] == Decimal(100)
    assert (coverage["no_product_count"], coverage["no_price_count"], coverage["undecided_price_count"]) == (
        (state == "no_product"),
        (state == "no_price"),
        (state in ("mixed_currencies", "no_quantity")),
    )
    assert book.read("SELECT * FROM focus_costs") == []


def test_a_row_by_id_goes_before_one_by_key_and_the_org_before_every_org(book: Book) -> None:
    """The crosswalk's most special row counts alone, and so does the price list's line for the org."""
    [row] = costs(
        book,
        products=[
            PRODUCT | {"product": "BY-KEY"},
            PRODUCT | {"product": "BY-KEY-AND-ORG", "org_id": "00D000000000001EAA"},
            PRODUCT | {"license_key": None, "license_id": CPQ[1], "confidence": "likely"},
        ],
        prices=[PRICE, PRICE | {"org_id": "00D000000000001EAA", "unit_price": Decimal(600)}],
    )

    assert (row["products"], row["confidence"]) == ("CPQ-PLUS", "likely")
    assert row["monthly_unit_price"] == Decimal(50)


def test_lines_that_hold_at_once_are_averaged_by_their_quantities(book: Book) -> None:
    """A seat of a license bought in two lines costs what they cost together by what they buy together."""
    [row] = costs(
        book,
        prices=[
            PRICE | {"contract_id": "A", "contract_quantity": 60, "list_unit_price": Decimal(2400)},
            OTHER
            | {"contract_quantity": 20, "unit_price": Decimal(2400), "price_basis": "list"}
            | {"list_unit_price": Decimal(2400)},
        ],
    )

    assert (row["contract_count"], row["purchased_count"], row["quantity_source"]) == (80, 80, "contract")
    assert (row["monthly_unit_price"], row["monthly_list_unit_price"]) == (Decimal(125), Decimal(200))
    assert row["monthly_cost"] == Decimal(60 * 100 + 20 * 200)
    assert (row["price_basis"], row["contract_ids"]) == ("list", "A, B")


def test_the_least_sure_product_says_how_sure_the_cost_is(book: Book) -> None:
    """A license that was bought as two products costs both, and is as sure as the less sure one."""
    [row] = costs(
        book,
        prices=[PRICE | {"contract_quantity": 50}, OTHER | {"product": "ADD-ON", "contract_quantity": 50}],
        products=[PRODUCT, PRODUCT | {"product": "ADD-ON", "confidence": "unsure"}],
    )

    assert (row["products"], row["confidence"]) == ("ADD-ON, CPQ-PLUS", "unsure")
    [coverage] = book.read("SELECT * FROM cost_coverage")
    assert coverage["unsure_seat_count"] == 80


def test_a_license_stands_for_its_part_of_a_price(book: Book) -> None:
    """Of a product that grants several licenses each has its share of the price."""
    [row] = costs(book, products=[PRODUCT | {"price_share": Decimal("0.25")}])

    assert row["monthly_unit_price"] == Decimal(25)


def test_an_unlimited_license_without_a_quantity_has_a_price_and_no_cost(book: Book) -> None:
    """What a seat costs is known, what all cost is not, and that is counted."""
    [row] = costs(book, total_count=None, is_unlimited=True)
    [coverage] = book.read("SELECT * FROM cost_coverage")

    assert (row["price_state"], row["purchased_count"], row["monthly_cost"]) == ("priced", None, None)
    assert row["monthly_unit_price"] == Decimal(100)
    assert (coverage["priced_license_count"], coverage["no_cost_count"]) == (1, 1)


def test_shelfware_counts_a_seat_once(book: Book) -> None:
    """Bought and held by nobody, or held and wasted in one class."""
    costs(book, prices=[PRICE | {"contract_quantity": 110}], used_count=5)
    kinds: list[dict[str, Any]] = [
        {"is_active": False},
        {"is_frozen": True},
        {"activity_band": "181+"},
        {},
        {},
    ]
    for at, kind in enumerate(kinds):
        user_id = f"00500000000000{at}AAA"
        cause = "in_scope" if kind.get("is_active", True) else "deactivated_holder"
        book.write("users", {"user_id": user_id} | kind)
        book.write("seats", {"user_id": user_id, "cause": cause} | kind)
    book.write("mismatches", {"cause": "deactivated_holder", "seat_count": 1})
    rows = book.read("SELECT * FROM shelfware ORDER BY shelfware_class")

    assert [(r["shelfware_class"], r["wasted_count"], r["monthly_waste"]) for r in rows] == [
        ("deactivated", 1, Decimal(100)),
        ("frozen", 1, Decimal(100)),
        ("idle_181_plus", 1, Decimal(100)),
        ("unassigned", 105, Decimal(10500)),
    ]
    assert {r["confidence"] for r in rows} == {"sure"}
    [focus] = book.read("SELECT * FROM focus_costs")
    assert (focus["x_IdleQuantity"], focus["x_UnassignedQuantity"], focus["x_UsedQuantity"]) == (3, 105, 5)


def test_shelfware_without_a_price_is_counted_all_the_same(book: Book) -> None:
    """The seats are there, their cost is empty."""
    costs(book, prices=[])
    [row] = book.read("SELECT * FROM shelfware")

    assert (row["shelfware_class"], row["wasted_count"], row["monthly_waste"]) == ("unassigned", 20, None)


@pytest.mark.parametrize(
    ("quantity", "used", "total", "over", "allotted", "exposure"),
    [(60, 80, 100, 20, 40, 2000), (80, 80, 80, 0, 0, 0), (100, 80, 90, 0, -10, 0), (0, 3, 5, 3, 5, 300)],
)
def test_true_up(
    book: Book, quantity: int, used: int, total: int, over: int, allotted: int, exposure: int
) -> None:
    """What is used beyond the contract is counted and priced; what was bought beyond use is not negative."""
    costs(book, prices=[PRICE | {"contract_quantity": quantity}], used_count=used, total_count=total)
    [row] = book.read("SELECT * FROM true_up")

    assert (row["over_contract_count"], row["allotted_over_contract_count"]) == (over, allotted)
    assert row["monthly_exposure"] == Decimal(exposure)


def test_true_up_remembers_the_peak(book: Book) -> None:
    """A day of the last ninety with more use than the contract shows up after it is over."""
    costs(book, prices=[PRICE | {"contract_quantity": 60}], used_count=80)
    for days, used in ((89, 50), (90, 40)):
        later = DAY + timedelta(days=days)
        book.write("snapshots", {}, day=later)
        book.write("licenses", {"total_count": 100, "used_count": used}, day=later)
    rows = book.read("SELECT peak_used_count, peak_over_contract_count FROM true_up ORDER BY snapshot_date")

    assert [tuple(row.values()) for row in rows] == [(80, 20), (80, 20), (50, 0)]


def test_a_license_without_a_quantity_in_the_contract_has_no_true_up(book: Book) -> None:
    """Salesforce's total is no contract."""
    assert costs(book)[0]["quantity_source"] == "salesforce"
    assert book.read("SELECT * FROM true_up") == []


FOCUS_MANDATORY = {
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "ServiceCategory",
    "ServiceName",
}
"""Feature level *Mandatory* in version 1.2 of the specification."""
FOCUS_OPTIONAL = {
    "BillingAccountType",
    "ChargeFrequency",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCategory",
    "ServiceSubcategory",
    "SkuId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
}


def test_the_export_has_the_columns_of_focus(book: Book) -> None:
    """Every mandatory column of FOCUS 1.2 is there and, but for the class, filled; ours come last."""
    costs(book, prices=[PRICE | {"list_unit_price": Decimal(1800)}])
    [row] = book.read("SELECT * FROM focus_costs")
    names = list(row)
    own = [name for name in names if name.startswith("x_")]

    assert set(names) - set(own) == FOCUS_MANDATORY | FOCUS_OPTIONAL
    assert names[-len(own) :] == own
    assert [name for name in FOCUS_MANDATORY if row[name] is None] == ["ChargeClass"]
    assert row["BilledCost"] == row["PricingQuantity"] * row["ContractedUnitPrice"]
    assert row["ListCost"] == row["PricingQuantity"] * row["ListUnitPrice"]
    assert (row["BillingPeriodStart"].isoformat(), row["BillingPeriodEnd"].isoformat()) == (
        "2026-03-01T00:00:00+00:00",
        "2026-04-01T00:00:00+00:00",
    )
    assert row["ChargePeriodStart"].date() == DAY
    assert row["ChargePeriodEnd"] - row["ChargePeriodStart"] == timedelta(days=1)


@settings(max_examples=30)
@given(
    lines=st.lists(
        st.tuples(st.integers(0, 500), st.decimals(0, 5000, places=2), st.sampled_from(("month", "year"))),
        min_size=1,
        max_size=4,
    )
)
def test_money_is_never_made_or_lost(book_of_examples: Book, lines: list[tuple[int, Decimal, str]]) -> None:
    """However lines are averaged, a license costs what its lines cost, to the rounding of a price."""
    book = book_of_examples
    book.clear()
    prices = [
        PRICE
        | {
            "contract_id": str(at),
            "contract_quantity": quantity,
            "unit_price": price,
            "billing_period": period,
        }
        for at, (quantity, price, period) in enumerate(lines)
    ]
    [row] = costs(book, prices=prices)
    total = sum(q * p / (1 if period == "month" else 12) for q, p, period in lines)
    seats = sum(quantity for quantity, _, _ in lines)

    if seats == 0 and len(lines) > 1:
        assert (row["price_state"], row["monthly_cost"]) == ("no_quantity", None)
    else:
        assert abs(row["monthly_cost"] - total) <= seats * Decimal("0.000001")


def test_costs_of_several_licenses_do_not_mix(book: Book) -> None:
    """Each license has its own price, currency and coverage."""
    sales = dict(zip(LICENSE, SALES, strict=True))
    costs(book, prices=[PRICE, PRICE | {"product": "SALES", "currency": "USD", "unit_price": Decimal(12)}])
    book.write("licenses", sales | {"total_count": 5, "used_count": 5})
    book.keep(
        "license_products",
        {"license_layer": "user", "license_key": SALES[2]} | {"product": "SALES"} | {"confidence": "likely"},
    )
    rows = book.read("SELECT currency, monthly_cost FROM seat_costs ORDER BY currency")

    assert [tuple(row.values()) for row in rows] == [("EUR", Decimal(10000)), ("USD", Decimal(5))]
