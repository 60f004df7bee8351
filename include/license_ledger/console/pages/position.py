"""The license position of a day: what is bought, used, in scope and left, and what stands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from license_ledger.console.charts import spark_path
from license_ledger.console.choice import Choice
from license_ledger.console.pages.licenses import address_of, name_of
from license_ledger.console.parameters import Parameters
from license_ledger.questions import Row, Session
from license_ledger.schemas import LAYERS

EXPIRING_DAYS = 90
TREND_DAYS = 90
FLAGS = {
    "over": "Over-allocated",
    "nearly": "Nearly exhausted",
    "expiring": "Expiring",
    "unexplained": "Not explained",
    "waste": "To reclaim",
}


@dataclass(frozen=True)
class Line:
    """
    A license of the position.

    Attributes:
        row: columns of question ``position``.
        flags: what stands out about it, names of :data:`FLAGS`.
        waste: seats that Reclaim lists.
        trend: path of its sparkline; empty when there is none.
        trend_text: the same in words.
    """

    row: Row
    flags: tuple[str, ...]
    waste: int
    trend: str
    trend_text: str

    @property
    def name(self) -> str:
        """What it is called."""
        return name_of(self.row)

    @property
    def address(self) -> str:
        """The license as the parameter of an address."""
        return address_of(self.row)


@dataclass(frozen=True)
class Tile:
    """A number that stands at the top: its name, its value, what it is about, and where it leads."""

    name: str
    value: int
    hint: str
    flag: str
    tone: str


def position(session: Session, choice: Choice, parameters: Parameters) -> dict[str, Any]:
    """What the page shows. Raises Refused for parameters that mean nothing."""
    layer = parameters.one_of("layer", LAYERS)
    flag = parameters.one_of("flag", FLAGS)
    words = parameters.text("q")
    lines = _lines(session, choice)
    shown = [
        line
        for line in lines
        if (layer is None or line.row["license_layer"] == layer)
        and (flag is None or flag in line.flags)
        and (words is None or words.casefold() in f"{line.name} {line.row['license_key']}".casefold())
    ]
    groups = [
        (name, found) for name in LAYERS if (found := [x for x in shown if x.row["license_layer"] == name])
    ]
    return {
        "tiles": _tiles(lines),
        "groups": groups,
        "layer": layer,
        "flag": flag,
        "words": words or "",
        "line_count": len(lines),
        "shown_count": len(shown),
        "trend_days": TREND_DAYS,
        "expiring_days": EXPIRING_DAYS,
    }


def _lines(session: Session, choice: Choice) -> list[Line]:
    since = choice.day - timedelta(days=TREND_DAYS - 1)
    points: dict[tuple[str, str], list[Row]] = {}
    for row in session.rows("trends", org_id=choice.org_id, since=since, day=choice.day):
        points.setdefault((row["license_layer"], row["license_id"]), []).append(row)
    waste: dict[tuple[str, str], int] = {}
    for row in session.rows("reclaim_totals", org_id=choice.org_id, day=choice.day):
        key = row["license_layer"], row["license_id"]
        waste[key] = waste.get(key, 0) + row["seat_count"]
    lines = []
    for row in session.rows("position", org_id=choice.org_id, day=choice.day):
        key = row["license_layer"], row["license_id"]
        used = [(p["snapshot_date"], p["used_count"]) for p in points.get(key, [])]
        path = spark_path(used, max(since, used[0][0]), choice.day) if len(used) > 1 else ""
        lines.append(Line(row, tuple(_flags(row, waste.get(key, 0))), waste.get(key, 0), path, _told(used)))
    return lines


def _flags(row: Row, waste: int) -> Iterable[str]:
    if row["is_over_allocated"]:
        yield "over"
    elif row["is_nearly_exhausted"]:
        yield "nearly"
    # A usage entitlement begins again when its period ends.
    if (
        row["license_layer"] != "usage"
        and (row["expires_in_days"] or 0) <= EXPIRING_DAYS
        and row["expires_on"]
    ):
        yield "expiring"
    if row["unexplained_count"]:
        yield "unexplained"
    if waste:
        yield "waste"


def _told(used: list[tuple[Any, int | None]]) -> str:
    known = [(day, value) for day, value in used if value is not None]
    if len(known) < 2:
        return "no trend yet"
    (first, was), (_, now) = known[0], known[-1]
    moved = "unchanged" if now == was else f"{now - was:+,}"
    return f"{moved} since {first}: {was:,} to {now:,} used"


def _tiles(lines: list[Line]) -> list[Tile]:
    def count(flag: str) -> int:
        return sum(1 for line in lines if flag in line.flags)

    unexplained = sum(abs(line.row["unexplained_count"] or 0) for line in lines)
    seats = [line for line in lines if line.row["license_layer"] != "usage"]
    over = sum(-(line.row["available_count"] or 0) for line in seats if "over" in line.flags)
    return [
        Tile("Over-allocated", count("over"), f"{over:,} seats too many", "over", "problem"),
        Tile("Nearly exhausted", count("nearly"), "95 % or more used", "nearly", "warning"),
        Tile("Expiring", count("expiring"), f"within {EXPIRING_DAYS} days, or past", "expiring", "warning"),
        Tile("Seats to reclaim", sum(line.waste for line in lines), "look wasted", "waste", "info"),
        Tile("Seats not explained", unexplained, "of all licenses", "unexplained", "problem"),
    ]
