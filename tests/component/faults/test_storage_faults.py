"""
Disks that are full, read-only or broken, at every step of a run.

A step is tried in a process of its own on storage that breaks at some change or write; then it is done
properly, and the next step is tried. So each test is one run that has met the fault everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.component.faults.breaking import BrokenDisk, limit_files
from tests.component.faults.running import SWITCHES, Run, walk_of_today, world_of_today
from tests.demo_org_fixtures import RunningOrg, StartOrg

Break = Callable[[], object]


@pytest.fixture
def org(start_demo_org: StartOrg) -> RunningOrg:
    """An org at midday."""
    return start_demo_org(world_of_today(), **SWITCHES)


def begun(org: RunningOrg, tmp_path: Path) -> Run:
    """A run of a day that was published and loaded before."""
    walk = walk_of_today(org.connection(), tmp_path)
    before = walk.run().snapshot_id
    return Run(walk, org.server.org.world, tmp_path / "log", before=before)


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
