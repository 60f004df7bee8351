"""
What is published, against the demo org's ground truth.

The truth (`demo_org.truth`) is worked out from the org's records by other means and without a line of the
ledger. Every seed is another org; of each the landing is settled under every filter below.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from demo_org.world.options import WorldOptions
from license_ledger.reader import Snapshot
from tests.walk import Walk, noon

TODAY = date(2026, 11, 24)
SEEDS = range(1, 51)
ENTITIES = {"Acme GmbH": ["acme.de", "*.acme.de"], "Acme France": ["acme.fr"], "Globex": ["globex.example"]}
FILTERS: dict[str, dict[str, Any]] = {
    "everyone": {"company_names": ["*"]},
    "one domain": {"company_names": ["acme.com"]},
    "several domains": {"company_names": ["@acme.com", "*.acme.com", "ACME.DE"]},
    "legal entity": {"company_names": ["acme gmbh"], "legal_entities": ENTITIES},
    "entity and domain": {"company_names": ["Acme France", "acme.com"], "legal_entities": ENTITIES},
    "no outsiders": {
        "company_names": ["*"],
        "legal_entities": ENTITIES,
        "external_users": "exclude",
        "service_accounts": "exclude",
    },
}
KEYS = {
    "users": ["user_id"],
    "seats": ["user_id", "license_layer", "license_id"],
    "licenses": ["license_layer", "license_id"],
    "mismatches": ["license_layer", "license_id", "cause"],
}


def _settings(wanted: dict[str, Any]) -> dict[str, Any]:
    entities = [
        {"name": name, "domains": domains} for name, domains in wanted.get("legal_entities", {}).items()
    ]
    policies = {name: wanted[name] for name in ("external_users", "service_accounts") if name in wanted}
    return {"legal_entities": entities, **policies}


def _published(snapshot: Snapshot, name: str, like: pd.DataFrame) -> pd.DataFrame:
    rows = snapshot.table(name).to_pandas()
    if name == "mismatches":
        rows = rows[rows["seat_count"] != 0]
    return rows[list(like.columns)].sort_values(KEYS[name]).reset_index(drop=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Values that compare: nulls of all kinds are None, instants UTC microseconds, numbers numbers."""
    return frame.map(
        lambda value: (
            None
            if value is None or value is pd.NaT or value is pd.NA or value != value
            else pd.Timestamp(value).isoformat()
            if hasattr(value, "year")
            else value
        )
    )


def _compare(snapshot: Snapshot, expected: dict[str, pd.DataFrame], what: str) -> None:
    for name, truth in expected.items():
        wanted = _plain(truth.sort_values(KEYS[name]).reset_index(drop=True).astype(object))
        found = _plain(_published(snapshot, name, truth).astype(object))
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False, obj=f"{name} of {what}")


def _identity(snapshot: Snapshot) -> None:
    licenses = snapshot.table("licenses").to_pandas()
    bridge = snapshot.table("mismatches").to_pandas()
    sums = bridge.groupby(["license_layer", "license_id"])["seat_count"].sum()
    counted = licenses[licenses["used_count"].notna() & (licenses["license_layer"] != "usage")]
    for row in counted.itertuples():
        assert sums.get((row.license_layer, row.license_id), 0) == row.used_count, row.license_name
    assert not (bridge["cause"] == "unexplained").any()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_published_tables_equal_the_ground_truth(seed: int, tmp_path: Path) -> None:
    """For every org and filter, the published tables are the true ones and every seat is explained."""
    options = WorldOptions(sandbox=seed % 5 == 0, digital_experiences=seed % 7 != 0, nul_bytes=seed % 3 == 0)
    world = World(seed=seed, users=40 + 37 * (seed % 9), today=TODAY, options=options)
    world.set_clock(noon(TODAY))
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), tmp_path / "org") as server:
        walk = Walk(server.access.connection("*"), tmp_path, noon(TODAY), values={"bulk_threshold": 100})
        context = walk.context()
        walk.extract(context)
    for what, wanted in FILTERS.items():
        snapshot = walk.rescope(context, wanted["company_names"], **_settings(wanted))

        _compare(snapshot, Truth(world).expected(**wanted), f"seed {seed}, {what}")
        _identity(snapshot)
