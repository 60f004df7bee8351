"""GROUP BY, HAVING and the aggregate functions."""

from __future__ import annotations

from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.errors import ApiError, malformed
from demo_org.schema import FieldDef
from demo_org.soql.ast import Call, Comparison, Condition, Junction, Membership, Negation, Path, Query
from demo_org.soql.binder import Binder
from demo_org.soql.bound import AGGREGATES, Column
from demo_org.soql.filters import Circumstances, decide
from demo_org.soql.ordering import sort_order
from demo_org.store import Rows, Store

MOST_GROUPS = 2000
_ARROW_NAMES = {
    "COUNT": "count",
    "COUNT_DISTINCT": "count_distinct",
    "MIN": "min",
    "MAX": "max",
    "SUM": "sum",
    "AVG": "mean",
}
_COUNTER = FieldDef(name="count", label="Count", type="int")
_NUMERIC = {"int", "long", "double", "currency", "percent"}


@dataclass
class _Plan:
    """
    The work of one grouped query.

    Attributes:
        keys: group columns by the text of their expression.
        values: columns under an aggregate, by the text of the aggregate; None stands for ``COUNT()``.
        output: key in the answer to the text of the expression.
    """

    keys: dict[str, Column] = field(default_factory=dict)
    values: dict[str, tuple[str, Column | None]] = field(default_factory=dict)
    output: dict[str, str] = field(default_factory=dict)


def group(query: Query, binder: Binder, around: Circumstances, rows: Rows) -> pa.Table:
    """
    Answer a query with aggregates.

    Args:
        query: the query.
        binder: resolves its names.
        around: store and day.
        rows: rows that passed WHERE.

    Returns:
        One row per group, columns in the order of the SELECT list under the keys of the answer.

    Raises:
        ApiError: fields that are neither grouped nor aggregated, that cannot be, or more than 2,000 groups.
    """
    plan = _plan(query, binder)
    grouped = _grouped(plan, around.store, rows)
    if query.having is not None:
        grouped = grouped.filter(_having(query.having, plan, grouped, binder, around))
    if query.order_by:
        grouped = grouped.take(_group_order(query, plan, grouped, binder))
    start = query.offset or 0
    stop = grouped.num_rows if query.limit is None else start + query.limit
    grouped = grouped.slice(start, max(0, stop - start))
    if grouped.num_rows > MOST_GROUPS:
        text = (
            "Aggregate query does not support queryMore(), "
            "use LIMIT to restrict the results to a single batch"
        )
        raise ApiError(400, "EXCEEDED_ID_LIMIT", text)
    columns = [grouped.column(source) for source in plan.output.values()]
    return pa.Table.from_arrays(columns, names=list(plan.output))


def _plan(query: Query, binder: Binder) -> _Plan:
    plan = _Plan()
    for expression in query.group_by:
        column = binder.column(expression)
        if not column.field.groupable and not column.function:
            text = f"field '{column.field.name}' can not be grouped in a query call"
            raise malformed(query.text, expression.position, text)
        plan.keys[_name(expression, binder)] = column
    unnamed = 0
    for selected in query.select:
        item = selected.item
        if not isinstance(item, Path | Call):
            raise malformed(
                query.text, item.position, "Grouped query cannot use child relationships in SELECT list"
            )
        name = _note(item, plan, binder)
        key = selected.alias
        if key is None and isinstance(item, Call):
            key, unnamed = f"expr{unnamed}", unnamed + 1
        elif key is None:
            key = plan.keys[name].field.name
        if key in plan.output:
            raise malformed(query.text, item.position, f"duplicate alias: {key}")
        plan.output[key] = name
    for expression in (*_compared(query.having), *(item.key for item in query.order_by)):
        _note(expression, plan, binder)
    return plan


def _compared(condition: Condition | None) -> list[Path | Call]:
    """List the left sides of a HAVING clause."""
    if condition is None:
        return []
    if isinstance(condition, Negation):
        return _compared(condition.term)
    if isinstance(condition, Junction):
        return [side for term in condition.terms for side in _compared(term)]
    return [condition.left]


def _note(expression: Path | Call, plan: _Plan, binder: Binder) -> str:
    """Make sure that an expression can be answered from the groups, and give its name there."""
    name = _name(expression, binder)
    if isinstance(expression, Call) and expression.function in AGGREGATES:
        if name not in plan.values:
            plan.values[name] = (expression.function, _aggregated(expression, binder))
    elif name not in plan.keys:
        text = f"Field must be grouped or aggregated: {name.rpartition('.')[2]}"
        raise malformed(binder.query.text, expression.position, text)
    return name


def _aggregated(call: Call, binder: Binder) -> Column | None:
    if binder.entity.name == "SetupAuditTrail":
        text = f"entity type {binder.entity.name} does not support aggregate"
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", text)
    if call.path is None:
        return None
    column = binder.path(call.path)
    refused = call.function in {"SUM", "AVG"} and column.field.type not in _NUMERIC
    if refused or not column.field.aggregatable:
        text = f"field {column.field.name} does not support aggregate operator {call.function}"
        raise malformed(binder.query.text, call.position, text)
    return column


def _name(expression: Path | Call, binder: Binder) -> str:
    if isinstance(expression, Path):
        return binder.path(expression).header
    inner = binder.path(expression.path).header if expression.path else ""
    return f"{expression.function}({inner})"


def _grouped(plan: _Plan, store: Store, rows: Rows) -> pa.Table:
    columns: dict[str, pa.Array] = {name: column.read(store, rows) for name, column in plan.keys.items()}
    length = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
    calls = []
    for name, (function, column) in plan.values.items():
        columns[name] = pa.repeat(pa.scalar(1), length) if column is None else column.read(store, rows)
        calls.append((name, _ARROW_NAMES[function]))
    if not columns:
        columns["rows"] = pa.repeat(pa.scalar(1), length)
    frame = pa.table(columns)
    keys = list(plan.keys)
    grouped = frame.group_by(keys, use_threads=False).aggregate(calls)
    names = keys + [f"{name}_{_ARROW_NAMES[function]}" for name, (function, _) in plan.values.items()]
    return pa.Table.from_arrays([grouped.column(name) for name in names], names=[*keys, *plan.values])


def _having(
    condition: Condition, plan: _Plan, grouped: pa.Table, binder: Binder, around: Circumstances
) -> pa.Array:
    if isinstance(condition, Negation):
        return pc.invert(_having(condition.term, plan, grouped, binder, around))
    if isinstance(condition, Junction):
        combine = pc.and_ if condition.word == "AND" else pc.or_
        result = _having(condition.terms[0], plan, grouped, binder, around)
        for term in condition.terms[1:]:
            result = combine(result, _having(term, plan, grouped, binder, around))
        return result
    return _decide_group(condition, plan, grouped, binder, around)


def _decide_group(
    condition: Comparison | Membership, plan: _Plan, grouped: pa.Table, binder: Binder, around: Circumstances
) -> pa.Array:
    name = _name(condition.left, binder)
    column = plan.keys.get(name) or plan.values[name][1]
    counts = name in plan.values and plan.values[name][0].startswith("COUNT")
    if column is None or counts:
        column = Column((), binder.entity.name, _COUNTER)
    values = grouped.column(name).combine_chunks()
    return decide(condition, column, values, binder.query.text, around)


def _group_order(query: Query, plan: _Plan, grouped: pa.Table, binder: Binder) -> pa.Array:
    keys = []
    for item in query.order_by:
        name = _name(item.key, binder)
        values = grouped.column(name).combine_chunks()
        column = plan.keys.get(name) or plan.values[name][1]
        folds = column is not None and column.folds and pa.types.is_string(values.type)
        keys.append((values, item, folds))
    return sort_order(keys)
