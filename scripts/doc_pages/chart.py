"""A chart of lines over two logarithmic axes, as SVG text that is the same for the same figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 220, 44, 52
_COLORS = ("#0b6e99", "#c2571a", "#4f7a28", "#8e44ad", "#b03060", "#5d6d7e", "#a67c00", "#117a65")

Points = Sequence[tuple[float, float]]


def chart(
    title: str, across: str, up: str, lines: Mapping[str, Points], limit: tuple[str, float] | None = None
) -> str:
    """
    Draw.

    Args:
        title: above the chart, and for who cannot see it.
        across: what the horizontal axis counts.
        up: what the vertical axis counts.
        lines: points of each line; all values above zero.
        limit: words and value of a dashed line.

    Returns:
        A whole SVG file.
    """
    values = [y for points in lines.values() for _, y in points] + ([limit[1]] if limit else [])
    xs = _Axis([x for points in lines.values() for x, _ in points], _LEFT, _WIDTH - _RIGHT)
    ys = _Axis(values, _HEIGHT - _BOTTOM, _TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 22, title, size=15),
        *(_across(xs, power) for power in xs.powers),
        *(_up(ys, power) for power in ys.powers),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, across, anchor="middle"),
        f'<g transform="translate(16 {(_TOP + _HEIGHT - _BOTTOM) / 2}) rotate(-90)">',
        _text(0, 0, up, "middle"),
        "</g>",
    ]
    if limit:
        y = ys.place(limit[1])
        parts.append(
            f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#b00020" '
            'stroke-dasharray="6 4"/>'
        )
        parts.append(_text(_WIDTH - _RIGHT + 8, y + 4, limit[0], color="#b00020"))
    parts += _drawn(lines, xs, ys, taken=[ys.place(limit[1])] if limit else [])
    return "\n".join([*parts, "</svg>", ""])


class _Axis:
    """A logarithmic scale over whole powers of ten."""

    def __init__(self, values: Sequence[float], start: float, end: float) -> None:
        low = math.floor(math.log10(min(values)))
        self.powers = range(low, max(math.ceil(math.log10(max(values))), low + 1) + 1)
        self._start, self._end = start, end

    def place(self, value: float) -> float:
        """Where a value is."""
        share = (math.log10(value) - self.powers[0]) / (self.powers[-1] - self.powers[0])
        return self._start + share * (self._end - self._start)


def _drawn(lines: Mapping[str, Points], xs: _Axis, ys: _Axis, taken: list[float]) -> list[str]:
    parts = []
    ends = sorted(lines.items(), key=lambda item: ys.place(item[1][-1][1]))
    colors = dict(zip(lines, _COLORS * len(lines), strict=False))
    for name, points in ends:
        color = colors[name]
        path = " ".join(f"{xs.place(x):.1f},{ys.place(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{xs.place(x):.1f}" cy="{ys.place(y):.1f}" r="3" fill="{color}"/>' for x, y in points
        ]
        y = ys.place(points[-1][1])
        # Labels keep their distance from one another.
        while any(abs(y - other) < 14 for other in taken):
            y += 2
        taken.append(y)
        parts.append(_text(_WIDTH - _RIGHT + 8, y + 4, name, color=color))
    return parts


def _across(axis: _Axis, power: int) -> str:
    x = axis.place(10**power)
    return f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_HEIGHT - _BOTTOM}" stroke="#e3e3e3"/>' + _text(
        x, _HEIGHT - _BOTTOM + 18, _number(power), "middle"
    )


def _up(axis: _Axis, power: int) -> str:
    y = axis.place(10**power)
    return f'<line x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}" stroke="#e3e3e3"/>' + _text(
        _LEFT - 8, y + 4, _number(power), "end"
    )


def _number(power: int) -> str:
    return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"


def _text(
    x: float, y: float, words: str, anchor: str = "start", size: int = 12, color: str = "#333333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{color}">'
        f"{escape(words)}</text>"
    )
