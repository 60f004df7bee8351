"""
What a number of orgs needs: rows, API calls, storage, worker slots, rows in Airflow's database. Pure.

Everything follows from a few measured figures, :data:`MEASURED`, and the formulas of :func:`plan`.
``docs/scale.md`` holds the table that this prints; ``tests/component/test_capacity.py`` takes a snapshot and
holds the figures against it.

Usage: python scripts/capacity.py [--orgs 100 --users 2000] [--landing-days 30] [--history-days 365]
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass

DEFAULT_ORGS = (10, 100, 1000)
DEFAULT_USERS = (500, 5_000, 50_000)
WINDOW_HOURS = 4.0
"""Time in which the snapshots of a night are to be taken."""

ORG_CALLS = 100_000
"""API calls a day that every org of Enterprise Edition has; licenses add to them."""


@dataclass(frozen=True)
class Measured:
    """
    Figures of one snapshot of the demo org, whose users hold 2.8 seats each.

    Attributes:
        seats_per_user: rows of ``seats`` for a row of ``users``.
        other_rows: rows of the other published tables.
        fixed_calls: calls of an org without bulk jobs: versions, limits, describe, counts, small objects.
        bulk_shares: rows per user of the objects that go through Bulk API once they are large.
        polls: questions for the state of a job that takes up to a minute.
        landing_bytes: of an extract and the work files beside it, fixed and per user.
        staging_bytes: of a published day, fixed and per user.
        task_seconds: time that a run takes of worker slots, fixed and per user; the latter is processor time.
        metadata_rows: rows that a run of eleven tasks leaves in Airflow's database, with Celery's results.
    """

    seats_per_user: float = 2.85
    other_rows: int = 6_300
    fixed_calls: int = 10
    bulk_shares: tuple[float, ...] = (1.0, 0.9, 0.28)
    polls: int = 13
    landing_bytes: tuple[int, float] = (216_000, 194.4)
    staging_bytes: tuple[int, float] = (80_000, 75.3)
    task_seconds: tuple[float, float] = (70.0, 0.000026)
    metadata_rows: int = 78


MEASURED = Measured()


@dataclass(frozen=True)
class Plan:
    """
    What all orgs together need; calls are those of one org.

    Attributes:
        orgs: how many.
        users: per org.
        rows: published a day.
        calls: API calls of one org a day.
        calls_percent: share of the calls that an org has at least.
        landing_gb: extracts that are kept.
        staging_gb: history that is kept.
        slots: worker slots that take all snapshots within the window.
        metadata_rows: that a year of runs leaves in Airflow's database, unless it is cleaned.
    """

    orgs: int
    users: int
    rows: int
    calls: int
    calls_percent: float
    landing_gb: float
    staging_gb: float
    slots: int
    metadata_rows: int


def calls(users: int, *, bulk_threshold: int = 2_000, page_records: int = 50_000, shares: int = 1) -> int:
    """
    API calls of one snapshot.

    Per bulk object: one to start, the polls, a list of pages for every five, the pages, one to delete. Each
    share polls by itself.

    Args:
        users: of the org.
        bulk_threshold: setting.
        page_records: setting.
        shares: tasks per huge object.
    """
    total = MEASURED.fixed_calls
    for share in MEASURED.bulk_shares:
        rows = users * share
        if rows > bulk_threshold:
            pages = math.ceil(rows / page_records)
            total += 2 + MEASURED.polls * max(1, min(shares, pages // 4)) + math.ceil(pages / 5) + pages
    return total


def plan(orgs: int, users: int, *, landing_days: int = 30, history_days: int = 365) -> Plan:
    """
    What so many orgs of so many users need.

    Args:
        orgs: how many; each takes one snapshot a day.
        users: per org.
        landing_days: days an extract is kept.
        history_days: published days that are kept.
    """
    per_org = calls(users)
    landing = MEASURED.landing_bytes[0] + MEASURED.landing_bytes[1] * users
    staging = MEASURED.staging_bytes[0] + MEASURED.staging_bytes[1] * users
    seconds = MEASURED.task_seconds[0] + MEASURED.task_seconds[1] * users
    return Plan(
        orgs=orgs,
        users=users,
        rows=round(orgs * (users * (1 + MEASURED.seats_per_user) + MEASURED.other_rows)),
        calls=per_org,
        calls_percent=100 * per_org / ORG_CALLS,
        landing_gb=orgs * landing * landing_days / 1e9,
        staging_gb=orgs * staging * history_days / 1e9,
        slots=math.ceil(orgs * seconds / (WINDOW_HOURS * 3600)),
        metadata_rows=orgs * MEASURED.metadata_rows * 365,
    )


def table(plans: list[Plan]) -> str:
    """The plans as Markdown."""
    heads = (
        "orgs",
        "users each",
        "rows a day",
        "calls per org",
        "of 100,000",
        "landing, 30 days",
        "history, a year",
        "slots",
        "Airflow rows a year",
    )
    lines = [f"| {' | '.join(heads)} |", f"|{'--:|' * len(heads)}"]
    for each in plans:
        cells = (
            f"{each.orgs:,}",
            f"{each.users:,}",
            f"{each.rows:,}",
            f"{each.calls:,}",
            f"{each.calls_percent:.3f} %",
            f"{each.landing_gb:,.2f} GB",
            f"{each.staging_gb:,.2f} GB",
            f"{each.slots:,}",
            f"{each.metadata_rows:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--orgs", type=int, nargs="+", default=list(DEFAULT_ORGS))
    parser.add_argument("--users", type=int, nargs="+", default=list(DEFAULT_USERS), help="per org")
    parser.add_argument("--landing-days", type=int, default=30)
    parser.add_argument("--history-days", type=int, default=365)
    options = parser.parse_args()
    kept = {"landing_days": options.landing_days, "history_days": options.history_days}
    print(table([plan(orgs, users, **kept) for orgs in options.orgs for users in options.users]))


if __name__ == "__main__":
    main()
