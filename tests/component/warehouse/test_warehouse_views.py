"""The views answer what they say they answer."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from book import NOON, Book
from made_snapshots import APP, CPQ, DAY, MARKETING, ORG, OTHER_ORG, SALES, STORAGE, load, made_snapshot

from license_ledger.schemas import CAUSES
from license_ledger.warehouse.duckdb import open_readonly
from license_ledger.warehouse.statements import VIEWS


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_an_empty_warehouse_is_empty(book: Book, view: str) -> None:
    """Before the first snapshot every view can be queried."""
    assert book.read(f"SELECT * FROM {view}") == []


def test_the_position_adds_up(tmp_path: Path) -> None:
    """For every license with a counter, what is in scope and where the others went add up to used_count."""
    load(tmp_path / "w.duckdb", made_snapshot(200))
    with open_readonly(tmp_path / "w.duckdb") as connection:
        rows = connection.sql("SELECT * FROM license_position").to_arrow_table().to_pylist()
    parts = ("in_scope", "out_of_scope", "deactivated_holder", "not_seen", "unexplained")

    assert {row["license_id"] for row in rows} == {x[1] for x in (SALES, CPQ, APP, MARKETING, STORAGE)}
    for row in rows:
        if row["license_layer"] == "usage":
            assert [row[f"{part}_count"] for part in parts] == [None] * 5
        else:
            assert sum(row[f"{part}_count"] for part in parts) == row["used_count"]
    sales = next(row for row in rows if row["license_id"] == SALES[1])
    assert (sales["in_scope_count"], sales["out_of_scope_count"], sales["used_count"]) == (190, 3, 193)
    cpq = next(row for row in rows if row["license_id"] == CPQ[1])
    assert (cpq["in_scope_count"], cpq["deactivated_holder_count"], cpq["used_count"]) == (190, 10, 200)


@pytest.mark.parametrize(
    ("total", "used", "percent", "over", "nearly"),
    [
        (100, 94, "94.0", False, False),
        (100, 95, "95.0", False, True),
        (100, 100, "100.0", False, True),
        (100, 101, "101.0", True, True),
        (3, 1, "33.3", False, False),
        (0, 0, None, False, False),
        (0, 2, None, True, False),
        (None, 7, None, False, False),
        (10, None, None, False, False),
        (1, 10**15, "100000000000000000.0", True, True),
    ],
)
def test_utilization(
    book: Book, total: int | None, used: int | None, percent: str | None, over: bool, nearly: bool
) -> None:
    """Utilization is used of total in percent; nothing is claimed where there is no total or no counter."""
    book.write("snapshots", {})
    book.write("licenses", {"total_count": total, "used_count": used})
    [row] = book.read("SELECT * FROM license_position")

    assert (None if row["utilization_percent"] is None else str(row["utilization_percent"])) == percent
    assert (row["is_over_allocated"], row["is_nearly_exhausted"]) == (over, nearly)


@pytest.mark.parametrize(
    ("expires_on", "days"),
    [(DAY, 0), (DAY + timedelta(days=31), 31), (DAY - timedelta(days=1), -1), (None, None)],
)
def test_days_to_expiry_count_from_the_snapshot(
    book: Book, expires_on: date | None, days: int | None
) -> None:
    """A license expires so many days after the day of the snapshot, whenever the view is read."""
    book.write("snapshots", {})
    book.write("licenses", {"expires_on": expires_on})

    assert book.read("SELECT expires_in_days FROM license_position") == [{"expires_in_days": days}]


OF_A_STATE = (
    "license_position",
    "mismatch_bridge",
    "reclaim_candidates",
    "external_accounts",
    "snapshot_sight",
    "license_trend",
    "control_differences",
    "seat_costs",
    "cost_coverage",
    "data_trust",
)
"""Views that have rows for every day, however alike the days are."""


@pytest.mark.parametrize("view", OF_A_STATE)
def test_the_latest_day_of_each_org_is_marked(tmp_path: Path, view: str) -> None:
    """Each org has its own today: the newest day that it has."""
    path = tmp_path / "w.duckdb"
    for org, days in ((ORG, (0, 1)), (OTHER_ORG, (0,))):
        for day in days:
            load(path, made_snapshot(40, org_id=org, day=DAY + timedelta(days=day)))
    with open_readonly(path) as connection:
        rows = connection.execute(f"SELECT DISTINCT org_id, snapshot_date, is_latest FROM {view}").fetchall()

    assert set(rows) == {
        (ORG, DAY, False),
        (ORG, DAY + timedelta(days=1), True),
        (OTHER_ORG, DAY, True),
    }


def test_the_bridge_has_every_cause_in_order_and_in_words(book: Book) -> None:
    """The causes come in the order in which they are tried, each with a text of its own."""
    book.write("snapshots", {})
    book.write("licenses", {"used_count": 26})
    book.write("mismatches", *({"cause": cause, "seat_count": 2} for cause in reversed(CAUSES)))
    rows = book.read("SELECT * FROM mismatch_bridge ORDER BY cause_order")

    assert [row["cause"] for row in rows] == list(CAUSES)
    assert [row["cause_order"] for row in rows] == list(range(1, len(CAUSES) + 1))
    assert len({row["cause_text"] for row in rows}) == len(CAUSES)
    assert all(row["cause_text"] for row in rows)
    assert {str(row["share_of_used_percent"]) for row in rows} == {"7.7"}


@pytest.mark.parametrize(
    ("used", "seats", "balanced"),
    [(5, (4, 1), True), (5, (4, 2), False), (5, (7, -2), True), (None, (4, 1), None)],
)
def test_the_bridge_says_whether_it_balances(
    book: Book, used: int | None, seats: tuple[int, int], balanced: bool | None
) -> None:
    """is_balanced holds the sum of the causes against Salesforce's counter, where there is one."""
    book.write("snapshots", {})
    book.write("licenses", {"used_count": used})
    causes = ("in_scope", "counter_timing")
    book.write("mismatches", *({"cause": c, "seat_count": n} for c, n in zip(causes, seats, strict=True)))
    rows = book.read("SELECT * FROM mismatch_bridge")

    assert [(row["bridge_count"], row["is_balanced"]) for row in rows] == [(sum(seats), balanced)] * 2


def _days_ago(days: int) -> datetime:
    return NOON - timedelta(days=days)


STATE = ("is_active", "is_frozen", "activity_band", "account_class")
"""What a seat says of its holder, who says the same: a check keeps days from being published otherwise."""


@pytest.mark.parametrize(
    ("seat", "user", "deactivated_count", "waste", "state"),
    [
        ({}, {}, 0, None, None),
        ({"activity_band": "61-90"}, {}, 0, None, None),
        ({"activity_band": "91-180"}, {}, 0, "idle_91_180", "Ready"),
        ({"activity_band": "181+"}, {}, 0, "idle_181_plus", "Ready"),
        ({"activity_band": "181+"}, {"email": None}, 0, "idle_181_plus", "Attention required"),
        (
            {"activity_band": "181+", "account_class": "integration"},
            {},
            0,
            "idle_181_plus",
            "Attention required",
        ),
        ({"activity_band": "181+", "account_class": "contractor"}, {}, 0, "idle_181_plus", "Ready"),
        ({"activity_band": "never"}, {"created_at": _days_ago(30)}, 0, "never_logged_in", "Ready"),
        ({"activity_band": "never"}, {"created_at": _days_ago(29)}, 0, None, None),
        ({"activity_band": "never"}, {"created_at": None}, 0, None, None),
        ({"activity_band": "not_monitored"}, {}, 0, None, None),
        ({"activity_band": "not_monitored", "is_frozen": True}, {}, 0, "frozen", "Attention required"),
        ({"is_frozen": True}, {}, 0, "frozen", "Attention required"),
        ({"is_frozen": True, "activity_band": "never"}, {}, 0, "frozen", "Attention required"),
        ({"is_frozen": None, "activity_band": "181+"}, {}, 0, "idle_181_plus", "Ready"),
        ({"is_active": False, "cause": "deactivated_holder"}, {}, 1, "deactivated", "Ready"),
        ({"is_active": False, "cause": "deactivated_holder"}, {"email": None}, 1, "deactivated", "Ready"),
        ({"is_active": False, "cause": "deactivated_holder"}, {}, 0, None, None),
        (
            {"is_active": False, "cause": "deactivated_holder", "is_frozen": True, "activity_band": "never"},
            {},
            1,
            "deactivated",
            "Ready",
        ),
        ({"cause": "system_user", "account_class": "system", "activity_band": "never"}, {}, 0, None, None),
    ],
)
def test_a_seat_is_in_at_most_one_waste_class(
    book: Book,
    seat: dict[str, Any],
    user: dict[str, Any],
    deactivated_count: int,
    waste: str | None,
    state: str | None,
) -> None:
    """The first class that applies is the seat's; an active user at work, or one just made, is in none."""
    book.write("snapshots", {})
    book.write("licenses", {})
    book.write("mismatches", {"cause": "deactivated_holder", "seat_count": deactivated_count})
    book.write("users", {name: seat[name] for name in STATE if name in seat} | user)
    book.write("seats", seat)
    rows = book.read("SELECT * FROM reclaim_candidates")

    assert [(r["waste_class"], r["candidate_state"]) for r in rows] == ([(waste, state)] if waste else [])
    assert all((r["attention_reason"] is None) == (state == "Ready") for r in rows)


def test_a_candidate_carries_its_holder(book: Book) -> None:
    """Whoever works through the list sees who holds the seat, and for how long the holder has been away."""
    book.write("snapshots", {})
    book.write("licenses", {"is_unlimited": True})
    holder = {"department": "Sales", "last_login_at": _days_ago(200), "name": "A. Person"}
    book.write("users", {**holder, "activity_band": "181+"})
    book.write("seats", {"activity_band": "181+", "assigned_at": _days_ago(300)})
    [row] = book.read("SELECT * FROM reclaim_candidates")

    assert (row["name"], row["department"], row["idle_days"], row["is_unlimited"]) == (
        "A. Person",
        "Sales",
        200,
        True,
    )


def test_the_time_zone_of_the_reader_changes_nothing(book: Book) -> None:
    """Days are UTC days in whatever time zone a BI tool has its session."""
    book.write("snapshots", {"captured_at": NOON})
    book.write("licenses", {"used_as_of": NOON - timedelta(hours=30)})
    late = datetime(2026, 1, 31, 23, 30, tzinfo=UTC)
    book.write("users", {"created_at": late, "last_login_at": None, "activity_band": "never"})
    book.write("seats", {"activity_band": "never"})
    seen = []
    for zone in ("UTC", "America/Los_Angeles", "Asia/Tokyo"):
        book.connection.execute(f"SET TimeZone = '{zone}'")
        seen.append(
            book.read(
                "SELECT waste_class, idle_days, oldest_counter_age_hours, missing_days_before "
                "FROM reclaim_candidates INNER JOIN data_trust USING (org_id, snapshot_date)"
            )
        )

    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 1


def test_external_accounts_are_counted_by_kind_domain_and_license(book: Book) -> None:
    """An external account counts under each license it holds; employees do not, and nobody is lost."""
    book.write("snapshots", {})
    people = [
        {"account_class": "external", "user_type": "PowerPartner", "email_domain": "partner.example"},
        {"account_class": "external", "user_type": "PowerPartner", "email_domain": "partner.example"}
        | {"activity_band": "never"},
        {"account_class": "external", "user_type": "PowerPartner", "email_domain": "partner.example"}
        | {"is_active": False},
        {"account_class": "contractor", "email_domain": "agency.example", "is_frozen": True},
        {"account_class": "contractor", "email_domain": None, "is_active": False},
        {"account_class": "employee"},
    ]
    book.write("users", *({"user_id": str(n)} | person for n, person in enumerate(people)))
    book.write("seats", *({"user_id": str(n)} for n in (0, 1, 2, 3, 5)))
    rows = book.read("SELECT * FROM external_accounts ORDER BY account_class, email_domain NULLS FIRST")
    counts = [
        (
            row["account_class"],
            row["email_domain"],
            row["license_name"],
            row["account_count"],
            row["active_account_count"],
            row["frozen_account_count"],
            row["seen_in_30_days_count"],
            row["not_seen_in_90_days_count"],
        )
        for row in rows
    ]

    assert counts == [
        ("contractor", None, None, 1, 0, 0, 0, 0),
        ("contractor", "agency.example", "CPQ Add-on", 1, 1, 1, 1, 0),
        ("external", "partner.example", "CPQ Add-on", 3, 2, 0, 1, 1),
    ]


_ROWS = ("users", "licenses", "seats", "mismatches")
GAPS = [
    {
        "object": "UserLogin",
        "field": None,
        "missing_permission": "Manage Users",
        "costs": "a",
        "unlocks": "b",
    },
    {"object": "User", "field": "LastLoginDate", "missing_permission": None, "costs": "c", "unlocks": "d"},
]


def test_capability_gaps_are_unnested(book: Book) -> None:
    """Each thing that was not visible is a row, with what it costs and what would unlock it."""
    book.write("snapshots", {"capabilities": json.dumps(GAPS)})
    book.write("snapshots", {}, day=DAY + timedelta(days=1))
    rows = book.read("SELECT * FROM capability_gaps ORDER BY object_name DESC")

    assert [
        {
            "object": row["object_name"],
            "field": row["field_name"],
            **{key: row[key] for key in ("missing_permission", "costs", "unlocks")},
        }
        for row in rows
    ] == GAPS
    assert {row["is_latest"] for row in rows} == {False}


def test_trust_tells_age_gaps_rest_and_changes(book: Book) -> None:
    """A snapshot tells how old its counters were, what is missing before and in it, a changed scope."""
    later = DAY + timedelta(days=4)
    book.write("snapshots", {})
    book.write(
        "snapshots",
        {"captured_at": NOON, "scope_hash": "scope-2", "capabilities": json.dumps(GAPS)}
        | {"company_names": ["acme.com", "*.acme.com"], "rows": json.dumps(dict.fromkeys(_ROWS, 7))},
        day=later,
    )
    book.write("licenses", {"used_count": 150, "used_as_of": NOON - timedelta(hours=25)}, day=later)
    book.write("licenses", {"license_id": "b", "used_count": 50}, day=later)
    usage = {"license_layer": "usage", "license_id": "c", "used_count": 10**9, "used_as_of": None}
    book.write("licenses", usage, day=later)
    for number, seats in (("a", -3), ("b", 1), ("c", 0)):
        rest = {"cause": "unexplained", "license_id": number, "seat_count": seats}
        book.write("mismatches", rest, day=later)
    first, second = book.read("SELECT * FROM data_trust ORDER BY snapshot_date")

    assert (first["previous_snapshot_date"], first["missing_days_before"], first["is_scope_changed"]) == (
        None,
        None,
        False,
    )
    assert (first["missing_capability_count"], first["missing_capabilities"]) == (0, None)
    assert str(first["explained_percent"]) == "100.00"
    assert second["previous_snapshot_date"] == DAY
    assert (second["days_since_previous"], second["missing_days_before"]) == (4, 3)
    assert second["is_scope_changed"]
    assert str(second["oldest_counter_age_hours"]) == "25.0"
    assert (second["unexplained_count"], second["unexplained_license_count"]) == (4, 2)
    assert str(second["explained_percent"]) == "98.00"
    assert (second["missing_capability_count"], second["missing_capabilities"]) == (
        2,
        "User.LastLoginDate, UserLogin",
    )
    assert second["company_names"] == "acme.com, *.acme.com"
    assert {second[f"{name}_row_count"] for name in _ROWS} == {7}
