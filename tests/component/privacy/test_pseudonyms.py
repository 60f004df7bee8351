"""Expired landing as pseudonyms: nobody out of scope is named, and the past can still be scoped anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from license_ledger.errors import ConfigError
from license_ledger.privacy.identifiers import PSEUDONYM_HEAD, pseudonym
from license_ledger.privacy.pseudonyms import MARK, sweep_landing
from license_ledger.settings import Settings, load_settings
from license_ledger.staging.runs import RunSweepReceipt, latest_complete_run
from tests.component.privacy.history import History
from tests.walk import noon

pytestmark = [pytest.mark.slow, pytest.mark.endurance]

KEY = "a secret of forty characters, from a vault"
FILTER = ["acme.com", "acme.de"]
PSEUDONYMOUS = {"retain_out_of_scope": "pseudonymous", "pseudonym_key": KEY, "landing_days": 5}


@pytest.fixture
def history_of_two(few: Callable[[int], History]) -> History:
    """Two days whose landing is about to expire."""
    history = few(2)
    history.walk.values.update(PSEUDONYMOUS)
    return replace(history, walk=replace(history.walk, values={**PSEUDONYMOUS}))


def _sweep(history: History, settings: Settings | None = None) -> RunSweepReceipt:
    now = noon(history.days[-1]) + timedelta(days=30)
    return sweep_landing(
        history.landing, history.staging, settings or history.walk.settings, org_id=history.org_id, now=now
    )


def _users(history: History, day: date) -> list[dict[str, Any]]:
    run = latest_complete_run(history.landing, history.org_id, day)
    assert run is not None
    return list(run.table("User").to_pylist())


def _replayed(history: History, day: date, names: list[str]) -> dict[str, Any]:
    history.walk.run_day(day, names, load=False, only_landing=True)
    return history.counts(day)


def test_by_default_expired_landing_goes(few: Callable[[int], History]) -> None:
    """With counts, nothing is left of it."""
    history = few(2)
    history = replace(history, walk=replace(history.walk, values={"landing_days": 5}))

    receipt = _sweep(history)

    assert receipt == {"expired": 2, "superseded": 0, "dead": 0, "kept": 0}
    assert not [path for path in Path(history.landing.root).rglob("*.parquet")]


def test_nobody_out_of_scope_is_named_any_more(history_of_two: History) -> None:
    """Ids, names and addresses of everybody whom the snapshot does not name are gone from every byte."""
    history = history_of_two
    day = history.days[0]
    named = set(history.ids(day))
    outside = [row for row in _users(history, day) if row["Id"] not in named]
    assert len(outside) > 10
    values = {
        row[name] for row in outside for name in ("Username", "Email") if row[name] and "@" in row[name]
    }
    shared = {row["Email"] for row in _users(history, day) if row["Id"] in named}

    receipt = _sweep(history)

    assert receipt == {"expired": 0, "superseded": 0, "dead": 0, "kept": 2}
    assert history.mentions(*(row["Id"][:15] for row in outside), *(values - shared)) == set()
    assert {row["Id"] for row in _users(history, day)} >= named


def test_a_replay_counts_as_before_under_any_filter(history_of_two: History) -> None:
    """Narrower and wider: the counts by license and cause are those that the full landing gave."""
    history = history_of_two
    filters = (["*"], ["acme.com"], FILTER, ["gmail.com", "*.acme.com"])
    before = {tuple(names): _replayed(history, history.days[0], names) for names in filters}
    assert _replayed(history, history.days[0], FILTER) == before[tuple(FILTER)]

    assert _sweep(history)["kept"] == 2

    after = {names: _replayed(history, history.days[0], list(names)) for names in before}
    assert after == before


def test_a_wider_replay_publishes_pseudonyms_that_stay_the_same(history_of_two: History) -> None:
    """A person has one pseudonym on all days, which follows from the key and from nothing else."""
    history = history_of_two
    named = {day: set(history.ids(day)) for day in history.days}
    outside = {day: {row["Id"] for row in _users(history, day)} - named[day] for day in history.days}
    _sweep(history)

    for day in history.days:
        history.walk.run_day(day, ["*"], load=False, only_landing=True)
        expected = {pseudonym(KEY.encode(), each) for each in outside[day]}
        assert set(history.ids(day)) == named[day] | expected
        rows = history.snapshot(day).table("users").to_pylist()
        for row in rows:
            if row["user_id"].startswith(PSEUDONYM_HEAD):
                assert row["name"] is row["username"] is row["title"] is row["employee_number"] is None
                assert row["email"] is None or row["email"].partition("@")[0] in (row["user_id"], "unusable")


def test_the_key_is_in_no_file(history_of_two: History) -> None:
    """Neither the key nor anything that leads from a pseudonym to a person is written anywhere."""
    history = history_of_two
    _sweep(history)

    assert not [name for name, content in history.raw() if KEY.encode() in content]
    assert KEY not in repr(history.walk.settings)


def test_a_second_sweep_changes_nothing(history_of_two: History) -> None:
    """The mark says that it is done; a new snapshot of the day makes it be done again."""
    history = history_of_two
    _sweep(history)
    files = dict(history.raw())
    assert _sweep(history)["kept"] == 2
    assert dict(history.raw()) == files

    narrower = history.walk.run_day(history.days[0], ["acme.de"], load=False, only_landing=True)
    lost = {row["Id"] for row in _users(history, history.days[0])} - set(history.ids(history.days[0]))
    real = {each for each in lost if not each.startswith(PSEUDONYM_HEAD)}
    assert real
    assert narrower.row["provenance"] == "replayed"
    _sweep(history)

    assert not {row["Id"] for row in _users(history, history.days[0])} & real


def test_a_sweep_that_was_killed_is_finished_by_the_next(history_of_two: History) -> None:
    """Half of the objects hold pseudonyms when the process dies: the other half follows, and they agree."""
    history = history_of_two
    day = history.days[0]
    run = latest_complete_run(history.landing, history.org_id, day)
    assert run is not None
    before = run.table("User"), run.table("PermissionSetLicenseAssign")
    _sweep(history)
    run.land("User", before[0].schema, [before[0]])
    run.storage.remove(MARK)

    _sweep(history)

    users = set(run.table("User")["Id"].to_pylist())
    assert users.isdisjoint(set(before[0]["Id"].to_pylist()) - set(history.ids(day)))
    held = set(run.table("PermissionSetLicenseAssign")["AssigneeId"].to_pylist())
    strangers = set(before[1]["AssigneeId"].to_pylist()) - set(before[0]["Id"].to_pylist())
    assert len(held - users) == len(strangers)


def test_what_salesforce_remembered_goes(history_of_two: History) -> None:
    """Audit trails name people in free text, so an expired landing has none, and its plan says so."""
    history = history_of_two
    run = latest_complete_run(history.landing, history.org_id, history.days[0])
    assert run is not None
    trail = pa.table({"Id": ["0Ym000000000001AAA"], "Display": ["Froze user Quinn Marsh"]})
    run.land("SetupAuditTrail", trail.schema, [trail])
    run.mark_complete(noon(history.days[0]), history=1)
    found = run.read_json("inspection.json")
    found["inspection"]["objects"]["SetupAuditTrail"] = {"available": True, "fields": []}
    run.write_json("inspection.json", found)

    _sweep(history)

    assert "SetupAuditTrail" not in run.objects()
    assert run.facts().keys() == {"completed_at"}
    assert "SetupAuditTrail" not in run.read_json("inspection.json")["inspection"]["objects"]
    assert "Quinn Marsh" not in {text for _, text in history.texts()}


def test_a_day_that_is_not_published_goes(history_of_two: History) -> None:
    """Where history has dropped a day, its landing is kept in no form."""
    history = history_of_two
    history.staging.delete("snapshots", f"org_id={history.org_id}", f"snapshot_date={history.days[0]}")

    assert _sweep(history) == {"expired": 1, "superseded": 0, "dead": 0, "kept": 1}


def test_erasing_finds_the_pseudonym_too(history_of_two: History) -> None:
    """Somebody out of scope is erased from landing that holds nothing but the pseudonym."""
    history = history_of_two
    day = history.days[0]
    victim = next(row for row in _users(history, day) if row["Email"] == "quinn.marsh@gmail.com")
    before = _replayed(history, day, ["*"])
    _replayed(history, day, FILTER)
    _sweep(history)
    stand_in = pseudonym(KEY.encode(), victim["Id"])
    assert history.mentions(stand_in[:15])

    erasure = replace(history.erasure(), pseudonym_key=KEY.encode())
    report = erasure.run(erasure.person(user_id=victim["Id"]))

    assert report["left"] == {}
    assert history.mentions(stand_in[:15]) == set()
    assert _replayed(history, day, ["*"]) == before


@pytest.mark.parametrize(
    ("key", "message"),
    [("", "is needed with retain_out_of_scope=pseudonymous"), ("hunter2", "fewer than 32 characters")],
)
def test_pseudonyms_need_a_key(monkeypatch: pytest.MonkeyPatch, key: str, message: str) -> None:
    """The mode without a key, and a key that is too short, are refused; the message does not repeat it."""
    monkeypatch.setenv("LICENSE_LEDGER_RETAIN_OUT_OF_SCOPE", "pseudonymous")
    monkeypatch.setenv("LICENSE_LEDGER_PSEUDONYM_KEY", key)

    with pytest.raises(ConfigError, match=message) as raised:
        load_settings()

    assert not key or key not in str(raised.value)
