"""Histories to erase from: some weeks of an org that lives on, observed day by day."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from tests.component.privacy.history import History
from tests.demo_org_fixtures import RunningOrg
from tests.walk import Walk, noon

LAST = date(2026, 11, 24)
DAYS = [LAST - timedelta(days=back) for back in range(21, -1, -1)]


@pytest.fixture(scope="package")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """Three weeks, with a warehouse; tests take copies."""
    root = tmp_path_factory.mktemp("observed")
    with DemoOrg(World(today=DAYS[0], seed=5), OrgOptions(bulk_seconds=0.02), root / "org") as server:
        org = RunningOrg(server)
        walk = Walk(org.connection(), root, noon(DAYS[0]))
        for day in DAYS:
            walk.now = noon(day)
            server.org.set_clock(noon(day))
            walk.run(["acme.com", "acme.de"])
        yield History(walk, walk.context().org, DAYS)


@pytest.fixture
def history(observed: History, tmp_path: Path) -> History:
    """A copy of the three weeks for one test."""
    for name in ("staging", "warehouse.duckdb"):
        source = observed.walk.root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    return replace(observed, walk=replace(observed.walk, root=tmp_path))


Few = Callable[[int], History]


@pytest.fixture
def few(history: History) -> Few:
    """Make the test's copy shorter: the last so many days."""

    def shortened(count: int) -> History:
        return history.only(history.days[-count:])

    return shortened
