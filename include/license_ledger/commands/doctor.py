"""``license-ledger doctor``: whether this installation can take snapshots, and what to do where it cannot."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Literal, Protocol

from license_ledger.commands.check import OpenOrg
from license_ledger.commands.outcome import Outcome
from license_ledger.errors import LedgerError
from license_ledger.inputs.given import read_inputs
from license_ledger.salesforce.verdict import verdict
from license_ledger.settings import Settings, load_settings, without_password
from license_ledger.staging.storage import Storage
from license_ledger.transform.scope import parse_rules
from license_ledger.warehouse.connection import is_postgres
from license_ledger.warehouse.places import warehouse_at

__all__ = ["Finding", "State", "Surroundings", "add_to", "looked_at", "run"]

State = Literal["ok", "warning", "problem"]
LEAST_FREE = 1 << 30
"""Bytes below which a disk is told as nearly full: a day of a million users takes a tenth of that."""


@dataclass(frozen=True)
class Finding:
    """
    What was looked at, and how it is.

    Attributes:
        what: was looked at.
        state: `warning`: works, and yet something should be known.
        words: how it is, and what to do.
    """

    what: str
    state: State
    words: str


class Surroundings(Protocol):
    """What the ledger runs in, as the command needs to know it."""

    def findings(self, settings: Settings) -> Iterator[Finding]:
        """Look at whatever the ledger does not bring itself."""

    def resolved(self, settings: Settings) -> Settings:
        """The settings with connections looked up. Raises ConfigError."""

    def open_storage(self, url: str) -> Storage:
        """The storage of a URL. Raises ConfigError."""


def add_to(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    open_org: OpenOrg,
    surroundings: Callable[[], Surroundings],
) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "doctor",
        help="whether this installation can take snapshots, and what to do where it cannot",
        description="Look at settings, Airflow, storage, warehouse and the connection of every org. Extracts "
        "nothing; sees whether landing and staging can be written. Exit status 1 when there is a problem.",
    )
    parser.add_argument("--offline", action="store_true", help="leave the orgs alone")
    parser.set_defaults(command=lambda options: run(options, open_org, surroundings()))


def run(options: argparse.Namespace, open_org: OpenOrg, surroundings: Surroundings) -> Outcome:
    """
    Look at everything, whatever is found on the way.

    Returns:
        What was found; status 1 when there is a problem.
    """
    found = list(_findings(options, open_org, surroundings))
    marks: dict[State, str] = {"ok": "ok     ", "warning": "warning", "problem": "PROBLEM"}
    told = "\n".join(f"{marks[each.state]}  {each.what}: {each.words}" for each in found)
    problems = sum(each.state == "problem" for each in found)
    if problems:
        return Outcome(f"{told}\n\n{problems} to be solved before a snapshot can be taken.", 1)
    return Outcome(f"{told}\n\nSnapshots can be taken.")


def _findings(
    options: argparse.Namespace, open_org: OpenOrg, surroundings: Surroundings
) -> Iterator[Finding]:
    try:
        settings = load_settings()
        yield Finding("settings", "ok", f"{len(settings.orgs)} org{'s' * (len(settings.orgs) > 1)}")
        resolved = surroundings.resolved(settings)
    except LedgerError as error:
        yield Finding("settings", "problem", str(error))
        return
    yield from surroundings.findings(resolved)
    for name, url in (("staging", resolved.staging), ("landing", resolved.landing_url)):
        yield looked_at(name, partial(_writable, surroundings, url))
    yield looked_at("warehouse", lambda: _warehouse(resolved))
    if resolved.prices or resolved.license_products or resolved.directory:
        now = datetime.now(UTC)
        yield looked_at("files of your own", lambda: _inputs(resolved, now, surroundings.open_storage))
    for connection_id in () if options.offline else resolved.orgs:
        yield looked_at(f"org of {connection_id}", partial(_org, connection_id, open_org, resolved))


def looked_at(what: str, look: Callable[[], tuple[State, str]]) -> Finding:
    """What a look finds; an error of the ledger is a problem, in its own words."""
    try:
        return Finding(what, *look())
    except LedgerError as error:
        return Finding(what, "problem", str(error))


def _writable(surroundings: Surroundings, url: str) -> tuple[State, str]:
    storage = surroundings.open_storage(url)
    storage.check_writable()
    words = f"{without_password(url)} is writable"
    if storage.is_local:
        free = shutil.disk_usage(storage.root).free
        if free < LEAST_FREE:
            return "warning", f"{words}, and its disk has {free / (1 << 20):,.0f} MiB left"
    return "ok", words


def _warehouse(settings: Settings) -> tuple[State, str]:
    if not settings.warehouse:
        return "ok", "none is set; snapshots are published as Parquet only"
    warehouse = warehouse_at(settings.warehouse)
    warehouse.require_writable()
    if not is_postgres(settings.warehouse):
        # The file is made anew beside the old one.
        Storage.from_url(Path(warehouse.name).parent.as_uri()).check_writable()
    return "ok", f"{warehouse.name} can be written"


def _inputs(settings: Settings, now: datetime, open_storage: Callable[[str], Storage]) -> tuple[State, str]:
    read_inputs(settings, now, open_storage)
    return "ok", "can be read"


def _org(connection_id: str, open_org: OpenOrg, settings: Settings) -> tuple[State, str]:
    credentials, sessions = open_org(connection_id)
    parse_rules(credentials.company_names, settings.legal_entities)
    _, words = verdict(credentials, sessions)
    return ("ok" if "No permission is missing" in words else "warning"), words
