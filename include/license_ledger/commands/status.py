"""``license-ledger status``: what is published of every org, how old it is, and how far it can be trusted."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from license_ledger import reader
from license_ledger.commands.outcome import Outcome
from license_ledger.commands.places import Places
from license_ledger.errors import LedgerError
from license_ledger.questions import NothingYet
from license_ledger.questions.source import open_source
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage

__all__ = ["OrgStatus", "add_to", "run", "statuses"]

LOOKED_BACK = 30
"""Days in which missing ones are counted."""
_SECONDS = 60.0


@dataclass(frozen=True)
class OrgStatus:
    """
    What is published of an org.

    Attributes:
        org_id: of the org.
        org_name: as Salesforce has it.
        newest: the newest day that is published.
        age_days: days from then to today (UTC).
        provenance: where that day comes from.
        users: rows of table ``users`` on that day.
        seats: rows of table ``seats``.
        unexplained: seats that the mismatch bridge could not explain.
        is_partial: whether an object that lists people or holders could not be read.
        missing_permissions: objects and fields that were not visible.
        missing_days: of the last 30 days, or since the first one, those without a snapshot.
        privacy_mode: how people are written down.
        in_warehouse: the newest day in the warehouse; None when it has none, or cannot be asked.
    """

    org_id: str
    org_name: str
    newest: date
    age_days: int
    provenance: str
    users: int
    seats: int
    unexplained: int
    is_partial: bool
    missing_permissions: int
    missing_days: int
    privacy_mode: str
    in_warehouse: date | None


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "status",
        help="what is published of every org, and how old it is",
        description="Print the newest snapshot of every org. Reads what is published; asks no org.",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for monitoring")
    parser.add_argument(
        "--max-age-days", type=int, metavar="N", help="exit with 1 when the newest day of an org is older"
    )
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> Outcome:
    """
    Tell how every org stands.

    Returns:
        A line per org, or JSON; status 1 when an org is older than allowed, or nothing is published.

    Raises:
        LedgerError: staging cannot be read, or the warehouse's connection does not exist.
    """
    settings = places.settings()
    found = statuses(settings, places.staging(settings), datetime.now(UTC).date())
    if options.json:
        told = json.dumps([asdict(status) for status in found], default=str, indent=2)
    else:
        told = (
            "\n".join(_line(status, settings.warehouse) for status in found)
            or f"Nothing is published in {settings.staging} yet."
        )
    late = options.max_age_days is not None and (
        not found or any(status.age_days > options.max_age_days for status in found)
    )
    return Outcome(told, int(late))


def statuses(settings: Settings, staging: Storage, today: date) -> list[OrgStatus]:
    """
    How every org stands that has anything published.

    Args:
        settings: of the pipeline, the warehouse's connection looked up.
        staging: the staging root.
        today: the UTC day.

    Returns:
        A status for each org, by id.
    """
    days: dict[str, list[dict[str, Any]]] = {}
    for row in reader.snapshots(staging).to_pylist():
        days.setdefault(row["org_id"], []).append(row)
    return [
        _status(org_id, rows, today, _loaded(settings, staging, org_id))
        for org_id, rows in sorted(days.items())
    ]


def _status(org_id: str, rows: list[dict[str, Any]], today: date, in_warehouse: date | None) -> OrgStatus:
    newest = max(rows, key=lambda row: row["snapshot_date"])
    there = {row["snapshot_date"] for row in rows}
    since = max(min(there), today - timedelta(days=LOOKED_BACK))
    wanted = {since + timedelta(days=n) for n in range((today - since).days)}
    counts: Mapping[str, int] = json.loads(newest["rows"])
    return OrgStatus(
        org_id=org_id,
        org_name=newest["org_name"] or org_id,
        newest=newest["snapshot_date"],
        age_days=(today - newest["snapshot_date"]).days,
        provenance=newest["provenance"],
        users=counts["users"],
        seats=counts["seats"],
        unexplained=newest["unexplained_count"],
        is_partial=bool(newest["is_partial"]),
        missing_permissions=len(json.loads(newest["capabilities"])),
        missing_days=len(wanted - there),
        privacy_mode=newest["privacy_mode"] or "named",
        in_warehouse=in_warehouse,
    )


def _loaded(settings: Settings, staging: Storage, org_id: str) -> date | None:
    """The newest day of an org in the warehouse."""
    if not settings.warehouse:
        return None
    try:
        source = open_source(settings.warehouse, lambda: staging)
        with source.session(_SECONDS) as session:
            rows = session.rows("days", org_id=org_id)
    except (LedgerError, NothingYet):
        return None
    return rows[0]["snapshot_date"] if rows else None


def _line(status: OrgStatus, warehouse: str) -> str:
    facts = [
        f"{status.users:,} users and {status.seats:,} seats in scope",
        "every seat explained" if not status.unexplained else f"{status.unexplained} seats not explained",
    ]
    if status.is_partial:
        facts.append("partial")
    if status.missing_permissions:
        facts.append(f"{status.missing_permissions} objects or fields not visible")
    if status.missing_days:
        facts.append(f"{status.missing_days} days missing of the last {LOOKED_BACK}")
    if status.privacy_mode != "named":
        facts.append(f"people: {status.privacy_mode}")
    if warehouse and status.in_warehouse != status.newest:
        facts.append(f"in the warehouse: {status.in_warehouse or 'not found'}")
    age = {0: "today", 1: "yesterday"}.get(status.age_days, f"{status.age_days} days ago")
    head = f"{status.org_name} ({status.org_id}): {status.newest}, {age}, {status.provenance}"
    return "; ".join([head, *facts])
