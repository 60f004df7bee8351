"""The mismatch bridge, license by license."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from tests.unit.reconcile.made_licenses import (
    AT,
    YESTERDAY,
    a_license,
    bridged,
    causes_of,
    completed,
    details_of,
    holders,
)

from license_ledger.reconcile.bridge import unexplained, unexplained_count
from license_ledger.schemas import CAUSES, LICENSES, MISMATCHES

OLD = {"used_as_of": YESTERDAY}


def test_a_user_license_with_an_old_counter() -> None:
    """The worked example of a user license: 450 used yesterday, 447 active today, three deactivated since."""
    result = bridged(
        [a_license(used=450, **OLD)],
        [
            holders(380),
            holders(9, "service_account"),
            holders(1, "unusable_email"),
            holders(22, "other_company"),
            holders(31, "third_party_domain"),
            holders(4, "public_mailbox"),
            holders(20, "deactivated_holder", changed=3),
        ],
    )

    assert causes_of(result) == {
        "in_scope": 380,
        "counter_timing": 3,
        "service_account": 9,
        "unusable_email": 1,
        "other_company": 22,
        "third_party_domain": 31,
        "public_mailbox": 4,
    }
    assert tuple(
        completed(result)[name]
        for name in (
            "count_basis",
            "active_holder_count",
            "all_holder_count",
            "in_scope_count",
            "available_count",
        )
    ) == ("neither", 447, 467, 380, -350)
    assert details_of(result)["counter_timing"] == (
        "the counter was taken 2026-02-28 12:00 UTC, 24 h before the snapshot; "
        "since then 3 deactivated holders were changed"
    )


def test_a_permission_set_license_that_counts_deactivated_holders() -> None:
    """The worked example of a permission set license: 96 used, 84 active holders, 12 deactivated ones."""
    result = bridged(
        [a_license(layer="permission_set", used=96)],
        [
            holders(75, layer="permission_set"),
            holders(9, "third_party_domain", layer="permission_set"),
            holders(12, "deactivated_holder", layer="permission_set"),
        ],
    )

    assert causes_of(result) == {"in_scope": 75, "deactivated_holder": 12, "third_party_domain": 9}
    assert tuple(
        completed(result)[name]
        for name in ("count_basis", "active_holder_count", "all_holder_count", "in_scope_count")
    ) == ("all_assignees", 84, 96, 75)
    assert (
        (details_of(result)["in_scope"])
        == "the counter 96 equals all holders that were read, 12 of them deactivated"
    )


@pytest.mark.parametrize(
    ("layer", "used", "basis", "expected"),
    [
        ("user", 5, "active_only", {"in_scope": 5}),
        ("user", 8, "all_assignees", {"in_scope": 5, "deactivated_holder": 3}),
        ("user", 7, "neither", {"in_scope": 5, "unexplained": 2}),
        ("user", 3, "neither", {"in_scope": 5, "unexplained": -2}),
        ("package", 5, "active_only", {"in_scope": 5}),
        ("package", 8, "all_assignees", {"in_scope": 5, "deactivated_holder": 3}),
        ("package", 7, "neither", {"in_scope": 5, "deactivated_holder": 3, "unexplained": -1}),
        ("permission_set", 9, "neither", {"in_scope": 5, "deactivated_holder": 3, "unexplained": 1}),
        ("feature", 8, "all_assignees", {"in_scope": 5, "deactivated_holder": 3}),
        ("feature", 0, "neither", {"in_scope": 5, "deactivated_holder": 3, "unexplained": -8}),
    ],
)
def test_whom_a_counter_counts_is_measured(
    layer: str, used: int, basis: str, expected: dict[str, int]
) -> None:
    """Active holders or all of them, whichever the counter equals; else what is documented."""
    counts = [holders(5, layer=layer), holders(3, "deactivated_holder", layer=layer)]

    result = bridged([a_license(layer=layer, used=used)], counts)

    assert (basis, expected) == (completed(result)["count_basis"], causes_of(result))


def test_holders_who_are_all_active_fit_both_readings() -> None:
    """With no deactivated holder both readings agree, and a license nobody holds or uses agrees trivially."""
    result = bridged([a_license(used=5), a_license("M", used=0)], [holders(5)])

    assert result.licenses["count_basis"].to_pylist() == ["both", "both"]
    assert (causes_of(result), causes_of(result, "M")) == ({"in_scope": 5}, {"in_scope": 0})


def test_more_used_than_bought_is_bridged_like_any_other() -> None:
    """Over-allocation shows as negative availability and disturbs nothing."""
    result = bridged([a_license(used=120, total_count=100, available_count=-20)], [holders(120)])

    assert (causes_of(result), completed(result)["available_count"]) == ({"in_scope": 120}, -20)


def test_an_unlimited_license_is_bridged_to_its_counter() -> None:
    """Without a total the counter is bridged all the same; one not kept is unexplained, with a hint."""
    unlimited = {"is_unlimited": True, "total_count": None, "available_count": None, "layer": "package"}
    counts = [holders(80, license_id=each, layer="package") for each in ("L", "M")]

    result = bridged([a_license(used=80, **unlimited), a_license("M", used=0, **unlimited)], counts)

    assert (
        causes_of(result),
        causes_of(result, "M"),
    ) == ({"in_scope": 80}, {"in_scope": 80, "unexplained": -80})
    assert details_of(result, "M")["unexplained"].endswith(
        "the license is unlimited, and Salesforce may not keep its counter"
    )
    assert None is completed(result)["available_count"]


@pytest.mark.parametrize("seen", [1, 2])
def test_guests_and_platform_users_may_hold_without_being_counted(seen: int) -> None:
    """Guest and disabled analytics licenses, used 0, are whole: their holders are not booked."""
    result = bridged([a_license(used=0, status="Disabled", total_count=0)], [holders(seen, "system_user")])

    assert causes_of(result) == {"in_scope": 0}
    assert ("both", seen) == (completed(result)["count_basis"], completed(result)["active_holder_count"])
    assert f"leaving out {seen} guests, automated users" in details_of(result)["in_scope"]


def test_a_platform_user_who_takes_a_seat_is_booked() -> None:
    """The Chatter Expert takes one seat of Chatter Free and is booked as what it is."""
    result = bridged([a_license(used=1)], [holders(1, "system_user")])

    assert causes_of(result) == {"system_user": 1}
    assert completed(result)["count_basis"] == "both"


def test_uncounted_platform_users_are_told_of_beside_others() -> None:
    """Where nobody is in scope, a row of no seats tells that platform users were left out."""
    counts = [
        holders(4, "third_party_domain"),
        holders(2, "system_user"),
        holders(1, "deactivated_holder", is_system=True),
    ]

    result = bridged([a_license(used=4)], counts)

    assert causes_of(result) == {"system_user": 0, "third_party_domain": 4}
    assert details_of(result)["system_user"].startswith("3 guests, automated users")
    assert tuple(
        completed(result)[name] for name in ("count_basis", "active_holder_count", "all_holder_count")
    ) == ("both", 6, 7)


def test_deactivated_platform_users_follow_their_footing() -> None:
    """When platform users are not counted, neither are the deactivated among them."""
    counts = [
        holders(4, layer="package"),
        holders(2, "deactivated_holder", layer="package"),
        holders(3, "deactivated_holder", layer="package", is_system=True),
    ]

    result = bridged([a_license(layer="package", used=6)], counts)

    assert causes_of(result) == {"in_scope": 4, "deactivated_holder": 2}
    assert completed(result)["count_basis"] == "all_assignees"


def test_without_a_counter_causes_are_counted_without_a_rest() -> None:
    """A feature whose numbers are not told has its holders by cause, and nothing to compare them with."""
    counts = [
        holders(5, layer="feature"),
        holders(2, "deactivated_holder", layer="feature"),
        holders(1, "system_user", layer="feature"),
    ]

    result = bridged([a_license(layer="feature"), a_license("M", "feature")], counts)

    assert causes_of(result) == {"in_scope": 5, "deactivated_holder": 2, "system_user": 1}
    assert causes_of(result, "M") == {}
    assert result.licenses["count_basis"].to_pylist() == ["not_counted", "not_counted"]
    assert details_of(result)["in_scope"].startswith("Salesforce tells no counter")


def test_usage_is_not_bridged() -> None:
    """A usage entitlement counts things: no holders, no rows, whatever its amount."""
    result = bridged([a_license(layer="usage", used=7)])

    row = completed(result)
    assert (causes_of(result), row["count_basis"], row["used_count"]) == ({}, "not_counted", 7)
    assert (row["active_holder_count"], row["all_holder_count"], row["in_scope_count"]) == (None, None, None)


@pytest.mark.parametrize(
    ("counts", "used", "timing", "rest"),
    [
        ([holders(10), holders(5, "deactivated_holder", changed=2)], 12, 2, 0),
        ([holders(10), holders(5, "deactivated_holder", changed=2)], 13, 2, 1),
        ([holders(10), holders(5, "deactivated_holder", changed=4)], 12, 2, 0),
        ([holders(10), holders(5, "deactivated_holder", created=5)], 12, 0, 2),
        ([holders(10, created=2)], 8, -2, 0),
        ([holders(10, created=1, changed=1)], 8, -2, 0),
        ([holders(10, changed=1)], 8, -1, -1),
        ([holders(8), holders(2, "third_party_domain", created=2)], 8, -2, 0),
        ([holders(10, changed=9)], 12, 0, 2),
        ([holders(10)], 12, 0, 2),
        ([holders(10)], 8, 0, -2),
    ],
)
def test_timing_is_booked_as_far_as_changes_show(
    counts: list[dict[str, Any]], used: int, timing: int, rest: int
) -> None:
    """With an old counter, deactivated holders explain what is missing and new ones what is too much."""
    result = causes_of(bridged([a_license(used=used, **OLD)], counts))

    assert (timing, rest) == (result.get("counter_timing", 0), result.get("unexplained", 0))
    assert used == sum(result.values())


@pytest.mark.parametrize(
    ("age", "timing"),
    [(timedelta(0), 0), (timedelta(minutes=5), 0), (timedelta(minutes=6), 2), (timedelta(hours=-1), 0)],
)
def test_a_fresh_counter_has_no_timing(age: timedelta, timing: int) -> None:
    """Changes explain nothing unless the counter is more than a few minutes older than the snapshot."""
    counts = [holders(10), holders(5, "deactivated_holder", changed=2)]

    result = causes_of(bridged([a_license(used=12, used_as_of=AT - age)], counts))

    assert (timing, 2 - timing) == (result.get("counter_timing", 0), result.get("unexplained", 0))


def test_equality_with_all_holders_may_be_chance() -> None:
    """
    Yesterday's counter still counts the two who were deactivated since, who are all that ever were: it equals
    all holders, but the user license counts active ones and the evidence explains the two.
    """
    counts = [holders(10), holders(2, "deactivated_holder", changed=2)]

    fresh, old = (bridged([a_license(used=12, used_as_of=taken)], counts) for taken in (AT, YESTERDAY))

    assert causes_of(old) == {"in_scope": 10, "counter_timing": 2}
    assert causes_of(fresh) == {"in_scope": 10, "deactivated_holder": 2}
    assert [completed(each)["count_basis"] for each in (fresh, old)] == ["all_assignees"] * 2
    assert "by chance" in details_of(old)["in_scope"]


def test_users_who_moved_between_licenses_are_timing_on_both() -> None:
    """Three users moved from A to B since the counters were taken: both sides book them, once."""
    result = bridged(
        [a_license("A", used=13, **OLD), a_license("B", used=17, **OLD)],
        [holders(10, license_id="A"), holders(20, license_id="B", changed=4)],
    )

    assert causes_of(result, "A") == {"in_scope": 10, "counter_timing": 3}
    assert causes_of(result, "B") == {"in_scope": 20, "counter_timing": -3}
    assert details_of(result, "A")["counter_timing"].endswith(
        "since then 3 users moved to other licenses, which gained as many changed holders"
    )


def test_a_move_is_seen_although_the_target_lost_as_many() -> None:
    """B gained one user from A and lost one by deactivation: its own rest is none, and A's is explained."""
    result = bridged(
        [a_license("A", used=11, **OLD), a_license("B", used=20, **OLD)],
        [
            holders(10, license_id="A"),
            holders(20, license_id="B", changed=1),
            holders(3, "deactivated_holder", license_id="B", changed=1),
        ],
    )

    assert causes_of(result, "A") == {"in_scope": 10, "counter_timing": 1}
    assert causes_of(result, "B") == {"in_scope": 20}


def test_moves_explain_no_more_than_what_arrived() -> None:
    """Two licenses lost users, but only one changed holder arrived anywhere; others are new to the org."""
    result = bridged(
        [a_license("A", used=12, **OLD), a_license("B", used=11, **OLD), a_license("C", used=5, **OLD)],
        [
            holders(10, license_id="A"),
            holders(10, license_id="B"),
            holders(8, license_id="C", created=2, changed=8),
        ],
    )

    assert causes_of(result, "A") == {"in_scope": 10, "counter_timing": 1, "unexplained": 1}
    assert causes_of(result, "B") == {"in_scope": 10, "unexplained": 1}
    assert causes_of(result, "C") == {"in_scope": 8, "counter_timing": -3}


def test_cleared_check_boxes_are_timing_by_changed_users() -> None:
    """A feature's metric of yesterday counts users whose flag was cleared: at most those changed since."""
    feature = {"layer": "feature"}
    counts = [holders(10, changed=3, **feature), holders(5, "counter_timing", **feature)]

    assert causes_of(bridged([a_license(used=12, **OLD, **feature)], counts)) == {
        "in_scope": 10,
        "counter_timing": 2,
    }
    assert causes_of(bridged([a_license(used=14, **OLD, **feature)], counts)) == {
        "in_scope": 10,
        "counter_timing": 2,
        "unexplained": 2,
    }


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        (14, {"in_scope": 10, "deactivated_holder": 2, "not_visible": 2}),
        (15, {"in_scope": 10, "deactivated_holder": 2, "not_visible": 3}),
        (17, {"in_scope": 10, "deactivated_holder": 2, "not_visible": 3, "unexplained": 2}),
        (12, {"in_scope": 10, "not_visible": 2}),
        (10, {"in_scope": 10}),
        (11, {"in_scope": 10, "not_visible": 1}),
        (9, {"in_scope": 10, "deactivated_holder": 2, "unexplained": -3}),
    ],
)
def test_assignments_of_unread_users_are_evidence(used: int, expected: dict[str, int]) -> None:
    """
    Seats beyond the holders are not visible as far as assignments name unread users. A counter of all
    assignees counts each of these; when it does not, but active holders fit, those are what is counted.
    """
    layer = "permission_set"
    counts = [
        holders(10, layer=layer),
        holders(2, "deactivated_holder", layer=layer),
        holders(3, "not_visible", layer=layer),
    ]

    result = bridged([a_license(layer=layer, used=used)], counts)

    assert expected == causes_of(result)
    assert completed(result)["all_holder_count"] == 12


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (("user", "L", 13, date(2026, 2, 28)), {"in_scope": 10, "not_visible": 3, "unexplained": 2}),
        (("user", "L", 99, date(2026, 2, 28)), {"in_scope": 10, "not_visible": 5}),
        (("user", "L", 10, date(2026, 2, 28)), {"in_scope": 10, "unexplained": 5}),
        (("user", "L", 13, date(2026, 1, 1)), {"in_scope": 10, "unexplained": 5}),
        (("user", "M", 13, date(2026, 2, 28)), {"in_scope": 10, "unexplained": 5}),
        (("permission_set", "L", 13, date(2026, 2, 28)), {"in_scope": 10, "unexplained": 5}),
    ],
)
def test_control_totals_are_evidence(metric: tuple[str, str, int, date], expected: dict[str, int]) -> None:
    """A recent metric of that very license that names more users than were read explains as many, no more."""
    result = bridged([a_license(used=15)], [holders(10)], [metric])

    assert expected == causes_of(result)


def test_a_feature_s_metric_is_no_evidence_for_itself() -> None:
    """A feature's counter is its metric; only people hidden from other layers explain hidden holders."""
    feature = a_license("F", "feature", used=15)
    held = holders(10, license_id="F", layer="feature")
    metric = ("feature", "F", 15, date(2026, 3, 1))
    hidden = ("user", "L", 13, date(2026, 3, 1))
    users = (a_license(used=13), holders(10))

    assert causes_of(bridged([feature], [held], [metric]), "F") == {"in_scope": 10, "unexplained": 5}
    assert causes_of(bridged([users[0], feature], [users[1], held], [metric, hidden]), "F") == {
        "in_scope": 10,
        "not_visible": 3,
        "unexplained": 2,
    }


def test_timing_is_booked_before_what_is_not_visible() -> None:
    """With both kinds of evidence the age of the counter comes first and nothing is booked twice."""
    counts = [holders(10), holders(4, "deactivated_holder", changed=2)]

    result = bridged([a_license(used=15, **OLD)], counts, [("user", "L", 12, date(2026, 2, 28))])

    assert causes_of(result) == {"in_scope": 10, "counter_timing": 2, "not_visible": 2, "unexplained": 1}


def test_holders_that_could_not_be_read_at_all_are_not_visible() -> None:
    """When the object that lists the holders is unreadable, the whole counter is not visible."""
    licenses = [
        a_license(each, "permission_set", used=used) for each, used in (("A", 96), ("B", 0), ("C", None))
    ]

    result = bridged(licenses, unreadable={"permission_set": "PermissionSetLicenseAssign"})

    assert tuple(causes_of(result, each) for each in "ABC") == ({"not_visible": 96}, {"in_scope": 0}, {})
    assert (
        (details_of(result, "A")["not_visible"])
        == "PermissionSetLicenseAssign, which lists the holders, could not be read"
    )
    row = completed(result, "A")
    assert tuple(
        row[name] for name in ("count_basis", "active_holder_count", "all_holder_count", "in_scope_count")
    ) == ("neither", None, None, None)
    assert completed(result, "C")["count_basis"] == "not_counted"


def test_licenses_that_share_key_and_name_stay_apart() -> None:
    """Two licenses of one name and key are told apart by id, in the order of ids and causes."""
    same = {"license_key": "HVCP", "license_name": "High Volume Customer Portal"}

    result = bridged(
        [a_license("B", used=3, **same), a_license("A", used=1, **same)],
        [
            holders(2, "no_email", license_id="B"),
            holders(1, license_id="B"),
            holders(1, license_id="A"),
            holders(5, license_id="unknown"),
        ],
    )

    assert [
        (row["license_id"], row["cause"], row["seat_count"]) for row in result.mismatches.to_pylist()
    ] == [("A", "in_scope", 1), ("B", "in_scope", 1), ("B", "no_email", 2)]
    assert result.licenses["license_id"].to_pylist() == ["B", "A"]


def test_the_results_have_the_published_schemas() -> None:
    """Both tables have exactly the published columns; no license at all gives empty tables."""
    for result in (bridged([a_license(used=3)], [holders(3)]), bridged([])):
        assert result.licenses.schema.equals(LICENSES.arrow_schema, check_metadata=True)
        assert result.mismatches.schema.equals(MISMATCHES.arrow_schema, check_metadata=True)


def test_every_cause_can_be_booked_and_says_why() -> None:
    """Each cause of the vocabulary occurs, in the order of the vocabulary, with its evidence in words."""
    by_holder = [cause for cause in CAUSES if cause not in {"counter_timing", "not_visible", "unexplained"}]
    counts = [holders(2, cause, layer="package", changed=1) for cause in by_holder]
    counts += [holders(1, "not_visible", layer="package")]
    timed = a_license("T", used=2, **OLD)
    left = holders(1, "deactivated_holder", license_id="T", changed=1)

    result = bridged([a_license(layer="package", used=22), timed], [*counts, left])

    rows = result.mismatches.to_pylist()
    assert set(CAUSES) == {row["cause"] for row in rows}
    assert [row for row in rows if not row["detail"]] == []
    assert [cause for cause in CAUSES if cause != "counter_timing"] == list(causes_of(result))


def test_licenses_beyond_the_tolerance_are_selected() -> None:
    """The tolerance is per license and for both signs; the sum over all licenses ignores signs."""
    result = bridged(
        [a_license("A", used=5), a_license("B", used=7), a_license("C", used=6), a_license("D", used=1)],
        [holders(5, license_id=each) for each in "ABCD"],
    )

    assert unexplained(result.mismatches, 1)["license_id"].to_pylist() == ["D", "B"]
    assert unexplained(result.mismatches)["license_id"].to_pylist() == ["D", "B", "C"]
    assert unexplained(result.mismatches, 4).num_rows == 0
    assert unexplained(result.mismatches).schema.equals(MISMATCHES.arrow_schema)
    assert unexplained_count(result.mismatches) == 7
