"""
Small pictures that need no script: paths for inline SVG, in units of their view box. Pure.

They are drawn with attributes and classes only, so that the page's policy can forbid inline styles.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

SPARK_WIDTH, SPARK_HEIGHT = 96.0, 24.0


def spark_path(points: Sequence[tuple[date, int | None]], since: date, until: date) -> str:
    """
    The line of a sparkline.

    Args:
        points: day and value, in order; None where there is no value.
        since: the day at the left edge.
        until: the day at the right edge.

    Returns:
        The ``d`` of a path. Days without a point break the line; a lone point is a short dash; empty when
        there is nothing to draw.
    """
    known = [(day, value) for day, value in points if value is not None]
    if not known:
        return ""
    low, high = min(value for _, value in known), max(value for _, value in known)
    span, days = (high - low) or 1, max((until - since).days, 1)
    parts: list[str] = []
    last: date | None = None
    for day, value in known:
        x = SPARK_WIDTH * (day - since).days / days
        share = 0.5 if high == low else (value - low) / span
        y = 2 + (SPARK_HEIGHT - 4) * (1 - share)
        joined = last is not None and (day - last).days == 1
        parts.append(f"{'L' if joined else 'M'}{x:.1f} {y:.1f}")
        if not joined:
            parts.append("h1")
            parts.append(f"M{x:.1f} {y:.1f}")
        last = day
    return "".join(parts)


def spans(counts: Sequence[tuple[str, int]], whole: int) -> list[tuple[str, float, float]]:
    """
    Parts of a whole side by side, as name, start and width in percent. Negative parts have no width.

    Args:
        counts: name and size of each part, in order.
        whole: what 100 percent is; parts beyond it are cut off.
    """
    found, at = [], 0.0
    for name, count in counts:
        width = 100.0 * max(count, 0) / whole if whole > 0 else 0.0
        width = min(width, 100.0 - at)
        if width > 0:
            found.append((name, round(at, 3), round(width, 3)))
        at += width
    return found


def steps(start: int, changes: Sequence[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """
    The floating bars of a waterfall: name, and the two ends of each bar in seats.

    Args:
        start: where it begins.
        changes: name and signed change of each step, in order.
    """
    found, at = [], start
    for name, change in changes:
        found.append((name, min(at, at + change), max(at, at + change)))
        at += change
    return found
