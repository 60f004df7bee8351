"""Why seats are as many as they are: each reason by a case, and conservation for any two days."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from book import Book
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_snapshots import APP, CPQ, DAY, MARKETING, ORG, SALES

from license_ledger.warehouse.movements import between, breaches

NEXT = DAY + timedelta(days=1)
SINCE = datetime(2026, 3, 2, 20, tzinfo=UTC)
PLATFORM = ("user", "100000000000002AAA", "AUL", "Platform")
LICENSES = {"sales": SALES, "platform": PLATFORM, "cpq": CPQ, "app": APP, "marketing": MARKETING}
NAMES = ("license_layer", "license_id", "license_key", "license_name")
HIDDEN_HOLDERS = {
    "capabilities": json.dumps([{"object": "PermissionSetLicenseAssign", "field": None}]),
    "is_partial": True,
}


def named(license_: str) -> dict[str, Any]:
    """The columns that name a license."""
    return dict(zip(NAMES, LICENSES[license_], strict=True))


def person(number: int, *held: str, **user: Any) -> dict[str, Any]:
    """A user with the licenses that they hold."""
    own = next((LICENSES[name][1] for name in held if LICENSES[name][0] == "user"), SALES[1])
    return {"user": {"user_id": f"005{number:012}AAA", "license_id": own} | user, "held": held}


def taken(book: Book, day: date, *people: dict[str, Any], **snapshot: Any) -> None:
    """A snapshot of a day with these people and their seats; all licenses are there."""
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    book.write("snapshots", {"captured_at": at} | snapshot, day=day)
    book.write("licenses", *map(named, LICENSES), day=day)
    if people:
        book.write("users", *(each["user"] for each in people), day=day)
    seats = [
        {"user_id": each["user"]["user_id"], "is_active": each["user"].get("is_active", True)} | named(name)
        for each in people
        for name in each["held"]
    ]
    if seats:
        book.write("seats", *seats, day=day)


def told(book: Book) -> list[tuple[str, str, str]]:
    """License, direction and reason of every seat that moved."""
    rows = book.read("SELECT * FROM seat_movements ORDER BY snapshot_date, user_id, direction, license_id")
    return [(row["license_key"], row["direction"], row["reason"]) for row in rows]


@pytest.mark.parametrize(
    ("before", "now", "snapshot", "expected"),
    [
        (None, person(1, "sales", created_at=SINCE), {}, [("SFDC", "in", "joiner")]),
        (None, person(1, "sales"), {}, [("SFDC", "in", "entered_scope")]),
        (None, person(1, "sales"), {"scope_hash": "other"}, [("SFDC", "in", "rescoped_in")]),
        (
            None,
            person(1, "sales", created_at=SINCE),
            {"scope_hash": "other"},
            [("SFDC", "in", "joiner")],
        ),
        (person(1, "sales"), None, {}, [("SFDC", "out", "left_scope")]),
        (person(1, "sales"), None, {"scope_hash": "other"}, [("SFDC", "out", "rescoped_out")]),
        (person(1, "sales"), None, {"is_partial": True}, [("SFDC", "out", "unknown")]),
        (person(1, "sales"), person(1, is_active=False), {}, [("SFDC", "out", "leaver")]),
        (person(1, is_active=False), person(1, "sales"), {}, [("SFDC", "in", "reactivated")]),
        (
            person(1, "sales"),
            person(1, "platform"),
            {},
            [("AUL", "in", "moved"), ("SFDC", "out", "moved")],
        ),
        (person(1, "sales"), person(1, "sales", "cpq"), {}, [("CPQ", "in", "assigned")]),
        (person(1, "sales", "app"), person(1, "sales"), {}, [("acme", "out", "unassigned")]),
        (person(1, "sales", "cpq"), person(1, "cpq", is_active=False), {}, [("SFDC", "out", "leaver")]),
        (
            person(1, "sales", "cpq"),
            person(1, "sales"),
            HIDDEN_HOLDERS,
            [("CPQ", "out", "unknown")],
        ),
        (
            person(1, "sales", "app"),
            person(1, "sales"),
            HIDDEN_HOLDERS,
            [("acme", "out", "unassigned")],
        ),
        (person(1, "sales", "marketing"), person(1, "sales", "marketing"), {}, []),
    ],
)
def test_a_seat_moves_for_its_reason(
    book: Book,
    before: dict[str, Any] | None,
    now: dict[str, Any] | None,
    snapshot: dict[str, Any],
    expected: list[tuple[str, str, str]],
) -> None:
    """Every seat that is new or gone is told once, with the license, the direction and why."""
    taken(book, DAY, *([] if before is None else [before]))
    taken(book, NEXT, *([] if now is None else [now]), **snapshot)

    assert told(book) == expected
    assert breaches(book.connection) == []


def test_seats_that_come_back_into_sight_are_nobodys_gain(book: Book) -> None:
    """Holders that could not be seen for a day go and come for a reason that is not known."""
    days = [DAY + timedelta(days=n) for n in range(3)]
    taken(book, days[0], person(1, "sales", "cpq"))
    taken(book, days[1], person(1, "sales"), **HIDDEN_HOLDERS)
    taken(book, days[2], person(1, "sales", "cpq"), person(2, "cpq", created_at=SINCE + timedelta(days=1)))

    assert told(book) == [("CPQ", "out", "unknown"), ("CPQ", "in", "unknown"), ("CPQ", "in", "joiner")]


def test_flows_add_up_by_reason(book: Book) -> None:
    """For each license: seats before, in by reason, out by reason, seats after."""
    taken(book, DAY, person(1, "sales", "cpq"), person(2, "sales"), person(3, "platform"), person(4, "sales"))
    taken(
        book,
        NEXT,
        person(1, "sales"),
        person(2, "platform"),
        person(3, "platform"),
        person(4, is_active=False),
        person(5, "sales", created_at=SINCE),
    )
    rows = book.read("SELECT * FROM license_flows")
    found = {row["license_key"]: {k: v for k, v in row.items() if k.endswith("_count") and v} for row in rows}

    assert found == {
        "SFDC": {"seats_before_count": 3, "in_count": 1, "in_joiner_count": 1, "seats_after_count": 2}
        | {"out_count": 2, "out_moved_count": 1, "out_leaver_count": 1},
        "AUL": {"seats_before_count": 1, "in_count": 1, "in_moved_count": 1, "seats_after_count": 2},
        "CPQ": {"seats_before_count": 1, "out_count": 1, "out_unassigned_count": 1},
        "acme": {},
        "MarketingUser": {},
    }
    assert all(row["is_balanced"] and row["is_latest"] for row in rows)
    apart = between(book.connection, ORG, DAY, NEXT, "license_flows").to_pylist()
    assert sorted(map(str, apart)) == sorted(map(str, rows))


PEOPLE = st.lists(
    st.builds(
        lambda number, held, user_seat, created, active: person(
            number,
            *([user_seat] if active and user_seat else []),
            *sorted(held),
            is_active=active,
            created_at=created,
        ),
        st.integers(1, 5),
        st.sets(st.sampled_from(["cpq", "app", "marketing"])),
        st.sampled_from(["sales", "platform", None]),
        st.sampled_from([None, SINCE, SINCE - timedelta(days=90)]),
        st.booleans(),
    ),
    max_size=5,
    unique_by=lambda each: each["user"]["user_id"],
)
SNAPSHOT = st.fixed_dictionaries(
    {"scope_hash": st.sampled_from(["scope-1", "scope-2"])},
    optional={
        "is_partial": st.booleans(),
        "capabilities": st.sampled_from([HIDDEN_HOLDERS["capabilities"], "[]"]),
        "provenance": st.sampled_from(["observed", "reconstructed"]),
    },
)


@pytest.mark.slow
@given(history=st.lists(st.tuples(st.integers(1, 3), PEOPLE, SNAPSHOT), min_size=2, max_size=4))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_seats_are_conserved_whatever_happens(book: Book, history: list[tuple[int, Any, Any]]) -> None:
    """For any days, gaps, filters and sight: seats before + in - out = seats after, each with a reason."""
    book.clear()
    day = DAY
    for gap, people, snapshot in history:
        taken(book, day, *people, **snapshot)
        day += timedelta(days=gap)
    rows = book.read("SELECT * FROM license_flows")
    seats = {
        (row["snapshot_date"], row["license_id"]): row["n"]
        for row in book.read("SELECT snapshot_date, license_id, count(*) AS n FROM seats GROUP BY ALL")
    }
    reasons = ("joiner", "reactivated", "assigned", "moved", "entered_scope", "rescoped", "unknown")
    causes = ("leaver", "unassigned", "moved", "left_scope", "rescoped", "unknown")

    assert len(rows) == (len(history) - 1) * len(LICENSES)
    for row in rows:
        assert row["seats_before_count"] == seats.get((row["previous_snapshot_date"], row["license_id"]), 0)
        assert row["seats_after_count"] == seats.get((row["snapshot_date"], row["license_id"]), 0)
        assert row["in_count"] == sum(row[f"in_{reason}_count"] for reason in reasons)
        assert row["out_count"] == sum(row[f"out_{cause}_count"] for cause in causes)
    assert breaches(book.connection) == []
