"""What was true of a user from when to when."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from book import Book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_snapshots import DAY

from license_ledger.warehouse.movements import breaches

USER = "005000000000001AAA"


def day(number: int) -> date:
    """The numbered day; the first is 0."""
    return DAY + timedelta(days=number)


def taken(book: Book, number: int, *people: dict[str, Any]) -> None:
    """A snapshot of a numbered day with these people."""
    book.write("snapshots", {}, day=day(number))
    if people:
        book.write("users", *people, day=day(number))


def ranges(book: Book) -> list[tuple[Any, ...]]:
    """From, to, how it ended, gap before and department of each range, days as numbers."""
    rows = book.read("SELECT * FROM users_history ORDER BY user_id, valid_from")
    return [
        (
            (r["valid_from"] - DAY).days,
            r["valid_to"] and (r["valid_to"] - DAY).days,
            r["ended_by"],
            r["gap_before_days"],
            r["department"],
        )
        for r in rows
    ]


@pytest.mark.parametrize(
    ("departments", "expected"),
    [
        ({0: "a"}, [(0, None, None, None, "a")]),
        ({0: "a", 1: "a", 2: "a"}, [(0, None, None, None, "a")]),
        ({0: "a", 1: "b", 2: "b"}, [(0, 1, "change", None, "a"), (1, None, None, 0, "b")]),
        (
            {0: "a", 1: "b", 2: "a"},
            [(0, 1, "change", None, "a"), (1, 2, "change", 0, "b"), (2, None, None, 0, "a")],
        ),
        ({0: "a", 1: None}, [(0, 1, "change", None, "a"), (1, None, None, 0, None)]),
        ({0: "a", 4: "a", 5: "a"}, [(0, 1, "gap", None, "a"), (4, None, None, 3, "a")]),
        ({0: "a", 2: "b"}, [(0, 1, "gap", None, "a"), (2, None, None, 1, "b")]),
        ({0: "a", 1: "gone"}, [(0, 1, "gone", None, "a")]),
        ({0: "a", 1: "gone", 2: "a"}, [(0, 1, "gone", None, "a"), (2, None, None, 0, "a")]),
        ({0: "gone", 1: "a"}, [(1, None, None, 0, "a")]),
        ({0: "a", 1: "gone", 5: "a"}, [(0, 1, "gone", None, "a"), (5, None, None, 3, "a")]),
    ],
)
def test_a_range_lasts_until_something_changes(
    book: Book, departments: dict[int, str | None], expected: list[tuple[Any, ...]]
) -> None:
    """Ranges begin and end by change, absence or a day without a snapshot; that is told, not bridged."""
    for number, department in departments.items():
        taken(book, number, *([] if department == "gone" else [{"department": department}]))

    assert ranges(book) == expected
    assert breaches(book.connection) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("is_active", False),
        ("is_frozen", True),
        ("is_frozen", None),
        ("license_id", "100000000000002AAA"),
        ("profile_id", "00e000000000002AAA"),
        ("role_name", "Lead"),
        ("company_name", "Globex"),
        ("email_domain", "globex.example"),
        ("email", "other@acme.com"),
        ("name", "Another Name"),
        ("title", "Lead"),
        ("country", "FR"),
        ("division", "North"),
        ("username", "other"),
        ("user_type", "PowerPartner"),
        ("account_class", "contractor"),
        ("scope_reason", "domain"),
    ],
)
def test_every_tracked_attribute_begins_a_range(book: Book, column: str, value: Any) -> None:
    """A change of any attribute that a range tells ends it; the new range tells the new value."""
    taken(book, 0, {})
    taken(book, 1, {column: value})
    rows = book.read("SELECT * FROM users_history ORDER BY valid_from")

    assert [row["is_current"] for row in rows] == [False, True]
    assert rows[1][column] == value


def test_what_is_not_tracked_changes_nothing(book: Book) -> None:
    """Logins come and go without a new range."""
    taken(book, 0, {})
    taken(book, 1, {"activity_band": "never", "certainty": "likely"})

    assert len(ranges(book)) == 1


PERSON = st.one_of(st.none(), st.builds(dict, department=st.sampled_from(["a", "b", None])))
TWO = st.tuples(PERSON, PERSON)


@given(history=st.dictionaries(st.integers(0, 8), TWO, min_size=1))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_history_is_what_the_snapshots_say(book: Book, history: dict[int, Any]) -> None:
    """On every day with a snapshot one range per user tells that day's value; on other days there is none."""
    book.clear()
    for number, people in history.items():
        named = [{"user_id": f"00500000000000{n}AAA"} | p for n, p in enumerate(people) if p is not None]
        taken(book, number, *named)
    days = book.read(
        """
        SELECT d.day, h.user_id, h.department
        FROM (SELECT DATE '2026-03-02' + CAST(range AS INTEGER) AS day FROM range(9)) AS d
        INNER JOIN users_history AS h
            ON h.valid_from <= d.day AND (h.valid_to > d.day OR (h.valid_to IS NULL AND d.day <= (
                SELECT max(snapshot_date) FROM snapshots
            )))
        ORDER BY ALL
        """
    )
    expected = book.read("SELECT snapshot_date AS day, user_id, department FROM users ORDER BY ALL")

    assert days == expected
    assert breaches(book.connection) == []
