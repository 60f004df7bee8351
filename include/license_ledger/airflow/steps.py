"""
The steps of the walk as Airflow's tasks call them: gather the context, call the pipeline, log the receipt.

Imported when the DAG file is parsed; everything heavy is imported inside the functions.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from license_ledger import measures
from license_ledger.airflow.assets import assets, headline
from license_ledger.airflow.observed import Receipt, Step, observed
from license_ledger.errors import DayOutOfReach

log = logging.getLogger(__name__)


def choose_source(org: str) -> Receipt:
    """Decide what the day is made of. A day of which nothing can be made skips the run and says why."""
    from airflow.sdk.configuration import conf

    from license_ledger import pipeline
    from license_ledger.airflow.distributed import require_shared_places

    only_landing = get_current_context()["params"].get("source") == "landing"
    with _step("choose_source", org) as step, _skipping():
        require_shared_places(step.run.settings, conf.get("core", "executor"))
        return step.done(pipeline.choose_source(step.run, only_landing=only_landing))


def refresh_token(org: str) -> Receipt:
    """Get an access token into the token store. The receipt says for which org, never the token."""
    from license_ledger import extraction

    with _step("refresh_token", org) as step:
        source = step.run.source
        if source and not source["extracts"]:
            raise AirflowSkipException(f"Salesforce is not asked: {source['reason']}")
        receipt = step.done(extraction.refresh_token(step.run))
        step.measure(measures.of_session, receipt)
        return receipt


def inspect_org(org: str) -> list[dict[str, Any]]:
    """Inspect the org. Returns the units to extract; the rest of the receipt becomes the XCom ``receipt``."""
    from license_ledger import extraction

    with _step("inspect_org", org) as step, _skipping():
        receipt: Receipt = dict(extraction.inspect_org(step.run))
        units: list[dict[str, Any]] = receipt.pop("units")
        get_current_context()["ti"].xcom_push(key="receipt", value=step.done(receipt))
        step.measure(measures.of_inspection, receipt)
        return units


def transform(org: str) -> Receipt:
    """Build ``users`` and ``seats`` and the counted holders from what landed."""
    from license_ledger import pipeline

    with _step("transform", org) as step, _skipping():
        # Before it is judged: an extract that is refused is the one whose size is looked for.
        step.measure(measures.of_landing, step.run)
        return step.done(pipeline.transform(step.run))


def reconcile(org: str) -> Receipt:
    """Build ``licenses`` and ``mismatches``."""
    from license_ledger import pipeline

    with _step("reconcile", org) as step:
        return step.done(pipeline.reconcile(step.run))


def check(org: str) -> Receipt:
    """Run every check; raises CheckFailed, Unexplained or ImplausibleSnapshot when one selects rows."""
    from license_ledger import pipeline

    with _step("check", org) as step:
        receipt = step.done(pipeline.check(step.run, partial(step.trace, "of_check", step.run)))
        step.measure(measures.of_check, step.run, receipt)
        return receipt


def publish(org: str) -> Receipt:
    """Publish the snapshot to staging."""
    from license_ledger import pipeline

    with _step("publish", org) as step, _skipping():
        receipt = step.done(pipeline.publish(step.run))
        step.trace("of_publish", step.run)
        step.measure(measures.of_published, step.run, receipt)
        return receipt


def load_warehouse(org: str) -> Receipt:
    """Load the published day; what the receipt says in numbers becomes part of the asset events."""
    from license_ledger import pipeline

    with _step("load_warehouse", org) as step:
        receipt = step.done(pipeline.load_warehouse(step.run))
        step.trace("of_load", step.run, receipt)
        step.measure(measures.of_load, step.run, receipt)
        events = get_current_context()["outlet_events"]
        for table, asset in assets(org).items():
            events[asset].extra = {
                "snapshot_date": step.run.snapshot_date.isoformat(),
                **headline(receipt, table),
            }
        return receipt


def summarize(org: str) -> str:
    """Write the run's report and log it."""
    from license_ledger import pipeline

    with _step("summarize", org) as step:
        report = str(pipeline.summary(step.run))
        log.info("Report\n%s", report)
        return report


def _step(name: str, org: str) -> AbstractContextManager[Step]:
    return observed(name, org, get_current_context())


@contextmanager
def _skipping() -> Iterator[None]:
    """Skip the rest of a run of which nothing can be made; the reason is the XCom ``skipped``."""
    try:
        yield
    except DayOutOfReach as error:
        log.warning("Skipped: %s", error)
        get_current_context()["ti"].xcom_push(key="skipped", value=str(error))
        raise AirflowSkipException(str(error)) from None
