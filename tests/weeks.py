"""Days of a living demo org: a snapshot of each in a warehouse, and what was true on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.truth import Truth
from demo_org.world import World
from license_ledger.reader import open_snapshot
from license_ledger.warehouse import duckdb as warehouse
from tests.walk import Walk, noon

ATTRIBUTES = {"license": "license_id", "profile": "profile_id", "department": "department"} | {
    "company": "company_name",
    "email_domain": "email_domain",
}
LOADED_AT_ONCE = 30


@dataclass
class Weeks:
    """
    What was published, and what was true on those days.

    Attributes:
        walk: whose runs it were.
        org_id: 18 characters.
        truth: per day with a snapshot, the users in scope by user id.
        calls: per day, API calls of the run.
    """

    walk: Walk
    org_id: str = ""
    truth: dict[date, pd.DataFrame] = field(default_factory=dict)
    calls: dict[date, int] = field(default_factory=dict)

    @property
    def days(self) -> list[date]:
        """The days with a snapshot, ascending."""
        return sorted(self.truth)

    def warehouse(self) -> duckdb.DuckDBPyConnection:
        """A connection to the warehouse."""
        return warehouse.open_readonly(self.walk.root / "warehouse.duckdb")


def live(
    root: Path,
    days: Sequence[date],
    *,
    users: int,
    seed: int,
    company_names: Callable[[date], list[str]],
    missed: Collection[date] = (),
    told: Callable[[date], object] = lambda day: None,
) -> Weeks:
    """
    Let an org live through days and take a snapshot of each at noon, then load them all.

    Args:
        root: an empty directory.
        days: one after the other.
        users: size of the org on the first day.
        seed: of the org.
        company_names: the company filter of a day.
        missed: days on which no run takes place.
        told: is called after each day.
    """
    world = World(seed=seed, users=users, today=days[0])
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01), root / "org") as server:
        walk = Walk(server.access.connection("*"), root, noon(days[0]), values={"bulk_threshold": 100_000})
        made = Weeks(walk)
        for day in days:
            walk.now = noon(day)
            server.org.set_clock(noon(day))
            if day not in missed:
                names = company_names(day)
                snapshot = walk.run(names, load=False)
                made.org_id = snapshot.org_id
                made.truth[day] = _users(server.org.world, names)
                made.calls[day] = snapshot.row["api_calls"]
            told(day)
    for at in range(0, len(made.days), LOADED_AT_ONCE):
        part = [open_snapshot(walk.staging, made.org_id, day) for day in made.days[at : at + LOADED_AT_ONCE]]
        warehouse.load_all(root / "warehouse.duckdb", part)
    return made


def _users(world: World, names: list[str]) -> pd.DataFrame:
    found: pd.DataFrame = Truth(world).expected(company_names=names)["users"].set_index("user_id")
    return found[["is_active", "created_at", *ATTRIBUTES.values()]]


def movements_told(weeks: Weeks) -> dict[date, set[tuple[str, ...]]]:
    """User, kind and attribute of what the view tells, per day; a row that is told twice is an error."""
    with weeks.warehouse() as connection:
        rows = connection.execute(
            "SELECT snapshot_date, user_id, kind, coalesce(attribute, '') FROM movements"
        ).fetchall()
    told: dict[date, set[tuple[str, ...]]] = {day: set() for day in weeks.days[1:]}
    for day, *movement in rows:
        told[day].add(tuple(movement))
    assert sum(map(len, told.values())) == len(rows)
    return told


def movements_that_happened(weeks: Weeks, widened: Collection[date]) -> dict[date, set[tuple[str, ...]]]:
    """
    User, kind and attribute of what happened between each day with a snapshot and the one before it.

    Args:
        weeks: with the truth about every day.
        widened: the days from which on another company filter held.
    """
    return {
        day: _happened(weeks.truth[before], weeks.truth[day], since=noon(before), widened=day in widened)
        for before, day in zip(weeks.days, weeks.days[1:], strict=False)
    }


def _happened(was: pd.DataFrame, now: pd.DataFrame, *, since: Any, widened: bool) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for user, row in now.iterrows():
        if user not in was.index:
            joined = pd.Timestamp(row["created_at"]) > pd.Timestamp(since)
            found.add((user, "joiner" if joined else "rescoped_in" if widened else "entered_scope", ""))
            continue
        old = was.loc[user]
        if old["is_active"] != row["is_active"]:
            found.add((user, "reactivated" if row["is_active"] else "leaver", ""))
        for attribute, column in ATTRIBUTES.items():
            before, after = (None if pd.isna(each[column]) else each[column] for each in (old, row))
            if before != after:
                found.add((user, "mover", attribute))
    for user in was.index.difference(now.index):
        found.add((user, "rescoped_out" if widened else "left_scope", ""))
    return found


def consecutive(first: date, count: int) -> list[date]:
    """Days one after the other."""
    return [first + timedelta(days=number) for number in range(count)]
