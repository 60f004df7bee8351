"""The rules of the price list and of the crosswalk. May import schemas, errors, staging and its package."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from license_ledger.inputs.reading import InputFile, read_columns
from license_ledger.inputs.tables import LICENSE_PRODUCTS, PRICES

_CURRENCY, _ID = re.compile(r"[A-Z]{3}"), re.compile(r"[A-Za-z0-9]{18}")

Row = Mapping[str, Any]


def read_prices(file: InputFile) -> pa.Table:
    """
    Read a price list.

    Returns:
        Table `prices`, in the order of the file.

    Raises:
        InputRefused: naming line and column. Lines of a product may hold at the same time only when each has
            its own contract and its quantity, since otherwise nobody could tell what a seat costs.
    """
    made = read_columns(file, PRICES.columns)
    rows = made.to_pylist()
    for at, row in enumerate(rows):
        _see_org(file, at, row)
        if not _CURRENCY.fullmatch(row["currency"]):
            file.refuse("is no ISO 4217 code such as EUR", row=at, column="currency", value=row["currency"])
        if row["ends_on"] and row["ends_on"] < row["starts_on"]:
            file.refuse("lies before starts_on", row=at, column="ends_on", value=str(row["ends_on"]))
    for at, other in _at_the_same_time(rows):
        _see_that_both_can_hold(file, at, rows[at], rows[other])
    return made


def read_license_products(file: InputFile) -> pa.Table:
    """
    Read a crosswalk from licenses to products.

    Returns:
        Table `license_products`, in the order of the file.

    Raises:
        InputRefused: naming line and column. The licenses of a product share its price: what they stand for
            must not add up to more than all of it.
    """
    made = read_columns(file, LICENSE_PRODUCTS.columns)
    seen: set[tuple[str | None, ...]] = set()
    shares: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    for at, row in enumerate(made.to_pylist()):
        _see_org(file, at, row)
        _see_license(file, at, row)
        license_ = (
            row["license_layer"],
            row["license_id"],
            row["license_key"],
            row["org_id"],
            row["product"],
        )
        if license_ in seen:
            file.refuse("is assigned to this license already", row=at, column="product", value=row["product"])
        seen.add(license_)
        share = Decimal(1) if row["price_share"] is None else row["price_share"]
        if not 0 < share <= 1:
            file.refuse(
                "is not above 0 and at most 1", row=at, column="price_share", value=f"{share.normalize():f}"
            )
        # A row by id goes before one by key, so only rows of one kind add up.
        kind = (row["product"], row["org_id"], "id" if row["license_id"] else "key")
        shares[kind] += share
        if shares[kind] > 1:
            file.refuse(
                f"makes the licenses of product {row['product']!r} stand for {shares[kind].normalize():f} of "
                "its price; give each its part",
                row=at,
                column="price_share",
            )
    return made


def _see_org(file: InputFile, at: int, row: Row) -> None:
    if row["org_id"] and not _ID.fullmatch(row["org_id"]):
        file.refuse("is no id of 18 characters", row=at, column="org_id", value=row["org_id"])


def _see_license(file: InputFile, at: int, row: Row) -> None:
    if bool(row["license_id"]) == bool(row["license_key"]):
        file.refuse("or else license_key must be given, and not both", row=at, column="license_id")
    if row["license_id"] and row["license_layer"] != "feature" and not _ID.fullmatch(row["license_id"]):
        file.refuse("is no id of 18 characters", row=at, column="license_id", value=row["license_id"])


def _at_the_same_time(rows: list[dict[str, Any]]) -> Iterator[tuple[int, int]]:
    """Pairs of lines of a product, later one first, that hold on a common day."""
    products: dict[tuple[str, str | None], list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        for other in products[row["product"], row["org_id"]]:
            first, second = rows[other], row
            if first["starts_on"] <= _last(second) and second["starts_on"] <= _last(first):
                yield at, other
        products[row["product"], row["org_id"]].append(at)


def _last(row: Row) -> date:
    last: date = row["ends_on"] or date.max
    return last


def _see_that_both_can_hold(file: InputFile, at: int, row: Row, other: Row) -> None:
    what = f"product {row['product']!r} has another line that holds on the same days"
    if not row["contract_id"] or not other["contract_id"] or row["contract_id"] == other["contract_id"]:
        file.refuse(f"must tell it apart: {what}", row=at, column="contract_id")
    if row["currency"] != other["currency"]:
        file.refuse(f"is not the same: {what}", row=at, column="currency", value=row["currency"])
    if row["contract_quantity"] is None or other["contract_quantity"] is None:
        file.refuse(f"must be given in both: {what}", row=at, column="contract_quantity")
