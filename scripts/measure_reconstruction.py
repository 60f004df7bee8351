"""
Measure reconstruction: past days made of the last one alone, against what was observed on each of them.

Demo orgs of several kinds go through 180 days. At the beginning of each measured day the daily run takes a
snapshot, which is the truth; on the last day one landing is made with all that Salesforce remembers, and the
same days are reconstructed from it. The figures go into docs/reconstruction.md, between its marks.

Usage: python scripts/measure_reconstruction.py [--users 2000] [--seed 3] [--only KIND] [--print]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.rolled_back import KEYS, Compared, Past, compare  # noqa: E402

from demo_org.options import OrgOptions  # noqa: E402
from demo_org.server import DemoOrg  # noqa: E402
from demo_org.world import World  # noqa: E402
from demo_org.world.options import WorldOptions  # noqa: E402

LAST = date(2026, 11, 24)
AGES = (1, 7, 30, 60, 90, 120, 150, 180)
PAGE = ROOT / "docs" / "reconstruction.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
BARS = ((30, 0.99), (180, 0.97))
"""Age in days up to which a share of the users' rows has to be right, where entries are unambiguous."""


@dataclass(frozen=True)
class Kind:
    """A kind of org to measure: its options, the company filter, and what is special in words."""

    name: str
    words: str
    options: dict[str, Any]
    names: list[str] = field(default_factory=lambda: ["*"])
    is_unambiguous: bool = False


COMPANY = ["acme.com", "*.acme.com", "acme.de", "*.acme.de"]
KINDS = (
    Kind("plain", "names are unique, entries are English", {"unique_names": True}, is_unambiguous=True),
    Kind(
        "filtered",
        "the same, under a company filter of domains",
        {"unique_names": True},
        COMPANY,
        is_unambiguous=True,
    ),
    Kind("namesakes", "many users share a name with another", {}),
    Kind(
        "renamed",
        "names are unique, every third user is renamed within a year",
        {"unique_names": True, "renames_per_year": 0.4},
    ),
    Kind("german", "entries are German, users share names", {"display_language": "de"}),
    Kind(
        "japanese",
        "entries are Japanese and name users by id where newer releases do",
        {"display_language": "ja", "display_ids": True, "unique_names": True},
    ),
    Kind(
        "worst",
        "entries are French, users share names, many are renamed",
        {"display_language": "fr", "renames_per_year": 0.4},
    ),
)


@dataclass(frozen=True)
class Measured:
    """One reconstructed day: its age, each table compared, the receipt, seconds."""

    age: int
    tables: dict[str, Compared]
    receipt: dict[str, Any]
    seconds: float


def main() -> int:
    """Measure, print, write the page. Returns 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--users", type=int, default=2_000, help="of each org at its first day")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--only", choices=[kind.name for kind in KINDS], action="append")
    parser.add_argument("--print", action="store_true", help="leave docs/reconstruction.md as it is")
    options = parser.parse_args()
    kinds = [kind for kind in KINDS if not options.only or kind.name in options.only]
    results = {}
    for kind in kinds:
        with tempfile.TemporaryDirectory(prefix="measure-reconstruction-") as directory:
            results[kind.name] = list(measure(kind, options.users, options.seed, Path(directory)))
    text = "\n".join(report(kinds, results, options.users, options.seed))
    print(text)
    if not options.print and not options.only:
        page = PAGE.read_text(encoding="utf-8")
        head, tail = page[: page.index(BEGIN) + len(BEGIN)], page[page.index(END) :]
        PAGE.write_text(f"{head}\n{text}\n{tail}", encoding="utf-8")
    missed = list(misses(kinds, results))
    for line in missed:
        print(f"MISSED: {line}", file=sys.stderr)
    return 1 if missed else 0


def measure(kind: Kind, users: int, seed: int, root: Path) -> Iterator[Measured]:
    """Observe and reconstruct the days of one org."""
    options = WorldOptions(anchor=LAST - timedelta(days=180), metric_days=190, **kind.options)
    world = World(seed=seed, users=users, today=LAST, options=options)
    with DemoOrg(world, OrgOptions(bulk_seconds=0.01, daily_requests=10**7), root / "org") as server:
        past = Past(world, server, root, kind.names)
        days = {age: LAST - timedelta(days=age) for age in AGES}
        truth = {age: past.observe(day) for age, day in days.items()}
        anchor = past.anchor(LAST)
    for age, day in days.items():
        started = time.perf_counter()
        made, receipt = past.reconstruct(day, anchor)
        seconds = time.perf_counter() - started
        tables = {name: compare(name, made[name], truth[age][name]) for name in KEYS}
        yield Measured(age, tables, receipt, seconds)


def misses(kinds: list[Kind], results: dict[str, list[Measured]]) -> Iterator[str]:
    """Say which bars are missed."""
    for kind in kinds:
        for day in results[kind.name]:
            for name, table in day.tables.items():
                if table.wrong_sure:
                    yield f"{kind.name}, {day.age} days, {name}: {table.wrong_sure} wrong rows marked sure"
            bar = next(share for age, share in BARS if day.age <= age)
            share = day.tables["users"].key_share
            if kind.is_unambiguous and share < bar:
                yield f"{kind.name}, {day.age} days: {share:.2%} of users right, {bar:.0%} wanted"


def report(kinds: list[Kind], results: dict[str, list[Measured]], users: int, seed: int) -> Iterator[str]:
    """The figures as Markdown."""
    yield ""
    yield f"{users:,} users at the first day, seed {seed}; days as of midnight UTC."
    for kind in kinds:
        yield from ("", f"### {kind.words[0].upper()}{kind.words[1:]}", "")
        # The plain org is shown whole, the others by what differs.
        shown = [day for day in results[kind.name] if kind is kinds[0] or day.age in (7, 30, 90, 180)]
        yield from _rows_table(shown)
        yield ""
        yield from _trail_table(results[kind.name])
    first = kinds[0]
    yield from ("", f"### Columns of `users` and `seats`: {first.words}", "")
    yield from _columns_table(results[first.name])


def _rows_table(days: list[Measured]) -> Iterator[str]:
    yield (
        "| age in days | table | rows | right | missing | extra | sure | likely | unsure | wrong rows | "
        "wrong rows marked sure |"
    )
    yield "|" + "---:|" * 1 + "---|" + "---:|" * 9
    for day in days:
        for name, table in day.tables.items():
            shares = [
                _share(table.certainty.get(word, 0), table.made) for word in ("sure", "likely", "unsure")
            ]
            yield (
                f"| {day.age} | `{name}` | {table.truth:,} | {table.key_share:.2%} | {table.missing} | "
                f"{table.extra} | {' | '.join(shares)} | {table.wrong_rows} | {table.wrong_sure} |"
            )


def _trail_table(days: list[Measured]) -> Iterator[str]:
    yield "| age in days | audit entries | resolved | ambiguous | unresolved | other language | seconds |"
    yield "|" + "---:|" * 7
    for day in days:
        trail = day.receipt["trail"]
        numbers = [
            trail[name] for name in ("entries", "resolved", "ambiguous", "unresolved", "other_language")
        ]
        yield f"| {day.age} | {' | '.join(f'{n:,}' for n in numbers)} | {day.seconds:.1f} |"


def _columns_table(days: list[Measured]) -> Iterator[str]:
    shown = [day for day in days if day.age in (1, 30, 90, 180)]
    yield "| column | " + " | ".join(f"{day.age} days: right / not known / wrong" for day in shown) + " |"
    yield "|---|" + "---:|" * len(shown)
    for name in ("users", "seats"):
        for column in shown[0].tables[name].wrong:
            cells = []
            for day in shown:
                table = day.tables[name]
                there = max(table.truth - table.missing, 1)
                wrong, unknown = table.wrong[column], table.unknown[column]
                right = _share(there - wrong - unknown, there)
                cells.append(f"{right} / {_share(unknown, there)} / {_share(wrong, there)}")
            yield f"| `{name}.{column}` | {' | '.join(cells)} |"


def _share(part: int, whole: int) -> str:
    return f"{part / max(whole, 1):.1%}"


if __name__ == "__main__":
    sys.exit(main())
