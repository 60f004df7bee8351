"""
Publishers that are killed at random instants, while readers read all the time. A program; prints its report
as JSON.

One process forks publisher after publisher and kills each with SIGKILL at an instant drawn from a little
more than the time that publishing takes beside the readers, until enough were killed and one of them fell
between its first table and its end. Other processes read without pause, each in its own way, and hold
every result against the generations that can be there: not older than the last one known to be published
when the read began, not younger than the last one begun when it ended. Run by hand it takes more kills::

    python tests/component/staging/killing.py var/kills --landing var/landing --kills 1000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from made_generations import DAY, ORG, Generation, made, number_in, number_of

from license_ledger import reader
from license_ledger.errors import StoreBusy
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.published import canonical_id
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep

GRACE = timedelta(seconds=20)
BUSY = 3
FEW, MANY = 5, 10_000


def is_refused(error: BaseException) -> bool:
    """
    Whether a client refused to go on with a read because the object was replaced: an error, no wrong rows.

    DuckDB wraps what s3fs raises, and asks for the size of the path instead of that of the file it has
    opened, so that it may read behind the end of that file.
    """
    text = str(error)
    return type(error).__name__ == "FileExpired" or "FileExpired: " in text or "from Python file" in text


def recovers(name: str, storage: Storage) -> bool:
    """
    Whether a client that raised reads well when it tries again.

    DuckDB may take the size of one writing of an object and the bytes of another, and then trips over what
    it takes for a footer: an error, no wrong rows. A file that is torn in place stays so.
    """
    for _ in range(3):
        time.sleep(0.2)
        try:
            storage.fs.invalidate_cache()
            READERS[name](storage)
        except Exception as error:
            if is_refused(error):
                continue
            return False
        return True
    return False


def by_pyarrow(storage: Storage) -> list[int]:
    """A dataset over the directory of each table."""
    fs = None if storage.is_local else storage.fs
    found = []
    for name in DATA_TABLES:
        rows = pads.dataset(storage.path(name), filesystem=fs, partitioning="hive").to_table()
        found.append(number_in(rows, name))
    return found


def by_pandas(storage: Storage) -> list[int]:
    """Pandas over the directory of each table."""
    options: dict[str, Any] = {} if storage.is_local else {"filesystem": storage.fs}
    found = []
    for name in DATA_TABLES:
        frame = pd.read_parquet(storage.path(name), **options)
        found.append(number_in(pa.Table.from_pandas(frame, preserve_index=False), name))
    return found


def by_duckdb(storage: Storage) -> list[int]:
    """SQL over a glob for each table, in a connection that stays open."""
    connection = _connection(storage)
    prefix = storage.root if storage.is_local else storage.url
    return [
        number_in(connection.sql(f"FROM read_parquet('{prefix}/{name}/**/*.parquet')").to_arrow_table(), name)
        for name in DATA_TABLES
    ]


def by_reader(storage: Storage) -> list[int]:
    """All tables joined, through the ledger's own reader."""
    return [number_of(reader.open_snapshot(storage, ORG, DAY))]


def by_walking(storage: Storage) -> list[int]:
    """Every Parquet file in the tree is a published one."""
    storage.fs.invalidate_cache()
    published = {storage.path(Day(ORG, DAY).canonical(name)) for name in (*DATA_TABLES, "snapshots")}
    found = {path for path in storage.fs.find(storage.root) if str(path).endswith(".parquet")}
    assert found <= published, f"strange files {sorted(found - published)}"
    return []


def by_any_range(storage: Storage) -> list[int]:
    """A client of object stores that takes every range from whatever is there by then."""
    endpoint = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    client = pafs.S3FileSystem(endpoint_override=endpoint, scheme="http")
    return [
        number_in(pq.read_table(storage.path(Day(ORG, DAY).canonical(name)), filesystem=client), name)
        for name in DATA_TABLES
    ]


READERS: dict[str, Callable[[Storage], list[int]]] = {
    "pyarrow": by_pyarrow,
    "pandas": by_pandas,
    "duckdb": by_duckdb,
    "reader": by_reader,
    "walking": by_walking,
    "any_range": by_any_range,
}
_connections: list[duckdb.DuckDBPyConnection] = []


def _connection(storage: Storage) -> duckdb.DuckDBPyConnection:
    if not _connections:
        _connections.append(duckdb.connect(config={"threads": 1}))
        if not storage.is_local:
            _connections[0].register_filesystem(storage.fs)
    return _connections[0]


def read_on(
    name: str, url: str, over: Event, floor: Synchronized[int], ceiling: Synchronized[int], told: Any
) -> None:
    """Read until told to stop, a few times at least; tell how often, how often refused, what was wrong."""
    pa.set_cpu_count(1)
    os.nice(5)
    storage = Storage.from_url(url)
    reads = refused = 0
    wrong: list[str] = []
    while (not over.is_set() or (reads <= FEW and refused < MANY)) and not wrong:
        lowest = floor.value
        try:
            storage.fs.invalidate_cache()
            numbers = READERS[name](storage)
        except Exception as error:
            if not storage.is_local and name != "reader" and (is_refused(error) or recovers(name, storage)):
                refused += 1
                continue
            wrong.append("".join(traceback.format_exception(error))[-3000:])
            continue
        highest = ceiling.value
        reads += 1
        time.sleep(0.005 if storage.is_local else 0.1)
        if not all(lowest <= number <= highest for number in numbers):
            wrong.append(f"{numbers} outside {lowest}..{highest}")
    told.put({"reader": name, "reads": reads, "refused": refused, "wrong": wrong})


@dataclass
class Tally:
    """What became of the publishers."""

    kills: int = 0
    survived: int = 0
    busy: int = 0
    killed_half_way: int = 0
    killed_after_the_switch: int = 0
    seconds: float = 0.0
    window: float = 0.0
    readers: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def lacks(self, kills: int) -> bool:
        """Whether more kills are asked for: so many, and on until one fell within the change of the day."""
        if self.kills < kills:
            return True
        return not (self.killed_half_way or self.killed_after_the_switch) and self.kills < 10 * kills


def forked(generation: Generation, url: str) -> tuple[int, int]:
    """A child that publishes when it is sent a byte: its pid, and where to send the byte."""
    ready_in, ready_out = os.pipe()
    go_in, go_out = os.pipe()
    pid = os.fork()
    if pid:
        os.close(ready_out)
        os.close(go_in)
        os.read(ready_in, 1)
        os.close(ready_in)
        return pid, go_out
    code = 1
    try:
        os.close(go_out)
        storage = Storage.from_url(url)
        storage.exists("warm")
        os.write(ready_out, b".")
        if os.read(go_in, 1):
            replace(generation, source=Storage.from_url(generation.source.root)).publish(storage, grace=GRACE)
        code = 0
    except StoreBusy:
        code = BUSY
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def run_one(generation: Generation, url: str, after: float | None) -> int:
    """Publish in a child and kill it after so many seconds; its wait status."""
    pid, go = forked(generation, url)
    os.write(go, b".")
    os.close(go)
    if after is not None:
        time.sleep(after)
        os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def publish_whole(generation: Generation, url: str) -> float:
    """Publish in a child that is left alone; the seconds it took."""
    began = time.monotonic()
    status = run_one(generation, url, None)
    assert status == 0, f"an undisturbed publisher ended with {status}"
    return time.monotonic() - began


def is_replaced_in_part(storage: Storage, generation: Generation) -> bool:
    """Whether a table is that of a generation that has not been published."""
    return any(
        canonical_id(storage, Day(ORG, DAY), name) == generation.files[name]["file_id"]
        for name in DATA_TABLES
    )


def kill_on(url: str, landing: Path, kills: int, chance: random.Random, names: list[str]) -> Tally:
    """Kill that many publishers while the named readers read."""
    tally, storage, source = Tally(), Storage.from_url(url), Storage.from_url(str(landing))
    spawned = multiprocessing.get_context("spawn")
    over, floor, ceiling = spawned.Event(), spawned.Value("q", 0), spawned.Value("q", 0)
    publish_whole(made(source, 1), url)
    floor.value = ceiling.value = 1
    told = spawned.Queue()
    readers = [
        spawned.Process(target=read_on, args=(name, url, over, floor, ceiling, told), daemon=True)
        for name in names
    ]
    for process in readers:
        process.start()
    time.sleep(3.0)
    for number in (2, 3):
        ceiling.value = number
        window = publish_whole(made(source, number), url)
        floor.value = number
    began = time.monotonic()
    while tally.lacks(kills) and all(process.is_alive() for process in readers):
        number += 1
        generation = made(source, number)
        ceiling.value = number
        status = run_one(generation, url, chance.uniform(0, window))
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        assert killed or os.WEXITSTATUS(status) in (0, BUSY), f"a publisher failed with {status}"
        tally.kills += killed
        tally.survived += not killed and os.WEXITSTATUS(status) == 0
        tally.busy += not killed and os.WEXITSTATUS(status) == BUSY
        snapshot = reader.open_snapshot(storage, ORG, DAY)
        there = int(snapshot.row["org_name"])
        tally.killed_after_the_switch += killed and there == number
        tally.killed_half_way += killed and there != number and is_replaced_in_part(storage, generation)
        # About one publisher in four survives, however busy the machine is.
        window *= 1.03 if killed else 0.92
        floor.value = max(floor.value, there)
    tally.seconds = round(time.monotonic() - began, 1)
    over.set()
    tally.readers = sorted((told.get(timeout=300) for _ in readers), key=lambda found: found["reader"])
    for process in readers:
        process.join()
    tally.window = round(window, 3)
    publish_whole(made(source, number + 1), url)
    sweep(storage, now=datetime.now(UTC) + timedelta(days=3))
    storage.fs.invalidate_cache()
    tally.left = sorted(str(path).removeprefix(storage.root + "/") for path in storage.fs.find(storage.root))
    assert number_of(reader.open_snapshot(storage, ORG, DAY)) == number + 1
    return tally


def main() -> None:
    """Kill, read, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readers")
    options = parser.parse_args()
    names = options.readers.split(",") if options.readers else list(READERS)
    if Storage.from_url(options.url).is_local:
        names = [name for name in names if name != "any_range"]
    tally = kill_on(options.url, options.landing, options.kills, random.Random(options.seed), names)
    json.dump(vars(tally), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
