"""
What is published, against the demo org's ground truth.

The truth (`demo_org.truth`) is worked out from the org's records by other means and without a line of the
ledger. Every seed is another org; of each the landing is settled under every filter below.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from demo_org.world.options import WorldOptions
from tests.published import require_explained, require_true
from tests.walk import Walk, noon

TODAY = date(2026, 11, 24)
SEEDS = [*range(1, 16), *(pytest.param(seed, marks=pytest.mark.endurance) for seed in range(16, 51))]
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


def _settings(wanted: dict[str, Any]) -> dict[str, Any]:
    entities = [
        {"name": name, "domains": domains} for name, domains in wanted.get("legal_entities", {}).items()
    ]
    policies = {name: wanted[name] for name in ("external_users", "service_accounts") if name in wanted}
    return {"legal_entities": entities, **policies}


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

        require_true(snapshot, Truth(world).expected(**wanted), f"seed {seed}, {what}")
        require_explained(snapshot)
