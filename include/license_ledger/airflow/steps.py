"""
The steps of the walk as Airflow's tasks call them: gather the context, call the pipeline, log the receipt.

Imported when the DAG file is parsed; everything heavy is imported inside the functions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from license_ledger.airflow.assets import assets, headline
from license_ledger.errors import DayOutOfReach

if TYPE_CHECKING:
    from license_ledger.run import RunContext

log = logging.getLogger(__name__)

Receipt = dict[str, Any]


def choose_source(org: str) -> Receipt:
    """Decide what the day is made of. A day of which nothing can be made skips the run and says why."""
    from airflow.sdk.configuration import conf

    from license_ledger import pipeline
    from license_ledger.airflow.distributed import require_shared_places

    only_landing = get_current_context()["params"].get("source") == "landing"
    with _skipping():
        run = _context(org)
        require_shared_places(run.settings, conf.get("core", "executor"))
        return logged("choose_source", pipeline.choose_source(run, only_landing=only_landing))


def refresh_token(org: str) -> Receipt:
    """Get an access token into the token store. The receipt says for which org, never the token."""
    from license_ledger import extraction

    run = _context(org)
    if run.source and not run.source["extracts"]:
        raise AirflowSkipException(f"Salesforce is not asked: {run.source['reason']}")
    return logged("refresh_token", extraction.refresh_token(run))


def inspect_org(org: str) -> list[dict[str, Any]]:
    """Inspect the org. Returns the units to extract; the rest of the receipt becomes the XCom ``receipt``."""
    from license_ledger import extraction

    with _skipping():
        receipt: Receipt = dict(extraction.inspect_org(_context(org)))
    units: list[dict[str, Any]] = receipt.pop("units")
    get_current_context()["ti"].xcom_push(key="receipt", value=logged("inspect_org", receipt))
    return units


def transform(org: str) -> Receipt:
    """Build ``users`` and ``seats`` and the counted holders from what landed."""
    from license_ledger import pipeline

    with _skipping():
        return logged("transform", pipeline.transform(_context(org)))


def reconcile(org: str) -> Receipt:
    """Build ``licenses`` and ``mismatches``."""
    from license_ledger import pipeline

    return logged("reconcile", pipeline.reconcile(_context(org)))


def check(org: str) -> Receipt:
    """Run every check; raises CheckFailed, Unexplained or ImplausibleSnapshot when one selects rows."""
    from license_ledger import pipeline

    return logged("check", pipeline.check(_context(org)))


def publish(org: str) -> Receipt:
    """Publish the snapshot to staging."""
    from license_ledger import pipeline

    with _skipping():
        return logged("publish", pipeline.publish(_context(org)))


def load_warehouse(org: str) -> Receipt:
    """Load the published day; what the receipt says in numbers becomes part of the asset events."""
    from license_ledger import pipeline

    run = _context(org)
    receipt = logged("load_warehouse", pipeline.load_warehouse(run))
    events = get_current_context()["outlet_events"]
    for table, asset in assets(org).items():
        events[asset].extra = {"snapshot_date": run.snapshot_date.isoformat(), **headline(receipt, table)}
    return receipt


def summarize(org: str) -> str:
    """Write the run's report and log it."""
    from license_ledger import pipeline

    report = str(pipeline.summary(_context(org)))
    log.info("Report\n%s", report)
    return report


def logged(step: str, receipt: Any) -> Receipt:
    """Log a receipt on one line; it holds no rows, tokens or names of people."""
    plain = dict(receipt)
    log.info("%s: %s", step, ", ".join(f"{name}={value}" for name, value in plain.items()))
    return plain


@contextmanager
def _skipping() -> Iterator[None]:
    """Skip the rest of a run of which nothing can be made; the reason is the XCom ``skipped``."""
    try:
        yield
    except DayOutOfReach as error:
        log.warning("Skipped: %s", error)
        get_current_context()["ti"].xcom_push(key="skipped", value=str(error))
        raise AirflowSkipException(str(error)) from None


def _context(org: str) -> RunContext:
    from license_ledger.airflow.context import run_context

    return run_context(org, get_current_context())
