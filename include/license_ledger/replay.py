"""
Many days made anew from their landings, side by side in several processes. No Airflow.

Each day is independent of the others and is published by itself, so a replay that is interrupted goes on
where it stopped: days that are published as they would come out again are left alone.
"""

from __future__ import annotations

import atexit
import gc
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from multiprocessing import get_context
from typing import Literal, NoReturn

import structlog
from duckdb import DuckDBPyConnection

from license_ledger import __version__, pipeline
from license_ledger.errors import ConfigError, DayOutOfReach, LedgerError
from license_ledger.run import RunContext
from license_ledger.salesforce.credentials import DEFAULT_LOGIN_URL, Credentials
from license_ledger.salesforce.tokens import Session
from license_ledger.settings import Settings
from license_ledger.snapshot_row import deciding_settings, landing_of, scope_rules
from license_ledger.staging.layout import Day, days_of
from license_ledger.staging.published import published
from license_ledger.staging.runs import latest_complete_run
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.checks import checking

__all__ = ["Order", "Outcome", "days_with_landing", "replay", "replay_day"]

State = Literal["replayed", "unchanged", "failed"]


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
    """

    org_id: str
    settings: Settings
    company_names: tuple[str, ...]
    key: str
    force: bool = False


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
    """
    if jobs <= 1:
        yield from (replay_day(order, day, now) for day in days)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin_worker) as pool:
        yield from pool.map(replay_day, [order] * len(days), days, [now] * len(days))


def replay_day(order: Order, day: date, now: datetime) -> Outcome:
    """Replay one day and publish it. Errors of the ledger become the outcome's reason."""
    try:
        context = _context(order, day, now)
        context = replace(context, source=pipeline.choose_source(context, only_landing=True))
        if not order.force and is_up_to_date(context):
            return Outcome(day, "unchanged", {})
        pipeline.transform(context)
        pipeline.reconcile(context)
        pipeline.check(context, _database())
        receipt = pipeline.publish(context, sweeps=False)
        context.own_folder.storage.delete()
    except LedgerError as error:
        return Outcome(day, "failed", {}, f"{type(error).__name__}: {error}")
    return Outcome(day, "replayed", receipt["rows"])


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
    landing, staging = _storages(settings.landing_url, settings.staging)
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
def _storages(landing: str, staging: str) -> tuple[Storage, Storage]:
    """The places, for all days of a process."""
    return Storage.from_url(landing).fleeting(), Storage.from_url(staging)


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


def _begin_worker() -> None:
    """
    Workers report by their outcomes; a line per day and step would drown them.

    A day leaves hardly any cycles behind, and the collector takes a sixth of the time to look for them.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    gc.set_threshold(200_000, 50, 100)
