"""
The command line: what is done beside the DAG.

``license-ledger authorize`` the refresh token of an org, by a browser, into the Airflow connection
``license-ledger check``    what a snapshot of an org would find and cost
``license-ledger doctor``   whether this installation can take snapshots, and what to do where it cannot
``license-ledger status``   the newest published day of every org
``license-ledger report``   the license position and the mismatch bridge of a published day
``license-ledger load``     published days into a warehouse that is new or was lost
``license-ledger replay``   days made anew from their landings, with today's settings
``license-ledger retain``   days taken out that the settings no longer keep
``license-ledger erase``    one person taken out of everything that was kept
``license-ledger reveal``   who the people behind pseudonyms are, asked of Salesforce
``license-ledger roles``    the SQL that makes a loader and a reader of a Postgres warehouse
``license-ledger pools``    one Airflow pool per org, for an Airflow of many orgs
``license-ledger statements`` the SQL with which another database loads the staged Parquet
``license-ledger export``   a view of the warehouse as CSV
``license-ledger inputs``   what the price list, the crosswalk and the directory say
``license-ledger settings`` the settings in force, or what is wrong with them

Salesforce is asked by the first three and `reveal`. They import Airflow, as does a setting that names one of
its connections.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from datetime import date

from structlog.contextvars import bound_contextvars

from license_ledger import __version__, logs
from license_ledger.airflow.storage import open_storage
from license_ledger.commands import (
    authorize,
    check,
    doctor,
    erase,
    export,
    inputs,
    load,
    pools,
    replay,
    retain,
    reveal,
    roles,
    statements,
    status,
)
from license_ledger.commands.outcome import Outcome
from license_ledger.commands.places import Places
from license_ledger.errors import ConfigError, LedgerError, SnapshotRefused
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.tokens import Sessions
from license_ledger.settings import PREFIX, Settings, load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run a command.

    Args:
        arguments: instead of those of the process.

    Returns:
        0; 1 after one line on standard error that names the error and what to do, or when a command says that
        something is not as it should be.
    """
    options = _parser().parse_args(arguments)
    options.stdout = sys.stdout
    logs.configure()
    with bound_contextvars(step=options.named):
        try:
            # Standard output is the answer's alone: libraries, Airflow first of all, log there.
            with redirect_stdout(sys.stderr):
                told = options.command(options)
        except LedgerError as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            return 1
    ended = told if isinstance(told, Outcome) else Outcome(told)
    if ended.text:
        print(ended.text)
    return ended.status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="license-ledger", description=__doc__.splitlines()[1])
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="command", dest="named")
    report = commands.add_parser("report", help="license position and mismatch bridge of a published day")
    report.add_argument("--org", help="18-character org id; needed when several orgs are published")
    report.add_argument("--date", type=date.fromisoformat, help="YYYY-MM-DD; default: the newest day")
    report.set_defaults(command=_report)
    authorize.add_to(commands, _connections)
    check.add_to(commands, _open_org)
    reveal.add_to(commands, _open_org)
    places = Places(open_storage, _resolved)
    for command in (status, load, replay, retain, erase, inputs, export):
        command.add_to(commands, places)
    doctor.add_to(commands, _open_org, _surroundings)
    for plain in (roles, pools, statements):
        plain.add_to(commands)
    settings = commands.add_parser("settings", help="the settings in force")
    settings.set_defaults(command=_settings)
    return parser


def _connections() -> authorize.ConnectionStore:
    """Airflow's own connections; imported only when they are wanted."""
    from license_ledger.airflow import connection_store

    return connection_store


def _open_org(connection_id: str) -> tuple[Credentials, Sessions]:
    """What leads to the org of an Airflow connection; Airflow is imported only when that is wanted."""
    from license_ledger.airflow.connection_store import open_org

    return open_org(connection_id)


def _resolved(settings: Settings) -> Settings:
    """The settings with the warehouse's Airflow connection looked up, when they name one."""
    if not settings.warehouse or "://" in settings.warehouse:
        return settings
    return _surroundings().resolved(settings)


def _surroundings() -> doctor.Surroundings:
    """The Airflow this runs in; imported only when it is looked at."""
    from license_ledger.airflow.surroundings import AirflowSurroundings

    return AirflowSurroundings()


def _settings(_: argparse.Namespace) -> str:
    return "\n".join(
        f"{PREFIX}{name.upper()}={value}" for name, value in load_settings().model_dump(mode="json").items()
    )


def _report(options: argparse.Namespace) -> str:
    from license_ledger import reader
    from license_ledger.reconcile.report import markdown_summary

    staging = open_storage(load_settings().staging)
    published = reader.snapshots(staging, options.org).sort_by("snapshot_date").to_pylist()
    if options.date:
        published = [row for row in published if row["snapshot_date"] == options.date]
    orgs = {row["org_id"] for row in published}
    if not published:
        raise SnapshotRefused(
            "report", f"no such snapshot is published in {staging.url}", "run the DAG first"
        )
    if len(orgs) > 1:
        raise ConfigError("option --org", f"is needed: published are {', '.join(sorted(orgs))}", "name one")
    newest = published[-1]
    snapshot = reader.open_snapshot(staging, newest["org_id"], newest["snapshot_date"])
    return markdown_summary(
        snapshot.table("licenses"),
        snapshot.table("mismatches"),
        title=f"{newest['org_name'] or newest['org_id']}, {newest['snapshot_date']}",
    )


if __name__ == "__main__":
    sys.exit(main())
