"""Licenses by department: nobody is told apart from a group of fewer than five."""

from __future__ import annotations

from collections import Counter

import pytest
from book import Book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SMALLEST = 5


def _people(book: Book, sizes: dict[str | None, int]) -> None:
    """People of departments, each with a seat; one more of each department is deactivated."""
    book.write("snapshots", {})
    people = [
        {"user_id": f"{department}-{number}", "department": department, "is_active": number > 0}
        for department, size in sizes.items()
        for number in range(size + 1)
    ]
    book.write("users", *people)
    book.write("seats", *({name: one[name] for name in ("user_id", "is_active")} for one in people))


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"Sales": 5}, [("Sales", False, 5)]),
        ({"Sales": 4}, []),
        ({"Sales": 9, "Board": 1}, [(None, True, 10)]),
        ({"Sales": 9, "Board": 1, "Audit": 4}, [("Sales", False, 9), (None, True, 5)]),
        ({"Sales": 9, "Board": 1, "Audit": 3}, [(None, True, 13)]),
        ({"Sales": 9, "Service": 6, "Board": 2}, [("Sales", False, 9), (None, True, 8)]),
        ({"Sales": 9, None: 7}, [("Sales", False, 9), (None, False, 7)]),
        ({"Sales": 9, None: 2}, [(None, True, 11)]),
        ({"Board": 2, "Audit": 2}, []),
        ({}, []),
    ],
)
def test_small_departments_are_told_together(
    book: Book, sizes: dict[str | None, int], told: list[tuple[str | None, bool, int]]
) -> None:
    """Fewer than five are folded, with the next larger one where they are fewer than five together."""
    _people(book, sizes)

    rows = book.read("SELECT * FROM department_licenses ORDER BY is_small_departments, department NULLS LAST")

    found = [(row["department"], row["is_small_departments"], row["department_people_count"]) for row in rows]
    assert found == told
    assert all(row["active_seat_count"] == row["department_people_count"] for row in rows)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.one_of(st.none(), st.sampled_from(["A", "B", "C", "D", "E", "F"])), st.integers(1, 9), max_size=7
    )
)
def test_no_row_is_of_fewer_than_five(book: Book, sizes: dict[str | None, int]) -> None:
    """Every row is of five people or more; if any is told, all are, and every group once."""
    book.clear()
    _people(book, sizes)

    rows = book.read("SELECT * FROM department_licenses")

    assert all(row["department_people_count"] >= SMALLEST for row in rows)
    assert sum(row["active_seat_count"] for row in rows) in (0, sum(sizes.values()))
    assert bool(rows) == (sum(sizes.values()) >= SMALLEST)
    groups = Counter((row["department"], row["is_small_departments"]) for row in rows)
    assert set(groups.values()) <= {1}
    named = {row["department"] for row in rows if not row["is_small_departments"]}
    assert all(sizes[name] >= SMALLEST for name in named)


def test_use_is_counted_by_license(book: Book) -> None:
    """Seats by activity and frozen ones, each license by itself; the seats of deactivated people are not."""
    book.write("snapshots", {})
    book.write("users", *({"user_id": str(n), "department": "Sales"} for n in range(6)))
    bands = ["0-30", "31-60", "91-180", "181+", "never", "not_monitored"]
    for license_id, held in (("A", 6), ("B", 2)):
        book.write(
            "seats",
            *(
                {"user_id": str(n), "license_id": license_id, "activity_band": bands[n], "is_frozen": n == 1}
                for n in range(held)
            ),
        )

    rows = book.read("SELECT * FROM department_licenses ORDER BY license_id")

    counts = ("active_seat_count", "seen_in_30_days_count", "not_seen_in_90_days_count", "frozen_count")
    assert [(row["license_id"], *(row[name] for name in counts)) for row in rows] == [
        ("A", 6, 1, 3, 1),
        ("B", 2, 1, 0, 1),
    ]
    assert {row["department_people_count"] for row in rows} == {6}
    assert all(row["is_latest"] for row in rows)
