"""
Measure what each step of the walk costs at several sizes of an org, up to ten million users.

For every size an org is generated and served by a process of its own; every step runs in a process that has
loaded what an Airflow task has loaded, and the cost of one that does nothing is taken off: processor seconds,
seconds on the clock, peak memory. The figures go into `docs/performance.json`, from which
`scripts/generate_docs.py` writes the page and the charts.

Usage: python scripts/measure_scale.py [--sizes 10000 100000 1000000 10000000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from tests.walk import noon  # noqa: E402

from bench.record import machine, read, write  # noqa: E402
from license_ledger import reader  # noqa: E402
from license_ledger.staging.storage import Storage  # noqa: E402

TODAY = date(2026, 11, 24)
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
REPEATED = 1_000_000
"""Above this size one round is enough: its steps take minutes, so that chance evens out."""

BYTES_PER_USER = 2_500
"""Landing, staging and warehouse together, generously: to refuse before the disk is full."""

SETTLING = ("transform", "reconcile", "check", "publish", "load_warehouse")
FIGURES = ("cpu_seconds", "seconds", "peak_mib")


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="users of the orgs")
    parser.add_argument("--rounds", type=int, default=3, help=f"per size, up to {REPEATED:,} users")
    parser.add_argument("--record", type=Path, default=ROOT / "docs" / "performance.json")
    options = parser.parse_args()
    _require_room(max(options.sizes))
    for users in options.sizes:
        found = measured(users, 1 if users > REPEATED else options.rounds)
        record = read(options.record)
        record.setdefault("scale", {})[str(users)] = found
        write(options.record, record)


def measured(users: int, rounds: int) -> dict[str, Any]:
    """The medians of some snapshots of an org."""
    return {**_medians([_measured(users) for _ in range(rounds)]), "machine": machine()}


def _require_room(users: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < users * BYTES_PER_USER:
        raise SystemExit(f"{users:,} users need {users * BYTES_PER_USER >> 30} GiB, {free >> 30} are free")


def _measured(users: int) -> dict[str, Any]:
    """Take one snapshot; the cost of each step above that of an empty task."""
    with (
        tempfile.TemporaryDirectory(prefix="measure-scale-") as directory,
        _org(users, directory) as connection,
    ):
        root = Path(directory)
        empty = statistics.median_low
        nothing = [_step(root, connection, "nothing") for _ in range(3)]
        base = {figure: empty(each[figure] for each in nothing) for figure in FIGURES}
        steps: dict[str, dict[str, Any]] = {}

        def run(name: str, unit: dict[str, Any] | None = None) -> Any:
            cost = _step(root, connection, name, unit)
            label = name if unit is None else f"extract {unit['label']}"
            steps[label] = {figure: round(cost[figure] - base[figure], 3) for figure in FIGURES}
            print(f"{users:>10,} {label:40} " + _words(steps[label]), flush=True)
            return cost["receipt"]

        run("refresh_token")
        for unit in run("inspect_org")["units"]:
            run("extract", unit)
        for name in SETTLING:
            run(name)
        return {"steps": steps, "empty_task": base, **_stored(root)}


def _words(cost: dict[str, float]) -> str:
    times = f"{cost['cpu_seconds']:8.2f} CPU s {cost['seconds']:8.2f} s"
    return f"{times} {cost['peak_mib']:7.0f} MiB more than an empty task"


def _stored(root: Path) -> dict[str, Any]:
    """Rows and bytes of what was published."""
    staging = Storage.from_url((root / "staging").as_uri())
    [folder] = (root / "staging" / "users").iterdir()
    snapshot = reader.open_snapshot(staging, folder.name.partition("=")[2], TODAY)
    snapshot.verify()
    files = [
        path
        for path in (root / "staging").rglob("*.parquet")
        if "_landing" not in path.relative_to(root / "staging").parts
    ]
    landed = [path for path in (root / "staging" / "_landing").rglob("*.parquet")]
    return {
        "rows": json.loads(snapshot.row["rows"]),
        "published_bytes": sum(path.stat().st_size for path in files),
        "landed_bytes": sum(path.stat().st_size for path in landed),
        "warehouse_bytes": sum(
            path.stat().st_size for path in root.glob("warehouse.duckdb*") if path.is_file()
        ),
    }


def _step(root: Path, connection: Path, step: str, unit: dict[str, Any] | None = None) -> dict[str, Any]:
    order = {
        "step": step,
        "connection": str(connection),
        "root": str(root),
        "now": noon(TODAY).isoformat(),
        "unit": unit,
    }
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "tests.one_step", json.dumps(order)],
        cwd=ROOT,
        env={**os.environ, "AIRFLOW_HOME": str(root / "airflow")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr[-4000:])
    return {**json.loads(done.stdout.splitlines()[-1]), "seconds": time.perf_counter() - began}


@contextmanager
def _org(users: int, directory: str) -> Iterator[Path]:
    """Serve an org; yields the path of the connection that leads there."""
    state = Path(directory) / "org"
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "demo_org", "serve", "--users", str(users), "--seed", "11"),
            *("--today", TODAY.isoformat(), "--state-dir", str(state), "--bulk-seconds", "0.1"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if server.stdout is None or not server.stdout.readline():
            raise SystemExit("the demo org does not start")
        yield state / "connection.json"
    finally:
        server.terminate()
        server.wait(60)


def _medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of every figure; what is the same in all rounds as it is."""
    steps = {
        name: {
            figure: round(statistics.median(each["steps"][name][figure] for each in rounds), 3)
            for figure in FIGURES
        }
        for name in rounds[0]["steps"]
    }
    empty = {
        figure: round(statistics.median(each["empty_task"][figure] for each in rounds), 3)
        for figure in FIGURES
    }
    return {**rounds[-1], "steps": steps, "empty_task": empty, "rounds": len(rounds)}


if __name__ == "__main__":
    main()
