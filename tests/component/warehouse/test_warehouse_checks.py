"""Each check finds the rows that it is about, and no other check does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from made_snapshots import SALES, made_snapshot
from violations import VIOLATIONS, Tables, edited, tables, unexplained

from license_ledger.errors import CheckFailed, Unexplained
from license_ledger.schemas import table
from license_ledger.warehouse.checks import CHECKED, Failure, check_days, checking, require_passed, run_checks
from license_ledger.warehouse.statements import checks


@pytest.mark.parametrize("count", [0, 1, 40, 1000])
def test_a_sound_snapshot_passes_every_check(count: int) -> None:
    """No check finds anything in a snapshot that is right, of no users or of many."""
    assert run_checks(made_snapshot(count).tables, tolerance=0) == []


def test_every_check_is_tested() -> None:
    """There is a violation for every check."""
    assert {name for name, _, _ in VIOLATIONS} == {check.name for check in checks()}


@pytest.mark.parametrize(("check", "subject", "violate"), VIOLATIONS)
def test_a_violation_is_found_by_its_check_alone(
    check: str, subject: str, violate: Callable[[Tables], Tables]
) -> None:
    """One wrong row is reported by the check it belongs to, naming the license or column and no person."""
    failures = run_checks(violate(tables()), tolerance=0)
    told = repr(failures)

    assert [failure.check for failure in failures] == [check]
    assert subject in failures[0].subjects
    assert failures[0].count >= 1
    assert not failures[0].is_warning
    assert "@" not in told
    assert "Person" not in told
    assert "0050000" not in told


@pytest.mark.parametrize(
    ("name", "column"), [(t.name, c.name) for t in CHECKED for c in t.columns if c.values]
)
def test_every_closed_vocabulary_is_checked(name: str, column: str) -> None:
    """A word that is not declared is found in every column that has a vocabulary."""
    found = run_checks(edited(tables(), name, {column: "nonsense"}), tolerance=0)

    assert f"{name}.{column}" in next(f for f in found if f.check == "vocabulary").subjects


@pytest.mark.parametrize(
    ("name", "column"), [(t.name, c.name) for t in CHECKED for c in t.columns if not c.nullable]
)
def test_every_required_column_is_checked(name: str, column: str) -> None:
    """A missing value is found in every column that must have one."""
    found = run_checks(edited(tables(), name, {column: None}), tolerance=0)

    assert f"{name}.{column}" in next(f for f in found if f.check == "required_values").subjects


@pytest.mark.parametrize(
    ("name", "column"),
    [
        (t.name, c.name)
        for t in CHECKED
        for c in t.columns
        if c.name.endswith("_id") and c.name != "federation_id"
    ],
)
def test_every_id_is_checked(name: str, column: str) -> None:
    """An id of fifteen characters is found in every column that holds Salesforce ids."""
    found = run_checks(edited(tables(), name, {column: "005000000000001"}), tolerance=0)

    assert f"{name}.{column}" in next(f for f in found if f.check == "id_format").subjects


@pytest.mark.parametrize(
    ("seats", "tolerance", "action", "expected"),
    [
        (3, 2, "fail", [False]),
        (3, 3, "fail", []),
        (-3, 3, "fail", []),
        (-4, 3, "fail", [False]),
        (3, 2, "warn", [True]),
        (3, 3, "warn", []),
    ],
)
def test_the_tolerance_and_the_action_decide_about_unexplained_seats(
    seats: int, tolerance: int, action: Any, expected: list[bool]
) -> None:
    """Up to the tolerance nothing is reported; above it a failure, or a warning."""
    found = run_checks(unexplained(seats)(tables()), tolerance=tolerance, action=action)

    assert [failure.is_warning for failure in found] == expected


def test_a_check_that_fails_is_no_warning_because_another_may_warn() -> None:
    """The action concerns unexplained seats only."""
    wrong = edited(tables(), "licenses", {"available_count": 11}, license_id=SALES[1])

    assert not run_checks(wrong, tolerance=0, action="warn")[0].is_warning


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda t: t.drop_columns("email"), "users.email is missing"),
        (lambda t: t.append_column("ssn", pa.nulls(t.num_rows)), "users.ssn is not declared"),
        (
            lambda t: t.set_column(0, "user_id", pa.array(range(t.num_rows))),
            "users.user_id is int64 instead of string",
        ),
    ],
)
def test_wrong_columns_are_the_only_failure(change: Callable[[pa.Table], pa.Table], problem: str) -> None:
    """A table without the declared columns is reported as such, column by column."""
    made = tables()
    found = run_checks(made | {"users": change(made["users"])}, tolerance=0)

    assert [(failure.check, failure.subjects) for failure in found] == [("columns", (problem,))]


def test_files_tables_and_datasets_are_checked_alike(tmp_path: Path) -> None:
    """Where the rows come from makes no difference."""
    wrong = unexplained(2)(tables())
    files = {name: tmp_path / f"{name}.parquet" for name in wrong}
    for name, path in files.items():
        pq.write_table(wrong[name], path)
    datasets = {name: pads.dataset(path) for name, path in files.items()}

    found = [run_checks(source, tolerance=0) for source in (wrong, files, datasets)]

    assert found[0] == found[1] == found[2]
    assert [(f.check, f.count) for f in found[0]] == [("unexplained_above_tolerance", 1)]


def test_what_spills_to_disk_is_removed(tmp_path: Path) -> None:
    """The temporary directory is as empty afterwards as before, and memory stays within little."""
    with checking(temp_directory=tmp_path, memory_limit="30MB") as connection:
        run_checks(made_snapshot(60_000).tables, tolerance=0, connection=connection)

    assert list(tmp_path.iterdir()) == []


def test_one_connection_checks_one_snapshot_after_another(tmp_path: Path) -> None:
    """What was found in one snapshot, from files or from tables, is not found in the next."""
    right, wrong = tables(), unexplained(1)(tables())
    files = {name: tmp_path / f"{name}.parquet" for name in right}
    for name, path in files.items():
        pq.write_table(right[name], path)
    with checking() as connection:
        found = [
            run_checks(source, tolerance=0, connection=connection) for source in (wrong, files, wrong, right)
        ]

    assert [bool(failures) for failures in found] == [True, False, True, False]


def test_days_are_checked_together_as_each_by_itself() -> None:
    """
    Every violation is found in its own day as it is alone, and the same rows in other days hide nothing.

    The days hold the same keys: a join or a count that forgets the day would mix them up.
    """
    first = date(2026, 1, 1)
    made: dict[date, Tables] = {}
    for number, (_, _, violate) in enumerate(VIOLATIONS):
        made[first + timedelta(days=2 * number)] = violate(tables())
        made[first + timedelta(days=2 * number + 1)] = tables()

    found = check_days(made, tolerance=0)

    assert found == {day: run_checks(rows, tolerance=0) for day, rows in made.items()}
    assert sum(map(bool, found.values())) == len(VIOLATIONS)


def test_a_day_with_wrong_columns_does_not_keep_the_others_from_being_checked() -> None:
    """It is reported by itself; a violation of another day is found, a sound day passes."""
    days = [date(2026, 1, number) for number in (1, 2, 3)]
    odd = tables() | {"users": tables()["users"].drop_columns("email")}

    found = check_days(dict(zip(days, (odd, unexplained(1)(tables()), tables()), strict=True)), tolerance=0)

    assert [[failure.check for failure in found[day]] for day in days] == [
        ["columns"],
        ["unexplained_above_tolerance"],
        [],
    ]


def test_failures_stop_what_is_going_on() -> None:
    """Unexplained seats alone are Unexplained, anything else is CheckFailed, warnings pass."""
    rest = Failure("unexplained_above_tolerance", "…", 1, ("user license Salesforce",))
    other = Failure("duplicate_keys", "…", 7, tuple(f"license {n}" for n in range(7)))
    warning = Failure("unexplained_above_tolerance", "…", 1, ("user license Salesforce",), is_warning=True)

    require_passed([])
    require_passed([warning])
    with pytest.raises(Unexplained, match="1 in user license Salesforce"):
        require_passed([rest])
    with pytest.raises(CheckFailed, match=r"7 in license 0, .* and 2 more"):
        require_passed([rest, other])
    with pytest.raises(CheckFailed, match=r"^((?!unexplained).)*$"):
        require_passed([warning, other])


def test_the_checked_tables_are_those_of_a_snapshot() -> None:
    """All published tables but the list of snapshots are checked."""
    assert {t.name for t in CHECKED} == {"users", "licenses", "seats", "mismatches", "control_totals"}
    assert table("snapshots") not in CHECKED
