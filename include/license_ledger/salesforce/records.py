"""JSON records to Arrow, one column at a time. Pure; may import errors only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.errors import CorruptAnswer

__all__ = ["table_of"]


def table_of(records: Sequence[dict[str, Any]], schema: pa.Schema, asked: str) -> pa.Table:
    """
    Type a page of records.

    A parent that is null makes its dotted columns null. The empty text becomes null, as in Bulk API 2.0,
    which cannot tell them apart, so that a table does not depend on the way it came.

    Args:
        records: as in ``records`` of a query's answer.
        schema: names are fields or dotted relations.
        asked: what was asked, for the message.

    Returns:
        A table of that schema with a row per record, in their order.

    Raises:
        CorruptAnswer: a column is not there, or a value is not of its type. The value is not repeated.
    """
    if records:
        for name in schema.names:
            if name.partition(".")[0] not in records[0]:
                raise CorruptAnswer(asked, f"the records have no {name}", "run again")
    try:
        return pa.table([_column(records, field, asked) for field in schema], schema=schema)
    except AttributeError:
        raise CorruptAnswer(asked, "the records are no objects", "run again") from None


def _column(records: Sequence[dict[str, Any]], field: pa.Field, asked: str) -> pa.Array:
    values = _values(records, field.name)
    try:
        return _typed(values, field.type)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise CorruptAnswer(
            asked, f"{field.name} holds a value that is no {field.type}", "run again"
        ) from None


def _values(records: Sequence[dict[str, Any]], name: str) -> list[Any]:
    head, _, rest = name.partition(".")
    values = [record.get(head) for record in records]
    return _values([value or {} for value in values], rest) if rest else values


def _typed(values: list[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        texts = pa.array(values, kind)
        return pc.if_else(pc.equal(texts, ""), pa.scalar(None, kind), texts)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_integer(kind):
        return pa.array([_whole(value) for value in values], kind)
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else _number(value) for value in values], kind)
    return pa.array(values, kind)


def _whole(value: Any) -> int | None:
    """An integer also when it is written as 300.0; never a rounded one."""
    if value is None:
        return None
    number = _number(value)
    if number != int(number):
        raise ValueError("not a whole number")
    return int(value)


def _number(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    return value
