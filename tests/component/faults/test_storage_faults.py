"""
Disks that are full, read-only or broken, at every step of a run.

A step is tried in a process of its own on storage that breaks at some change or write; then it is done
properly, and the next step is tried. So each test is one run that has met the fault everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from demo_org.truth import Truth
from demo_org.world import World
from license_ledger import pipeline, reader
from license_ledger.run import RunContext
from license_ledger.staging.storage import Storage
from tests.component.faults.apart import Ended, KeptTokens, apart
from tests.component.faults.breaking import BrokenDisk, limit_files
from tests.demo_org_fixtures import TODAY, RunningOrg, StartOrg
from tests.published import require_explained, require_true
from tests.walk import MemoryJob, Walk, noon

VALUES = {"bulk_threshold": 30}

Break = Callable[[], object]


@dataclass
class Run:
    """A run of a day that is published already, one step after the other."""

    walk: Walk
    world: World
    log: Path
    context: RunContext
    before: str
    expected: Any

    def steps(self) -> Iterator[tuple[str, Callable[[RunContext], Any]]]:
        """The steps, each to be done before the next is asked for."""
        yield "choose_source", lambda context: dict(pipeline.choose_source(context))
        self.context = self.walk.chosen(self.context)
        yield "inspect_org", lambda context: dict(pipeline.inspect_org(context))
        for unit in pipeline.inspect_org(self.context)["units"]:
            yield (
                f"extract {unit['label']}",
                lambda context, unit=unit: dict(pipeline.extract(context, unit, MemoryJob())),
            )
        for name in ("transform", "reconcile", "check", "publish", "load_warehouse"):
            yield name, lambda context, name=name: dict(getattr(pipeline, name)(context))

    def tried(self, step: Callable[[RunContext], Any], breaking: Break) -> Ended:
        """A step in a process of its own, with storage of its own, that breaks first."""

        def work() -> Any:
            fresh = {name: Storage.from_url(url) for name, url in self._places().items()}
            context = replace(self.context, **fresh)
            breaking()
            return step(context)

        return apart(work, self.log)

    def snapshot(self) -> reader.Snapshot:
        """What is published, whole and true."""
        found = reader.open_snapshot(self.context.staging, self.world.org_id, self.context.snapshot_date)
        found.verify()
        require_true(found, self.expected, found.snapshot_id)
        require_explained(found)
        return found

    def _places(self) -> dict[str, str]:
        settings = self.walk.settings
        return {"staging": settings.staging, "landing": settings.landing_url}


@pytest.fixture
def org(start_demo_org: StartOrg) -> RunningOrg:
    """An org at midday."""
    world = World(seed=5, users=40, today=TODAY)
    world.set_clock(noon(TODAY))
    return start_demo_org(world, bulk_seconds=0.0, bulk_page_rows=18)


def begun(org: RunningOrg, tmp_path: Path, **values: Any) -> Run:
    """A run of a day that was published and loaded before."""
    (tmp_path / "walk").mkdir()
    walk = Walk(org.connection(), tmp_path / "walk", noon(TODAY), values={**VALUES, **values})
    walk.tokens = KeptTokens(tmp_path / "tokens.json")
    before = walk.run().snapshot_id
    world = org.server.org.world
    expected = Truth(world).expected(company_names=["*"])
    return Run(walk, world, tmp_path / "log", walk.context(), before, expected)


DISKS: dict[str, list[Callable[[Path], Break]]] = {
    "full": [lambda root, nth=nth: BrokenDisk(root, "full", nth).install for nth in (1, 3, 8)],
    "read-only": [lambda root: BrokenDisk(root, "read-only", 1).install],
    "broken": [lambda root: BrokenDisk(root, "broken", 2).install],
    "files cannot grow": [lambda root, size=size: lambda: limit_files(size) for size in (40, 4000)],
}


@pytest.mark.parametrize("state", list(DISKS))
def test_a_disk_that_fails_at_every_step(state: str, org: RunningOrg, tmp_path: Path) -> None:
    """The step says that it cannot write; the day stays as it was, and the next try gets through."""
    run = begun(org, tmp_path)
    failed: set[str] = set()

    for name, step in run.steps():
        for breaking in DISKS[state]:
            ended = run.tried(step, breaking(run.walk.root))
            if ended.error:
                assert ended.error == "StagingUnwritable", f"{name}: {ended.error}: {ended.text}"
                failed.add(name)
                if name != "load_warehouse":
                    assert run.snapshot().snapshot_id == run.before, name
        step(run.context)

    # What the first step writes to try the place out is smaller than any limit.
    first = set() if state == "files cannot grow" else {"choose_source"}
    assert first | {"inspect_org", "transform", "reconcile", "publish", "load_warehouse"} <= failed
    assert len([name for name in failed if name.startswith("extract")]) >= 3
    assert run.snapshot().snapshot_id != run.before
