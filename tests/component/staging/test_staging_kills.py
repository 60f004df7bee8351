"""Publishers and sweepers that are killed: before every single change, and at random while readers read."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from made_generations import CANONICAL, Generation, files, joined, made, seen
from stepping import Steps, killed_before, started

from license_ledger import reader
from license_ledger.errors import StoreBusy
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep

KILLS = int(os.environ.get("LICENSE_LEDGER_KILLS", "0"))
LATER = timedelta(days=3)
BUSY = 3


def steps(url: str, prepare: Callable[[int], Callable[[Storage], None]], every: int = 1) -> Iterator[int]:
    """Do work again and again, each time killed one change later, or so many, until it gets through."""
    for step in range(1, 500, every):
        if not killed_before(step, url, prepare(step)):
            assert step > 10, "so few changes cannot have been all"
            return
        yield step


def publishing(generation: Generation, **options: float) -> Callable[[Storage], None]:
    """Publish with clients of the process that does it."""

    def work(staging: Storage) -> None:
        replace(generation, source=Storage.from_url(generation.source.root)).publish(staging, **options)

    return work


def sweeping(staging: Storage) -> None:
    """Sweep as if everything had had its time."""
    sweep(staging, now=datetime.now(UTC) + LATER)


@pytest.fixture
def staging(request: pytest.FixtureRequest) -> Storage:
    """The storage that is called so."""
    found: Storage = request.getfixturevalue(request.param)
    return found


@pytest.mark.slow
@pytest.mark.endurance
def test_a_first_publisher_killed_before_any_change(local: Storage, source: Storage) -> None:
    """
    A new day is not there or whole, per table and for those who join; the next publisher gets through.

    What a publisher that died before its switch has shown is gone after a sweep.
    """
    number = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal number
        number = step
        local.delete()
        return publishing(made(source, step))

    for step in steps(local.root, prepare):
        whole = joined(local)
        assert whole in (None, number)
        assert set(seen(local).values()) <= {None, number}
        if step % 2:
            sweeping(local)
            assert joined(local) == whole
            assert files(local) == (CANONICAL if whole == number else set())
        made(source, number + 1000).publish(local)
        assert joined(local) == number + 1000
        sweeping(local)
        assert files(local) == CANONICAL
    assert joined(local) == number


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.parametrize("staging", ["local", "s3"], indirect=True)
def test_a_publisher_killed_before_any_change(staging: Storage, source: Storage) -> None:
    """
    Over a published day each table is wholly old or wholly new, and who joins sees all old or all new.

    A sweep does not change that, the next publisher gets through, and nothing else is left after a sweep.
    """
    old = new = half_way = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal old, new
        old, new = 10 * step, 10 * step + 1
        made(source, old).publish(staging)
        return publishing(made(source, new))

    for step in steps(staging.url, prepare):
        tables, whole = seen(staging), joined(staging)
        assert set(tables.values()) <= {old, new}, step
        assert whole in (old, new), step
        half_way += set(tables.values()) != {whole}
        if step % 2:
            sweeping(staging)
            assert joined(staging) == whole, step
            assert set(seen(staging).values()) <= {old, new}, step
    assert half_way >= 4, "no kill fell between the tables"
    assert set(seen(staging).values()) == {joined(staging)} == {new}
    sweeping(staging)
    assert files(staging) == CANONICAL


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.parametrize(("staging", "every"), [("local", 1), ("s3", 5)], indirect=["staging"])
def test_a_sweeper_killed_before_any_change(staging: Storage, source: Storage, every: int) -> None:
    """However a sweep ends, the published snapshot stays whole, and the next sweep finishes the work."""
    number = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal number
        made(source, 10 * step).publish(staging)
        number = 10 * step + 1
        made(source, number).publish(staging)
        return sweeping

    for step in steps(staging.url, prepare, every):
        assert set(seen(staging).values()) == {joined(staging)} == {number}, step
        sweeping(staging)
        reader.open_snapshot(staging, made(source, 1).org_id, made(source, 1).snapshot_date).verify()
        assert files(staging) == CANONICAL, step


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.parametrize("step", [6, 10, 12, 14])
def test_a_publisher_that_sleeps_past_its_lease_does_not_win(s3: Storage, source: Storage, step: int) -> None:
    """
    Stopped before any change, overtaken, and woken up, a publisher changes nothing more and is told so.

    Nothing but the conditions of its requests holds it then: it has made sure of its lease before it fell
    asleep.
    """
    made(source, 1).publish(s3)

    def work(staging: Storage) -> None:
        publishing(made(source, 2), ttl_seconds=1.2)(staging)

    pid = started(Steps(step, signal.SIGSTOP), s3.url, work, {StoreBusy: BUSY})
    assert os.WIFSTOPPED(os.waitpid(pid, os.WUNTRACED)[1])
    made(source, 3).publish(s3, wait_seconds=60)
    os.kill(pid, signal.SIGCONT)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == BUSY
    assert set(seen(s3).values()) == {joined(s3)} == {3}


@pytest.mark.slow
@pytest.mark.endurance
@pytest.mark.parametrize(("url", "kills"), [("local", KILLS or 150), ("s3_url", KILLS or 30)])
def test_publishers_killed_at_random_while_readers_read(
    url: str, kills: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """
    No reader sees a mixture, a torn file, or a snapshot older than the published one.

    Readers are pyarrow, pandas and DuckDB over a plain glob, on S3 a client that pins nothing as well, and
    the ledger's own, which joins.
    """
    found = request.getfixturevalue(url)
    ran = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("killing.py")),
            found.root if isinstance(found, Storage) else found,
            f"--landing={tmp_path / 'landing'}",
            f"--kills={kills}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = json.loads(ran.stdout[ran.stdout.index("\n{\n") :])

    assert [told["wrong"] for told in report["readers"]] == [[] for _ in report["readers"]]
    assert report["kills"] >= kills
    assert report["killed_half_way"] + report["killed_after_the_switch"] > 0
    assert all(told["reads"] > 5 for told in report["readers"])
    assert {path for path in report["left"] if not path.startswith("_leases/")} == CANONICAL
