"""
WHERE as boolean masks.

SOQL knows no third truth value: a comparison with null is false, its negation true, and ``!=`` finds the
rows without a value. Text compares without regard to case, an empty string is the same as null, and ids
match in both lengths.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.catalog import ID_TYPES, TEXT_TYPES, to18
from demo_org.errors import ApiError, malformed, pointed
from demo_org.soql.ast import Comparison, Condition, Junction, Literal, Membership, Negation, Query
from demo_org.soql.binder import Binder
from demo_org.soql.bound import Column
from demo_org.soql.ranges import span
from demo_org.store import Store

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    ">": pc.greater,
    "<=": pc.less_equal,
    ">=": pc.greater_equal,
}


@dataclass(frozen=True)
class Circumstances:
    """
    What a condition needs to be decided.

    Attributes:
        store: tables of one moment.
        today: current day of the org.
        subselect: answers a semi-join: the distinct values of its one field, as text.
    """

    store: Store
    today: dt.date
    subselect: Callable[[Query], pa.Array]


def mask(condition: Condition, binder: Binder, around: Circumstances) -> pa.Array:
    """
    Decide a condition for every row.

    Args:
        condition: the tree.
        binder: resolves names.
        around: what else is needed.

    Returns:
        One boolean per row of the object, never null.

    Raises:
        ApiError: the field cannot be filtered, or the value is of the wrong kind.
    """
    if isinstance(condition, Negation):
        return pc.invert(mask(condition.term, binder, around))
    if isinstance(condition, Junction):
        combine = pc.and_ if condition.word == "AND" else pc.or_
        result = mask(condition.terms[0], binder, around)
        for term in condition.terms[1:]:
            result = combine(result, mask(term, binder, around))
        return result
    column = _filterable(condition, binder)
    values = column.read(around.store, slice(0, around.store.count(binder.entity.name)))
    decided = decide(condition, column, values, binder.query.text, around)
    return decided


def decide(
    condition: Comparison | Membership, column: Column, values: pa.Array, text: str, around: Circumstances
) -> pa.Array:
    """
    Decide one comparison for given values.

    Args:
        condition: a comparison or a membership.
        column: what the values are of; only its type is used.
        values: left side.
        text: the query, for error texts.
        around: what else is needed.

    Returns:
        One boolean per value, never null.
    """
    if isinstance(condition, Membership):
        found = _member(condition, column, values, text, around)
    else:
        found = _compare(condition, column, values, text, around)
    return pc.fill_null(found, False)


def _filterable(condition: Comparison | Membership, binder: Binder) -> Column:
    column = binder.column(condition.left)
    if not column.field.filterable:
        text = f"field '{column.field.name}' can not be filtered in a query call"
        raise ApiError(400, "INVALID_FIELD", pointed(binder.query.text, condition.left.position, text))
    return column


def _compare(
    condition: Comparison, column: Column, values: pa.Array, text: str, around: Circumstances
) -> pa.Array:
    literal, operator = condition.right, condition.operator
    if literal.kind == "null" or (literal.kind == "string" and literal.value == ""):
        return _compare_null(operator, values, text, literal)
    if operator == "LIKE":
        return _like(column, values, literal, text)
    if literal.kind == "range":
        return _compare_range(operator, column, values, literal, text, around)
    target = _value(column, literal, text)
    if column.folds:
        values, target = pc.utf8_lower(values), target.lower()
    result = _OPERATORS[operator](values, pa.scalar(target, values.type))
    return pc.or_kleene(result, pc.is_null(values)) if operator == "!=" else result


def _compare_null(operator: str, values: pa.Array, text: str, literal: Literal) -> pa.Array:
    empty = pc.is_null(values)
    if pa.types.is_string(values.type):
        empty = pc.or_kleene(empty, pc.equal(values, ""))
    if operator == "=":
        return empty
    if operator == "!=":
        return pc.invert(empty)
    raise malformed(text, literal.position, "unexpected token: 'null'")


def _like(column: Column, values: pa.Array, literal: Literal, text: str) -> pa.Array:
    if literal.kind != "string" or not column.folds:
        reason = f"invalid operator on {column.field.type} field"
        raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", pointed(text, literal.position, reason))
    return pc.match_like(values, literal.pattern, ignore_case=True)


def _compare_range(
    operator: str, column: Column, values: pa.Array, literal: Literal, text: str, around: Circumstances
) -> pa.Array:
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        raise _wrong_kind(column, literal, text)
    name, count = literal.value
    first, after = (_day(day, values.type) for day in span(name, count, around.today))
    inside = pc.and_kleene(pc.greater_equal(values, first), pc.less(values, after))
    return {
        "=": lambda: inside,
        "!=": lambda: pc.invert(pc.fill_null(inside, False)),
        "<": lambda: pc.less(values, first),
        "<=": lambda: pc.less(values, after),
        ">": lambda: pc.greater_equal(values, after),
        ">=": lambda: pc.greater_equal(values, first),
    }[operator]()


def _member(
    condition: Membership, column: Column, values: pa.Array, text: str, around: Circumstances
) -> pa.Array:
    if isinstance(condition.values, Query):
        wanted = around.subselect(condition.values)
        found = pc.is_in(values, value_set=wanted, skip_nulls=True)
        # A row without a value is in no set: neither a semi-join nor an anti-join finds it.
        return pc.and_(pc.invert(found), pc.is_valid(values)) if condition.negated else found
    found = _in_literals(condition.values, column, values, text, around)
    return pc.invert(pc.fill_null(found, False)) if condition.negated else found


def _in_literals(
    literals: tuple[Literal, ...], column: Column, values: pa.Array, text: str, around: Circumstances
) -> pa.Array:
    plain = [item for item in literals if item.kind not in {"null", "range"} and item.value != ""]
    targets = [_value(column, item, text) for item in plain]
    left = values
    if column.folds:
        left, targets = pc.utf8_lower(values), [target.lower() for target in targets]
    found = pc.is_in(left, value_set=pa.array(targets, left.type), skip_nulls=True)
    for item in literals:
        if item.kind == "range":
            found = pc.or_(found, _compare_range("=", column, values, item, text, around))
        elif item not in plain:
            found = pc.or_(found, _compare_null("=", values, text, item))
    return found


def _value(column: Column, literal: Literal, text: str) -> Any:
    """Check that a literal fits the field and give it in the type of the column."""
    kind = "int" if column.function and column.function != "DAY_ONLY" else column.field.type
    if kind in ID_TYPES and literal.kind == "string":
        return _record_id(literal, text)
    fits = {
        "string": kind in TEXT_TYPES,
        "boolean": kind == "boolean",
        "number": kind in {"int", "long", "double", "currency", "percent"},
        "date": kind == "date" or column.function == "DAY_ONLY",
        "datetime": kind == "datetime",
    }
    if not fits.get(literal.kind, False):
        raise _wrong_kind(column, literal, text)
    if literal.kind == "number" and pa.types.is_integer(column.arrow_type):
        if literal.value != int(literal.value):
            raise _wrong_kind(column, literal, text)
        return int(literal.value)
    return literal.value


def _record_id(literal: Literal, text: str) -> str:
    long_form = to18(literal.value)
    if long_form is None:
        reason = f"invalid ID field: {literal.value}"
        raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", pointed(text, literal.position, reason))
    return long_form


def _wrong_kind(column: Column, literal: Literal, text: str) -> ApiError:
    kind = {"datetime": "dateTime", "double": "double", "reference": "id"}.get(
        column.field.type, column.field.type
    )
    quoted = column.field.type in TEXT_TYPES or column.field.type in ID_TYPES
    reason = (
        f"value of filter criterion for field '{column.field.name}' must be of type {kind} and should "
        f"{'' if quoted else 'not '}be enclosed in quotes"
    )
    return ApiError(400, "INVALID_FIELD", pointed(text, literal.position, reason))


def _day(day: dt.date, arrow_type: pa.DataType) -> pa.Scalar:
    if pa.types.is_date(arrow_type):
        return pa.scalar(day, arrow_type)
    return pa.scalar(dt.datetime.combine(day, dt.time(), dt.UTC), arrow_type)
