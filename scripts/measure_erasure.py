"""
Measure erasing one user from a year of days, on a disk, and print the figures as JSON.

    PYTHONPATH=. python scripts/measure_erasure.py var/erasure --users 10000 --days 365

One day is extracted from the demo org and published; the other days get copies of its landing and of its
tables under dates of their own, and all of them go into a warehouse file. Then one user is erased, and the
counts of every day are compared with those before. What is there already is not built again.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from tests.walk import Walk, noon

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import reader
from license_ledger.privacy.erase import Erasure, in_words
from license_ledger.schemas import TABLES, table
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.manifest import file_metadata
from license_ledger.staging.publish import publish
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.duckdb import prepare, writing
from license_ledger.warehouse.swap import successor

TODAY = date(2026, 11, 24)
LIMITS = {"memory_limit": "256MB"}
"""The counting before and after is not to show in the peak."""
COUNTS = """
    SELECT snapshot_date, license_layer, license_id, cause, is_active, is_frozen, activity_band,
        account_class, count(*), count(DISTINCT user_id)
    FROM seats GROUP BY ALL
    UNION ALL
    SELECT snapshot_date, 'people', license_id, scope_reason, is_active, is_frozen, activity_band,
        account_class, count(*), count(DISTINCT user_id)
    FROM users GROUP BY ALL
"""


def main() -> None:
    """Build what is missing, erase, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--number", type=int, default=4321, help="which user is erased")
    parser.add_argument("--threads", action="store_true", help="by threads, as in an object store")
    options = parser.parse_args()
    root = options.root.resolve()
    began = time.monotonic()
    if not (root / "built").exists():
        shutil.rmtree(root, ignore_errors=True)
        build(root, options.users, options.days)
        (root / "built").touch()
    built = time.monotonic() - began
    staging, warehouse = Storage.from_url(str(root / "staging")), root / "warehouse.duckdb"
    [org_id] = [name.removeprefix("org_id=") for name in staging.list("snapshots")]
    victim = reader.open_snapshot(staging, org_id, TODAY).table("users", ["user_id"])
    user_id = victim["user_id"][options.number].as_py()
    before = counts(warehouse, staging)
    erasure = Erasure(staging.child("_landing"), staging, f"duckdb:///{warehouse}", org_id)
    if options.threads:
        erasure.many_days = options.days + 1
    cpu, began = _cpu(), time.monotonic()
    report = erasure.run(erasure.person(user_id=user_id))
    seconds, cpu = time.monotonic() - began, _cpu() - cpu
    print(in_words(report))
    figures: dict[str, Any] = {
        **report,
        "users": options.users,
        "built_seconds": round(built, 1),
        "erase_seconds": round(seconds, 1),
        "erase_cpu_seconds": round(cpu, 1),
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "counts_are_the_same": counts(warehouse, staging) == before,
    }
    print(json.dumps(figures))


def build(root: Path, users: int, days: int) -> None:
    """Lay out a history."""
    world = World(seed=7, users=users, today=TODAY)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.05), root / "org") as org:
        values = {"landing_days": 0}
        walk = Walk(org.access.connection("*"), root, noon(TODAY), values=values)
        walk.run(["*"], load=False)
        org_id = walk.context().org
    staging, made = Storage.from_url(str(root / "staging")), Storage.from_url(str(root / "made"))
    snapshot = reader.open_snapshot(staging, org_id, TODAY)
    tables = {name: snapshot.table(name, table(name).arrow_schema.names) for name in DATA_TABLES}
    landing = root / "staging" / "_landing"
    source = landing / Day(org_id, TODAY).partition
    for back in range(1, days):
        day = Day(org_id, TODAY - timedelta(days=back))
        folder = landing / day.partition
        shutil.copytree(source, folder)
        run = next(folder.iterdir())
        files = {}
        for name in DATA_TABLES:
            metadata = file_metadata(
                name, org_id=org_id, snapshot_date=day.snapshot_date, snapshot_id=f"snapshot-{back}"
            )
            path = str(run / "_work" / f"{name}.parquet")
            with made.parquet_writer(path.removeprefix("/"), tables[name].schema, metadata) as sink:
                sink.write(tables[name])
            shutil.move(made.path(path.removeprefix("/")), path)
            files[name] = {**sink.receipt, "path": path}
        assembled = json.loads((run / "assembled.json").read_text())
        assembled["files"] = {name: files[name] for name in ("users", "seats")}
        (run / "assembled.json").write_text(json.dumps(assembled))
        decided = ("snapshot_id", "rows", "schema_version", "manifest")
        row = {name: value for name, value in snapshot.row.items() if name not in decided}
        publish(
            staging,
            org_id=org_id,
            snapshot_date=day.snapshot_date,
            snapshot_id=f"snapshot-{back}",
            files=files,  # type: ignore[arg-type]
            snapshot_row=row,
            source=Storage.from_url(str(root)),
            now=noon(TODAY),
        )
    shutil.rmtree(root / "made", ignore_errors=True)
    _load(root / "warehouse.duckdb", staging)


def _load(path: Path, staging: Storage) -> None:
    """All days at once: loading them one by one copies the file each time."""
    with successor(path) as building, writing(building, path, "1GB", 2) as connection:
        prepare(connection)
        for each in TABLES:
            names = ", ".join(("org_id", "snapshot_date", *(column.name for column in each.columns)))
            connection.execute(
                f"INSERT INTO {each.name} ({names}) SELECT {names} FROM read_parquet("  # noqa: S608
                f"'{staging.path(each.name)}/**/*.parquet', hive_partitioning = true) ORDER BY snapshot_date"
            )
        connection.execute("CHECKPOINT")


def counts(warehouse: Path, staging: Storage) -> list[Any]:
    """Everything that is counted, of every day, as the warehouse and as the staged files tell it."""
    found: list[Any] = []
    with duckdb.connect(str(warehouse), read_only=True, config=LIMITS) as connection:
        found.append(sorted(map(repr, connection.execute(COUNTS).fetchall())))
    with duckdb.connect(config=LIMITS) as connection:
        for name in ("users", "seats"):
            connection.execute(
                f"CREATE VIEW {name} AS FROM read_parquet('{staging.path(name)}/**/*.parquet', "
                "hive_partitioning = true)"
            )
        found.append(sorted(map(repr, connection.execute(COUNTS).fetchall())))
    return found


def _cpu() -> float:
    """Of this process and of those that it has had."""
    every = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in every)


if __name__ == "__main__":
    main()
