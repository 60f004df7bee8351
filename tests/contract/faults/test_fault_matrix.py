"""
Every behavior of Salesforce, and what the ledger does: recovers, fails at once, or retries later.

The cases are those of ``matrix.toml``. Each is a run for a day that is published already, so that a wrong
publication would be seen: afterwards the day is published by the truth, or is what it was.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.faults.matrix import FAILS, RECOVERS, RETRIES, Case, cases
from tests.contract.faults.ordeal import Attempt, Ordeal

from demo_org.fault_table import BY_NAME, TRAITS
from license_ledger import errors

RUNBOOK = Path(__file__).parents[3] / "docs" / "runbook.md"
BEHAVIORS = range(1, 41)
RECOVERING = [case for case in cases() if case.outcome == RECOVERS]
FAILING = [case for case in cases() if case.outcome != RECOVERS]
KINDS = {RETRIES: errors.TransientError, FAILS: (errors.PermanentError, errors.DataError)}


@pytest.fixture(scope="module")
def ordeal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ordeal]:
    """The org that all cases share, one after the other."""
    made = Ordeal(tmp_path_factory.mktemp("ordeal"))
    yield made
    made.org.stop()


def begin(ordeal: Ordeal, case: Case, root: Path) -> Attempt:
    """Bring the org into the state of the case, and take the steps of a run as far as it gets."""
    ordeal.calm_down()
    ordeal.control.options(**case.org)
    ordeal.control.hide(*case.hide)
    attempt = ordeal.attempt(root, ahead=case.ahead, standby=case.standby, **case.extra)
    for name, options in case.faults.items():
        ordeal.control.fault(name, **options)
    attempt.go_on()
    return attempt


def require_struck(ordeal: Ordeal, case: Case) -> None:
    """See that the run has met every fault of the case that strikes calls."""
    states = ordeal.control.faults()
    missed = [name for name, state in states.items() if BY_NAME[name].path and not state["hits"]]
    assert not missed, f"not met: {missed}"


@pytest.mark.parametrize("case", RECOVERING, ids=lambda case: case.name)
def test_what_the_ledger_recovers_from(ordeal: Ordeal, case: Case, tmp_path: Path) -> None:
    """The run comes to its end, and the day is published by the truth."""
    attempt = begin(ordeal, case, tmp_path)

    assert attempt.error is None, f"{attempt.at}: {attempt.error!r}"
    require_struck(ordeal, case)
    ordeal.require_published(attempt, without=case.without, ours=case.ours)
    called = {row["path"] for row in ordeal.control.counts()}
    assert not [path for path in called if case.never and re.search(case.never, path)]


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
def test_what_the_ledger_fails_of(ordeal: Ordeal, case: Case, tmp_path: Path) -> None:
    """
    The error is of the class and says the words; the day that was published is untouched.

    When the fault is over the run goes on from the step that failed and publishes the truth, unless the case
    says what it fails of then.
    """
    attempt = begin(ordeal, case, tmp_path)

    assert type(attempt.error).__name__ == case.error, f"{attempt.at}: {attempt.error!r}"
    assert isinstance(attempt.error, KINDS[case.outcome])
    assert re.search(case.words, str(attempt.error)), str(attempt.error)
    assert attempt.error.remedy
    require_struck(ordeal, case)
    ordeal.require_untouched(attempt)

    if case.outcome != RETRIES:
        return
    ordeal.control.no_fault()
    attempt.go_on()
    if case.afterwards:
        assert type(attempt.error).__name__ == case.afterwards
        ordeal.require_untouched(attempt)
    else:
        assert attempt.error is None, f"{attempt.at}: {attempt.error!r}"
        ordeal.require_published(attempt, without=case.without, ours=case.ours)


def test_the_matrix_is_complete() -> None:
    """Every behavior and every fault of the demo org has a case, and every case says what it must."""
    every = cases()

    assert {number for case in every for number in case.behaviors} == set(BEHAVIORS)
    assert {name for case in every for name in case.faults} == set(BY_NAME)
    assert len({case.name for case in every}) == len(every)
    traits = {number for number, _ in TRAITS}
    for case in every:
        assert case.outcome in (RECOVERS, *KINDS), case.name
        assert bool(case.error) == bool(case.words) == (case.outcome != RECOVERS), case.name
        known = {number for name in case.faults for number in BY_NAME[name].behaviors} | traits
        assert set(case.behaviors) <= known, case.name


@pytest.mark.parametrize("case", FAILING, ids=lambda case: case.name)
def test_every_error_has_a_heading_in_the_runbook(case: Case) -> None:
    """Whoever meets the error finds what to do."""
    headings = set(re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE))

    assert {case.error, case.afterwards} - {""} <= headings
    assert issubclass(getattr(errors, case.error), errors.LedgerError)
