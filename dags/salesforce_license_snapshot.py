"""
Take the daily snapshot of every Salesforce license and of everyone who holds one.

| step | what it does |
|---|---|
| Choose source | decides what the day is made of: the present, its own landing, or Salesforce's memory |
| Refresh token | gets an access token; stores a rotated refresh token before anything else |
| Inspect org | finds out what can be read, by which API, and what a missing permission costs |
| Extract | lands every object as typed Parquet, large ones by Bulk API 2.0 |
| Transform | applies the company filter, classifies accounts, builds `users` and `seats` |
| Reconcile | builds `licenses` and `mismatches`, the bridge from Salesforce's counter to the seats in scope |
| Check | selects rows that should not exist; nothing is published while there are any |
| Publish | makes the whole snapshot visible in staging at once |
| Load warehouse | loads it, and emits one asset event per table, with the day as partition key |
| Summarize | the license position and the bridge, as Markdown |

**Trigger it** for today or a day as partition key, **backfill it** over a range. No day gets another's state:

| a day | becomes |
|---|---|
| today | *observed*, and replaced by a second run of today |
| past, with a landing | *replayed* from it with today's settings; Salesforce is not asked |
| past, without one | *reconstructed* from a later landing or extract by what Salesforce remembers |
| published as observed, landing gone; or beyond memory | skipped; the first task says why |
| ahead | refused |

**When it fails**, the failed task's log says what was asked, what came back and what to do about it; the name
of the error is a heading in `docs/runbook.md`. Errors that may pass are tried again by themselves.

The connection of the org holds its settings. `LICENSE_LEDGER_ORGS` lists the connections; each has a DAG.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, TaskGroup, TriggerRule, chain, result, task

from license_ledger.airflow import lineage, notifications, steps
from license_ledger.airflow.assets import assets
from license_ledger.airflow.dates import KEY_FORMAT
from license_ledger.airflow.links import CompanyInformationLink
from license_ledger.airflow.operators import ExtractOperator
from license_ledger.airflow.orgs import configured_orgs, dag_id, pool
from license_ledger.airflow.params import PARAMS
from license_ledger.airflow.policy import LONG, SHORT, TASK_DEFAULTS

step = partial(task, multiple_outputs=False)
group = partial(TaskGroup, prefix_group_id=False)


def license_snapshot(org: str) -> DAG:
    """Build the DAG of one org, given its connection id."""
    with DAG(
        dag_id(org),
        dag_display_name=f"Salesforce license snapshot ({org})",
        description="Every license, every holder, and the difference explained to the last seat.",
        doc_md=__doc__,
        # Midnight, so that a day typed by hand and a scheduled one are the same partition.
        schedule=CronPartitionTimetable("0 0 * * *", timezone="UTC", key_format=KEY_FORMAT),
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=3,
        default_args=TASK_DEFAULTS,
        deadline=notifications.deadline(org),
        params=PARAMS,
        tags=["salesforce", "licenses", f"org:{org}"],
    ) as dag:
        asking = {"default_args": {"pool": pool(org)}, "tooltip": "Only queries, ever."}
        with group("salesforce", group_display_name="Read Salesforce", **asking):

            @step(task_display_name="Choose source", execution_timeout=SHORT)
            def choose_source() -> dict[str, Any]:
                """Decide what the day is made of: the present, its own landing, or Salesforce's memory."""
                return steps.choose_source(org)

            @step(task_display_name="Refresh token", execution_timeout=SHORT)
            def refresh_token() -> dict[str, Any]:
                """Get an access token; a rotated refresh token is stored before the access token is used."""
                return steps.refresh_token(org)

            @step(task_display_name="Inspect org", execution_timeout=SHORT)
            def inspect_org() -> list[dict[str, Any]]:
                """Find out what can be read. Returns the units to extract; the receipt is XCom `receipt`."""
                return steps.inspect_org(org)

            chosen, refreshed, units = choose_source(), refresh_token(), inspect_org()
            extract = ExtractOperator.partial(
                task_id="extract",
                task_display_name="Extract",
                map_index_template="{{ unit_label | default('') }}",
                doc_md=ExtractOperator.__doc__,
                execution_timeout=LONG,
                org=org,
            ).expand(unit=units)

        with group("ledger", group_display_name="Keep the ledger", tooltip="Pure: the same rows every time."):
            # A replay extracts nothing: its skipped extract must not keep it from going on.
            @step(
                task_display_name="Transform",
                execution_timeout=LONG,
                trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            )
            def transform() -> dict[str, Any]:
                """Apply the company filter, classify accounts, build `users` and `seats`."""
                return steps.transform(org)

            @step(task_display_name="Reconcile")
            def reconcile() -> dict[str, Any]:
                """Build `licenses` and `mismatches`: for every license, one row per cause."""
                return steps.reconcile(org)

            @step(task_display_name="Check")
            def check() -> dict[str, Any]:
                """Select rows that should not exist; fails when there are any."""
                return steps.check(org)

            ledger = [transform(), reconcile(), check()]

        with group("warehouse", group_display_name="Publish", tooltip="All tables or none."):

            @step(task_display_name="Publish")
            def publish() -> dict[str, Any]:
                """Make the whole snapshot visible in staging at once, replacing the day."""
                return steps.publish(org)

            @step(task_display_name="Load warehouse", outlets=list(assets(org).values()))
            def load_warehouse() -> dict[str, Any]:
                """Load the published day into the warehouse, and emit the assets."""
                return steps.load_warehouse(org)

            @result
            @step(task_display_name="Summarize", execution_timeout=SHORT)
            def summarize() -> str:
                """Write the license position and the bridge as Markdown: the result of the run."""
                return steps.summarize(org)

            published = [publish(), load_warehouse(), summarize()]
            published[-1].operator.operator_extra_links = (CompanyInformationLink(),)
            published[-1].operator.on_success_callback = [notifications.published]

        chain(chosen, refreshed, units, extract, *ledger, *published)
        chain(chosen, ledger[0])
    return dag


for connection_id in configured_orgs():
    lineage.traced(license_snapshot(connection_id))
