"""``license-ledger replay``: make days anew from their landings, many at a time, without Salesforce."""

from __future__ import annotations

import argparse
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from rich.progress import track

from license_ledger import reader, replay
from license_ledger.commands.places import Places
from license_ledger.errors import CheckFailed, ConfigError, DayOutOfReach
from license_ledger.settings import Settings
from license_ledger.staging.layout import partition_values
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep
from license_ledger.transform.scope import parse_rules
from license_ledger.warehouse.places import warehouse_at

__all__ = ["add_to", "run"]

LOADED_AT_ONCE = 90
"""Days per swap of a warehouse file: each swap copies the file once."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], places: Places) -> None:
    """Declare the command."""
    parser = commands.add_parser("replay", help="make days anew from their landings, with today's settings")
    parser.add_argument("--org", help="18-character org id; needed when several orgs have landings")
    parser.add_argument("--from", dest="first", type=date.fromisoformat, help="first day, YYYY-MM-DD")
    parser.add_argument("--to", dest="last", type=date.fromisoformat, help="last day; default: yesterday")
    parser.add_argument(
        "--company",
        action="append",
        metavar="NAME",
        help="domain, *.domain, legal entity or *; repeatable; default: as each day was published",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=(os.cpu_count() or 1) + 1,
        help="processes at a time; default: one a core, and one for while another waits for the disk",
    )
    parser.add_argument("--force", action="store_true", help="also days that would come out as they are")
    parser.add_argument("--dry-run", action="store_true", help="only say which days would be replayed")
    parser.set_defaults(command=lambda options: run(options, places))


def run(options: argparse.Namespace, places: Places) -> str:
    """
    Replay the days of a range that have a landing, and load them into the warehouse.

    Days are published one by one: what an interrupted command has done is not done again. While some days are
    loaded, the next ones are replayed.

    Raises:
        DayOutOfReach: no day of the range has a landing.
        CheckFailed: days failed, each with its reason; every other day is done by then.
        ConfigError: the org is not unique, or a company name is wrong.
    """
    settings, now = places.settings(), datetime.now(UTC)
    landing, staging = places.landing(settings), places.staging(settings)
    org_id = options.org or _only_org(landing)
    names = tuple(options.company or ())
    if names:
        parse_rules(names, settings.legal_entities)
    first, last = options.first or date.min, options.last or now.date() - timedelta(days=1)
    days = replay.days_with_landing(landing, org_id, first, last)
    if not days:
        raise DayOutOfReach(
            f"replay of {org_id}", "no day of the range has a landing", "see landing_days, or widen the range"
        )
    if options.dry_run:
        return f"{len(days)} days, {days[0]} to {days[-1]}, would be replayed"
    key = f"replay-{uuid.uuid4().hex[:8]}"
    order = replay.Order(org_id, settings, names, key, options.force, places.open_storage)
    followed = track(replay.replay(order, days, now, options.jobs), "Replaying", len(days), transient=True)
    outcomes = list(_loaded(followed, settings, staging, org_id))
    sweep(staging, org_id=org_id, now=now)
    return _report(outcomes)


def _loaded(
    outcomes: Iterable[replay.Outcome], settings: Settings, staging: Storage, org_id: str
) -> Iterator[replay.Outcome]:
    """Hand outcomes on; their days are in the warehouse when the last one is out."""
    waiting: list[date] = []
    for outcome in outcomes:
        yield outcome
        if outcome.state != "failed":
            waiting.append(outcome.day)
        if len(waiting) == LOADED_AT_ONCE:
            _load(settings, staging, org_id, waiting)
            waiting = []
    _load(settings, staging, org_id, waiting)


def _load(settings: Settings, staging: Storage, org_id: str, days: Sequence[date]) -> None:
    if settings.warehouse and days:
        warehouse = warehouse_at(settings.warehouse)
        warehouse.load_all([reader.open_snapshot(staging, org_id, day) for day in days])


def _report(outcomes: Sequence[replay.Outcome]) -> str:
    counts = {state: sum(o.state == state for o in outcomes) for state in ("replayed", "unchanged", "failed")}
    words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    failed = [f"{outcome.day}: {outcome.reason}" for outcome in outcomes if outcome.state == "failed"]
    if failed:
        raise CheckFailed(f"replay: {words}", "\n".join(failed), "mend what they name; other days are done")
    return f"{words}; {outcomes[0].day} to {outcomes[-1].day}"


def _only_org(landing: Storage) -> str:
    orgs = list(partition_values(landing.list(), "org_id"))
    if len(orgs) != 1:
        raise ConfigError(
            "option --org", f"is needed: landings are of {', '.join(sorted(orgs)) or 'no org'}", "name one"
        )
    return orgs[0]
