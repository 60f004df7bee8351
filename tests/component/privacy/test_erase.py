"""Erasing one person: nothing of the person is found any more, and everything counts as before."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow.compute as pc
import pytest

from license_ledger.errors import ConfigError
from license_ledger.privacy.erase import in_words
from license_ledger.privacy.identifiers import TOMBSTONE_HEAD
from license_ledger.privacy.rules import COUNTED_BY, DOMAIN
from license_ledger.schemas import SEATS, USERS
from license_ledger.staging.runs import latest_complete_run
from tests.component.privacy.history import History

pytestmark = pytest.mark.slow

FILTER = ["acme.com", "acme.de"]
EVERY_KIND = {
    "ann.bell@acme.com": "an employee",
    "clara.jansen@acme.com": "an address in capitals",
    "hugo.stone@acme.com": "frozen",
    "jonas.weber@acme.com": "deactivated, and holds licenses",
    "eva.mueller@xn--bcher-acme-9db.de": "a domain outside ASCII",
    "felix.brandt@acme-industries.com": "a sister company",
    "omar.haas@brightpath-consulting.example": "a contractor",
    "quinn.marsh@gmail.com": "a public mailbox",
    "vera.lund@brightpath-consulting.example": "a partner",
}


def _landed(history: History, day: date) -> list[dict[str, Any]]:
    run = latest_complete_run(history.landing, history.org_id, day)
    assert run is not None
    rows: list[dict[str, Any]] = run.table("User").to_pylist()
    return rows


def _tombstones(history: History, day: date) -> list[str]:
    return [each for each in history.ids(day) if each.startswith(TOMBSTONE_HEAD)]


def _replayed(history: History, day: date, names: list[str]) -> dict[str, Any]:
    history.walk.run_day(day, names, load=False, only_landing=True)
    return history.counts(day)


@pytest.mark.parametrize("many_days", [5, 500], ids=["processes", "threads"])
def test_nothing_is_found_and_every_count_stays(history: History, many_days: int) -> None:
    """Three weeks: id, address, names and numbers are in no value and no byte; all counts are the same."""
    person = history.person(history.days[-1], name="Clara Jansen")
    counts, loaded = {day: history.counts(day) for day in history.days}, history.loaded_counts()
    ids = {day: history.ids(day) for day in history.days}
    values = [str(person[name]) for name in ("username", "email", "name")]
    assert len(history.mentions(person["user_id"][:15], *values)) > 10

    erasure = replace(history.erasure(), many_days=many_days)
    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    assert report["days"] == len(history.days)
    assert history.mentions(person["user_id"][:15], *values) == set()
    assert {day: history.counts(day) for day in history.days} == counts
    assert history.loaded_counts() == loaded
    [tombstone] = {each for day in history.days for each in _tombstones(history, day)}
    for day in history.days:
        assert history.ids(day) == [tombstone if each == person["user_id"] else each for each in ids[day]]


def test_the_report_has_no_person_in_it(history: History) -> None:
    """Neither as JSON nor in words does the report say whom it is about, nor which tombstone is whose."""
    person = history.person(history.days[-1], name="Ann Bell")
    erasure = history.erasure()

    report = erasure.run(erasure.person(email="ANN.BELL@acme.com"))

    [tombstone] = _tombstones(history, history.days[-1])
    told = json.dumps(report) + in_words(report)
    assert not [each for each in (person["user_id"][:15], "bell", tombstone) if each in told.lower()]
    assert "comes back" in told or "brings the person back" in told
    assert report["rewritten"].keys() == {"landing", "work", "staging", "warehouse"}
    assert not history.staging.list("_erasures", f"org_id={history.org_id}")


def test_a_tombstone_says_nothing_that_is_not_counted_by(history: History) -> None:
    """What is published of an erased person is the license, and what else people are counted by."""
    person = history.person(history.days[-1], name="Ann Bell")
    seats = history.snapshot(history.days[-1]).table("seats").to_pylist()
    erasure = history.erasure()
    erasure.run(erasure.person(username=person["username"]))

    snapshot = history.snapshot(history.days[-1])
    [tombstone] = _tombstones(history, history.days[-1])
    left = next(row for row in snapshot.table("users").to_pylist() if row["user_id"] == tombstone)
    for column in USERS.columns:
        if column.name in COUNTED_BY | {DOMAIN} or column.personal == "none":
            assert left[column.name] == person[column.name], column.name
        elif column.name != "user_id":
            assert left[column.name] is None, column.name
    held = [row for row in snapshot.table("seats").to_pylist() if row["user_id"] == tombstone]
    before = [row for row in seats if row["user_id"] == person["user_id"]]
    assert held == [{**row, "user_id": tombstone, "assigned_at": None} for row in before]
    assert SEATS.column("assigned_at").personal == "attribute"


def test_a_replay_counts_as_before_whoever_was_erased(few: Callable[[int], History]) -> None:
    """Employees and outsiders of every kind are erased one by one: replays under two filters stay so."""
    history = few(2)
    day = history.days[0]
    ids = {str(row["Username"]).lower(): row["Id"] for row in _landed(history, day)}
    ids |= {str(row["Email"]).lower(): row["Id"] for row in _landed(history, day) if row["Email"]}
    before = {tuple(names): _replayed(history, day, names) for names in (["*"], FILTER)}
    people = {kind: ids[name] for name, kind in EVERY_KIND.items() if name in ids}
    people |= {"no address": next(r["Id"] for r in _landed(history, day) if not r["Email"] and r["Name"])}
    people |= {
        "no usable address": next(
            row["Id"] for row in _landed(history, day) if row["Email"] and "@" not in row["Email"]
        )
    }
    assert len(people) >= 10

    for kind, user_id in people.items():
        erasure = history.erasure()
        report = erasure.run(erasure.person(user_id=user_id[:15]))
        assert report["left"] == {}, kind
        assert report["rewritten"]["landing"]["files"] >= 2, kind

    after = {names: _replayed(history, day, list(names)) for names in before}
    assert after == before
    assert not {row["Id"] for row in _landed(history, day)} & set(people.values())
    assert history.mentions(*(user_id[:15] for user_id in people.values())) == set()


def test_a_second_erasure_finds_nothing(few: Callable[[int], History]) -> None:
    """Repeating the command changes no file."""
    history = few(3)
    person = history.person(history.days[-1], name="Ann Bell")
    erasure = history.erasure()
    erasure.run(erasure.person(user_id=person["user_id"]))
    files = dict(history.raw())

    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["rewritten"] == {}
    assert report["left"] == {}
    assert dict(history.raw()) == files


def test_a_dry_run_changes_nothing(few: Callable[[int], History]) -> None:
    """The preview has the numbers of the real thing."""
    history = few(3)
    person = history.person(history.days[-1], name="Ann Bell")
    files = dict(history.raw())
    erasure = history.erasure()

    preview = erasure.preview(erasure.person(user_id=person["user_id"]))

    assert dict(history.raw()) == files
    report = erasure.run(erasure.person(user_id=person["user_id"]))
    assert preview["rewritten"] == report["rewritten"]
    assert preview["days"] == report["days"] == 3


@pytest.mark.parametrize(
    ("named", "got"),
    [
        ({"user_id": "00D000000000001"}, "is not the id of a Salesforce user"),
        ({"user_id": "005kj000000000AAAZ"}, "is not the id of a Salesforce user"),
        ({"email": "nobody@acme.com"}, "nobody in landing or staging has it"),
        ({"email": "paula.adler@acme.com"}, "2 users have or had it"),
        ({"username": "nobody@acme.com"}, "nobody in landing or staging has it"),
    ],
)
def test_a_person_must_be_named_unmistakably(
    few: Callable[[int], History], named: dict[str, str], got: str
) -> None:
    """A wrong id, an unknown address and one that two users have are refused; the message repeats none."""
    erasure = few(1).erasure()

    with pytest.raises(ConfigError, match=got) as raised:
        erasure.person(**named)

    assert next(iter(named.values())) not in str(raised.value)


def test_somebody_with_the_same_address_is_told_of_and_left_alone(few: Callable[[int], History]) -> None:
    """Two accounts share an address: the other one keeps it, and the report says so."""
    history = few(2)
    person = history.person(history.days[-1], name="Paula Adler")
    erasure = history.erasure()

    report = erasure.run(erasure.person(user_id=person["user_id"]))

    assert report["left"] == {}
    assert report["shared"] == ["e-mail address"]
    assert "Other accounts have the same e-mail address" in in_words(report)
    others = [row for row in _landed(history, history.days[-1]) if row["Email"] == person["email"]]
    assert [row["Id"] == person["user_id"] for row in others] == [False]


def test_an_account_that_is_called_like_a_license_is_erased_and_the_license_stays(
    few: Callable[[int], History],
) -> None:
    """Salesforce's own accounts are: the erasure ends, says where the name still is, and blocks nobody's."""
    history = few(2)
    day = history.days[-1]
    [account] = [row["Id"] for row in _landed(history, day) if row["Name"] == "Integration User"]
    counts = history.counts(day)
    erasure = history.erasure()

    report = erasure.run(erasure.person(user_id=account))

    assert report["left"] == {}
    assert "column Name of UserLicense" in report["labels"]
    assert "such as a license or a role" in in_words(report)
    assert history.mentions(account[:15]) == set()
    assert history.counts(day) == counts
    assert _replayed(history, day, FILTER) == counts
    other = history.person(day, name="Clara Jansen")
    assert erasure.run(erasure.person(user_id=other["user_id"]))["labels"] == []


def test_a_manager_is_erased_from_the_rows_of_others(few: Callable[[int], History]) -> None:
    """Whoever had the person as manager has the tombstone as manager."""
    history = few(2)
    rows = _landed(history, history.days[-1])
    manager = next(row["ManagerId"] for row in rows if row["ManagerId"])
    team = {row["Id"] for row in rows if row["ManagerId"] == manager}
    erasure = history.erasure()

    erasure.run(erasure.person(user_id=manager))

    run = latest_complete_run(history.landing, history.org_id, history.days[-1])
    assert run is not None
    after = run.table("User")
    [tombstone] = {each for each in after["Id"].to_pylist() if each.startswith(TOMBSTONE_HEAD)}
    theirs = after.filter(pc.equal(after["ManagerId"], tombstone))
    assert set(theirs["Id"].to_pylist()) == {tombstone if each == manager else each for each in team}
