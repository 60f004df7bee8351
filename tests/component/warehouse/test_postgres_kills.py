"""Readers read, loaders die and the server crashes at any moment; nobody ever sees half a snapshot."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import random
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from made_snapshots import MadeSnapshot, made_snapshot
from nursery import SIZES, Nursery, snapshot
from tests.peak import peak_mib
from tests.pg import Server, asked, connected, running

from license_ledger.errors import WarehouseUnavailable
from license_ledger.warehouse.contract import Warehouse
from license_ledger.warehouse.places import warehouse_at

READERS, KILLS = 8, 25
_STATE = """
    SELECT
        (SELECT max(snapshot_id) FROM snapshots),
        (SELECT count(*) FROM users),
        (SELECT count(*) FROM seats),
        (SELECT sum(used_count) FROM licenses WHERE license_layer <> 'usage'),
        (SELECT sum(seat_count) FROM mismatches),
        (SELECT count(*) FROM license_position WHERE is_latest),
        (SELECT sum(account_count) FROM external_accounts)
"""

_LOADER = """
import itertools, os, sys
from made_snapshots import made_snapshot
from license_ledger.warehouse.places import warehouse_at
url, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]]
made = [made_snapshot(size, snapshot_id=str(size)) for size in sizes]
for turn, _ in enumerate(sys.stdin):
    child = os.fork()
    if child == 0:
        print(os.getpid(), flush=True)
        for one in itertools.islice(itertools.cycle(made), turn % len(made), None):
            warehouse_at(url).load_all([one])
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


def expected(size: int) -> tuple[Any, ...]:
    """What a reader sees of it."""
    made = snapshot(size).tables
    booked = sum(made["mismatches"]["seat_count"].to_pylist())
    seats = made["seats"].num_rows
    externals = [
        row for row in made["users"].to_pylist() if row["account_class"] in ("external", "contractor")
    ]
    ids = {row["user_id"] for row in externals}
    held = sum(user_id in ids for user_id in made["seats"]["user_id"].to_pylist())
    return str(size), size, seats, booked, booked, 5, held


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests of this file."""
    with running() as one:
        yield one


def _read(url: str, stop: multiprocessing.synchronize.Event, seen: Any) -> None:
    """Read as a BI tool does, with a connection that stays, and report what was seen, each once."""
    told = set()
    while not stop.is_set():
        try:
            with connected(url) as connection:
                while not stop.is_set():
                    state = connection.execute(_STATE).fetchone()
                    if state not in told:
                        told.add(state)
                        seen.put(state)
        except psycopg.OperationalError:
            time.sleep(0.05)
        except psycopg.Error as error:
            seen.put(repr(error))


@contextlib.contextmanager
def _readers(url: str, number: int) -> Iterator[set[Any]]:
    """Readers in processes of their own; what they have seen so far is collected."""
    context = multiprocessing.get_context("fork")
    stop, queue, seen = context.Event(), context.Queue(), set[Any]()
    readers = [context.Process(target=_read, args=(url, stop, queue)) for _ in range(number)]
    for reader in readers:
        reader.start()
    try:
        seen.add(queue.get(timeout=60))
        yield seen
    finally:
        stop.set()
        while any(reader.is_alive() for reader in readers) or not queue.empty():
            with contextlib.suppress(Exception):
                seen.add(queue.get(timeout=0.2))


@pytest.mark.slow
@pytest.mark.endurance
def test_loaders_are_killed_at_any_moment_under_the_eyes_of_eight_readers(server: Server) -> None:
    """After every kill and all the while the day is one of the snapshots, whole; the next load just works."""
    name = server.database()
    url, warehouse = server.url(name), server.warehouse(name)
    warehouse.load_all([snapshot(SIZES[0])])
    nursery = Nursery(_LOADER, url)
    chance = random.Random(20260302)
    states = set()
    with _readers(url, READERS) as seen:
        began = time.monotonic()
        for size in SIZES[1:]:
            warehouse.load_all([snapshot(size)])
        seconds = (time.monotonic() - began) / len(SIZES[1:])
        for _ in range(KILLS):
            loader = nursery.begin()
            time.sleep(chance.random() * 2.5 * seconds)
            nursery.kill(loader)
            states.update(asked(url, _STATE))
    nursery.close()
    allowed = {expected(size) for size in SIZES}

    assert states <= allowed
    assert seen <= allowed
    assert len(seen) == len(SIZES), "readers must have seen loads happen"
    [receipt] = warehouse.load_all([made_snapshot(10, snapshot_id="last")], wait_seconds=10)
    assert receipt["loaded"]
    assert asked(url, "SELECT count(*) FROM users") == [(10,)]


class _Paused(MadeSnapshot):
    """A snapshot whose seats, half told, wait until something has happened."""

    half_way: threading.Event
    go_on: threading.Event

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The batches; of seats the second half after the event."""
        if name != "seats":
            yield from super().batches(name)
            return
        seats = self.tables["seats"]
        yield from seats.slice(0, seats.num_rows // 2).to_batches()
        self.half_way.set()
        assert self.go_on.wait(60)
        yield from seats.slice(seats.num_rows // 2).to_batches()


def _half_way(warehouse: Warehouse) -> tuple[_Paused, threading.Thread, list[BaseException]]:
    """A load that stands still half way through the seats; its thread, and what it raises."""
    paused = _Paused(**vars(snapshot(2000)))
    paused.half_way, paused.go_on = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def load() -> None:
        try:
            warehouse.load_all([paused])
        except BaseException as error:
            raised.append(error)

    loader = threading.Thread(target=load)
    loader.start()
    assert paused.half_way.wait(60)
    return paused, loader, raised


def test_a_server_that_crashes_in_mid_load_loses_nothing(server: Server) -> None:
    """Load and tries meanwhile are WarehouseUnavailable; then the old day is there, and the next try goes."""
    name = server.database()
    url, warehouse = server.url(name), server.warehouse(name)
    warehouse.load_all([snapshot(1000)])
    paused, loader, raised = _half_way(warehouse)
    server.crash()
    try:
        for attempt in (warehouse.require_writable, lambda: warehouse.load_all([snapshot(2000)])):
            with pytest.raises(WarehouseUnavailable) as caught:
                attempt()
            assert name in str(caught.value)
    finally:
        paused.go_on.set()
        loader.join(60)
        server.start()

    assert [type(error) for error in raised] == [WarehouseUnavailable]
    assert asked(url, _STATE) == [expected(1000)]
    [receipt] = warehouse.load_all([snapshot(2000)])
    assert receipt["loaded"]
    assert asked(url, _STATE) == [expected(2000)]


def test_a_backend_that_is_ended_is_a_transient_error(server: Server) -> None:
    """An administrator who ends the loader's connection makes it fail, and the day stays as it was."""
    name = server.database()
    url, warehouse = server.url(name), server.warehouse(name)
    warehouse.load_all([snapshot(1000)])
    paused, loader, raised = _half_way(warehouse)
    ended = asked(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'license-ledger' AND datname = current_database()",
    )
    paused.go_on.set()
    loader.join(60)

    assert ended == [(True,)]
    assert [type(error) for error in raised] == [WarehouseUnavailable]
    assert asked(url, _STATE) == [expected(1000)]


class _Repeated(MadeSnapshot):
    """A snapshot whose seats come over and over, without being held in memory."""

    times: int

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The batches; those of seats several times over."""
        for _ in range(self.times if name == "seats" else 1):
            yield from super().batches(name)


def _peak_of_a_load(url: str, times: int, answer: Any) -> None:
    base = made_snapshot(20_000)
    rows = {name: made.num_rows for name, made in base.tables.items()}
    counts = json.dumps(rows | {"seats": rows["seats"] * times})
    many = _Repeated(base.org_id, base.snapshot_date, "s1", {**base.row, "rows": counts}, base.tables)
    many.times = times
    warehouse = warehouse_at(url)
    before = peak_mib()
    warehouse.load_all([many])
    answer.put(peak_mib() - before)


@pytest.mark.slow
@pytest.mark.endurance
def test_memory_does_not_grow_with_the_snapshot(server: Server) -> None:
    """Loading more than a million seats takes less than 100 MiB, and hardly more than a few of them."""
    context = multiprocessing.get_context("spawn")
    peaks = []
    for times in (1, 15):
        answer = context.Queue()
        url = server.url(server.database())
        loader = context.Process(target=_peak_of_a_load, args=(url, times, answer))
        loader.start()
        peaks.append(answer.get(timeout=300))
        loader.join()

    assert max(peaks) < 100
    assert peaks[1] - peaks[0] < 30
