"""
Many days made anew from their landings, side by side in several processes. No Airflow.

Each day is independent of the others and is published by itself, so a replay that is interrupted goes on
where it stopped: days that are published as they would come out again are left alone.
"""

from __future__ import annotations

import atexit
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Literal, NoReturn

from duckdb import DuckDBPyConnection
from structlog.contextvars import bound_contextvars

from license_ledger import __version__, pipeline
from license_ledger.errors import ConfigError, DayOutOfReach, LedgerError
from license_ledger.processes import processes
from license_ledger.run import RunContext
from license_ledger.salesforce.credentials import DEFAULT_LOGIN_URL, Credentials
from license_ledger.salesforce.tokens import Session
from license_ledger.settings import Settings
from license_ledger.snapshot_row import deciding_settings, landing_of, scope_rules
from license_ledger.staging.layout import Day, days_of
from license_ledger.staging.published import published
from license_ledger.staging.runs import latest_complete_run
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.checks import Failure, checking

__all__ = ["Order", "Outcome", "days_with_landing", "replay", "replay_days"]

State = Literal["replayed", "unchanged", "failed"]

TOGETHER = 10
"""Days whose tables wait in the landing area to be checked at once."""


@dataclass(frozen=True)
class Order:
    """
    What is to be replayed, and how.

    Attributes:
        org_id: 18 characters.
        settings: today's.
        company_names: the company filter; empty: of each day, as it was published last.
        key: names this replay in the landing area.
        force: also days that are published as they would come out.
        open_storage: the storage of a URL; a function of a module, for the processes that are started.
    """

    org_id: str
    settings: Settings
    company_names: tuple[str, ...]
    key: str
    force: bool = False
    open_storage: Callable[[str], Storage] = Storage.from_url


@dataclass(frozen=True)
class Outcome:
    """
    What became of a day.

    Attributes:
        day: UTC.
        state: ``replayed``, ``unchanged`` (published already as it would come out), ``failed``.
        rows: per published table; empty unless replayed.
        reason: the error of a day that failed.
    """

    day: date
    state: State
    rows: dict[str, int]
    reason: str = ""


class _Nobody:
    """Sessions for a run that asks Salesforce nothing."""

    def current(self) -> NoReturn:
        raise ConfigError("replay", "would have to ask Salesforce", "this is a defect: please report it")

    def renew(self, stale: Session) -> NoReturn:
        self.current()


def days_with_landing(landing: Storage, org_id: str, first: date, last: date) -> list[date]:
    """The days of a range that can be replayed, ascending."""
    found = days_of(landing.list(f"org_id={org_id}"))
    return [
        day
        for day in sorted(found)
        if first <= day <= last and latest_complete_run(landing, org_id, day) is not None
    ]


def replay(order: Order, days: Sequence[date], now: datetime, jobs: int) -> Iterator[Outcome]:
    """
    Replay days in several processes.

    Args:
        order: what is to be done.
        days: see :func:`days_with_landing`.
        now: the present.
        jobs: processes at a time; with one, the days are replayed in this process.

    Yields:
        An outcome per day, in the order of the days. A day that fails does not keep the others from being
        replayed.

    Raises:
        ProcessLost: a process was killed, or ran out of memory.
    """
    size = max(1, min(TOGETHER, -(-len(days) // max(1, jobs))))
    groups = [days[at : at + size] for at in range(0, len(days), size)]
    if jobs <= 1:
        for group in groups:
            yield from replay_days(order, group, now)
        return
    with processes(jobs) as pool:
        for outcomes in pool.map(replay_days, [order] * len(groups), groups, [now] * len(groups)):
            yield from outcomes


def replay_days(order: Order, days: Sequence[date], now: datetime) -> list[Outcome]:
    """
    Replay some days: make the tables of each, check all of them at once, publish each.

    Errors of the ledger become an outcome's reason.

    Returns:
        An outcome per day, in the order of the days.
    """
    outcomes: dict[date, Outcome] = {}
    made: list[RunContext] = []
    for day in days:
        with _reported(order, outcomes, day):
            context = _made(order, day, now)
            if context is None:
                outcomes[day] = Outcome(day, "unchanged", {})
            else:
                made.append(context)
    found = pipeline.failures_of_days(made, _database()) if made else []
    for context, failures in zip(made, found, strict=True):
        with _reported(order, outcomes, context.snapshot_date):
            outcomes[context.snapshot_date] = _published(context, failures)
    return [outcomes[day] for day in days]


def _made(order: Order, day: date, now: datetime) -> RunContext | None:
    """Make the tables of a day; None when it is published as it would come out."""
    context = _context(order, day, now)
    context = replace(context, source=pipeline.choose_source(context, only_landing=True))
    if not order.force and is_up_to_date(context):
        return None
    pipeline.transform(context)
    pipeline.reconcile(context)
    return context


def _published(context: RunContext, failures: Sequence[Failure]) -> Outcome:
    """Publish a day whose checks were run."""
    pipeline.checked(failures)
    receipt = pipeline.publish(context, sweeps=False)
    context.own_folder.storage.delete()
    return Outcome(context.snapshot_date, "replayed", receipt["rows"])


@contextmanager
def _reported(order: Order, outcomes: dict[date, Outcome], day: date) -> Iterator[None]:
    """Make an error of the ledger the outcome of the day, and the day a key of what is logged."""
    with bound_contextvars(step="replay", org=order.org_id, run_id=order.key, snapshot_date=str(day)):
        try:
            yield
        except LedgerError as error:
            outcomes[day] = Outcome(day, "failed", {}, f"{type(error).__name__}: {error}")


def is_up_to_date(context: RunContext) -> bool:
    """Whether the day is published as its replay would come out: same landing, settings and version."""
    there = published(context.staging, Day(context.org, context.snapshot_date))
    if there is None:
        return False
    row = there.row
    return bool(
        row["scope_hash"] == scope_rules(context).scope_hash
        and row["ledger_version"] == __version__
        and json.loads(row["derived_from"] or "{}") == landing_of(context)
        and json.loads(row["settings"] or "{}") == deciding_settings(context.settings)
    )


def _context(order: Order, day: date, now: datetime) -> RunContext:
    settings = order.settings
    landing, staging = _storages(settings.landing_url, settings.staging, order.open_storage)
    return RunContext(
        connection_id="",
        snapshot_date=day,
        run_key=f"{order.key}-{day}",
        settings=settings,
        credentials=Credentials(login_url=DEFAULT_LOGIN_URL, consumer_key=""),
        sessions=_Nobody(),
        landing=landing,
        staging=staging,
        company_names=order.company_names or _names(staging, Day(order.org_id, day)),
        org_id=order.org_id,
        clock=lambda: now,
    )


@cache
def _storages(landing: str, staging: str, open_storage: Callable[[str], Storage]) -> tuple[Storage, Storage]:
    """The places, for all days of a process."""
    return open_storage(landing).fleeting(), open_storage(staging)


def _names(staging: Storage, day: Day) -> tuple[str, ...]:
    """The company filter that a day was published with."""
    there = published(staging, day)
    if there is None:
        raise DayOutOfReach(
            f"replay of {day.snapshot_date}",
            "the day is not published, so there is no company filter to repeat",
            "name the companies with --company",
        )
    return tuple(there.row["company_names"])


@cache
def _database() -> DuckDBPyConnection:
    """One for all days of a process, of one thread: the processes share the cores."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(checking(threads=1))
