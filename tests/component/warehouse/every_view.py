"""Snapshots and files of one's own over which every view of a warehouse has rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from made_snapshots import CPQ, DAY, OTHER_ORG, SALES, MadeSnapshot, made_snapshot

from license_ledger.inputs.given import Inputs, read_inputs
from license_ledger.settings import Settings

GAPS = json.dumps(
    [{"object": "User", "field": "LastLoginDate", "missing_permission": "x", "costs": "y", "unlocks": "z"}]
)


def made_inputs(folder: Path) -> Inputs:
    """A price list, a crosswalk, and a directory that lacks people."""
    (folder / "prices.csv").write_text(
        "product,currency,unit_price,billing_period,starts_on,contract_quantity\n"
        "SALES,EUR,100.25,month,2026-01-01,40\nCPQ,EUR,900,year,2026-01-01,30\n"
    )
    (folder / "products.csv").write_text(
        "license_layer,license_key,product,confidence\n"
        f"user,{SALES[2]},SALES,sure\npermission_set,{CPQ[2]},CPQ,likely\n"
    )
    (folder / "directory.csv").write_text("emails,active\nuser000000000001@acme.com,true\n")
    files = {"prices": "prices", "license_products": "products", "directory": "directory"}
    settings = Settings(**{name: str(folder / f"{file}.csv") for name, file in files.items()})
    return read_inputs(settings, datetime(2026, 3, 2, 7, tzinfo=UTC))


def made_history() -> list[MadeSnapshot]:
    """Two orgs and several days with what changes between days."""
    return [
        made_snapshot(60, capabilities=GAPS),
        *(made_snapshot(60 + 3 * n, day=DAY + timedelta(days=2 * n)) for n in range(1, 10)),
        made_snapshot(100, day=DAY + timedelta(days=21), scope_hash="scope-2"),
        made_snapshot(90, day=DAY + timedelta(days=60), is_partial=True, capabilities=GAPS),
        made_snapshot(20, org_id=OTHER_ORG),
    ]
