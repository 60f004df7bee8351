"""Publishers and sweepers that are killed: before every single change, and at random while readers read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as pads
import pytest
from made_generations import DAY, ORG, Generation, made, number_in, number_of
from stepping import killed_before

from license_ledger import reader
from license_ledger.errors import SnapshotRefused
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep

KILLS = int(os.environ.get("LICENSE_LEDGER_KILLS", "0"))
LATER = timedelta(days=3)


def seen(staging: Storage) -> dict[str, int | None]:
    """The generation that a plain glob finds for each table, and None where it finds nothing."""
    staging.fs.invalidate_cache()
    fs = None if staging.is_local else staging.fs
    found: dict[str, int | None] = {}
    for name in DATA_TABLES:
        paths = staging.fs.glob(staging.path(name, "*", "*", "*.parquet"))
        rows = pads.dataset(paths, filesystem=fs).to_table() if paths else None
        found[name] = None if rows is None else number_in(rows, name)
    return found


def joined(staging: Storage) -> int | None:
    """The generation that a reader who joins tables finds; None when nothing is published."""
    try:
        return number_of(reader.open_snapshot(staging, ORG, DAY))
    except SnapshotRefused:
        return None


def files(staging: Storage) -> set[str]:
    """Every file below the root but the leases."""
    staging.fs.invalidate_cache()
    found = {str(path).removeprefix(f"{staging.root}/") for path in staging.fs.find(staging.root)}
    return {path for path in found if not path.startswith("_leases/")}


def canonical(day: Day = Day(ORG, DAY)) -> set[str]:
    """The files of a published day."""
    return {day.canonical(name) for name in (*DATA_TABLES, "snapshots")}


def steps(url: str, prepare: Callable[[int], Callable[[Storage], None]], every: int = 1) -> Iterator[int]:
    """Do work again and again, each time killed one change later, or so many, until it gets through."""
    for step in range(1, 500, every):
        if not killed_before(step, url, prepare(step)):
            assert step > 10, "so few changes cannot have been all"
            return
        yield step


@pytest.fixture
def source(tmp_path: Path) -> Storage:
    """Where finished files lie before they are published."""
    return Storage.from_url(str(tmp_path / "made"))


def publishing(generation: Generation) -> Callable[[Storage], None]:
    """Publish with clients of the process that does it."""

    def work(staging: Storage) -> None:
        again = replace(generation, source=Storage.from_url(generation.source.root))
        again.publish(staging)

    return work


def test_a_first_publisher_killed_before_any_change(local: Storage, source: Storage) -> None:
    """A new day is not there or whole per table, and not there or wholly there for those who join; the next
    publisher gets through; a sweep leaves nothing but the published files."""
    number = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal number
        number = step
        local.delete()
        return publishing(made(source, step))

    for _ in steps(local.root, prepare):
        assert set(seen(local).values()) <= {None, number}
        assert joined(local) in (None, number)
        made(source, number + 1000).publish(local)
        assert joined(local) == number + 1000
        sweep(local, now=datetime.now(UTC) + LATER)
        assert files(local) == canonical()
    assert joined(local) == number


def test_a_dead_first_publisher_is_swept_away(local: Storage, source: Storage) -> None:
    """What a publisher that died before its switch has shown of a new day is gone after a sweep, and the whole
    day stays when it died after it."""
    number = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal number
        number = step
        local.delete()
        return publishing(made(source, step))

    for _ in steps(local.root, prepare):
        was = joined(local)
        sweep(local, now=datetime.now(UTC) + LATER)
        assert joined(local) == was
        assert files(local) == (canonical() if was == number else set())


@pytest.mark.parametrize("url", ["local", "s3"])
@pytest.mark.slow
def test_a_publisher_killed_before_any_change(
    url: str, source: Storage, request: pytest.FixtureRequest
) -> None:
    """Over a published day: each table is wholly old or wholly new, who joins sees all old or all new, also
    after a sweep; the next publisher gets through, and a sweep leaves nothing else."""
    staging: Storage = request.getfixturevalue(url)
    old = new = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal old, new
        old, new = 10 * step, 10 * step + 1
        made(source, old).publish(staging)
        return publishing(made(source, new))

    half_way = 0
    for step in steps(staging.url, prepare):
        tables = seen(staging)
        assert set(tables.values()) <= {old, new}, step
        whole = joined(staging)
        assert whole in (old, new), step
        half_way += set(tables.values()) != {whole}
        if step % 2:
            sweep(staging, now=datetime.now(UTC) + LATER)
            assert joined(staging) == whole, step
            assert set(seen(staging).values()) <= {old, new}, step
    assert half_way >= 4, "no kill fell between the tables"
    assert set(seen(staging).values()) == {joined(staging)} == {new}
    sweep(staging, now=datetime.now(UTC) + LATER)
    assert files(staging) == canonical()


@pytest.mark.parametrize("url", ["local", "s3"])
def test_a_sweeper_killed_before_any_change(
    url: str, source: Storage, request: pytest.FixtureRequest
) -> None:
    """However a sweep ends, the published snapshot stays whole, and the next sweep finishes the work."""
    staging: Storage = request.getfixturevalue(url)
    number = 0

    def prepare(step: int) -> Callable[[Storage], None]:
        nonlocal number
        made(source, 10 * step).publish(staging)
        number = 10 * step + 1
        made(source, number).publish(staging)
        return lambda storage: void(sweep(storage, now=datetime.now(UTC) + LATER))

    for step in steps(staging.url, prepare, every):
        assert set(seen(staging).values()) == {joined(staging)} == {number}, step
        sweep(staging, now=datetime.now(UTC) + LATER)
        reader.open_snapshot(staging, ORG, DAY).verify()
        assert files(staging) == canonical(), step


def void(_: object) -> None:
    """Nothing of it is wanted."""


@pytest.mark.slow
@pytest.mark.parametrize(("url", "kills"), [("local", KILLS or 120), ("s3_url", KILLS or 50)])
def test_publishers_killed_at_random_while_readers_read(
    url: str, kills: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """No reader sees a mixture, a torn file, or a snapshot older than the published one: not by pyarrow, pandas
    or DuckDB over a plain glob, not by a client that pins nothing, and not by the ledger's reader, which joins."""
    found = request.getfixturevalue(url)
    root = found.root if isinstance(found, Storage) else found
    ran = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).with_name("killing.py")),
            root,
            f"--landing={tmp_path / 'landing'}",
            f"--kills={kills}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = json.loads(ran.stdout[ran.stdout.index("\n{\n") :])

    assert [told["wrong"] for told in report["readers"]] == [[] for _ in report["readers"]]
    assert report["kills"] == kills
    assert report["killed_half_way"] + report["killed_after_the_switch"] > 0
    assert all(told["reads"] > 5 for told in report["readers"])
    assert {path for path in report["left"] if not path.startswith("_leases/")} == canonical()
