"""
The step that holds what is about to be published against what may never be. No Airflow.

Its rules are the SQL files of the warehouse's checks; here are the work files they run over, of one day or of
several at once. DuckDB is imported where it is used: other steps do not need it, and it takes memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from license_ledger.receipts import CheckReceipt
from license_ledger.run import RunContext
from license_ledger.staging.layout import DATA_TABLES
from license_ledger.staging.medium import on_storage
from license_ledger.warehouse.statements import checks

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from license_ledger.warehouse.checks import Failure

__all__ = ["check", "checked", "failures_of_days"]

log = logging.getLogger(__name__)


@on_storage
def check(
    context: RunContext, seen: Callable[[Sequence[Failure]], None] = lambda failures: None
) -> CheckReceipt:
    """
    Run every check over the work files.

    Args:
        context: of the run.
        seen: is told what the checks found, before that is judged.

    Raises:
        CheckFailed, Unexplained: naming the checks, licenses and columns, never a person.
    """
    [failures] = failures_of_days([context])
    seen(failures)
    return checked(failures)


def failures_of_days(
    contexts: Sequence[RunContext], connection: DuckDBPyConnection | None = None
) -> list[list[Failure]]:
    """
    Run every check over the work files of several days at once.

    Args:
        contexts: of the runs, a day each, of one org and with the same settings; not empty.
        connection: of :func:`license_ledger.warehouse.checks.checking`; default: one of its own.

    Returns:
        What the checks found, a list for each context: see :func:`checked`.
    """
    from license_ledger.warehouse.checks import check_days

    settings = contexts[0].settings
    found = check_days(
        {
            context.snapshot_date: {name: context.landed.work_source(name) for name in DATA_TABLES}
            for context in contexts
        },
        tolerance=settings.mismatch_tolerance,
        action=settings.mismatch_action,
        connection=connection,
    )
    return [found[context.snapshot_date] for context in contexts]


def checked(failures: Sequence[Failure]) -> CheckReceipt:
    """
    Let a day pass whose checks found nothing, or only what the settings let warn.

    Raises:
        CheckFailed, Unexplained: naming the checks, licenses and columns, never a person.
    """
    from license_ledger.warehouse.checks import require_passed

    require_passed(failures)
    for failure in failures:
        log.warning("check: %s", failure)
    return CheckReceipt(checks=len(checks()), warnings=[str(failure) for failure in failures])
