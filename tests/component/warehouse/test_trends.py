"""Allotments, trends, quarters, month ends, forecasts and renewals of licenses."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from book import Book
from made_snapshots import DAY

NEXT = DAY + timedelta(days=1)


def taken(book: Book, day: date, *licenses: dict[str, Any], **snapshot: Any) -> None:
    """A snapshot of a day with these licenses."""
    book.write("snapshots", snapshot, day=day)
    if licenses:
        book.write("licenses", *licenses, day=day)


def series(book: Book, used: dict[int, int | None], **license_: Any) -> None:
    """Snapshots of one license, by the number of days before :data:`DAY`."""
    for back, count in used.items():
        taken(book, DAY - timedelta(days=back), {"used_count": count, "total_count": 100} | license_)


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({"total_count": 10}, {"total_count": 10}, []),
        ({"total_count": 10}, {"total_count": 25}, [("bought", 10, 25, 15)]),
        ({"total_count": 25}, {"total_count": 10}, [("dropped", 25, 10, -15)]),
        (None, {"total_count": 5}, [("new", None, 5, 5)]),
        ({"total_count": 5}, None, [("gone", 5, None, -5)]),
        ({"total_count": 5}, {"is_unlimited": True}, [("became_unlimited", 5, None, None)]),
        ({"is_unlimited": True}, {"total_count": 5}, [("became_limited", None, 5, None)]),
        ({"total_count": None}, {"total_count": 5}, []),
        ({"total_count": 5}, {"total_count": None}, []),
        ({"expires_on": DAY}, {"expires_on": DAY}, [("expired", None, None, None)]),
        ({"expires_on": NEXT}, {"expires_on": NEXT}, []),
        ({"expires_on": DAY - timedelta(days=1)}, {"expires_on": DAY - timedelta(days=1)}, []),
        ({"expires_on": DAY}, None, [("expired", None, None, None), ("gone", None, None, None)]),
        (
            {"expires_on": DAY},
            {"expires_on": DAY + timedelta(days=365)},
            [("renewed", None, None, None)],
        ),
        ({"status": "Active"}, {"status": "Expired"}, [("expired", None, None, None)]),
        (
            {"status": "Active", "expires_on": DAY - timedelta(days=3)},
            {"status": "Expired", "expires_on": DAY - timedelta(days=3)},
            [],
        ),
        (
            {"total_count": 5, "expires_on": NEXT},
            {"total_count": 9, "expires_on": NEXT + timedelta(days=1)},
            [("bought", 5, 9, 4), ("renewed", 5, 9, 4)],
        ),
    ],
)
def test_an_allotment_changes(
    book: Book, before: dict[str, Any] | None, now: dict[str, Any] | None, expected: list[tuple[Any, ...]]
) -> None:
    """What was bought, dropped, new, gone, expired or renewed is told once, from what to what."""
    taken(book, DAY, *([] if before is None else [before]))
    taken(book, NEXT, *([] if now is None else [now]))
    rows = book.read("SELECT * FROM license_changes ORDER BY kind")

    assert [(r["kind"], r["from_count"], r["to_count"], r["change_count"]) for r in rows] == expected


def test_licenses_that_came_into_sight_are_not_new(book: Book) -> None:
    """A layer that could not be read on one of the days has no changes; other layers have."""
    gap = json.dumps([{"object": "PermissionSetLicense", "field": None}])
    package = {"license_layer": "package", "license_id": "050000000000009AAA"}
    taken(book, DAY, capabilities=gap)
    taken(book, NEXT, {"total_count": 5}, package)
    rows = book.read("SELECT license_layer, kind FROM license_changes")

    assert rows == [{"license_layer": "package", "kind": "new"}]


def test_a_trend_has_every_day_with_its_provenance(book: Book) -> None:
    """Each day tells total, use, change and averages over days, not rows; gaps and provenance are shown."""
    for back, used, provenance in ((30, 10, "reconstructed"), (3, 40, "replayed"), (0, 60, "observed")):
        day = DAY - timedelta(days=back)
        taken(book, day, {"used_count": used, "total_count": 80}, provenance=provenance)
    rows = book.read("SELECT * FROM license_trend ORDER BY snapshot_date")

    def columns(*names: str) -> list[tuple[Any, ...]]:
        return [tuple(row[name] for name in names) for row in rows]

    assert columns("provenance", "missing_days_before", "is_latest") == [
        ("reconstructed", None, False),
        ("replayed", 26, False),
        ("observed", 2, True),
    ]
    assert columns("used_change_count", "total_change_count") == [(None, None), (30, 0), (20, 0)]
    averages = [
        (str(row["used_7_day_average"]), str(row["used_28_day_average"]), str(row["utilization_percent"]))
        for row in rows
    ]
    assert averages == [("10.0", "10.0", "12.5"), ("40.0", "25.0", "50.0"), ("50.0", "50.0", "75.0")]


def test_a_month_ends_with_its_last_snapshot(book: Book) -> None:
    """The last snapshot of a month that is over stands for its end, and tells how far from it it is."""
    for day, used in (
        (date(2026, 1, 15), 5),
        (date(2026, 1, 31), 10),
        (date(2026, 2, 10), 20),
        (date(2026, 2, 26), 30),
        (date(2026, 4, 1), 40),
        (date(2026, 4, 29), 50),
    ):
        taken(book, day, {"used_count": used})
    rows = book.read("SELECT * FROM license_month_ends ORDER BY month_start")

    assert [
        (r["month_start"], r["snapshot_date"], r["days_before_month_end"], r["used_change_count"])
        for r in rows
    ] == [
        (date(2026, 1, 1), date(2026, 1, 31), 0, None),
        (date(2026, 2, 1), date(2026, 2, 26), 2, 20),
    ]


def test_the_last_day_of_a_month_is_its_end_at_once(book: Book) -> None:
    """A month whose last day has a snapshot is over, though nothing follows yet."""
    taken(book, date(2026, 2, 28), {"used_count": 1})

    assert [r["month_start"] for r in book.read("SELECT * FROM license_month_ends")] == [date(2026, 2, 1)]


def test_a_quarter_has_its_peak_and_its_trough(book: Book) -> None:
    """Highest and lowest use with their first dates, the level that 95 % of days keep to, and provenance."""
    start = date(2026, 1, 1)
    for number in range(89):
        used = {10: 3, 20: 90, 21: 90}.get(number, 50)
        day = start + timedelta(days=number)
        provenance = "observed" if number % 2 else "reconstructed"
        taken(book, day, {"used_count": used, "total_count": 100 + number}, provenance=provenance)
    taken(book, date(2026, 4, 2), {"used_count": 7})
    first, second = book.read("SELECT * FROM license_quarters ORDER BY quarter_start")

    assert (first["peak_used_count"], first["peak_on"]) == (90, start + timedelta(days=20))
    assert (first["trough_used_count"], first["trough_on"]) == (3, start + timedelta(days=10))
    assert (first["high_used_count"], first["snapshot_count"]) == (50, 89)
    assert (first["peak_total_count"], first["last_total_count"]) == (188, 188)
    assert (first["observed_count"], first["replayed_count"], first["reconstructed_count"]) == (44, 0, 45)
    assert (first["is_over"], second["is_over"]) == (True, False)
    assert (second["peak_used_count"], second["trough_used_count"]) == (7, 7)


@pytest.mark.parametrize(
    ("used", "license_", "reason"),
    [
        ({0: None}, {}, "no_counter"),
        ({n: n for n in range(20)}, {"is_unlimited": True, "total_count": None}, "unlimited"),
        ({n: n for n in range(20)}, {"total_count": None}, "no_total"),
        ({0: 100}, {}, "exhausted"),
        ({0: 120}, {}, "exhausted"),
        ({n: 50 - n for n in range(0, 21, 3)}, {}, "too_few_points"),
        ({n: 50 - n for n in range(14)}, {}, "too_few_points"),
        ({n: 50 for n in range(90)}, {}, "not_growing"),
        ({n: 50 + n for n in range(30)}, {}, "not_growing"),
        ({n: 50 + n % 2 * 30 for n in range(30)}, {}, "not_growing"),
        ({n: 50 - n // 45 for n in range(90)}, {"total_count": 10**6}, "beyond_ten_years"),
        ({n: 50 - n for n in range(15)}, {}, None),
    ],
)
def test_a_forecast_or_the_reason_why_not(
    book: Book, used: dict[int, int | None], license_: dict[str, Any], reason: str | None
) -> None:
    """A license has a day on which it runs out, or one reason why that cannot be told; never both."""
    series(book, used, **license_)
    [row] = book.read("SELECT * FROM license_forecast")

    assert row["reason"] == reason
    numbers = (row["days_to_exhaustion"], row["earliest_days"], row["latest_days"])
    expected = {None: (50, 50, 50), "exhausted": (0, None, None)}
    assert numbers == expected.get(reason, (None, None, None))


def _student(freedom: int) -> float:
    """The 95 % quantile of Student's t, from tables."""
    return {8: 1.8595, 18: 1.7341, 58: 1.6716, 88: 1.6624}[freedom]


@pytest.mark.parametrize("points", [10, 20, 60, 90])
def test_the_forecast_is_the_line_with_its_interval(book: Book, points: int) -> None:
    """Day and interval are those of least squares and inverse prediction, computed here with numpy."""
    noise = np.random.default_rng(points).integers(-2, 3, points)
    step = 2 if points == 10 else 1
    backs = np.arange(points) * step
    used = 70 - (backs * 0.6).astype(int) + noise
    series(book, {int(b): int(u) for b, u in zip(backs, used, strict=True)})
    [row] = book.read("SELECT * FROM license_forecast")

    x, y = -backs.astype(float), used.astype(float)
    slope, intercept = np.polyfit(x, y, 1)
    residual = np.sum((y - slope * x - intercept) ** 2) / (points - 2)
    sxx = np.sum((x - x.mean()) ** 2)

    def reaches(ahead: float) -> float:
        """How many standard errors the single count of a day ahead lies below the total."""
        error = np.sqrt(residual * (1 + 1 / points + (ahead - x.mean()) ** 2 / sxx))
        return float((100 - slope * ahead - intercept) / error)

    t = _student(points - 2)
    assert row["days_to_exhaustion"] == int(np.ceil((100 - intercept) / slope))
    assert row["earliest_days"] == pytest.approx(_root(lambda ahead: reaches(ahead) - t), abs=1.01)
    assert row["latest_days"] == pytest.approx(_root(lambda ahead: reaches(ahead) + t), abs=1.01)
    assert row["earliest_days"] <= row["days_to_exhaustion"] <= row["latest_days"]
    assert row["exhausted_on"] == DAY + timedelta(days=row["days_to_exhaustion"])
    assert (row["point_count"], row["observed_count"]) == (points, points)
    assert float(row["seats_per_30_days"]) == pytest.approx(30 * slope, abs=0.06)


def _root(function: Callable[[float], float]) -> float:
    """Where a falling function crosses zero, by halving."""
    low, high = 0.0, 10_000.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return low


def test_a_forecast_looks_at_90_days_and_shows_their_provenance(book: Book) -> None:
    """Older days are left out, and the mix of what the line was fitted to is told."""
    for back in range(120):
        day = DAY - timedelta(days=back)
        used = 80 - back if back < 90 else 500
        taken(
            book,
            day,
            {"used_count": max(used, 0), "total_count": 100},
            provenance=("observed", "replayed", "reconstructed")[back % 3],
        )
    [row] = book.read("SELECT * FROM license_forecast")

    assert row["point_count"] == 90
    assert (row["first_on"], row["last_on"]) == (DAY - timedelta(days=89), DAY)
    assert (row["observed_count"], row["replayed_count"], row["reconstructed_count"]) == (30, 30, 30)


@pytest.mark.parametrize(
    ("days", "due"),
    [
        (-1, "expired"),
        (0, "30_days"),
        (30, "30_days"),
        (31, "60_days"),
        (61, "90_days"),
        (91, "120_days"),
        (121, "later"),
    ],
)
def test_a_renewal_is_due(book: Book, days: int, due: str) -> None:
    """An expiring license tells how long it lasts, how many seats it has, and their highest use of late."""
    expires = {"expires_on": DAY + timedelta(days=days), "total_count": 50}
    taken(book, DAY - timedelta(days=100), expires | {"used_count": 49})
    taken(book, DAY - timedelta(days=50), expires | {"used_count": 40})
    taken(book, DAY, expires | {"used_count": 25}, {"license_id": "other", "expires_on": None})
    [row] = book.read("SELECT * FROM renewals WHERE is_latest")

    assert (row["expires_in_days"], row["due"]) == (days, due)
    assert (row["total_count"], row["used_count"], row["peak_used_count"]) == (50, 25, 40)
    assert str(row["utilization_percent"]) == "50.0"
