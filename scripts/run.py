"""
`make run`: take today's snapshot in a real Airflow and print the result.

Starts the local Airflow, or uses the one that `make ui` keeps up; starts the bundled demo org when no
Salesforce connection is configured; triggers the DAG of every configured org, shows its progress, prints
what was found.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from license_ledger.airflow.orgs import configured_orgs, dag_id
from license_ledger.errors import LedgerError
from license_ledger.settings import Settings, load_settings, without_password
from local_stack.demo import connect_orgs
from local_stack.home import HOME_VARIABLE, Home
from local_stack.processes import StackFailed
from local_stack.progress import Follower, follow
from local_stack.stack import START_SECONDS, Running, stack
from local_stack.tasks import reason, skipped

COMMAND = "make run"
console = Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else 110)


def main() -> int:
    """Run the command. Returns the exit status: 0 when every org's snapshot was taken."""
    arguments = _arguments()
    home = Home.locate()
    os.environ.pop(HOME_VARIABLE, None)
    os.environ.setdefault("LICENSE_LEDGER_STAGING", home.staging_url)
    os.environ.setdefault("LICENSE_LEDGER_WAREHOUSE", home.warehouse_url)
    began = time.monotonic()
    try:
        settings, orgs = load_settings(), configured_orgs()
        with stack(home, COMMAND, _say, scheduled=False) as running:
            is_demo = connect_orgs(running, orgs, _say)
            succeeded = _take_snapshots(running, orgs, arguments, settings)
            if succeeded:
                _say_where(settings, is_demo, time.monotonic() - began)
            return 0 if succeeded else 1
    except StackFailed as error:
        return _failed(error.reason, error.evidence)
    except LedgerError as error:
        return _failed(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        return _failed("interrupted; everything was stopped, what was published before stays")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Take a snapshot in Airflow and print the result."
    )
    today = datetime.now(UTC).date()
    parser.add_argument(
        "--date", type=date.fromisoformat, default=today, help="snapshot date, UTC; default: today"
    )
    parser.add_argument(
        "--company",
        action="append",
        metavar="NAME",
        help="domain, *.domain, legal entity or *, instead of the connection's company names; repeatable",
    )
    return parser.parse_args()


def _take_snapshots(
    running: Running, orgs: tuple[str, ...], arguments: argparse.Namespace, settings: Settings
) -> bool:
    """Run the DAG of every org to its end and print what came of it."""
    conf = {"company_names": arguments.company} if arguments.company else {}
    followers = []
    try:
        for org in orgs:
            _prepare(running, dag_id(org))
            run_id = running.api.trigger(dag_id(org), arguments.date.isoformat(), conf)
            followers.append(Follower(running, dag_id(org), run_id, f"{org}:" if len(orgs) > 1 else ""))
        _say(f"snapshot of {arguments.date} in DAG {', '.join(f.dag_id for f in followers)}")
        states = follow(followers, _say)
    except BaseException:
        for follower in followers:
            _give_up(running, follower)
        raise
    outcomes = [_say_outcome(running, follower, states[follower.dag_id], settings) for follower in followers]
    return all(outcomes)


def _prepare(running: Running, wanted: str) -> None:
    """Wait until Airflow knows the DAG, and end what an interrupted command left running."""
    deadline = time.monotonic() + START_SECONDS
    while running.api.dag(wanted) is None:
        running.check()
        for error in running.api.import_errors():
            raise StackFailed(f"Airflow cannot import the DAG file {error}")
        if time.monotonic() > deadline:
            raise StackFailed(f"Airflow does not know the DAG {wanted}", "see var/log/dag-processor.log")
        time.sleep(0.2)
    if running.family is not None:
        for run_id in running.api.unfinished_runs(wanted):
            running.api.give_up(wanted, run_id, "given up: the command that ran it was ended")
    running.api.unpause(wanted)


def _give_up(running: Running, follower: Follower) -> None:
    try:
        running.api.give_up(follower.dag_id, follower.run_id, f"given up: {COMMAND} was ended")
    except Exception as error:
        _say(f"the run could not be marked as failed ({type(error).__name__})")


def _say_outcome(running: Running, follower: Follower, state: str, settings: Settings) -> bool:
    """Print what came of a run. Returns whether there is a snapshot."""
    from license_ledger.warehouse.duckdb import warehouse_path
    from local_stack.report import print_report

    why = (
        skipped(running.api, follower.dag_id, follower.run_id)
        if state == "success"
        else reason(running.api, follower.dag_id, follower.run_id)
    )
    if why:
        _failed(why)
        return False
    loaded: Any = running.api.result(follower.dag_id, follower.run_id, "load_warehouse") or {}
    if settings.warehouse.startswith("duckdb:") and "org_id" in loaded:
        path = Path(warehouse_path(settings.warehouse))
        print_report(console, path, loaded["org_id"], loaded["snapshot_date"])
    return True


def _say_where(settings: Settings, is_demo: bool, seconds: float) -> None:
    console.print(f"Parquet    {settings.staging}")
    console.print(f"Warehouse  {without_password(settings.warehouse) or 'none'}")
    console.print("Airflow UI [bold]make ui[/bold] (same data; prints address and login)")
    if is_demo:
        console.print(
            "Real org   set AIRFLOW_CONN_SALESFORCE_DEFAULT, or edit `salesforce_default` in the UI under "
            "Admin, Connections; see README.md",
        )
    console.print(f"\nTook {seconds:.0f} s.")


def _say(line: str) -> None:
    console.print(line, markup=False)


def _failed(why: str, evidence: str = "") -> int:
    if evidence:
        console.print(evidence, markup=False, style="dim")
    console.print(f"\n{why}", markup=False, style="bold red")
    return 1


if __name__ == "__main__":
    sys.exit(main())
