"""The message tells what deserves attention, in words that nothing can break out of."""

from __future__ import annotations

import html
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.reconcile.notice import (
    Notice,
    Snapshot,
    failure_notice,
    late_notice,
    snapshot_notice,
)
from license_ledger.schemas import LICENSES

DAY = date(2026, 11, 24)
LICENSE: dict[str, Any] = {
    "license_layer": "user",
    "license_id": "100000000000001AAA",
    "license_key": "SFDC",
    "license_name": "Salesforce",
    "is_unlimited": False,
    "total_count": 100,
    "used_count": 60,
    "in_scope_count": 50,
    "count_basis": "active_only",
}
ROW: dict[str, Any] = {
    "org_name": "Acme",
    "unexplained_count": 0,
    "scope_hash": "h1",
    "provenance": "observed",
    "is_partial": False,
}


def snapshot(*licenses: dict[str, Any], day: date = DAY, **row: Any) -> Snapshot:
    """A snapshot with these licenses; what one leaves out is harmless."""
    rows = [LICENSE | {"license_id": f"10000000000000{at}AAA"} | row for at, row in enumerate(licenses)]
    return Snapshot(pa.Table.from_pylist(rows, LICENSES.arrow_schema), ROW | row, day)


def lines(
    *licenses: dict[str, Any], before: Snapshot | None = None, tolerance: int = 0, **row: Any
) -> list[str]:
    """What a notice says beyond the totals and the unexplained."""
    yesterday = before or snapshot(*licenses, day=DAY - timedelta(days=1))
    return list(
        snapshot_notice(snapshot(*licenses, **row), yesterday, tolerance=tolerance, expiry_days=30).lines[2:]
    )


def test_the_headline_adds_up_seats_and_not_things() -> None:
    """Licenses are all counted; seats are those of licenses that have a counter of seats."""
    notice = snapshot_notice(
        snapshot({}, {"used_count": None}, {"license_layer": "usage", "used_count": 90}, unexplained_count=3),
        None,
        tolerance=0,
        expiry_days=30,
    )

    assert notice.subject == "License snapshot of Acme, 2026-11-24"
    assert notice.lines == (
        "3 licenses; 60 seats used, 50 of them in scope.",
        "3 seats unexplained.",
        "The first snapshot: there is nothing to compare it with.",
    )


@pytest.mark.parametrize(
    ("license_", "told"),
    [
        ({}, []),
        ({"used_count": 94}, []),
        ({"used_count": 95}, ["Nearly exhausted: Salesforce (user license) 95 of 100."]),
        ({"used_count": 100}, ["Nearly exhausted: Salesforce (user license) 100 of 100."]),
        ({"used_count": 101}, ["Over-allocated: Salesforce (user license) 101 of 100."]),
        ({"total_count": 0, "used_count": 1}, ["Over-allocated: Salesforce (user license) 1 of 0."]),
        ({"total_count": 0, "used_count": 0}, []),
        ({"total_count": None, "is_unlimited": True}, []),
        ({"used_count": None, "in_scope_count": None}, []),
        ({"expires_on": DAY}, ["Expiring within 30 days: Salesforce (user license) on 2026-11-24."]),
        (
            {"expires_on": DAY + timedelta(days=30)},
            ["Expiring within 30 days: Salesforce (user license) on 2026-12-24."],
        ),
        ({"expires_on": DAY + timedelta(days=31)}, []),
        ({"expires_on": DAY - timedelta(days=1)}, []),
    ],
)
def test_a_license_that_deserves_attention_is_named(license_: dict[str, Any], told: list[str]) -> None:
    """Over-allocated, nearly exhausted and expiring licenses are named with their numbers, others are not."""
    assert lines(license_) == told


@pytest.mark.parametrize(
    ("used", "tolerance", "told"),
    [
        (60, 0, False),
        (61, 0, True),
        (59, 0, True),
        (65, 5, False),
        (66, 5, True),
        (54, 5, True),
        (None, 0, False),
    ],
)
def test_a_mismatch_is_told_when_it_changes_by_more_than_tolerated(
    used: int | None, tolerance: int, told: bool
) -> None:
    """The difference between used and in scope is compared with the snapshot before, in both directions."""
    before = snapshot({}, day=DAY - timedelta(days=3))
    found = lines({"used_count": used}, before=before, tolerance=tolerance)
    gap = None if used is None else used - 50

    assert found == (
        [f"Used beyond the scope, changed since 2026-11-21: Salesforce (user license) {gap} (was 10)."]
        if told
        else []
    )


def test_a_license_that_is_new_brings_its_mismatch() -> None:
    """Against a day without the license the whole difference is new; the largest change comes first."""
    before = snapshot({}, day=DAY - timedelta(days=1))
    [told] = lines({"used_count": 61}, {"license_name": "Other"}, before=before)

    assert told.endswith("Other (user license) 10 (was 0), Salesforce (user license) 11 (was 10).")


def test_another_filter_is_told_instead_of_its_consequences() -> None:
    """When the scope changed, differences are the filter's doing."""
    before = snapshot({"in_scope_count": 1}, day=DAY - timedelta(days=1), scope_hash="h0")

    assert lines({}, before=before) == ["The company filter or a policy has changed since 2026-11-23."]


def test_doubts_are_told() -> None:
    """A snapshot that was not observed, or did not see everything, says so."""
    assert lines({}, provenance="reconstructed", is_partial=True) == [
        "The snapshot is reconstructed, not observed.",
        "Not everything was visible to the integration user: see the view capability_gaps.",
    ]


def test_a_long_list_is_cut() -> None:
    """Five licenses are named, the others counted."""
    [told] = lines(*({"used_count": 101, "license_name": f"L{at}"} for at in range(8)))

    assert told.count("101 of 100") == 5
    assert told.endswith(" and 3 more.")


NASTY = '<!channel> & <b onload="x">{{ 1 }}</b>\n| *x*'


def test_names_cannot_break_out() -> None:
    """Markup in a name stays text in mail and Slack, and a line break does not make a line."""
    notice = snapshot_notice(
        snapshot({"license_name": NASTY, "used_count": 101}, org_name=NASTY),
        None,
        tolerance=0,
        expiry_days=1,
        url="https://airflow.example/x?a=1&b=2",
    )

    assert "<b" not in notice.as_html()
    assert "{{ 1 }}" in notice.as_html()
    assert "<!channel>" not in notice.as_slack()
    assert "&lt;!channel&gt; &amp;" in notice.as_slack()
    assert notice.as_slack().endswith("<https://airflow.example/x?a=1&amp;b=2>")
    assert all("\n" not in line for line in notice.lines)
    assert "\n" not in notice.subject


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_is_escaped_reversibly(text: str) -> None:
    """Whatever a line says, e-mail and Slack show exactly that."""
    notice = Notice("s", (text,))
    item = notice.as_html().partition("<li>")[2].rpartition("</li>")[0]

    assert html.unescape(item) == text
    assert "<" not in item
    assert not any(mark in notice.as_slack().partition("\n")[2] for mark in "<>")


def test_failures_and_delays_are_short() -> None:
    """A failure says where and why, a delay what was expected; both lead to the run."""
    failure = failure_notice(
        "emea", "Refresh token", "AuthRevoked: x", day="2026-11-24", url="https://a.example/r"
    )
    delay = late_notice("emea", day="2026-11-24", state="running", hours=2.5)

    assert failure.subject == "License snapshot of emea, 2026-11-24: failed"
    assert failure.as_text().splitlines() == [
        "Failed at: Refresh token.",
        "AuthRevoked: x",
        "What was published before stays published.",
        "https://a.example/r",
    ]
    assert delay.as_text() == "The run is running, and it was to end within 2.5 hours of being queued."
