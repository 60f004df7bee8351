"""
What becomes of the files that people keep: tables of the warehouse, declared as the published ones are. May
import schemas only.

The price list and the crosswalk come into the warehouse whole and as they are, replaced as a whole. Of the
directory no entry does: only what its comparison with a day's users found.
"""

from __future__ import annotations

import pyarrow as pa

from license_ledger.schemas import CERTAINTIES, LAYERS, TIMESTAMP, Column, Table

MONEY = pa.decimal128(18, 6)
"""Amounts and shares: exact, six digits after the point."""

BILLING_PERIODS = ("month", "quarter", "year")
PRICE_BASES = ("contract", "list", "estimate")
FINDINGS = ("missing", "inactive", "no_identifier")
MATCHED_BY = ("federation_id", "email", "username", "employee_number")

_TEXT, _COUNT, _DAY = pa.string(), pa.int64(), pa.date32()
_ORG = Column(
    "org_id",
    _TEXT,
    "Salesforce id (18 characters) of the org that the row is for. Empty: for every org.",
    "file",
)
_PRODUCT = Column("product", _TEXT, "Product code of the order form.", "file", False)

PRICES = Table(
    "prices",
    "a line of the price list",
    (),
    (
        _PRODUCT,
        Column(
            "contract_id",
            _TEXT,
            "Contract or order form of the line; tells lines of a product apart that hold at the same time.",
            "file",
        ),
        _ORG,
        Column("currency", _TEXT, "Currency of the prices, by its ISO 4217 code.", "file", False),
        Column("unit_price", MONEY, "Price of one seat for one billing period.", "file", False),
        Column("list_unit_price", MONEY, "The same without the negotiated discount.", "file"),
        Column(
            "billing_period",
            _TEXT,
            "What the unit price is for.",
            "file",
            False,
            values=BILLING_PERIODS,
        ),
        Column("starts_on", _DAY, "First day the line holds.", "file", False),
        Column("ends_on", _DAY, "Last day the line holds. Empty: until further notice.", "file"),
        Column("contract_quantity", _COUNT, "Seats bought by the line. Empty: not told.", "file"),
        Column(
            "price_basis",
            _TEXT,
            "Where the price comes from. Empty: from the contract.",
            "file",
            values=PRICE_BASES,
        ),
    ),
    is_daily=False,
)

LICENSE_PRODUCTS = Table(
    "license_products",
    "a product that a license was bought as",
    (),
    (
        Column("license_layer", _TEXT, "Kind of license.", "file", False, values=LAYERS),
        Column(
            "license_id",
            _TEXT,
            "Salesforce id (18 characters) of the license, or its feature type. Empty: the key tells it.",
            "file",
        ),
        Column("license_key", _TEXT, "Key of the license. Empty: the id tells it.", "file"),
        _ORG,
        _PRODUCT,
        Column(
            "confidence",
            _TEXT,
            "How sure it is that the license was bought as this product.",
            "file",
            False,
            values=CERTAINTIES,
        ),
        Column(
            "price_share",
            MONEY,
            "Part of the product's price that the license stands for, above 0, at most 1. Empty: all of it.",
            "file",
        ),
        Column("evidence", _TEXT, "Why it is believed, in words.", "file"),
    ),
    is_daily=False,
)

INPUT_FILES = Table(
    "input_files",
    "a file that was read",
    ("input_name",),
    (
        Column(
            "input_name",
            _TEXT,
            "Which input it is.",
            "rule",
            False,
            values=("prices", "license_products", "directory"),
        ),
        Column("sha256", _TEXT, "Fingerprint of the file.", "rule", False),
        Column("row_count", _COUNT, "Rows or entries of the file.", "rule", False),
        Column("read_at", TIMESTAMP, "When this version of the file was read first.", "rule", False),
    ),
    is_daily=False,
)

DIRECTORY_CHECKS = Table(
    "directory_checks",
    "a comparison of a snapshot's users with the directory",
    (),
    (
        Column("read_at", TIMESTAMP, "When the directory was read.", "rule", False),
        Column("entry_count", _COUNT, "Entries of the directory.", "rule", False),
        Column(
            "compared_count",
            _COUNT,
            "Users in scope who were looked for: employees, contractors, and accounts of no known kind.",
            "rule",
            False,
        ),
        Column("present_count", _COUNT, "Of them, found with an active entry.", "rule", False),
        Column("inactive_count", _COUNT, "Of them, found with entries that are not active.", "rule", False),
        Column("missing_count", _COUNT, "Of them, not found.", "rule", False),
        Column(
            "no_identifier_count",
            _COUNT,
            "Of them, those who have neither address, login name, federation id nor employee number.",
            "rule",
            False,
        ),
    ),
    is_optional=True,
)

DIRECTORY_FINDINGS = Table(
    "directory_findings",
    "a user in scope without an active entry in the directory",
    ("user_id",),
    (
        Column("user_id", _TEXT, "Salesforce id (18 characters) of the user.", "User.Id", False, "pseudonym"),
        Column(
            "finding",
            _TEXT,
            "What the directory says: no such entry, none that is active, or nothing to look for.",
            "rule",
            False,
            "attribute",
            values=FINDINGS,
        ),
        Column(
            "matched_by",
            _TEXT,
            "What the entry was found by. Empty: it was not.",
            "rule",
            personal="attribute",
            values=MATCHED_BY,
        ),
    ),
    is_optional=True,
)

INPUT_TABLES: tuple[Table, ...] = (
    PRICES,
    LICENSE_PRODUCTS,
    INPUT_FILES,
    DIRECTORY_CHECKS,
    DIRECTORY_FINDINGS,
)
"""In the order of their creation; those that are daily go with their day, the others are replaced whole."""
