"""History that thins out: staging, landing and warehouse lose a day together; no reader sees half."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pyarrow.dataset as pads
import pytest

from license_ledger.__main__ import main
from license_ledger.errors import SnapshotRefused, StoreBusy
from license_ledger.privacy.history import HistoryReceipt, retain_history
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.lease import lease
from license_ledger.staging.retention import Policy, days_to_drop, provenances, retain
from tests.component.privacy.history import History

pytestmark = pytest.mark.slow

DAILY = 5


def _retained(history: History, *, dry_run: bool = False) -> HistoryReceipt:
    walk = replace(history.walk, values={"history_daily_days": DAILY})
    return retain_history(
        history.landing,
        history.staging,
        walk.settings,
        org_id=history.org_id,
        today=history.days[-1],
        dry_run=dry_run,
    )


def _expected(history: History) -> list[date]:
    gone = days_to_drop(dict.fromkeys(history.days, "observed"), history.days[-1], Policy(DAILY))
    return [day for day in history.days if day not in gone]


def _globbed(history: History, name: str) -> set[date]:
    rows = pads.dataset(history.staging.path(name), partitioning="hive").to_table(columns=["snapshot_date"])
    return {date.fromisoformat(str(each)) for each in rows["snapshot_date"].unique().to_pylist()}


def _loaded(history: History) -> list[date]:
    with duckdb.connect(str(history.warehouse), read_only=True) as connection:
        for name in ("users", "seats", "licenses", "mismatches"):
            days = connection.execute(f"SELECT DISTINCT snapshot_date FROM {name} ORDER BY 1").fetchall()
        assert days == connection.execute("SELECT snapshot_date FROM snapshots ORDER BY 1").fetchall()
    return [day for (day,) in days]


def test_days_go_everywhere_and_others_stay_as_they_are(history: History) -> None:
    """Three weeks become five days, the Sundays and the first day, in staging, landing and warehouse."""
    stays = _expected(history)
    assert len(stays) == 9
    counts = {day: history.counts(day) for day in stays}

    receipt = _retained(history)

    assert receipt["kept"] == len(stays)
    assert receipt["dropped"] == receipt["unloaded"]
    assert len(receipt["dropped"]) == len(history.days) - len(stays)
    assert sorted(provenances(history.staging, history.org_id)) == stays
    assert {name: _globbed(history, name) for name in DATA_TABLES} == {
        name: set(stays) for name in DATA_TABLES
    }
    assert _loaded(history) == stays
    assert {day: history.counts(day) for day in stays} == counts
    assert len(history.landing.list(f"org_id={history.org_id}")) == len(stays)
    assert _retained(history)["dropped"] == []


def test_a_dry_run_only_tells(history: History) -> None:
    """The receipt is that of the real thing, and every file stays."""
    files = [str(path) for path in sorted(Path(history.staging.root).rglob("*"))]

    preview = _retained(history, dry_run=True)

    assert [str(path) for path in sorted(Path(history.staging.root).rglob("*"))] == files
    assert {**_retained(history), "dry_run": True} == preview


def test_readers_see_a_day_whole_or_not_at_all(history: History) -> None:
    """While days go, a day that opens has all its rows, or turns out to be gone."""
    rows = {day: len(history.ids(day)) for day in history.days}
    over, wrong = threading.Event(), []

    def read() -> None:
        while not over.is_set():
            for day in history.days:
                try:
                    if len(history.ids(day)) != rows[day]:
                        wrong.append(day)
                except (SnapshotRefused, StoreBusy):
                    continue

    reader = threading.Thread(target=read)
    reader.start()
    _retained(history)
    over.set()
    reader.join()

    assert wrong == []


@pytest.mark.parametrize("left", [("users", "seats"), ("seats", "mismatches"), ()])
def test_what_a_dead_process_left_is_finished(few: Callable[[int], History], left: tuple[str, ...]) -> None:
    """Killed after the row went, or some tables: the next call removes the rest, and the rows loaded."""
    history = few(8)
    gone = history.days[1]
    for name in ("snapshots", *DATA_TABLES):
        if name not in left:
            history.staging.delete(name, Day(history.org_id, gone).partition)

    receipt = _retained(history)

    assert gone not in _expected(history)
    assert gone.isoformat() in receipt["unloaded"]
    assert gone not in {day for name in DATA_TABLES for day in _globbed(history, name)}
    assert _loaded(history) == _expected(history)


def test_a_day_that_is_being_written_is_left_for_the_next_time(few: Callable[[int], History]) -> None:
    """Its writer keeps it, and the receipt says so."""
    history = few(8)
    busy = history.days[1]
    with lease(history.staging, Day(history.org_id, busy).lease, wait_seconds=0):
        receipt = retain(
            history.staging,
            org_id=history.org_id,
            today=history.days[-1],
            policy=Policy(DAILY),
            wait_seconds=0,
        )

    assert receipt["busy"] == [busy.isoformat()]
    assert history.counts(busy)
    assert _retained(history)["dropped"] == [busy.isoformat()]


def test_by_default_nothing_is_even_looked_at(few: Callable[[int], History]) -> None:
    """Without a policy the receipt is empty, however old the days are."""
    history = few(2)

    receipt = retain_history(
        history.landing,
        history.staging,
        history.walk.settings,
        org_id=history.org_id,
        today=history.days[-1] + timedelta(days=4000),
    )

    assert receipt["dropped"] == receipt["unloaded"] == []
    assert len(provenances(history.staging, history.org_id)) == 2


def _environment(history: History, monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    settings = history.walk.settings
    for name, value in {"staging": settings.staging, "warehouse": settings.warehouse, **values}.items():
        monkeypatch.setenv(f"LICENSE_LEDGER_{name.upper()}", value)


def test_the_command_retains(
    few: Callable[[int], History], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``license-ledger retain`` says which days go, and takes them out."""
    history = few(8)
    _environment(history, monkeypatch)
    assert main(["retain"]) == 0
    assert "Every day is kept" in capsys.readouterr().out
    _environment(history, monkeypatch, history_daily_days="1")

    today = history.days[-1].isoformat()
    assert main(["retain", "--dry-run", "--today", today]) == 0
    assert "would be dropped" in capsys.readouterr().out
    assert main(["retain", "--today", today]) == 1
    assert "without --dry-run" in capsys.readouterr().err
    assert len(provenances(history.staging, history.org_id)) == 8
    assert main(["retain", "--org", history.org_id]) == 0
    assert "days stay" in capsys.readouterr().out


def test_the_command_erases(
    few: Callable[[int], History],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    """``license-ledger erase``: a preview, the deed with a report, and what is wrong with an order."""
    history = few(2)
    person = history.person(history.days[-1], name="Ann Bell")
    _environment(history, monkeypatch)
    order = ["erase", "--org", history.org_id, "--email", "ann.bell@acme.com"]

    assert main([*order, "--dry-run"]) == 0
    assert "would be rewritten" in capsys.readouterr().out
    assert history.mentions(person["user_id"][:15])
    assert main([*order, "--report", str(tmp_path / "report.json")]) == 0
    told = capsys.readouterr().out
    assert "Nothing of the person was found." in told
    assert '"left": {}' in (tmp_path / "report.json").read_text()
    assert history.mentions(person["user_id"][:15], "ann.bell@acme.com") == set()
    assert main(order) == 1
    assert "nobody in landing or staging has it" in capsys.readouterr().err


def test_the_key_is_not_among_the_settings_that_are_shown(
    few: Callable[[int], History], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``license-ledger settings`` says that there is a key, and not which."""
    key = "a secret of forty characters, from a vault"
    _environment(few(1), monkeypatch, retain_out_of_scope="pseudonymous", pseudonym_key=key)

    assert main(["settings"]) == 0

    told = capsys.readouterr().out
    assert "LICENSE_LEDGER_PSEUDONYM_KEY=**********" in told
    assert key not in told
