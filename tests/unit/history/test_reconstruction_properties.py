"""Random pasts of a few users: what is marked sure is true, and what nobody changed is as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.history.made_past import (
    FLAG,
    LABELS,
    LANGUAGES,
    NAMES,
    Past,
    Person,
    at,
    landed,
    license_id,
    profile_id,
)

from license_ledger.history.as_of import Reconstruction, reconstruct
from license_ledger.history.holdings import ASSIGNMENTS
from license_ledger.staging.landing import RunFolder
from license_ledger.staging.storage import Storage

NOW = 100.0

_EVENTS = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(
            (
                *("active", "frozen", "profile", "flag", "email", "department", "rename"),
                *("permission_set", "package", "join"),
            )
        ),
        st.sampled_from(sorted(LANGUAGES)),
        st.integers(0, 5),
    ),
    max_size=14,
)
_PEOPLE = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)


def _played(names: Sequence[str], events: Sequence[tuple[int, str, str, int]]) -> Past:
    past = Past([Person(number, name, created=-2000.0) for number, name in enumerate(names)])
    for hour, (number, what, language, choice) in enumerate(events, 1):
        past.happen(float(hour), number, what, language, choice)
    return past


def _rolled_back(past: Past, hour: float) -> tuple[dict[str, list[dict[str, Any]]], Reconstruction]:
    anchor = landed(past, NOW)
    target = RunFolder(
        Storage.from_url("memory://landing"), anchor.folder.day.org_id, at(hour).date(), "back"
    )
    receipt = reconstruct(anchor, at(hour), target, snapshot_id="back")
    names = ("User", "UserLogin", *(name for name, _, _ in ASSIGNMENTS.values()))
    return {name: target.table(name).to_pylist() for name in names}, receipt


def _wrong(row: dict[str, Any], person: Person, frozen: set[str]) -> list[str]:
    """Names of what a row says that was not so."""
    said = {
        "IsActive": (row["IsActive"], person.active),
        "ProfileId": (row["ProfileId"], profile_id(person.profile)),
        FLAG: (row[FLAG], person.flag),
        "Department": (row["Department"], person.department),
        "Name": (row["Name"], person.name),
        "Email": (row["Email"] if row["LedgerEmailKnown"] else None, person.email),
        "frozen": (row["Id"] in frozen if row["LedgerFrozenKnown"] else None, person.frozen),
    }
    return [name for name, (made, true) in said.items() if made is not None and made != true]


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(_PEOPLE, _EVENTS, st.integers(0, 15))
def test_what_is_marked_sure_is_true(
    names: list[str], events: list[tuple[int, str, str, int]], hour: int
) -> None:
    """Property: every user who existed is there, no other is, and no row marked sure is wrong in any way."""
    past = _played(names, events)
    tables, _ = _rolled_back(past, hour + 0.5)
    truth = {person.id: person for person in past.at(hour + 0.5)}
    frozen = {row["UserId"] for row in tables["UserLogin"]}

    assert {row["Id"] for row in tables["User"]} == truth.keys()
    for row in tables["User"]:
        if row["LedgerCertainty"] == "sure":
            assert _wrong(row, truth[row["Id"]], frozen) == []
    for layer, (name, user, license_) in ASSIGNMENTS.items():
        held = {
            (p.id, license_id(layer, label))
            for p in truth.values()
            for kind, label in p.held
            if kind == layer
        }
        for row in tables[name]:
            if row["LedgerCertainty"] == "sure":
                assert (row[user], row[license_]) in held


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(_PEOPLE, _EVENTS, st.sampled_from(["english", "german"]))
def test_nothing_after_the_moment_means_nothing_is_changed(
    names: list[str], events: list[tuple[int, str, str, int]], language: str
) -> None:
    """Property: as of a moment after everything, all is as it is today, and sure."""
    past = _played(names, [(number, what, language, choice) for number, what, _, choice in events])
    tables, receipt = _rolled_back(past, 90.0)
    frozen = {row["UserId"] for row in tables["UserLogin"]}
    today = {person.id: person for person in past.people}

    assert receipt["trail"] == dict.fromkeys(receipt["trail"], 0)
    assert {row["LedgerCertainty"] for row in tables["User"]} == {"sure"}
    assert all(_wrong(row, today[row["Id"]], frozen) == [] for row in tables["User"])
    assert len(tables["User"]) == len(today)
    for layer, (name, user, license_) in ASSIGNMENTS.items():
        held = {
            (p.id, license_id(layer, label))
            for p in today.values()
            for kind, label in p.held
            if kind == layer
        }
        assert {(row[user], row[license_]) for row in tables[name]} == held
        assert all(row["LedgerCertainty"] == "sure" for row in tables[name])


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    _EVENTS.map(lambda events: [event for event in events if event[1] not in ("rename", "join")]),
    st.integers(0, 15),
)
def test_with_clear_entries_everything_is_right(events: list[tuple[int, str, str, int]], hour: int) -> None:
    """Property: when names are unique and entries English, every row is right, and none is unsure but by
    e-mail.
    """
    past = _played(["Ann Bell", "Bo Li", "Cy Moss"], [(n, what, "english", c) for n, what, _, c in events])
    tables, receipt = _rolled_back(past, hour + 0.5)
    truth = {person.id: person for person in past.at(hour + 0.5)}
    frozen = {row["UserId"] for row in tables["UserLogin"]}

    assert receipt["trail"]["ambiguous"] == receipt["trail"]["unresolved"] == 0
    for row in tables["User"]:
        assert _wrong(row, truth[row["Id"]], frozen) == []
        assert row["LedgerCertainty"] != "unsure" or not row["LedgerEmailKnown"]
    for layer, (name, user, license_) in ASSIGNMENTS.items():
        held = {
            (p.id, license_id(layer, label))
            for p in truth.values()
            for kind, label in p.held
            if kind == layer
        }
        assert {(row[user], row[license_]) for row in tables[name]} == held


@pytest.mark.parametrize("layer", LABELS)
def test_an_assignment_that_was_removed_comes_back_without_its_date(layer: str) -> None:
    """It is there as of the moment, likely, and nobody knows since when."""
    past = _played(["Ann Bell"], [(0, layer, "english", 0), (0, layer, "english", 0)])
    tables, _ = _rolled_back(past, 1.5)
    name, user, license_ = ASSIGNMENTS[layer]

    assert [(row[user], row[license_]) for row in tables[name]] == [
        (past.people[0].id, license_id(layer, LABELS[layer][0]))
    ]
    assert tables[name][0]["CreatedDate"] is None
    assert tables[name][0]["LedgerCertainty"] == "likely"
