"""
The walk: one function per step, in order. No Airflow.

::

    refresh_token → inspect_org → extract (per unit) → transform → reconcile → check
    → publish → load_warehouse

Every step takes the run's context, may run twice with the same result, and returns a receipt of plain values:
ids, counts, paths. What one step leaves for the next lies in the run folder, never in a receipt.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from license_ledger import __version__, plausibility, reader
from license_ledger.assembly import COUNTS_FILE, HOLDERS, LICENSES_FILE, Assembly
from license_ledger.errors import SnapshotRefused
from license_ledger.receipts import (
    CheckReceipt,
    ExtractReceipt,
    InspectReceipt,
    LoadReceipt,
    PublishReceipt,
    ReconcileReceipt,
    TokenReceipt,
    TransformReceipt,
    Unit,
)
from license_ledger.reconcile.bridge import bridge, unexplained_count
from license_ledger.reconcile.evidence import Evidence
from license_ledger.reconcile.report import markdown_summary
from license_ledger.run import INSPECTION, RunContext
from license_ledger.salesforce import capabilities
from license_ledger.salesforce.bulk import JobMemory
from license_ledger.salesforce.extract import query_batches, query_many
from license_ledger.salesforce.rest import RestClient
from license_ledger.staging import manifest
from license_ledger.staging.layout import DATA_TABLES
from license_ledger.staging.publish import publish as publish_files
from license_ledger.staging.published import last_published
from license_ledger.staging.runs import sweep_runs
from license_ledger.transform.metrics import control_totals
from license_ledger.transform.scope import ScopeRules, parse_rules
from license_ledger.warehouse import duckdb
from license_ledger.warehouse.checks import require_passed, run_checks
from license_ledger.warehouse.statements import checks

__all__ = [
    "RunContext",
    "check",
    "extract",
    "inspect_org",
    "load_warehouse",
    "publish",
    "reconcile",
    "refresh_token",
    "summary",
    "transform",
]

log = logging.getLogger(__name__)

ASSEMBLED, RECONCILED, CALLS = "assembled.json", "reconciled.json", "calls"


def refresh_token(context: RunContext) -> TokenReceipt:
    """
    Make sure that there is a session, and that everything else the run needs can be had.

    Raises:
        SnapshotRefused: the day lies ahead.
        ConfigError: a company name is neither a domain nor a declared entity.
        StagingUnwritable: landing or staging refuse to be written.
        LedgerError: what obtaining a session raises.
    """
    _refuse_future(context)
    _rules(context)
    context.staging.check_writable()
    context.landing.check_writable()
    session = context.sessions.current()
    return TokenReceipt(org_id=session.org_id, instance=urlsplit(session.instance_url).hostname or "")


def inspect_org(context: RunContext) -> InspectReceipt:
    """
    Find out what can be read, and leave it as ``inspection.json`` in the run folder.

    Raises:
        SchemaDrift: an object or field that the ledger cannot do without is not offered.
        QuotaExhausted: fewer API calls are left than the settings reserve for others.
        LedgerError: what a call of the org raises.
    """
    _refuse_future(context)
    settings, client, captured_at = context.settings, context.client(), context.clock()
    inspection = capabilities.inspect(
        client,
        captured_at=captured_at,
        bulk_threshold=settings.bulk_threshold,
        api_reserve_percent=settings.api_reserve_percent,
    )
    snapshot_id = f"{captured_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    context.landed.folder.write_json(INSPECTION, {"snapshot_id": snapshot_id, "inspection": inspection})
    _record_calls(context, "inspection", client.api_calls)
    return InspectReceipt(
        org_id=inspection["org_id"],
        snapshot_id=snapshot_id,
        api_version=inspection["api_version"],
        units=[Unit(label=unit["label"], objects=unit["objects"]) for unit in inspection["units"]],
        missing=[gap["object"] for gap in inspection["capabilities"] if not gap["field"]],
        api_calls=client.api_calls,
    )


def extract(
    context: RunContext,
    unit: Unit,
    job: JobMemory,
    wait: Callable[[float], None] | None = None,
) -> ExtractReceipt:
    """
    Land the objects of a unit.

    Args:
        context: of the run.
        unit: one of the units that :func:`inspect_org` returned.
        job: remembers the bulk job under way, so that a task that is tried again attaches to it.
        wait: how to pause, in seconds, while a bulk job is not finished; may raise to wait elsewhere.

    Raises:
        LedgerError: what a call of the org raises; objects landed before stay landed.
    """
    client, landed, inspection = context.client(), context.landed, context.landed.inspection
    rows: dict[str, int] = {}
    size = 0
    for name, pieces in _extracted(context, client, unit["objects"], job, wait):
        receipt = landed.folder.land(name, capabilities.arrow_schema(inspection, name), pieces)
        rows[name], size = receipt["rows"], size + receipt["bytes"]
    _record_calls(context, "-".join(unit["objects"]), client.api_calls)
    return ExtractReceipt(unit=unit["label"], rows=rows, bytes=size, api_calls=client.api_calls)


def _extracted(
    context: RunContext,
    client: RestClient,
    names: Sequence[str],
    job: JobMemory,
    wait: Callable[[float], None] | None,
) -> Iterator[tuple[str, Iterator[pa.Table]]]:
    """Rows per object: bulk objects one by one, the others together, five to a call."""
    inspection, settings = context.landed.inspection, context.settings
    by_rest = [name for name in names if inspection["objects"][name]["api"] == "rest"]
    for name in names:
        if name not in by_rest:
            yield (
                name,
                query_batches(
                    client,
                    inspection,
                    name,
                    job=job,
                    page_records=settings.bulk_page_records,
                    timeout_seconds=settings.bulk_timeout_minutes * 60,
                    wait=wait,
                ),
            )
    yield from query_many(client, inspection, by_rest)


def transform(context: RunContext) -> TransformReceipt:
    """
    Apply the company filter and make ``users``, ``seats`` and the counts of holders.

    Raises:
        ConfigError: naming the company name or legal entity that is wrong.
        ImplausibleSnapshot: an extract is empty or has shrunk too much.
        SchemaDrift, CorruptAnswer: what landed cannot be used.
    """
    landed = context.landed
    before = last_published(context.staging, context.org, context.snapshot_date)
    plausibility.require_plausible(
        landed.rows(), before and before["landed"], context.settings.shrink_tolerance
    )
    assembled = Assembly(landed, _rules(context), landed.captured_at, partial(_metadata, context)).run()
    landed.folder.write_json(ASSEMBLED, assembled)
    return TransformReceipt(
        people=assembled["people"],
        users=assembled["files"]["users"]["rows"],
        seats=assembled["files"]["seats"]["rows"],
        out_of_scope=assembled["out_of_scope"],
    )


def reconcile(context: RunContext) -> ReconcileReceipt:
    """Make ``licenses`` and ``mismatches``: for every license, one row per cause."""
    landed = context.landed
    table = landed.table_if_landed
    evidence = Evidence(
        captured_at=landed.captured_at,
        metrics=control_totals(table("ActiveProfileMetric"), table("ActivePermSetLicenseMetric")),
        unreadable={layer: name for layer, name in HOLDERS.items() if not landed.has_landed(name)},
    )
    result = bridge(landed.work_table(LICENSES_FILE), landed.work_table(COUNTS_FILE), evidence)
    files = {
        name: landed.write_work(name, rows, _metadata(context, name))
        for name, rows in (("licenses", result.licenses), ("mismatches", result.mismatches))
    }
    rest = unexplained_count(result.mismatches)
    landed.folder.write_json(RECONCILED, {"files": files, "unexplained": rest})
    return ReconcileReceipt(
        licenses=result.licenses.num_rows,
        mismatches=result.mismatches.num_rows,
        unexplained=rest,
    )


def check(context: RunContext) -> CheckReceipt:
    """
    Run every check over the work files.

    Raises:
        CheckFailed, Unexplained: naming the checks, licenses and columns, never a person.
    """
    landed, settings = context.landed, context.settings
    failures = run_checks(
        {name: landed.work_source(name) for name in DATA_TABLES},
        tolerance=settings.mismatch_tolerance,
        action=settings.mismatch_action,
    )
    require_passed(failures)
    for failure in failures:
        log.warning("check: %s", failure)
    return CheckReceipt(checks=len(checks()), warnings=[str(failure) for failure in failures])


def publish(context: RunContext) -> PublishReceipt:
    """
    Make the snapshot the day's one, wholly or not at all.

    Raises:
        StoreBusy: another writer publishes this day.
        SchemaDrift, CorruptSnapshot, StagingUnwritable: nothing is changed.
    """
    landed = context.landed
    assembled, reconciled = landed.folder.read_json(ASSEMBLED), landed.folder.read_json(RECONCILED)
    api_calls = _calls_of(context)
    done = publish_files(
        context.staging,
        org_id=context.org,
        snapshot_date=context.snapshot_date,
        snapshot_id=landed.snapshot_id,
        files=assembled["files"] | reconciled["files"],
        snapshot_row=_snapshot_row(context, assembled["out_of_scope"], reconciled["unexplained"], api_calls),
        source=context.landing,
        landed=landed.rows(),
        now=context.clock(),
    )
    landed.folder.mark_complete(context.clock(), snapshot_id=landed.snapshot_id)
    sweep_runs(
        context.landing,
        now=context.clock(),
        keep_days=context.settings.landing_days,
        org_id=context.org,
        keep=context.run_key,
    )
    return PublishReceipt(
        org_id=done["org_id"],
        snapshot_date=done["snapshot_date"],
        snapshot_id=done["snapshot_id"],
        staging=done["url"],
        rows=done["rows"],
        unexplained=reconciled["unexplained"],
        api_calls=api_calls,
    )


def load_warehouse(context: RunContext) -> LoadReceipt:
    """
    Load the day that is published into the warehouse; nothing is done when it is there already.

    Raises:
        StoreBusy: another loader is at work.
        ConfigError: the warehouse is none that this version can write.
    """
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    target = context.settings.warehouse
    if not target:
        return LoadReceipt(
            org_id=context.org,
            snapshot_date=context.snapshot_date.isoformat(),
            snapshot_id=snapshot.snapshot_id,
            warehouse="",
            rows={},
            loaded=False,
        )
    done = duckdb.load(duckdb.warehouse_path(target), snapshot)
    return LoadReceipt(
        org_id=done["org_id"],
        snapshot_date=done["snapshot_date"],
        snapshot_id=done["snapshot_id"],
        warehouse=done["warehouse"],
        rows=done["rows"],
        loaded=done["loaded"],
    )


def summary(context: RunContext) -> str:
    """The report of the day that is published, as Markdown: license position and mismatch bridge."""
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    title = f"{snapshot.row['org_name'] or context.org}, {context.snapshot_date}"
    return markdown_summary(snapshot.table("licenses"), snapshot.table("mismatches"), title=title)


def _refuse_future(context: RunContext) -> None:
    today = context.clock().date()
    if context.snapshot_date > today:
        raise SnapshotRefused(
            f"snapshot of {context.snapshot_date}",
            f"that day lies ahead, today is {today} (UTC)",
            "run it on its day",
        )


def _rules(context: RunContext) -> ScopeRules:
    settings = context.settings
    return parse_rules(
        context.company_names,
        settings.legal_entities,
        external_users=settings.external_users,
        service_accounts=settings.service_accounts,
    )


def _metadata(context: RunContext, table: str) -> Mapping[str, str]:
    return manifest.file_metadata(
        table,
        org_id=context.org,
        snapshot_date=context.snapshot_date,
        snapshot_id=context.landed.snapshot_id,
    )


def _record_calls(context: RunContext, what: str, calls: int) -> None:
    """One small file per task: several write at once."""
    context.landed.folder.write_json(f"{CALLS}/{what}.json", {"calls": calls})


def _calls_of(context: RunContext) -> int:
    folder = context.landed.folder
    return sum(folder.read_json(f"{CALLS}/{name}")["calls"] for name in folder.storage.list(CALLS))


def _snapshot_row(
    context: RunContext, out_of_scope: Mapping[str, int], unexplained: int, api_calls: int
) -> dict[str, Any]:
    """The row of table ``snapshots``, without what publishing decides."""
    rules, inspection = _rules(context), context.landed.inspection
    return {
        "provenance": "observed",
        "captured_at": context.landed.captured_at,
        "org_name": inspection["org_name"],
        "is_sandbox": inspection["is_sandbox"],
        "company_names": list(rules.company_names),
        "scope_hash": rules.scope_hash,
        "api_version": inspection["api_version"],
        "capabilities": json.dumps(inspection["capabilities"], sort_keys=True),
        "out_of_scope": json.dumps(dict(out_of_scope), sort_keys=True),
        "api_calls": api_calls,
        "unexplained_count": unexplained,
        "ledger_version": __version__,
    }
