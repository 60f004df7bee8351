"""
The steps that ask Salesforce: a session, an inspection, the extract. No Airflow.

They land the present state, under the present day and no other.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger import reader, source
from license_ledger.history.reach import require_history
from license_ledger.privacy.concealment import concealed
from license_ledger.receipts import ExtractReceipt, InspectReceipt, TokenReceipt, Unit
from license_ledger.run import INSPECTION, RunContext
from license_ledger.salesforce import capabilities, limits
from license_ledger.salesforce.bulk import JobMemory
from license_ledger.salesforce.extract import query_batches, query_many
from license_ledger.salesforce.rest import RestClient
from license_ledger.shares import extract_share, units_of
from license_ledger.staging.medium import on_storage
from license_ledger.staging.orgs import remember_org
from license_ledger.staging.published import last_published

__all__ = ["calls_of", "extract", "inspect_org", "refresh_token"]

CALLS = "calls"

METRICS_REPEATED = timedelta(days=35)
"""More than a month, because the history may keep no more than one snapshot of each."""


@on_storage
def refresh_token(context: RunContext) -> TokenReceipt:
    """
    Make sure that there is a session.

    Raises:
        SnapshotRefused: Salesforce's present state is not that of the day.
        LedgerError: what obtaining a session raises.
    """
    _require_present(context)
    session = context.sessions.current()
    remember_org(context.landing, context.connection_id, context.credentials.fingerprint, session.org_id)
    return TokenReceipt(
        org_id=session.org_id,
        instance=urlsplit(session.instance_url).hostname or "",
        on_standby=bool(getattr(context.sessions, "alert", None)),
    )


@on_storage
def inspect_org(context: RunContext) -> InspectReceipt:
    """
    Find out what can be read, and leave it as ``inspection.json`` in the run folder.

    Raises:
        SchemaDrift: an object or field that the ledger cannot do without is not offered.
        QuotaExhausted: fewer API calls are left than the settings reserve for others.
        DayOutOfReach: a past day is to be rolled back, and the audit trail is not visible; names the
            permission.
        LedgerError: what a call of the org raises.
    """
    _require_present(context)
    settings, client, captured_at = context.settings, context.client(), context.clock()
    inspection = capabilities.inspect(
        client,
        captured_at=captured_at,
        bulk_threshold=settings.bulk_threshold,
        api_reserve_percent=settings.api_reserve_percent,
        history=context.reconstructs,
        metrics_since=_metrics_since(context),
    )
    snapshot_id = f"{captured_at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    context.extracted.folder.write_json(
        INSPECTION,
        {"snapshot_id": snapshot_id, "inspection": inspection, "privacy_mode": settings.privacy_mode},
    )
    _record_calls(context, "inspection", client.api_calls)
    if context.reconstructs:
        require_history(context.extracted)
    quota = inspection["limits"].get(limits.CALLS, {})
    return InspectReceipt(
        org_id=inspection["org_id"],
        snapshot_id=snapshot_id,
        api_version=inspection["api_version"],
        units=units_of(inspection, most=settings.bulk_shares, page_records=settings.bulk_page_records),
        missing=[gap["object"] for gap in inspection["capabilities"] if not gap["field"]],
        api_calls=client.api_calls,
        api_calls_remaining=quota.get("remaining"),
        api_calls_allowed=quota.get("max"),
    )


@on_storage
def extract(
    context: RunContext,
    unit: Unit,
    job: JobMemory,
    wait: Callable[[float], None] | None = None,
) -> ExtractReceipt:
    """
    Land the objects of a unit, or a share of its one object.

    Args:
        context: of the run.
        unit: one of the units that :func:`inspect_org` returned.
        job: remembers the bulk job under way, so that a task that is tried again attaches to it.
        wait: how to pause, in seconds, while a bulk job is not finished; may raise to wait elsewhere.

    Raises:
        LedgerError: what a call of the org raises; objects landed before stay landed.
    """
    _require_present(context)
    client, landed, inspection = context.client(), context.extracted, context.extracted.inspection
    rows: dict[str, int] = {}
    size = 0
    if "share" in unit:
        (name,), (number, _) = unit["objects"], unit["share"]
        part = extract_share(context, client, name, unit["share"], job, wait)
        _record_calls(context, f"{name}-{number}", client.api_calls)
        return ExtractReceipt(
            unit=unit["label"], rows={name: part["rows"]}, bytes=part["bytes"], api_calls=client.api_calls
        )
    for name, pieces in _extracted(context, client, unit["objects"], job, wait):
        safe = concealed(context.settings, landed, name, pieces)
        receipt = landed.folder.land(name, capabilities.arrow_schema(inspection, name), safe)
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
    inspection, settings = context.extracted.inspection, context.settings
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


def _metrics_since(context: RunContext) -> date | None:
    """
    The first day of Salesforce's own metrics to ask for; None for all there are.

    Every snapshot repeats some weeks, so that no day is lost when older snapshots are dropped. What counts is
    known from snapshots before the day: its own is about to be replaced.
    """
    before = last_published(context.staging, context.org, context.landing_date - timedelta(days=1))
    if before is None:
        return None
    earlier = reader.open_snapshot(context.staging, context.org, date.fromisoformat(before["snapshot_date"]))
    newest: date | None = pc.max(earlier.table("control_totals", ["metrics_on"])["metrics_on"]).as_py()
    return None if newest is None else newest - METRICS_REPEATED


def _require_present(context: RunContext) -> None:
    now = context.clock()
    source.require_present(context.landing_date, context.began or now, now)


def _record_calls(context: RunContext, what: str, calls: int) -> None:
    """One small file per task: several write at once."""
    context.own_folder.write_json(f"{CALLS}/{what}.json", {"calls": calls})


def calls_of(context: RunContext) -> int:
    """API calls that the tasks of a run have spent; none for a run that asked nothing."""
    folder = context.own_folder
    return sum(folder.read_json(f"{CALLS}/{name}")["calls"] for name in folder.storage.list(CALLS))
