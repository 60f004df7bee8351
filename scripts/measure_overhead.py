"""
Measure what a run of the small demo org takes beside an empty DAG of the same shape.

A whole Airflow is started in a home of its own, with Airflow's own pause of an idle scheduler. The snapshot
DAG and one with the same tasks in the same order, mapped ones included, which do nothing, take turns. Seconds
are those from queued to ended. The figures go into `docs/performance.json`; exit status 1 when the snapshot
takes more than twice as long.

Usage: python scripts/measure_overhead.py [--rounds 5] [--record docs/performance.json]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from bench.budgets import Budget  # noqa: E402
from bench.record import machine, read, write  # noqa: E402
from license_ledger.airflow.orgs import DEFAULT_ORG, dag_id  # noqa: E402
from local_stack.demo import connect_orgs  # noqa: E402
from local_stack.home import Home  # noqa: E402
from local_stack.stack import Running, stack  # noqa: E402

SNAPSHOT, EMPTY = dag_id(DEFAULT_ORG), "empty"
BOUND = 2.0
SECONDS = 600.0
DEFAULTS = {"AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "1"}
"""Airflow's own; `make run` has a shorter one."""

EMPTY_DAG = """
from datetime import UTC, datetime

from airflow.sdk import DAG, CronPartitionTimetable, TriggerRule, chain, task

with DAG(
    "empty",
    schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC", key_format="%Y-%m-%d"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
):

    @task
    def nothing():
        return None

    @task
    def units():
        return list(range(UNITS))

    @task
    def extract(unit):
        return None

    last = dict(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
    first = nothing.override(task_id="choose_source")()
    refreshed = nothing.override(task_id="refresh_token")()
    found = units.override(task_id="inspect_org")()
    transformed = nothing.override(task_id="transform", **last)()
    others = ("reconcile", "check", "publish", "load_warehouse", "summarize")
    rest = [nothing.override(task_id=name)() for name in others]
    chain(first, refreshed, found, extract.expand(unit=found), transformed, *rest)
    chain(first, transformed)
"""


def main() -> int:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip().splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", type=Path, help="where to keep the figures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="measure-overhead-") as directory:
        found = _measured(Path(directory), options.rounds)
    budget = Budget(
        "a run of the small demo org against an empty DAG of the same shape",
        found["snapshot_seconds"] / found["empty_seconds"],
        BOUND,
    )
    print(budget.line())
    if options.record:
        record = read(options.record)
        record["overhead"] = {**found, "budget": budget.to_dict(), "machine": machine()}
        write(options.record, record)
    return 0 if budget.is_kept else 1


def _measured(root: Path, rounds: int) -> dict[str, Any]:
    """Medians of both, and what they have in common."""
    dags = root / "dags"
    dags.mkdir()
    (dags / "snapshot.py").symlink_to(ROOT / "dags" / "salesforce_license_snapshot.py")
    home = Home(root / "home").prepared()
    os.environ["LICENSE_LEDGER_STAGING"] = home.staging_url
    os.environ["LICENSE_LEDGER_WAREHOUSE"] = home.warehouse_url
    settings = {**DEFAULTS, "AIRFLOW__CORE__DAGS_FOLDER": str(dags)}
    with stack(home, "measure_overhead", print, scheduled=False, settings=settings) as running:
        connect_orgs(running, (DEFAULT_ORG,), print)
        shape = _shape(running, SNAPSHOT, _run(running, SNAPSHOT))
        (dags / "empty.py").write_text(EMPTY_DAG.replace("UNITS", str(shape["extract"])), "utf-8")
        if _shape(running, EMPTY, _run(running, EMPTY)) != shape:
            raise SystemExit("the empty DAG has another shape than the snapshot's")
        seconds: dict[str, list[float]] = {SNAPSHOT: [], EMPTY: []}
        for _ in range(rounds):
            for name, taken in seconds.items():
                taken.append(_seconds(running, name, _run(running, name)))
                print(f"{name}: {taken[-1]:.1f} s", flush=True)
    return {
        "rounds": rounds,
        "tasks": sum(shape.values()),
        "snapshot_seconds": round(statistics.median(seconds[SNAPSHOT]), 2),
        "empty_seconds": round(statistics.median(seconds[EMPTY]), 2),
    }


def _run(running: Running, name: str) -> str:
    """Run a DAG as soon as Airflow knows it, to its end; returns the run id."""
    deadline = time.monotonic() + SECONDS
    while running.api.dag(name) is None:
        _wait(running, deadline, f"Airflow does not know {name}")
    running.api.unpause(name)
    run_id = running.api.trigger(name, datetime.now(UTC).date().isoformat(), {})
    while (run := running.api.run(name, run_id))["state"] not in ("success", "failed"):
        _wait(running, deadline, f"the run of {name} does not end")
    if run["state"] != "success":
        raise SystemExit(f"the run of {name} failed")
    return run_id


def _seconds(running: Running, name: str, run_id: str) -> float:
    """From queued to ended."""
    run = running.api.run(name, run_id)
    began, ended = (datetime.fromisoformat(run[at]) for at in ("queued_at", "end_date"))
    return (ended - began).total_seconds()


def _wait(running: Running, deadline: float, what: str) -> None:
    running.check()
    if time.monotonic() > deadline:
        raise SystemExit(what)
    time.sleep(0.5)


def _shape(running: Running, name: str, run_id: str) -> Counter[str]:
    """How many instances each task has had in a run."""
    return Counter(task["task_id"] for task in running.api.task_instances(name, run_id))


if __name__ == "__main__":
    sys.exit(main())
