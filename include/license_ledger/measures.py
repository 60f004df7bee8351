"""
What is measured of the walk: every metric, declared once, and the values that receipts and snapshots give it.

Knows no Airflow: ``airflow/observed.py`` sends what is found here. ``docs/observability.md`` is written from
the declarations. Measures of a day are those of the newest one: a backfill of last March must not overwrite
what a gauge says of today.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pyarrow as pa

    from license_ledger.run import RunContext

PREFIX = "license_ledger."

MOST_LICENSES = 200
"""Licenses with a series of their own, those with the most used seats: a bound for what metrics cost."""

LICENSE_TAGS = ("org", "layer", "license", "license_id")


@dataclass(frozen=True)
class Metric:
    """
    One metric.

    Attributes:
        name: below the backend's own prefix, which is ``airflow`` unless configured otherwise.
        kind: a gauge keeps its last value, a counter is summed up, a timer is a distribution.
        unit: of the value.
        tags: names of its tags, in order.
        sent_by: the step that sends it.
        meaning: one sentence.
        alert: an example, as a PromQL condition over the name as Prometheus has it.
    """

    name: str
    kind: Literal["gauge", "counter", "timer"]
    unit: str
    tags: tuple[str, ...]
    sent_by: str
    meaning: str
    alert: str


STEP_DURATION = Metric(
    PREFIX + "step.duration",
    "timer",
    "milliseconds",
    ("org", "step", "outcome"),
    "every step",
    "Time a try of a step took; `outcome` is `success`, `skipped`, `deferred` or `failed`.",
    'histogram_quantile(0.95, sum by (org) (rate({name}{{step="extract"}}[7d]))) > 3600e3',
)
STEP_FAILURES = Metric(
    PREFIX + "step.failures",
    "counter",
    "tries",
    ("org", "step", "error"),
    "every step",
    "Tries that failed, by the error's class: a heading of the runbook, or `other`.",
    'increase({name}{{error="AuthRevoked"}}[1h]) > 0',
)
ON_STANDBY = Metric(
    PREFIX + "grant.on_standby",
    "gauge",
    "0 or 1",
    ("org",),
    "refresh_token",
    "Whether the first grant was lost and the standby grant is in use: authorize again.",
    "{name} == 1",
)
CALLS_REMAINING = Metric(
    PREFIX + "api_calls.remaining",
    "gauge",
    "calls",
    ("org",),
    "inspect_org",
    "API calls the org has left of its rolling 24 hours, for everybody.",
    "{name} / {prefix}api_calls_allowed < 0.2",
)
CALLS_ALLOWED = Metric(
    PREFIX + "api_calls.allowed",
    "gauge",
    "calls",
    ("org",),
    "inspect_org",
    "API calls the org may make in 24 hours.",
    "{name} < 0.5 * max_over_time({name}[30d])",
)
OBJECTS_HIDDEN = Metric(
    PREFIX + "objects.hidden",
    "gauge",
    "objects",
    ("org",),
    "inspect_org",
    "Objects that the integration user cannot see; the console says what each costs.",
    "{name} > min_over_time({name}[7d])",
)
ROWS_EXTRACTED = Metric(
    PREFIX + "rows.extracted",
    "gauge",
    "rows",
    ("org", "object"),
    "transform",
    "Rows landed per Salesforce object, before anything judges them.",
    '{name}{{object="User"}} < 0.7 * max_over_time({name}{{object="User"}}[7d])',
)
CHECK_WARNINGS = Metric(
    PREFIX + "checks.warnings",
    "gauge",
    "findings",
    ("org",),
    "check",
    "Findings of the checks that the settings tolerate.",
    "{name} > 0",
)
CALLS_USED = Metric(
    PREFIX + "api_calls.used",
    "gauge",
    "calls",
    ("org",),
    "publish",
    "API calls that the run has spent.",
    "{name} > 2 * avg_over_time({name}[7d])",
)
ROWS_PUBLISHED = Metric(
    PREFIX + "rows.published",
    "gauge",
    "rows",
    ("org", "table"),
    "publish",
    "Rows per published table.",
    '{name}{{table="users"}} < 0.9 * max_over_time({name}{{table="users"}}[2d])',
)
SEATS_USED = Metric(
    PREFIX + "seats.used",
    "gauge",
    "seats",
    ("org", "layer"),
    "publish",
    "Seats used by Salesforce's own counters, per layer; usage entitlements count things and are left out.",
    '{name}{{layer="user"}} > 1.1 * avg_over_time({name}{{layer="user"}}[7d])',
)
SEATS_IN_SCOPE = Metric(
    PREFIX + "seats.in_scope",
    "gauge",
    "seats",
    ("org", "layer"),
    "publish",
    "Of them, seats of people in the scope of the company filter.",
    '{name}{{layer="user"}} / {prefix}seats_used{{layer="user"}} < 0.5',
)
SEATS_UNEXPLAINED = Metric(
    PREFIX + "seats.unexplained",
    "gauge",
    "seats",
    ("org",),
    "publish",
    "Seats that the mismatch bridge could not explain, whichever their sign.",
    "{name} > 0",
)
LICENSE_USED = Metric(
    PREFIX + "license.used",
    "gauge",
    "seats",
    LICENSE_TAGS,
    "publish",
    f"Used seats of a license whose number is limited; of the {MOST_LICENSES} with the most.",
    "{name} > 0.95 * {prefix}license_total",
)
LICENSE_TOTAL = Metric(
    PREFIX + "license.total",
    "gauge",
    "seats",
    LICENSE_TAGS,
    "publish",
    "Bought seats of the same licenses.",
    "{name} < max_over_time({name}[7d])",
)
CAPTURED_AT = Metric(
    PREFIX + "snapshot.captured_at",
    "gauge",
    "Unix time",
    ("org",),
    "publish",
    "When the newest published snapshot was captured: its age is the time since.",
    "time() - {name} > 30 * 3600",
)
LOADED_AT = Metric(
    PREFIX + "warehouse.captured_at",
    "gauge",
    "Unix time",
    ("org",),
    "load_warehouse",
    "The same of the newest snapshot in the warehouse.",
    "{prefix}snapshot_captured_at - {name} > 0",
)

METRICS = (
    STEP_DURATION,
    STEP_FAILURES,
    ON_STANDBY,
    CALLS_REMAINING,
    CALLS_ALLOWED,
    OBJECTS_HIDDEN,
    ROWS_EXTRACTED,
    CHECK_WARNINGS,
    CALLS_USED,
    ROWS_PUBLISHED,
    SEATS_USED,
    SEATS_IN_SCOPE,
    SEATS_UNEXPLAINED,
    LICENSE_USED,
    LICENSE_TOTAL,
    CAPTURED_AT,
    LOADED_AT,
)


@dataclass(frozen=True)
class Measure:
    """A value of a metric; ``tags`` are all but ``org``, which the sender knows."""

    metric: Metric
    value: float
    tags: Mapping[str, str] = field(default_factory=dict)


def of_session(receipt: Mapping[str, Any]) -> Iterator[Measure]:
    """What the receipt of ``refresh_token`` says of the grant."""
    yield Measure(ON_STANDBY, int(receipt["on_standby"]))


def of_inspection(receipt: Mapping[str, Any]) -> Iterator[Measure]:
    """What the receipt of ``inspect_org`` says of quota and sight; nothing of a quota that is not told."""
    for metric, value in (
        (CALLS_REMAINING, receipt["api_calls_remaining"]),
        (CALLS_ALLOWED, receipt["api_calls_allowed"]),
    ):
        if value is not None:
            yield Measure(metric, value)
    yield Measure(OBJECTS_HIDDEN, len(receipt["missing"]))


def of_landing(context: RunContext) -> Iterator[Measure]:
    """Rows per object that the run itself has landed; nothing where it reads an earlier landing."""
    if context.source is not None and not context.source["extracts"]:
        return
    for name, rows in context.extracted.rows().items():
        yield Measure(ROWS_EXTRACTED, rows, {"object": name})


def of_check(context: RunContext, receipt: Mapping[str, Any]) -> Iterator[Measure]:
    """Warnings of the checks."""
    if is_newest(context):
        yield Measure(CHECK_WARNINGS, len(receipt["warnings"]))


def of_published(context: RunContext, receipt: Mapping[str, Any]) -> Iterator[Measure]:
    """
    What a published day says, when it is the newest.

    Args:
        context: of the run.
        receipt: of ``publish``.
    """
    from license_ledger import reader

    if not is_newest(context):
        return
    snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
    yield Measure(CALLS_USED, receipt["api_calls"])
    for table, rows in receipt["rows"].items():
        yield Measure(ROWS_PUBLISHED, rows, {"table": table})
    yield Measure(SEATS_UNEXPLAINED, receipt["unexplained"])
    yield from of_licenses(snapshot.table("licenses"))
    yield Measure(CAPTURED_AT, snapshot.row["captured_at"].timestamp())


def of_licenses(licenses: pa.Table) -> Iterator[Measure]:
    """Seats per layer, and of the licenses of which a number was bought and some are used."""
    rows = [row for row in licenses.to_pylist() if row["license_layer"] != "usage" and row["used_count"]]
    for layer in dict.fromkeys(row["license_layer"] for row in rows):
        of_layer = [row for row in rows if row["license_layer"] == layer]
        yield Measure(SEATS_USED, sum(row["used_count"] for row in of_layer), {"layer": layer})
        in_scope = sum(row["in_scope_count"] or 0 for row in of_layer)
        yield Measure(SEATS_IN_SCOPE, in_scope, {"layer": layer})
    limited = [row for row in rows if row["total_count"] is not None]
    limited.sort(key=lambda row: (-row["used_count"], row["license_layer"], row["license_id"]))
    for row in limited[:MOST_LICENSES]:
        tags = {
            "layer": row["license_layer"],
            "license": row["license_key"] or row["license_name"] or "",
            "license_id": row["license_id"],
        }
        yield Measure(LICENSE_USED, row["used_count"], tags)
        yield Measure(LICENSE_TOTAL, row["total_count"], tags)


def of_load(context: RunContext, receipt: Mapping[str, Any]) -> Iterator[Measure]:
    """How fresh the warehouse is; nothing where there is none."""
    from license_ledger import reader

    if receipt["warehouse"] and is_newest(context):
        snapshot = reader.open_snapshot(context.staging, context.org, context.snapshot_date)
        yield Measure(LOADED_AT, snapshot.row["captured_at"].timestamp())


def is_newest(context: RunContext) -> bool:
    """Whether no later day of the org is published."""
    from license_ledger.staging.published import published_days

    days = published_days(context.staging, context.org)
    return not days or context.snapshot_date >= days[-1]
