"""Readers read and loaders die at any moment; nobody ever sees a torn or a half warehouse."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from made_snapshots import DAY, ORG, MadeSnapshot, load, made_snapshot
from nursery import SIZES, Nursery, snapshot
from tests.peak import peak_mib

from license_ledger.warehouse.duckdb import open_readonly

KILLS = 20
_PAUSE = 0.1
_STATE = """
    SELECT
        (SELECT max(snapshot_id) FROM snapshots),
        (SELECT count(*) FROM users),
        (SELECT count(*) FROM seats),
        (SELECT sum(used_count) FROM licenses WHERE license_layer <> 'usage'),
        (SELECT sum(seat_count) FROM mismatches),
        (SELECT count(*) FROM license_position WHERE is_latest)
"""

_FORKS = """
import itertools, os, sys
from made_snapshots import made_snapshot
from made_snapshots import load
path, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]]
for turn, _ in enumerate(sys.stdin):
    child = os.fork()
    if child == 0:
        made = [made_snapshot(size, snapshot_id=str(size)) for size in sizes]
        print(os.getpid(), flush=True)
        for one in itertools.islice(itertools.cycle(made), turn % len(made), None):
            load(path, one)
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


def expected(size: int) -> tuple[Any, ...]:
    """What a reader sees of it."""
    made = snapshot(size).tables
    booked = sum(made["mismatches"]["seat_count"].to_pylist())
    return str(size), size, made["seats"].num_rows, booked, booked, 5


def _state(path: Path) -> Any:
    """What a reader sees now."""
    with open_readonly(path) as connection:
        return connection.execute(_STATE).fetchall()[0]


def _read_plainly(path: Path, stop: multiprocessing.synchronize.Event, seen: Any) -> None:
    """Read as a BI tool does, with DuckDB alone, and report what was seen."""
    while not stop.is_set():
        try:
            with duckdb.connect(str(path), read_only=True) as connection:
                seen.put(connection.execute(_STATE).fetchall()[0])
            time.sleep(_PAUSE)
        except duckdb.Error as error:
            seen.put(repr(error))


@contextlib.contextmanager
def _readers(path: Path) -> Iterator[set[Any]]:
    """Two readers at work: a thread of this process with the ledger's connection, a process with its own."""
    context = multiprocessing.get_context("spawn")
    stop, queue, seen = context.Event(), context.Queue(), set[Any]()

    def read() -> None:
        while not stop.is_set():
            try:
                seen.add(_state(path))
                time.sleep(_PAUSE)
            except Exception as error:
                seen.add(repr(error))

    thread = threading.Thread(target=read)
    other = context.Process(target=_read_plainly, args=(path, stop, queue))
    thread.start()
    other.start()
    try:
        seen.add(queue.get(timeout=60))
        yield seen
    finally:
        stop.set()
        thread.join()
        while other.is_alive() or not queue.empty():
            with contextlib.suppress(Exception):
                seen.add(queue.get(timeout=0.2))
        other.join()


@pytest.mark.endurance
def test_loaders_are_killed_at_any_moment_under_the_eyes_of_readers(tmp_path: Path) -> None:
    """After every kill, and all the while, the file is whole and is one of the snapshots; leftovers go."""
    path = tmp_path / "warehouse.duckdb"
    load(path, snapshot(SIZES[0]))
    nursery = Nursery(_FORKS, str(path))
    chance = random.Random(20260302)
    states = set()
    with _readers(path) as seen:
        began = time.monotonic()
        for size in SIZES[1:]:
            load(path, snapshot(size))
        seconds = (time.monotonic() - began) / len(SIZES[1:])
        for turn in range(KILLS):
            before = _state(path)
            loader = nursery.begin()
            deadline = time.monotonic() + 60
            while turn % 4 == 0 and _state(path) == before and time.monotonic() < deadline:
                time.sleep(_PAUSE)
            time.sleep(chance.random() * 1.5 * seconds)
            nursery.kill(loader)
            states.add(_state(path))
            assert not Path(f"{path}.wal").exists()
    nursery.close()
    allowed = {expected(size) for size in SIZES}

    assert states <= allowed
    assert len(states) > 1, "every fourth loader is let finish a load"
    assert seen <= allowed
    assert len(seen) == len(SIZES), "the loaders must get somewhere"
    load(path, snapshot(SIZES[0]))
    load(path, snapshot(SIZES[1]))
    assert {item.name for item in tmp_path.iterdir()} == {path.name, f"{path.name}.lock"}


class _Repeated(MadeSnapshot):
    """A snapshot whose users and seats come over and over, without being held in memory."""

    times: int

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The batches, several times over."""
        for _ in range(self.times if name in ("users", "seats") else 1):
            yield from super().batches(name)


def _peak_of_a_load(path: Path, times: int, answer: Any) -> None:
    base = made_snapshot(50_000)
    rows = {name: base.tables[name].num_rows for name in base.tables}
    counts = rows | {"users": rows["users"] * times, "seats": rows["seats"] * times}
    text = str(counts).replace("'", '"')
    many = _Repeated(ORG, DAY, "s1", {**base.row, "rows": text}, base.tables)
    many.times = times
    before = peak_mib()
    load(path, many)
    answer.put(peak_mib() - before)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_snapshot(tmp_path: Path) -> None:
    """Loading a million users and more than three million seats takes less than 350 MiB."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    loader = context.Process(target=_peak_of_a_load, args=(tmp_path / "warehouse.duckdb", 20, answer))
    loader.start()
    peak = answer.get(timeout=300)
    loader.join()

    assert peak < 350
