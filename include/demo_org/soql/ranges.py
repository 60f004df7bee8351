"""Date literals such as ``TODAY`` and ``LAST_N_DAYS:30``: spans of whole days, in UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

_DAY = dt.timedelta(days=1)
_Span = tuple[dt.date, dt.date]


def _week(day: dt.date, shift: int = 0) -> dt.date:
    """Give the Sunday that starts the week, ``shift`` weeks away: the default of the locale en_US."""
    return day - _DAY * ((day.weekday() + 1) % 7) + dt.timedelta(weeks=shift)


def _month(day: dt.date, shift: int = 0) -> dt.date:
    months = day.year * 12 + day.month - 1 + shift
    return dt.date(months // 12, months % 12 + 1, 1)


def _quarter(day: dt.date, shift: int = 0) -> dt.date:
    return _month(day, shift * 3 - (day.month - 1) % 3)


def _year(day: dt.date, shift: int = 0) -> dt.date:
    return dt.date(day.year + shift, 1, 1)


def _days(day: dt.date, shift: int = 0) -> dt.date:
    return day + _DAY * shift


_UNITS: dict[str, Callable[[dt.date, int], dt.date]] = {
    "DAY": _days,
    "WEEK": _week,
    "MONTH": _month,
    "QUARTER": _quarter,
    "YEAR": _year,
}


def _named() -> dict[str, Callable[[dt.date, int], _Span]]:
    spans: dict[str, Callable[[dt.date, int], _Span]] = {
        "YESTERDAY": lambda day, _: (day - _DAY, day),
        "TODAY": lambda day, _: (day, day + _DAY),
        "TOMORROW": lambda day, _: (day + _DAY, day + 2 * _DAY),
        "LAST_90_DAYS": lambda day, _: (day - 90 * _DAY, day + _DAY),
        "NEXT_90_DAYS": lambda day, _: (day + _DAY, day + 91 * _DAY),
    }
    for unit, floor in _UNITS.items():
        if unit != "DAY":
            for word, shift in (("LAST", -1), ("THIS", 0), ("NEXT", 1)):
                spans[f"{word}_{unit}"] = _single(floor, shift)
        # LAST_N_DAYS counts back from today and takes today in; the larger units end before the current one.
        spans[f"LAST_N_{unit}S"] = _backward(floor, includes_current=unit == "DAY")
        spans[f"NEXT_N_{unit}S"] = lambda day, n, floor=floor: (floor(day, 1), floor(day, n + 1))  # type: ignore[misc]
        spans[f"N_{unit}S_AGO"] = lambda day, n, floor=floor: (floor(day, -n), floor(day, 1 - n))  # type: ignore[misc]
    return spans


def _single(floor: Callable[[dt.date, int], dt.date], shift: int) -> Callable[[dt.date, int], _Span]:
    return lambda day, _: (floor(day, shift), floor(day, shift + 1))


def _backward(
    floor: Callable[[dt.date, int], dt.date], *, includes_current: bool
) -> Callable[[dt.date, int], _Span]:
    return lambda day, n: (floor(day, -n), floor(day, 1 if includes_current else 0))


_SPANS = _named()

RANGE_NAMES: dict[str, bool] = {name: "N_" in name for name in _SPANS}
"""Every date literal, and whether it takes a count."""


def span(name: str, count: int | None, today: dt.date) -> _Span:
    """
    Give the days that a date literal stands for.

    Args:
        name: the literal in upper case, a key of ``RANGE_NAMES``.
        count: the number after the colon, None for literals without one.
        today: the current day of the org.

    Returns:
        First day, and the day after the last one.
    """
    return _SPANS[name](today, count or 0)
