"""Salesforce's own dated counts: kept once per day, and held against what the ledger counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from book import Book
from made_snapshots import DAY

NEXT = DAY + timedelta(days=1)


def test_each_day_is_told_once_as_it_was_told_last(book: Book) -> None:
    """Of a day that several snapshots repeat, the newest writing counts; days only older ones tell stay."""
    old = DAY - timedelta(days=40)
    book.write(
        "control_totals",
        {"metrics_on": old, "assigned_count": 1},
        {"metrics_on": DAY, "assigned_count": 2},
    )
    book.write(
        "control_totals",
        {"metrics_on": DAY, "assigned_count": 3},
        {"metrics_on": NEXT, "assigned_count": 4},
        day=NEXT,
    )
    rows = book.read("SELECT * FROM native_metrics ORDER BY metrics_on")

    assert [(r["metrics_on"], r["assigned_count"], r["told_on"]) for r in rows] == [
        (old, 1, DAY),
        (DAY, 3, NEXT),
        (NEXT, 4, NEXT),
    ]


@pytest.mark.parametrize(
    ("license_", "metric", "expected"),
    [
        ({"active_holder_count": 7, "all_holder_count": 9}, {"assigned_count": 7}, (7, 0)),
        ({"active_holder_count": 7, "all_holder_count": 9}, {"assigned_count": 10}, (9, -1)),
        (
            {"active_holder_count": 7, "all_holder_count": 9, "count_basis": "active_only"},
            {"assigned_count": 5},
            (7, 2),
        ),
        ({"active_holder_count": None, "all_holder_count": None}, {"assigned_count": 5}, None),
        ({"active_holder_count": 7, "all_holder_count": 7}, {"assigned_count": None}, None),
        (
            {"active_holder_count": 7, "all_holder_count": 7},
            {"assigned_count": 7, "metrics_on": DAY - timedelta(days=32)},
            None,
        ),
    ],
)
def test_a_difference_is_what_the_ledger_counted_too_many(
    book: Book, license_: dict[str, Any], metric: dict[str, Any], expected: tuple[int, int] | None
) -> None:
    """Holders are counted as the license's counter counts; what cannot be compared is not compared."""
    basis = {"count_basis": "active_only" if metric["assigned_count"] == 7 else "all_assignees"}
    book.write("snapshots", {})
    book.write("licenses", basis | license_)
    book.write("control_totals", metric)
    rows = book.read("SELECT * FROM control_differences")
    [trust] = book.read("SELECT * FROM data_trust")

    assert [(r["ledger_count"], r["difference_count"]) for r in rows] == ([expected] if expected else [])
    assert trust["control_license_count"] == len(rows)
    assert trust["control_difference_count"] == (abs(expected[1]) if expected else None)
    assert trust["control_difference_license_count"] == (1 if expected and expected[1] else 0)


def test_the_newest_metric_of_the_same_snapshot_is_compared(book: Book) -> None:
    """Holders of a day are held against the metric of that day that came with them, and no other."""
    book.write("snapshots", {})
    book.write("licenses", {"active_holder_count": 7, "all_holder_count": 7})
    yesterday = {"metrics_on": DAY - timedelta(days=1), "assigned_count": 6}
    book.write("control_totals", {"assigned_count": 7}, yesterday)
    book.write("control_totals", {"assigned_count": 9}, day=NEXT)
    [row] = book.read("SELECT * FROM control_differences")

    assert (row["metrics_on"], row["assigned_count"], row["metric_age_days"]) == (DAY, 7, 0)


def test_trust_tells_how_much_is_sure(book: Book) -> None:
    """Rows that a reconstruction is not sure of are counted per table, and as a share of all."""
    book.write("snapshots", {"provenance": "reconstructed", "is_partial": False})
    book.write(
        "users", *({"user_id": str(n), "certainty": c} for n, c in enumerate(("sure", "unsure", "likely")))
    )
    book.write("seats", {"certainty": "likely"}, {"user_id": "2", "certainty": "sure"})
    book.write("licenses", {"certainty": "sure"}, *({"license_id": str(n)} for n in range(4)))
    [row] = book.read("SELECT * FROM data_trust")

    counts = (row["not_sure_user_count"], row["not_sure_seat_count"], row["not_sure_license_count"])
    assert counts == (2, 1, 0)
    assert (str(row["sure_percent"]), row["provenance"], row["is_partial"]) == (
        "70.00",
        "reconstructed",
        False,
    )
