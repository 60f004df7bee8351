"""
The walk: one function per step, in order. No Airflow.

::

    choose_source → refresh_token → inspect_org → extract (per unit)
    → transform → reconcile → check → publish → load_warehouse

A day that is replayed, or reconstructed from an earlier landing, goes from the first step to *transform*.

Every step takes the run's context, may run twice with the same result, and returns a receipt of plain values:
ids, counts, paths. What one step leaves for the next lies in the run folder, never in a receipt.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pyarrow as pa

from license_ledger import plausibility, reader, source
from license_ledger.assembly import COUNTS_FILE, HOLDERS, LICENSES_FILE, Assembly
from license_ledger.checking import check, checked, failures_of_days
from license_ledger.extraction import calls_of, extract, inspect_org, refresh_token
from license_ledger.history.as_of import reconstruct
from license_ledger.history.certainty import rows_by_certainty
from license_ledger.inputs.given import read_inputs
from license_ledger.privacy.concealment import UNTOLD, Concealment, forget_people, pseudonym_key
from license_ledger.privacy.history import retain_history
from license_ledger.privacy.places import PEOPLE_TABLES
from license_ledger.privacy.pseudonyms import sweep_landing
from license_ledger.receipts import (
    LoadReceipt,
    PublishReceipt,
    ReconcileReceipt,
    Source,
    TransformReceipt,
)
from license_ledger.reconcile.bridge import bridge, unexplained_count
from license_ledger.reconcile.evidence import Evidence
from license_ledger.reconcile.report import markdown_summary
from license_ledger.run import Landed, RunContext
from license_ledger.schemas import table
from license_ledger.settings import Settings
from license_ledger.snapshot_row import scope_rules, snapshot_row
from license_ledger.source import KEPT
from license_ledger.staging import manifest
from license_ledger.staging.layout import Day
from license_ledger.staging.medium import on_storage
from license_ledger.staging.parquet import FileReceipt
from license_ledger.staging.publish import publish as publish_files
from license_ledger.staging.published import last_published
from license_ledger.staging.runs import HISTORY
from license_ledger.transform.metrics import control_total_history, control_totals
from license_ledger.warehouse.places import warehouse_at

__all__ = [
    "RunContext",
    "check",
    "checked",
    "choose_source",
    "extract",
    "failures_of_days",
    "inspect_org",
    "load_warehouse",
    "publish",
    "reconcile",
    "refresh_token",
    "summary",
    "transform",
]

ASSEMBLED, RECONCILED = "assembled.json", "reconciled.json"


@on_storage
def choose_source(context: RunContext, *, only_landing: bool = False) -> Source:
    """
    Decide what the day is made of, before anything is asked or written.

    Args:
        context: of the run.
        only_landing: replay the day's landing, today's as well, or do nothing.

    Returns:
        The source; for today its own extract, whose org may still be unknown.

    Raises:
        DayOutOfReach: nothing can be made of the day; names the earliest that can be had.
        SnapshotRefused: the day lies ahead.
        ConfigError: a company name is neither a domain nor a declared entity, the warehouse is none that this
            version can write, or a key is missing.
        WarehouseUnavailable: the warehouse's server cannot be reached.
        StagingUnwritable: landing or staging refuse to be written.
    """
    now, settings = context.clock(), context.settings
    source.refuse_future(context.snapshot_date, now)
    scope_rules(context)
    if settings.retain_out_of_scope == "pseudonymous" or settings.privacy_mode != "named":
        pseudonym_key(settings)
    if settings.warehouse:
        warehouse_at(settings.warehouse).require_writable()
    context.staging.check_writable()
    context.landing.check_writable()
    snapshot_id = f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    if not only_landing and source.is_present(context.snapshot_date, context.began or now, now):
        return Source(
            provenance="observed",
            org_id=context.org_id,
            landing_date=context.snapshot_date.isoformat(),
            landing_run=context.run_key,
            extracts=True,
            snapshot_id=snapshot_id,
            reason="it is the present day",
        )
    return source.past_source(
        context.landing,
        context.staging,
        Day(context.org, context.snapshot_date),
        run_key=context.run_key,
        clock=context.clock,
        snapshot_id=snapshot_id,
        only_landing=_why_only_landing(settings, asked=only_landing),
        sleep=context.sleep,
    )


def _why_only_landing(settings: Settings, *, asked: bool) -> str:
    """Why a past day is replayed or nothing; empty when Salesforce's memory may be asked as well."""
    if asked:
        return "only landings were asked for"
    if settings.privacy_mode != "named":
        return f"privacy_mode={settings.privacy_mode} asks for no audit trail, which names people"
    return ""


@on_storage
def transform(context: RunContext) -> TransformReceipt:
    """
    Apply the company filter and make ``users``, ``seats`` and the counts of holders.

    Raises:
        ConfigError: naming the company name or legal entity that is wrong.
        ImplausibleSnapshot: an extract is empty or has shrunk too much.
        DayOutOfReach: the day is to be rolled back from a landing that does not tell of it.
        SchemaDrift, CorruptAnswer: what landed cannot be used.
    """
    _accept(context)
    landed = context.landed
    certainty = _roll_back(context) if context.reconstructs else None
    concealment = Concealment.of_extract(context.settings, landed)
    assembled = Assembly(
        landed,
        scope_rules(context),
        landed.captured_at,
        partial(_metadata, context),
        conceal=concealment.rows if concealment else None,
        untold=UNTOLD if concealment else (),
    ).run()
    context.own_folder.write_json(ASSEMBLED, {**assembled, "certainty": certainty})
    return TransformReceipt(
        people=assembled["people"],
        users=assembled["files"]["users"]["rows"],
        seats=assembled["files"]["seats"]["rows"],
        out_of_scope=assembled["out_of_scope"],
    )


@on_storage
def reconcile(context: RunContext) -> ReconcileReceipt:
    """Make ``licenses``, ``mismatches``, one row per license and cause, and ``control_totals``."""
    landed = context.landed
    read = landed.table_if_landed
    evidence = Evidence(
        captured_at=landed.captured_at,
        metrics=control_totals(read("ActiveProfileMetric"), read("ActivePermSetLicenseMetric")),
        unreadable={layer: name for layer, name in HOLDERS.items() if not landed.has_landed(name)},
    )
    result = bridge(landed.work_table(LICENSES_FILE), landed.work_table(COUNTS_FILE), evidence)
    files = {
        name: landed.write_work(name, rows, _metadata(context, name))
        for name, rows in (
            ("licenses", result.licenses),
            ("mismatches", result.mismatches),
            ("control_totals", _control_totals(landed, result.licenses)),
        )
    }
    rest = unexplained_count(result.mismatches)
    context.own_folder.write_json(RECONCILED, {"files": files, "unexplained": rest})
    return ReconcileReceipt(
        licenses=result.licenses.num_rows,
        mismatches=result.mismatches.num_rows,
        unexplained=rest,
    )


def _control_totals(landed: Landed, licenses: pa.Table) -> pa.Table:
    read = landed.table_if_landed
    return control_total_history(
        licenses,
        profile_metrics=read("ActiveProfileMetric"),
        permission_set_metrics=read("ActivePermSetLicenseMetric"),
        feature_metrics=read("ActiveFeatureLicenseMetric"),
    )


@on_storage
def publish(context: RunContext, *, sweeps: bool = True) -> PublishReceipt:
    """
    Make the snapshot the day's one, wholly or not at all.

    Args:
        context: of the run.
        sweeps: whether leftovers of staging and landing are cleared away afterwards.

    Raises:
        StoreBusy: another writer publishes this day.
        SchemaDrift, CorruptSnapshot, StagingUnwritable: nothing is changed.
    """
    landed = context.landed
    own = context.own_folder
    assembled, reconciled = own.read_json(ASSEMBLED), own.read_json(RECONCILED)
    api_calls = calls_of(context)
    certainty = assembled["certainty"]
    if certainty is not None:
        certainty = {**certainty, "tables": rows_by_certainty(landed)}
    is_aggregate = context.settings.privacy_mode == "aggregate"
    people = _nobody(context) if is_aggregate else assembled["files"]
    done = publish_files(
        context.staging,
        org_id=context.org,
        snapshot_date=context.snapshot_date,
        snapshot_id=context.snapshot_id,
        files=people | reconciled["files"],
        snapshot_row=snapshot_row(
            context,
            out_of_scope=assembled["out_of_scope"],
            unexplained=reconciled["unexplained"],
            api_calls=api_calls,
            certainty=certainty,
        ),
        source=context.landing,
        landed=landed.rows(),
        now=context.clock(),
        keeps=KEPT if context.reconstructs else (),
        sweeps=sweeps,
    )
    if is_aggregate:
        forget_people(landed.folder, context.own_folder)
    if sweeps:
        sweep_landing(
            context.landing,
            context.staging,
            context.settings,
            org_id=context.org,
            now=context.clock(),
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


def _nobody(context: RunContext) -> dict[str, FileReceipt]:
    """The tables of people without any: the checks have seen them, and what they tell is counted."""
    return {
        name: context.landed.write_work(
            f"{name}-untold", table(name).arrow_schema.empty_table(), _metadata(context, name)
        )
        for name in PEOPLE_TABLES
    }


@on_storage
def load_warehouse(context: RunContext) -> LoadReceipt:
    """
    Load the day that is published into the warehouse; nothing is done when it is there already.

    Afterwards days go that the settings no longer keep.

    Raises:
        StoreBusy: another loader is at work.
        WarehouseUnavailable: the warehouse's server went away; the day is as it was.
        ConfigError: the warehouse is none that this version can write.
        InputRefused: a price list, crosswalk or directory cannot be used; nothing was loaded.
    """
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    receipt = LoadReceipt(
        org_id=context.org,
        snapshot_date=context.snapshot_date.isoformat(),
        snapshot_id=snapshot.snapshot_id,
        warehouse="",
        rows={},
        loaded=False,
    )
    if context.settings.warehouse:
        inputs = read_inputs(context.settings, context.clock(), context.open_storage)
        [done] = warehouse_at(context.settings.warehouse).load_all([snapshot], inputs=inputs)
        receipt["warehouse"], receipt["rows"], receipt["loaded"] = (
            done["warehouse"],
            done["rows"],
            done["loaded"],
        )
    today = context.clock().date()
    retain_history(context.landing, context.staging, context.settings, org_id=context.org, today=today)
    return receipt


@on_storage
def summary(context: RunContext) -> str:
    """The report of the day that is published, as Markdown: license position and mismatch bridge."""
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    title = f"{snapshot.row['org_name'] or context.org}, {context.snapshot_date}"
    return markdown_summary(snapshot.table("licenses"), snapshot.table("mismatches"), title=title)


def _accept(context: RunContext) -> None:
    """
    See that what was extracted can be true, and say so: from now on the day can be made anew from it.

    Compared is with the newest snapshot up to the day of the landing, which a replay has passed already.
    """
    extracted = context.extracted
    if context.source is not None and not context.source["extracts"]:
        return
    before = last_published(context.staging, context.org, context.landing_date)
    plausibility.require_plausible(
        extracted.rows(), before and before["landed"], context.settings.shrink_tolerance
    )
    if context.settings.privacy_mode == "aggregate":
        # Its people are deleted once they are counted: nothing can be made of it later.
        return
    facts = {HISTORY: 1} if context.reconstructs else {}
    extracted.folder.mark_complete(context.clock(), **facts)


def _roll_back(context: RunContext) -> dict[str, Any]:
    """Land the objects as they were at the beginning of the day; returns how sure that is."""
    day = context.snapshot_date
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return dict(reconstruct(context.extracted, moment, context.own_folder, snapshot_id=context.snapshot_id))


def _metadata(context: RunContext, table: str) -> Mapping[str, str]:
    return manifest.file_metadata(
        table,
        org_id=context.org,
        snapshot_date=context.snapshot_date,
        snapshot_id=context.snapshot_id,
    )
