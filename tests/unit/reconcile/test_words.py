"""The published words of the bridge, to the letter: they are what people read of a mismatch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.unit.reconcile.made_licenses import AT, a_license, bridged, details_of, holders
from tests.unit.reconcile.test_notice import DAY, lines, snapshot

from license_ledger.reconcile.causes import old_counter
from license_ledger.reconcile.notice import Notice, late_notice, snapshot_notice


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(minutes=61), "1 h"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=100), "2400 h"),
    ],
)
def test_the_age_of_a_counter(age: timedelta, words: str) -> None:
    """Below an hour in minutes, from an hour on in hours."""
    taken = AT - age

    assert (
        old_counter(taken, AT)
        == f"the counter was taken {taken:%Y-%m-%d %H:%M} UTC, {words} before the snapshot"
    )


@pytest.mark.parametrize(
    ("used", "counts", "words"),
    [
        (5, [holders(5)], "the counter 5 equals all holders that were read, every one active"),
        (
            5,
            [holders(5), holders(2, "deactivated_holder")],
            "the counter 5 equals the active holders that were read",
        ),
    ],
)
def test_what_the_counter_equals(used: int, counts: list[dict[str, Any]], words: str) -> None:
    """The holders in scope say which holders the counter equals."""
    assert details_of(bridged([a_license(used=used)], counts))["in_scope"] == words


def test_all_holders_are_told_with_the_deactivated_ones() -> None:
    """Where every assignee is counted, the deactivated ones are numbered."""
    counts = [
        holders(5, layer="permission_set"),
        holders(2, "deactivated_holder", layer="permission_set"),
    ]

    told = details_of(bridged([a_license(used=7, layer="permission_set")], counts))["in_scope"]

    assert told == "the counter 7 equals all holders that were read, 2 of them deactivated"


def test_a_counter_that_equals_nothing_says_on_what_ground_it_is_read() -> None:
    """The rule is the documented one unless the evidence fits another only."""
    told = details_of(bridged([a_license(used=9)], [holders(5)]))

    assert told["in_scope"] == (
        "the counter 9 equals neither the 5 active nor all 5 holders that were read: active holders are "
        "counted, as documented"
    )
    assert told["unexplained"] == "the counter is 9, holders counted are 5, nothing accounts for the rest"


def test_the_unexplained_rest_says_all_that_is_known() -> None:
    """Evidence that covers a part, the age of the counter and an unlimited license are told in this order."""
    old = AT - timedelta(hours=5)
    license_ = a_license(used=9, used_as_of=old, is_unlimited=True)
    counts = [holders(5), holders(1, "deactivated_holder", changed=1)]

    told = details_of(bridged([license_], counts))["unexplained"]

    assert told == (
        "the counter is 9, holders counted are 5, evidence covers +1, nothing accounts for the rest; "
        f"the counter was taken {old:%Y-%m-%d %H:%M} UTC, 5 h before the snapshot; the license is unlimited, "
        "and Salesforce may not keep its counter"
    )


def test_a_message_without_link_has_no_link() -> None:
    """Mail and Slack show the link where there is one, lines one below the other, and nothing where not."""
    bare, linked = Notice("S", ("a", "b"), ""), Notice("S", ("a", "b"), "https://x.example/?a=1&b")

    assert bare.as_slack() == "*S*\n• a\n• b"
    assert linked.as_slack() == "*S*\n• a\n• b\n<https://x.example/?a=1&amp;b>"
    assert "<li>a</li><li>b</li>" in bare.as_html()
    assert "href" not in bare.as_html()
    assert "XX" not in bare.as_html()
    assert (
        '<p><a href="https://x.example/?a=1&amp;b">https://x.example/?a=1&amp;b</a></p>' in linked.as_html()
    )


def test_a_late_run_is_told_with_its_state() -> None:
    """The state is told; a run that has none yet is not done."""
    told = late_notice("emea", day="2026-11-24", state="", hours=2.0, url="https://x.example")

    assert told.subject == "License snapshot of emea, 2026-11-24: late"
    assert told.lines == ("The run is not done, and it was to end within 2 hours of being queued.",)
    assert told.url == "https://x.example"


def test_an_org_without_name_is_salesforce() -> None:
    """White space in a name is one blank, and an org without a name is Salesforce; no link unless given."""
    options: dict[str, Any] = {"tolerance": 0, "expiry_days": 30}
    named = snapshot_notice(snapshot({}, org_name="Acme \n Corp"), None, **options)
    nameless = snapshot_notice(snapshot({}, org_name=None), None, **options)

    assert named.subject == "License snapshot of Acme Corp, 2026-11-24"
    assert nameless.subject == "License snapshot of Salesforce, 2026-11-24"
    assert named.url == ""
    assert named.lines[1] == "Every seat is explained."


def test_one_is_told_in_the_singular() -> None:
    """One license, one seat; a license whose seats nobody counted adds nothing."""
    one = snapshot({"used_count": 1, "in_scope_count": None}, unexplained_count=1)

    told = snapshot_notice(one, None, tolerance=0, expiry_days=30).lines

    assert told[0] == "1 license; 1 seat used, 0 of them in scope."
    assert told[1] == "1 seat unexplained."


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ({"license_name": "A  B"}, "A B"),
        ({"license_name": None}, "SFDC"),
        ({"license_name": None, "license_key": None}, "100000000000000AAA"),
    ],
)
def test_a_license_is_told_by_the_best_name(names: dict[str, Any], told: str) -> None:
    """Its name, else its key, else its id."""
    [line] = lines({**names, "used_count": 120, "in_scope_count": 50})[:1]

    assert line.startswith("Over-allocated: ")
    assert f"{told} (" in line


def test_what_expires_first_is_told_first() -> None:
    """By day, then by name."""
    later, soon = DAY + timedelta(days=9), DAY + timedelta(days=2)
    [line] = lines(
        {"license_name": "B", "expires_on": later},
        {"license_name": "Z", "expires_on": soon},
        {"license_name": "A", "expires_on": later},
    )

    found = [line.index(name) for name in ("Z (", "A (", "B (")]
    assert found == sorted(found)


def test_a_usage_has_no_gap() -> None:
    """What is consumed is not held by people: it is no mismatch, before or now."""
    assert (
        lines({"license_layer": "usage", "used_count": 900, "in_scope_count": 0, "total_count": None}) == []
    )
    before = DAY - timedelta(days=1)
    yesterday = snapshot({"used_count": 50}, day=before)
    changed = lines({"used_count": 51}, before=yesterday)
    assert changed == [f"Used beyond the scope, changed since {before}: Salesforce (user license) 1 (was 0)."]
