"""
What the console tests look at: two demo orgs in one staging area and one warehouse, with days and a gap.

The first org has days over ten, of which two are missing, one is reconstructed and one is seen through
another filter; the second has one. Each has a connection, and so a DAG, of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World, WorldOptions
from license_ledger.run import RunContext
from license_ledger.staging.storage import Storage
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

COMPANIES = ["acme.com", "*.acme.com", "acme.de"]
CONNECTION, OTHER_CONNECTION = "salesforce_default", "emea"
OBSERVED = [TODAY - timedelta(days=back) for back in (8, 7, 4, 3, 2, 1, 0)]
RESCOPED = OBSERVED[2]
RECONSTRUCTED = TODAY - timedelta(days=9)


@dataclass
class Named(Walk):
    """A walk of an org whose connection has another name than the default."""

    connection_id: str = CONNECTION

    def context(self, company_names: list[str] | None = None, day: date | None = None) -> RunContext:
        """A context for the next run."""
        return replace(super().context(company_names, day), connection_id=self.connection_id)


@dataclass(frozen=True)
class Orgs:
    """
    The published data, and where it came from.

    Attributes:
        root: directory of staging, landing and warehouse.
        org: the first org, still served.
        org_id: its id.
        other: the second org.
        other_id: its id.
    """

    root: Path
    org: RunningOrg
    org_id: str
    other: RunningOrg
    other_id: str

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.root / "warehouse.duckdb"

    @property
    def staging(self) -> Storage:
        """The staging root."""
        return Storage.from_url((self.root / "staging").as_uri())

    def environment(self) -> dict[str, str]:
        """The settings of a process that reads it."""
        return {
            "LICENSE_LEDGER_ORGS": f"{CONNECTION} {OTHER_CONNECTION}",
            "LICENSE_LEDGER_STAGING": (self.root / "staging").as_uri(),
            "LICENSE_LEDGER_WAREHOUSE": f"duckdb:///{self.warehouse}",
        }


@contextmanager
def two_orgs(root: Path) -> Iterator[Orgs]:
    """Serve two orgs and publish their days."""
    anchored = World(today=OBSERVED[0], options=WorldOptions(anchor=TODAY))
    first = DemoOrg(anchored, OrgOptions(bulk_seconds=0.01), root / "a")
    second = DemoOrg(World(today=TODAY, seed=7), OrgOptions(bulk_seconds=0.01), root / "b")
    with first, second:
        org, other = RunningOrg(first), RunningOrg(second)
        walk = Named(org.connection("\n".join(COMPANIES)), root, noon(OBSERVED[0]))
        for day in OBSERVED:
            walk.now = noon(day)
            first.org.set_clock(walk.now)
            walk.run(["*"] if day == RESCOPED else None)
        walk.run_day(RECONSTRUCTED)
        another = Named(other.connection("*"), root, noon(TODAY), connection_id=OTHER_CONNECTION)
        second.org.set_clock(another.now)
        another.run()
        yield Orgs(root, org, anchored.org_id, other, second.org.world.org_id)
