"""From an Airflow task to a :class:`license_ledger.run.RunContext`. Imported inside tasks only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from license_ledger.airflow.dates import began, run_key, snapshot_date
from license_ledger.airflow.hook import LedgerSalesforceHook
from license_ledger.airflow.storage import open_storage
from license_ledger.airflow.warehouse import with_warehouse
from license_ledger.salesforce.connection_values import names_of
from license_ledger.settings import load_settings

if TYPE_CHECKING:
    from license_ledger.receipts import Source
    from license_ledger.run import RunContext

CHOICE = "choose_source"
"""The task whose result is the source."""


def run_context(org: str, context: Mapping[str, Any]) -> RunContext:
    """
    Gather what a step of the walk needs: settings, credentials, sessions, storage, and the day.

    Args:
        org: the connection id.
        context: Airflow's task context.

    Returns:
        The same for every task and every try of a run.

    Raises:
        ConfigError: naming the setting, connection field or param that is wrong.
        SnapshotRefused: for a day that cannot be taken.
    """
    from license_ledger.run import RunContext

    params, dag_run = context["params"], context["dag_run"]
    day = snapshot_date(dag_run, params.get("snapshot_date"))
    settings, source = with_warehouse(load_settings()), context["ti"].xcom_pull(task_ids=CHOICE)
    hook = LedgerSalesforceHook(org)
    return RunContext(
        connection_id=org,
        snapshot_date=day,
        run_key=run_key(dag_run),
        settings=settings,
        credentials=hook.credentials,
        sessions=hook.sessions,
        landing=open_storage(settings.landing_url),
        staging=open_storage(settings.staging),
        company_names=names_of(
            params.get("company_names"), "company_names", default=hook.credentials.company_names
        ),
        org_id=_org_id(context, source),
        source=source,
        began=began(dag_run),
        open_storage=open_storage,
    )


def _org_id(context: Mapping[str, Any], source: Source | None) -> str:
    """Id of the org as an earlier step found it, so that later steps need no session for it."""
    if source and source["org_id"]:
        return source["org_id"]
    receipt = context["ti"].xcom_pull(task_ids="refresh_token")
    return str(receipt["org_id"]) if receipt else ""
