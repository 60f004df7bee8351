"""Who came, went and moved: each kind by a case, and never by a snapshot that did not see everybody."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from book import Book
from made_snapshots import DAY, ORG, OTHER_ORG

from license_ledger.errors import SnapshotRefused
from license_ledger.warehouse.movements import between

NEXT = DAY + timedelta(days=1)
PERSON = {
    "license_id": "100000000000001AAA",
    "license_name": "Salesforce",
    "profile_id": "00e000000000001AAA",
    "profile_name": "Standard User",
    "department": "Sales",
    "company_name": "Acme",
    "certainty": "sure",
}
SINCE = datetime(2026, 3, 2, 20, tzinfo=UTC)
"""After the first snapshot, before the second."""
HIDDEN = {"is_partial": True, "capabilities": json.dumps([{"object": "User", "field": None}])}


def taken(book: Book, day: date, *people: dict[str, Any], **snapshot: Any) -> None:
    """A snapshot of a day with these people."""
    at = datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
    book.write("snapshots", {"captured_at": at} | snapshot, day=day)
    if people:
        book.write("users", *(PERSON | person for person in people), day=day)


def told(book: Book, day: date | None = None) -> list[tuple[Any, ...]]:
    """User, kind, attribute, from and to of the movements of a day."""
    where = f"WHERE snapshot_date = DATE '{day}'" if day else ""
    rows = book.read(f"SELECT * FROM movements {where} ORDER BY snapshot_date, user_id, kind, attribute")
    return [(r["user_id"], r["kind"], r["attribute"], r["from_value"], r["to_value"]) for r in rows]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        (None, {"created_at": SINCE}, [("joiner", None, None, None)]),
        (None, {"created_at": SINCE, "is_active": False}, [("joiner", None, None, None)]),
        (None, {"created_at": None}, [("joiner", None, None, None)]),
        (None, {}, [("entered_scope", None, None, None)]),
        ({}, None, [("left_scope", None, None, None)]),
        ({}, {}, []),
        ({}, {"is_active": False}, [("leaver", None, None, None)]),
        ({"is_active": False}, {"is_active": True}, [("reactivated", None, None, None)]),
        ({"is_active": False}, {"is_active": False}, []),
        ({}, {"department": "Support"}, [("mover", "department", "Sales", "Support")]),
        ({}, {"department": None}, [("mover", "department", "Sales", None)]),
        ({"department": None}, {}, [("mover", "department", None, "Sales")]),
        ({}, {"company_name": "Globex"}, [("mover", "company", "Acme", "Globex")]),
        ({}, {"email_domain": "globex.example"}, [("mover", "email_domain", "acme.com", "globex.example")]),
        (
            {},
            {"license_id": "100000000000002AAA", "license_name": "Platform"},
            [("mover", "license", "Salesforce", "Platform")],
        ),
        ({}, {"license_name": "Salesforce, renamed"}, []),
        (
            {},
            {"profile_id": "00e000000000002AAA", "profile_name": None},
            [("mover", "profile", "Standard User", "00e000000000002AAA")],
        ),
        (
            {},
            {"is_active": False, "department": None, "company_name": "Globex"},
            [
                ("leaver", None, None, None),
                ("mover", "company", "Acme", "Globex"),
                ("mover", "department", "Sales", None),
            ],
        ),
        ({}, {"title": "Chief", "activity_band": "never", "is_frozen": True}, []),
    ],
)
def test_a_movement_has_its_kind(
    book: Book, before: dict[str, Any] | None, now: dict[str, Any] | None, expected: list[tuple[Any, ...]]
) -> None:
    """From one day to the next a user comes, goes, comes back or moves, each told once with from and to."""
    taken(book, DAY, *([] if before is None else [before]))
    taken(book, NEXT, *([] if now is None else [now]))

    assert [row[1:] for row in told(book)] == expected


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        (None, {}, "rescoped_in"),
        (None, {"created_at": None}, "rescoped_in"),
        (None, {"created_at": SINCE}, "joiner"),
        ({}, None, "rescoped_out"),
        ({}, {"is_active": False}, "leaver"),
    ],
)
def test_a_changed_filter_is_no_movement_of_people(
    book: Book, before: dict[str, Any] | None, now: dict[str, Any] | None, kind: str
) -> None:
    """Whom another company filter brings in or takes out is re-scoped; somebody created since has joined."""
    taken(book, DAY, *([] if before is None else [before]))
    taken(book, NEXT, *([] if now is None else [now]), scope_hash="scope-2")

    assert [row[1] for row in told(book)] == [kind]


def test_nobody_leaves_by_a_partial_snapshot(book: Book) -> None:
    """A day that did not see everybody is passed over; the next whole one tells what happened meanwhile."""
    days = [DAY + timedelta(days=n) for n in range(4)]
    staying, leaving = {"user_id": "005000000000001AAA"}, {"user_id": "005000000000002AAA"}
    late = {"user_id": "005000000000003AAA", "created_at": SINCE}
    taken(book, days[0], staying, leaving)
    taken(book, days[1], staying, **HIDDEN)
    taken(book, days[2], late, **HIDDEN)
    taken(book, days[3], staying, leaving | {"is_active": False}, late)

    assert [row[:2] for row in told(book)] == [(leaving["user_id"], "leaver"), (late["user_id"], "joiner")]
    rows = book.read("SELECT DISTINCT snapshot_date, previous_snapshot_date FROM movements")
    assert rows == [{"snapshot_date": days[3], "previous_snapshot_date": days[0]}]


def test_an_org_never_seen_whole_has_the_movements_that_rows_tell(book: Book) -> None:
    """Where users are always hidden, nobody enters or leaves scope, but changes of those seen are told."""
    one, two, three = ({"user_id": f"00500000000000{n}AAA"} for n in (1, 2, 3))
    taken(book, DAY, one, two, **HIDDEN)
    taken(book, NEXT, one | {"is_active": False}, three, **HIDDEN)

    assert [row[:2] for row in told(book)] == [(one["user_id"], "leaver")]


@pytest.mark.parametrize(
    ("snapshot", "kinds"),
    [
        ({"is_partial": True}, []),
        ({"is_partial": None}, ["left_scope"]),
        (
            {
                "is_partial": True,
                "capabilities": json.dumps([{"object": "UserPackageLicense", "field": None}]),
            },
            ["left_scope"],
        ),
    ],
)
def test_what_was_not_visible_decides(book: Book, snapshot: dict[str, Any], kinds: list[str]) -> None:
    """Missing holders of packages hide no people; a snapshot partial for no known reason hides all."""
    taken(book, DAY, {})
    taken(book, NEXT, **snapshot)

    assert [row[1] for row in told(book)] == kinds


def test_a_field_that_became_visible_moves_nobody(book: Book) -> None:
    """Departments that could not be read on one of the days are not compared, companies still are."""
    gap = json.dumps([{"object": "User", "field": "Department"}])
    taken(book, DAY, {"department": None}, capabilities=gap)
    taken(book, NEXT, {"company_name": "Globex"})

    assert [row[2] for row in told(book)] == ["company"]


def test_what_a_reconstruction_does_not_know_is_no_movement(book: Book) -> None:
    """A null of a reconstructed day is unknown, not empty; another value is a movement, less certain."""
    taken(
        book,
        DAY,
        {"department": None, "company_name": "Old", "certainty": "likely"},
        provenance="reconstructed",
    )
    taken(book, NEXT, {})
    [row] = book.read("SELECT * FROM movements")

    assert (row["attribute"], row["certainty"]) == ("company", "likely")
    assert (row["provenance"], row["previous_provenance"]) == ("observed", "reconstructed")


def test_a_gap_is_bridged_knowingly(book: Book) -> None:
    """After days without a snapshot the movement names the day it is compared with."""
    taken(book, DAY, {})
    taken(book, DAY + timedelta(days=9), {"is_active": False})
    [row] = book.read("SELECT * FROM movements")

    assert (row["previous_snapshot_date"], row["is_latest"]) == (DAY, True)


def test_orgs_are_apart(book: Book) -> None:
    """The same id in two orgs is two users, and each org has its own days."""
    for org, active in ((ORG, True), (OTHER_ORG, False)):
        for day, is_active in ((DAY, True), (NEXT, active)):
            book.write("snapshots", {}, org_id=org, day=day)
            book.write("users", PERSON | {"is_active": is_active}, org_id=org, day=day)
    rows = book.read("SELECT org_id, kind FROM movements")

    assert rows == [{"org_id": OTHER_ORG, "kind": "leaver"}]


def test_two_days_far_apart_are_compared_directly(book: Book) -> None:
    """What happened and was undone in between is not seen; the columns are those of the view."""
    other = {"user_id": "005000000000002AAA"}
    days = [DAY + timedelta(days=n) for n in range(4)]
    taken(book, days[0], {}, other)
    taken(book, days[1], {"is_active": False}, other)
    taken(book, days[2], {}, other | {"department": "Support"})
    taken(book, days[3], {}, other | {"department": "Finance"})
    found = between(book.connection, ORG, days[0], days[3])

    assert found.column_names == book.connection.sql("SELECT * FROM movements").columns
    assert [(r["user_id"], r["from_value"], r["to_value"]) for r in found.to_pylist()] == [
        (other["user_id"], "Sales", "Finance")
    ]
    assert between(book.connection, ORG, days[0], days[1]).num_rows == 1
    assert found["previous_snapshot_date"].to_pylist() == [days[0]]


@pytest.mark.parametrize(
    ("org", "earlier", "later", "words"),
    [
        (ORG, NEXT, DAY, "not in order"),
        (ORG, DAY, DAY, "not in order"),
        (ORG, DAY, NEXT + timedelta(days=1), "no snapshot of 2026-03-04"),
        (OTHER_ORG, DAY, NEXT, "no snapshot of 2026-03-02"),
    ],
)
def test_days_that_cannot_be_compared_are_refused(
    book: Book, org: str, earlier: date, later: date, words: str
) -> None:
    """A day without a snapshot is named, and so is a wrong order."""
    taken(book, DAY, {})
    taken(book, NEXT, {})

    with pytest.raises(SnapshotRefused, match=words):
        between(book.connection, org, earlier, later)
