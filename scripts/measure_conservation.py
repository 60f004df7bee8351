"""
Count whether seats are conserved over half a year: a demo org lives through it, observed every day.

Takes a snapshot of each day under a settable clock, loads them all and asks of every license and day whether
seats before + in - out = seats after; and whether the movements told of are those that happened, by the
org's own truth. One change of the company filter and a week without runs lie in between.

Usage: python scripts/measure_conservation.py [--days 180] [--users 2000] [--seed 5]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import structlog
from rich.progress import Progress

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.weeks import Weeks, consecutive, live, movements_that_happened, movements_told  # noqa: E402

from license_ledger.warehouse.movements import breaches  # noqa: E402

FIRST = date(2026, 3, 2)


def main() -> int:
    """Measure and print; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--days", type=int, default=180)
    parser.add_argument("--users", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    days = consecutive(FIRST, options.days)
    widened = FIRST + timedelta(days=options.days // 2)
    missed = set(days[options.days // 4 : options.days // 4 + 7])
    with tempfile.TemporaryDirectory(prefix="measure-conservation-") as directory, Progress() as progress:
        task = progress.add_task("days", total=len(days))
        weeks = live(
            Path(directory),
            days,
            users=options.users,
            seed=options.seed,
            company_names=lambda day: ["acme.com", "*.acme.com"] if day < widened else ["*"],
            missed=missed,
            told=lambda day: progress.advance(task),
        )
        progress.stop()
        return _report(weeks, widened)


def _report(weeks: Weeks, widened: date) -> int:
    told, happened = movements_told(weeks), movements_that_happened(weeks, {widened})
    with weeks.warehouse() as connection:
        wrong = breaches(connection)
        [(flows, licenses, days, seats_in, seats_out)] = connection.execute(
            "SELECT count(*), count(DISTINCT (license_layer, license_id)), count(DISTINCT snapshot_date), "
            "sum(in_count), sum(out_count) FROM license_flows"
        ).fetchall()
    kinds = Counter(kind for movements in told.values() for _, kind, _ in movements)
    differing = sum(len(told[day] ^ happened[day]) for day in told)
    print(f"{len(weeks.days)} snapshots, {days} pairs of days, {licenses} licenses: {flows:,} balances")
    print(f"seats in {seats_in:,}, out {seats_out:,}; rules of history broken: {len(wrong)}")
    for breach in wrong:
        print(f"  {breach.check}: {breach.subject}, {breach.count} rows since {breach.first_date}")
    words = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())
    print(f"movements of people: {sum(kinds.values()):,} ({words})")
    print(f"movements that are told and did not happen, or the other way round: {differing}")
    return 1 if wrong or differing else 0


if __name__ == "__main__":
    sys.exit(main())
