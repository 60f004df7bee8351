"""The charts of the dashboard, by tab: which view they ask, and what of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LATEST = ("is_latest", "IS TRUE", None)
SEATS_ONLY = ("license_layer", "!=", "usage")

Filter = tuple[str, str, Any]


@dataclass(frozen=True)
class Chart:
    """
    One chart.

    Attributes:
        title: shown above it.
        view: of the warehouse.
        kind: Superset's name of the visualization.
        metrics: label to SQL over the view; the first orders the rows.
        by: columns that split the metrics into series, or a table into rows.
        over: the column of the horizontal axis, or the axis's title where it is made of SQL.
        over_sql: what the axis is made of, when it is no column.
        rows: of a chart with an axis, at most; the largest first.
        columns: of a table of plain rows.
        filters: column, operator, value.
        order: column and whether descending, of a table of plain rows.
        options: of the visualization.
        width: of twelve columns.
        height: in Superset's units of eight pixels.
        limit: series or rows at most.
    """

    title: str
    view: str
    kind: str
    metrics: Mapping[str, str] = field(default_factory=dict)
    by: tuple[str, ...] = ()
    over: str = ""
    over_sql: str = ""
    rows: int = 10000
    columns: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    width: int = 12
    height: int = 50
    limit: int = 1000


def number(title: str, view: str, sql: str, *filters: Filter, **options: Any) -> Chart:
    """One number, a third of a row."""
    shown = {"header_font_size": 0.4, "subheader_font_size": 0.15, "y_axis_format": ",d"} | options
    return Chart(
        title, view, "big_number_total", {title: sql}, filters=filters, options=shown, width=3, height=20
    )


STACKED = {"stack": "Stack", "show_legend": True, "rich_tooltip": True, "legendType": "scroll"}
LINES = {"show_legend": True, "rich_tooltip": True, "legendType": "scroll", "markerEnabled": True}

TABS: Mapping[str, tuple[Chart, ...]] = {
    "Position": (
        number("Licenses", "license_position", "COUNT(*)", LATEST),
        number("Seats used", "license_position", "SUM(used_count)", LATEST, SEATS_ONLY),
        number("Seats in scope", "license_position", "SUM(in_scope_count)", LATEST, SEATS_ONLY),
        number(
            "Licenses over-allocated",
            "license_position",
            "SUM(CASE WHEN is_over_allocated THEN 1 ELSE 0 END)",
            LATEST,
        ),
        Chart(
            "Licenses, the fullest first",
            "license_position",
            "table",
            columns=(
                "license_layer",
                "license_name",
                "total_count",
                "used_count",
                "in_scope_count",
                "available_count",
                "utilization_percent",
                "is_over_allocated",
                "is_nearly_exhausted",
                "expires_on",
            ),
            filters=(LATEST,),
            order=(("utilization_percent", True),),
            height=60,
        ),
    ),
    "Utilization": (
        Chart(
            "Utilization in percent",
            "license_trend",
            "echarts_timeseries_line",
            {"Utilization in percent": "MAX(utilization_percent)"},
            by=("license_name", "license_layer"),
            over="snapshot_date",
            filters=(("utilization_percent", "IS NOT NULL", None), SEATS_ONLY),
            options=LINES,
            limit=12,
        ),
        Chart(
            "Seats used, by layer",
            "license_trend",
            "echarts_area",
            {"Seats used": "SUM(used_count)"},
            by=("license_layer",),
            over="snapshot_date",
            filters=(SEATS_ONLY,),
            options=STACKED,
        ),
    ),
    "Mismatch": (
        Chart(
            "From the seats in scope to Salesforce's counter",
            "mismatch_bridge",
            "waterfall",
            {"Seats": "SUM(seat_count)"},
            over="Cause",
            over_sql="lpad(CAST(cause_order AS VARCHAR), 2, '0') || ' ' || cause_text",
            filters=(LATEST, SEATS_ONLY, ("used_count", "IS NOT NULL", None)),
            options={"show_value": True, "x_ticks_layout": "45°", "show_total": True},
            height=60,
        ),
        Chart(
            "Outside the scope: the largest, by license",
            "mismatch_bridge",
            "echarts_timeseries_bar",
            {"Seats": "SUM(seat_count)"},
            by=("cause_text",),
            over="license_name",
            filters=(LATEST, SEATS_ONLY, ("cause", "!=", "in_scope")),
            options=STACKED | {"orientation": "horizontal"},
            rows=40,
            height=60,
        ),
        Chart(
            "Causes, all licenses",
            "mismatch_bridge",
            "table",
            {"Seats": "SUM(seat_count)", "Licenses": "COUNT(*)"},
            by=("cause_order", "cause_text"),
            filters=(LATEST, SEATS_ONLY),
            width=6,
        ),
        Chart(
            "Outside the scope, by day",
            "mismatch_bridge",
            "echarts_timeseries_line",
            {"Seats": "SUM(seat_count)"},
            by=("cause_text",),
            over="snapshot_date",
            filters=(("cause", "!=", "in_scope"), SEATS_ONLY),
            options=LINES,
            width=6,
        ),
    ),
    "Reclaim": (
        Chart(
            "Seats that look wasted",
            "reclaim_candidates",
            "echarts_timeseries_bar",
            {"Seats": "COUNT(*)"},
            by=("waste_class",),
            over="license_name",
            filters=(LATEST,),
            options=STACKED | {"orientation": "horizontal"},
            rows=40,
            width=7,
            height=60,
        ),
        Chart(
            "By department and state",
            "reclaim_candidates",
            "table",
            {"Seats": "COUNT(*)"},
            by=("department", "candidate_state"),
            filters=(LATEST,),
            width=5,
            height=60,
        ),
        Chart(
            "Shelfware, in seats and money",
            "shelfware",
            "table",
            {"Seats": "SUM(wasted_count)", "A month": "SUM(monthly_waste)"},
            by=("license_layer", "license_name", "shelfware_class", "currency", "confidence"),
            filters=(LATEST,),
        ),
    ),
    "Movements": (
        Chart(
            "People",
            "movements",
            "echarts_timeseries_bar",
            {"People": "COUNT(*)"},
            by=("kind",),
            over="snapshot_date",
            options=STACKED,
        ),
        Chart(
            "Seats taken and given up",
            "license_flows",
            "table",
            {"Taken": "SUM(in_count)", "Given up": "SUM(out_count)"},
            by=("license_layer", "license_name"),
        ),
    ),
    "Renewals": (
        Chart(
            "What expires",
            "renewals",
            "table",
            columns=(
                "license_layer",
                "license_name",
                "expires_on",
                "expires_in_days",
                "due",
                "total_count",
                "used_count",
                "peak_used_count",
                "utilization_percent",
            ),
            filters=(LATEST,),
            order=(("expires_on", False),),
        ),
        Chart(
            "When licenses run out, if their use goes on",
            "license_forecast",
            "table",
            columns=(
                "license_layer",
                "license_name",
                "available_count",
                "seats_per_30_days",
                "days_to_exhaustion",
                "earliest_on",
                "exhausted_on",
                "latest_on",
                "reason",
                "point_count",
            ),
            order=(("days_to_exhaustion", False),),
        ),
    ),
    "Trust": (
        number("Unexplained seats", "data_trust", "SUM(unexplained_count)", LATEST),
        number(
            "Seats explained in percent", "data_trust", "MIN(explained_percent)", LATEST, y_axis_format=".2f"
        ),
        number("Permissions missing", "data_trust", "SUM(missing_capability_count)", LATEST),
        number("Days since the last snapshot before", "data_trust", "MAX(days_since_previous)", LATEST),
        Chart(
            "Snapshots",
            "data_trust",
            "table",
            columns=(
                "snapshot_date",
                "org_name",
                "provenance",
                "captured_at",
                "oldest_counter_age_hours",
                "is_partial",
                "sure_percent",
                "unexplained_count",
                "missing_days_before",
                "is_scope_changed",
                "api_calls",
            ),
            order=(("snapshot_date", True),),
        ),
        Chart(
            "What was not visible, and what it would unlock",
            "capability_gaps",
            "table",
            columns=("object_name", "field_name", "missing_permission", "costs", "unlocks"),
            filters=(LATEST,),
        ),
    ),
}
"""The tabs of the dashboard in their order, and their charts from left to right and top to bottom."""
