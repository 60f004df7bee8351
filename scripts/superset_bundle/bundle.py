"""From the declared charts to the files of a Superset export, the same for the same declarations."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import duckdb
import yaml

from license_ledger.schemas import SCHEMA_VERSION
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import Statement, views
from superset_bundle.charts import TABS, Chart

DATABASE, TITLE, SLUG = "License Ledger", "Salesforce licenses", "license-ledger"
PLACEHOLDER = "duckdb:////srv/license-ledger/warehouse.duckdb?access_mode=READ_ONLY"
"""Where the warehouse is, until `scripts/superset.py`, or you, say otherwise."""

_NAMESPACE = uuid.UUID("6c1f5a0e-0d8e-4b0a-9d52-1f6d1d2f5a11")
_WIDTH = 12


class _Indented(yaml.SafeDumper):
    """Lists are indented below their keys, as people write them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent always."""
        super().increase_indent(flow, False)


def files() -> dict[str, str]:
    """Every file of the bundle by its path in it."""
    made = {
        "metadata.yaml": {"version": "1.0.0", "type": "Dashboard", "timestamp": "2026-01-01T00:00:00+00:00"},
        "databases/License_Ledger.yaml": _database(),
        "dashboards/Salesforce_licenses.yaml": _dashboard(),
    }
    for statement, types in _described():
        made[f"datasets/License_Ledger/{statement.name}.yaml"] = _dataset(statement, types)
    for chart in charts():
        made[f"charts/{_slug(chart)}.yaml"] = _chart(chart)
    note = (
        "# Written by `python scripts/superset.py write`. Change scripts/superset_bundle/, not this file.\n"
    )
    return {
        path: note + yaml.dump(content, Dumper=_Indented, allow_unicode=True, width=100)
        for path, content in sorted(made.items())
    }


def charts() -> Iterator[Chart]:
    """Every chart, in the order of the dashboard."""
    for each in TABS.values():
        yield from each


def chart_uuid(chart: Chart) -> str:
    """The chart's identity in every Superset: an import replaces it."""
    return _uuid("chart", chart.title)


def _uuid(kind: str, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def _slug(chart: Chart) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in chart.title).split())


def _database() -> dict[str, Any]:
    return {
        "database_name": DATABASE,
        "sqlalchemy_uri": PLACEHOLDER,
        "allow_csv_upload": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_run_async": False,
        "cache_timeout": 300,
        "expose_in_sqllab": True,
        "extra": {"allows_virtual_table_explore": True},
        "uuid": _uuid("database", DATABASE),
        "version": "1.0.0",
    }


def _described() -> Iterator[tuple[Statement, dict[str, str]]]:
    """The views that are asked, each with its columns and their types."""
    asked = {chart.view for chart in charts()}
    with duckdb.connect(":memory:") as connection:
        for table in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for view in views():
            for statement in ddl.create_view(view):
                connection.execute(statement)
            if view.name in asked:
                found = connection.execute(f"DESCRIBE {ddl.quoted(view.name)}").fetchall()
                yield view, {name: kind for name, kind, *_ in found}


def _dataset(view: Statement, types: Mapping[str, str]) -> dict[str, Any]:
    meanings = ddl.meanings(view, types)
    return {
        "table_name": view.name,
        "description": f"{view.purpose} One row is {view.grain} (version {SCHEMA_VERSION})",
        "schema": None,
        "sql": None,
        "main_dttm_col": "snapshot_date",
        "filter_select_enabled": True,
        "database_uuid": _uuid("database", DATABASE),
        "uuid": _uuid("dataset", view.name),
        "version": "1.0.0",
        "columns": [
            {
                "column_name": name,
                "verbose_name": name.removesuffix("_count").replace("_", " ").capitalize(),
                "description": meanings.get(name),
                "type": kind,
                "is_dttm": kind == "DATE" or kind.startswith("TIMESTAMP"),
                "is_active": True,
                "groupby": True,
                "filterable": True,
            }
            for name, kind in types.items()
        ],
        "metrics": [{"metric_name": "count", "expression": "COUNT(*)", "metric_type": "count"}],
    }


def _chart(chart: Chart) -> dict[str, Any]:
    params = _params(chart)
    context = {
        "datasource": {"id": 0, "type": "table"},
        "force": False,
        "form_data": params,
        "queries": [_query(chart)],
        "result_format": "json",
        "result_type": "full",
    }
    return {
        "slice_name": chart.title,
        "viz_type": chart.kind,
        "params": params,
        "query_context": json.dumps(context, sort_keys=True),
        "cache_timeout": None,
        "dataset_uuid": _uuid("dataset", chart.view),
        "uuid": chart_uuid(chart),
        "version": "1.0.0",
    }


def _params(chart: Chart) -> dict[str, Any]:
    """What the visualization is told, in Superset's words."""
    metrics = [_metric(label, sql) for label, sql in chart.metrics.items()]
    params: dict[str, Any] = {
        "viz_type": chart.kind,
        "adhoc_filters": [_adhoc(each) for each in chart.filters],
        "row_limit": chart.rows if chart.over else chart.limit,
        **chart.options,
    }
    if chart.kind == "big_number_total":
        return params | {"metric": metrics[0]}
    if chart.kind == "table":
        return params | _table_params(chart, metrics)
    if chart.kind == "waterfall":
        return params | {"metric": metrics[0], "x_axis": _axis(chart), "groupby": [], "y_axis_format": ",d"}
    return params | {
        "metrics": metrics,
        "groupby": list(chart.by),
        "x_axis": _axis(chart),
        "time_grain_sqla": "P1D",
        "limit": chart.limit,
        "order_desc": True,
        "x_axis_sort_asc": True,
        "x_axis_title_margin": 15,
        "y_axis_title_margin": 15,
        "y_axis_format": "SMART_NUMBER",
        "color_scheme": "supersetColors",
    }


def _axis(chart: Chart) -> str | dict[str, Any]:
    if not chart.over_sql:
        return chart.over
    return {
        "expressionType": "SQL",
        "label": chart.over,
        "sqlExpression": chart.over_sql,
        "hasCustomLabel": True,
    }


def _table_params(chart: Chart, metrics: list[dict[str, Any]]) -> dict[str, Any]:
    if chart.columns:
        order = [json.dumps([name, not descending]) for name, descending in chart.order]
        return {
            "query_mode": "raw",
            "all_columns": list(chart.columns),
            "order_by_cols": order,
            "page_length": 20,
            "table_timestamp_format": "%Y-%m-%d",
        }
    return {
        "query_mode": "aggregate",
        "groupby": list(chart.by),
        "metrics": metrics,
        "order_desc": True,
        "page_length": 20,
    }


def _query(chart: Chart) -> dict[str, Any]:
    """The question behind the chart, as the REST API takes it."""
    axis = (
        [
            {
                "timeGrain": "P1D",
                "columnType": "BASE_AXIS",
                "sqlExpression": chart.over_sql or chart.over,
                "label": chart.over,
                "expressionType": "SQL",
            }
        ]
        if chart.over
        else []
    )
    metrics = [_metric(label, sql) for label, sql in chart.metrics.items()]
    query: dict[str, Any] = {
        "columns": [*axis, *chart.columns, *chart.by],
        "filters": [
            {"col": column, "op": operator, "val": value} for column, operator, value in chart.filters
        ],
        "row_limit": chart.rows if chart.over else chart.limit,
        "orderby": [[name, not descending] for name, descending in chart.order],
    }
    if metrics:
        query |= {"metrics": metrics, "orderby": [[metrics[0], False]]}
    return query


def _metric(label: str, sql: str) -> dict[str, Any]:
    return {
        "expressionType": "SQL",
        "sqlExpression": sql,
        "label": label,
        "hasCustomLabel": True,
        "optionName": f"metric_{_uuid('metric', f'{label}/{sql}')[:11]}",
    }


def _adhoc(each: tuple[str, str, Any]) -> dict[str, Any]:
    column, operator, value = each
    return {
        "clause": "WHERE",
        "expressionType": "SIMPLE",
        "subject": column,
        "operator": operator,
        "comparator": value,
        "filterOptionName": f"filter_{_uuid('filter', f'{column}/{operator}/{value}')[:11]}",
    }


def _dashboard() -> dict[str, Any]:
    return {
        "dashboard_title": TITLE,
        "slug": SLUG,
        "published": True,
        "description": "License position, mismatch, reclaim, movements, renewals and trust.",
        "css": "",
        "metadata": {
            "color_scheme": "supersetColors",
            "cross_filters_enabled": False,
            "native_filter_configuration": [_native("Org", "org_id"), _native("Layer", "license_layer")],
            "refresh_frequency": 0,
            "timed_refresh_immune_slices": [],
        },
        "position": _position(),
        "uuid": _uuid("dashboard", TITLE),
        "version": "1.0.0",
    }


def _native(name: str, column: str) -> dict[str, Any]:
    """A filter of the whole dashboard; charts of a view without the column are not concerned."""
    return {
        "id": f"NATIVE_FILTER-{column}",
        "name": name,
        "filterType": "filter_select",
        "type": "NATIVE_FILTER",
        "description": "",
        "cascadeParentIds": [],
        "controlValues": {
            "defaultToFirstItem": False,
            "enableEmptyFilter": False,
            "inverseSelection": False,
            "multiSelect": True,
            "searchAllOptions": False,
        },
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "scope": {"excluded": [], "rootPath": ["ROOT_ID"]},
        "targets": [{"column": {"name": column}, "datasetUuid": _uuid("dataset", "license_position")}],
    }


def _position() -> dict[str, Any]:
    """Where everything is: tabs, rows, charts."""
    tabs, made = [], {}
    for at, (name, each) in enumerate(TABS.items()):
        tab, parents = f"TAB-{at}", ["ROOT_ID", "TABS-all", f"TAB-{at}"]
        rows = []
        for number, row in enumerate(_rows(each)):
            identity = f"ROW-{at}-{number}"
            rows.append(identity)
            members = [f"CHART-{chart_uuid(chart)[:8]}" for chart in row]
            made[identity] = {
                "children": members,
                "id": identity,
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
                "parents": parents,
                "type": "ROW",
            }
            for member, chart in zip(members, row, strict=True):
                made[member] = _placed(member, chart, [*parents, identity])
        made[tab] = {
            "children": rows,
            "id": tab,
            "meta": {"text": name},
            "parents": ["ROOT_ID", "TABS-all"],
            "type": "TAB",
        }
        tabs.append(tab)
    return {
        "DASHBOARD_VERSION_KEY": "v2",
        "GRID_ID": {"children": [], "id": "GRID_ID", "parents": ["ROOT_ID"], "type": "GRID"},
        "HEADER_ID": {"id": "HEADER_ID", "meta": {"text": TITLE}, "type": "HEADER"},
        "ROOT_ID": {"children": ["TABS-all"], "id": "ROOT_ID", "type": "ROOT"},
        "TABS-all": {"children": tabs, "id": "TABS-all", "meta": {}, "parents": ["ROOT_ID"], "type": "TABS"},
        **made,
    }


def _placed(identity: str, chart: Chart, parents: list[str]) -> dict[str, Any]:
    return {
        "children": [],
        "id": identity,
        "meta": {
            "chartId": 0,
            "height": chart.height,
            "sliceName": chart.title,
            "uuid": chart_uuid(chart),
            "width": chart.width,
        },
        "parents": parents,
        "type": "CHART",
    }


def _rows(each: tuple[Chart, ...]) -> Iterator[list[Chart]]:
    row: list[Chart] = []
    for chart in each:
        if sum(other.width for other in row) + chart.width > _WIDTH:
            yield row
            row = []
        row.append(chart)
    yield row
