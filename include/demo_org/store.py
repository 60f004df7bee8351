"""
The columns of the world, and the way from a row to its parents.

A store freezes one moment of the world: it holds on to immutable Arrow tables, so a bulk job or an open
cursor that keeps its store goes on answering from the rows of the moment in which it was made.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.schema import FieldDef, ObjectDef

Rows: TypeAlias = pa.Array | slice
"""Which rows: positions (nullable where they were reached through a parent), or a contiguous range."""

DUMMY_ID = "000000000000000AAA"
"""Id on every record of a virtual object: no key."""


class Store:
    """
    Tables of one moment.

    Args:
        load: gives the stored columns of an object; asked once for each.
        objects: definitions; a described field without a stored column holds its default on every row.
    """

    def __init__(self, load: Callable[[str], pa.Table], objects: Mapping[str, ObjectDef]) -> None:
        self._load = load
        self._objects = objects
        self._tables: dict[str, pa.Table] = {}
        self._hops: dict[tuple[str, str, str], pa.Array] = {}
        self._lock = threading.RLock()
        self._dummies: frozenset[str] = frozenset()

    def with_dummy_ids(self, name: str) -> Store:
        """Give this store with the same dummy id on every record of an object, as virtual objects have."""
        other = copy.copy(self)
        other._dummies = frozenset({name.lower()})
        return other

    def tables(self, name: str) -> pa.Table:
        """Give the stored columns of an object."""
        with self._lock:
            if name not in self._tables:
                self._tables[name] = self._load(name)
            return self._tables[name]

    def hold(self, names: Iterable[str]) -> None:
        """Take hold of tables, so that the source may move on."""
        for name in names:
            self.tables(name)

    def count(self, name: str) -> int:
        """Give the number of rows of an object."""
        return int(self.tables(name).num_rows)

    def stores(self, name: str, column: str) -> bool:
        """Tell whether a field has a column of its own."""
        return column in self.tables(name).column_names

    def field(self, name: str, field: str) -> FieldDef | None:
        """Find a field of an object, None if it has none of that name."""
        definition = self._objects.get(name)
        return definition.field(field) if definition else None

    def column(self, name: str, field: FieldDef, rows: Rows) -> pa.Array:
        """
        Read a field of some rows.

        Args:
            name: object.
            field: the field.
            rows: positions or a range; a null position gives null.

        Returns:
            One array; text as plain strings, moments as millisecond timestamps in UTC.
        """
        arrow_type = arrow_type_of(field)
        if field.type == "id" and name.lower() in self._dummies:
            return _constant(DUMMY_ID, rows, arrow_type)
        return self._column(name, field, rows, arrow_type)

    def _column(self, name: str, field: FieldDef, rows: Rows, arrow_type: pa.DataType) -> pa.Array:
        if not self.stores(name, field.name):
            return _constant(field.default, rows, arrow_type)
        stored = self.tables(name).column(field.name)
        chosen = (
            stored.slice(rows.start, rows.stop - rows.start) if isinstance(rows, slice) else stored.take(rows)
        )
        return _plain(chosen, arrow_type)

    def follow(self, name: str, field: FieldDef, target: str, rows: Rows) -> pa.Array:
        """
        Go from rows to the rows of a parent.

        Args:
            name: object.
            field: its reference field.
            target: the parent object.
            rows: where to start.

        Returns:
            Positions in the parent's table; null where there is none.
        """
        whole = self._hop(name, field, target)
        if isinstance(rows, slice):
            return whole.slice(rows.start, rows.stop - rows.start)
        return whole.take(rows)

    def _hop(self, name: str, field: FieldDef, target: str) -> pa.Array:
        key = (name, field.name, target)
        with self._lock:
            known = self._hops.get(key)
        if known is not None:
            return known
        everything = slice(0, self.count(name))
        references = self.column(name, field, everything)
        identity = _identity(self._objects[target])
        ids = self._column(target, identity, slice(0, self.count(target)), pa.string())
        hop = pc.index_in(references, value_set=ids, skip_nulls=True)
        with self._lock:
            self._hops[key] = hop
        return hop


def arrow_type_of(field: FieldDef) -> pa.DataType:
    """
    Give the Arrow type in which a field is answered.

    Args:
        field: a field.

    Returns:
        A type per Salesforce type: text is everything that is not a number, a flag or a moment.
    """
    return _ARROW_TYPES.get(field.type, pa.string())


_ARROW_TYPES = {
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "long": pa.int64(),
    "double": pa.float64(),
    "currency": pa.float64(),
    "percent": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("ms", "UTC"),
    "time": pa.time32("ms"),
}


def take(values: pa.Array, rows: Rows) -> pa.Array:
    """Pick rows from an array that is already in memory."""
    if isinstance(rows, slice):
        return values.slice(rows.start, rows.stop - rows.start)
    return values.take(rows)


def row_count(rows: Rows) -> int:
    """Count the rows that a selection names."""
    return rows.stop - rows.start if isinstance(rows, slice) else len(rows)


def cut(rows: Rows, start: int, stop: int) -> Rows:
    """
    Take a part of a selection.

    Args:
        rows: positions or a range.
        start: first, counted within the selection.
        stop: end, may lie behind the last.

    Returns:
        The part, without a copy.
    """
    stop = min(stop, row_count(rows))
    start = min(start, stop)
    if isinstance(rows, slice):
        return slice(rows.start + start, rows.start + stop)
    return rows.slice(start, stop - start)


def positions(rows: Rows) -> pa.Array:
    """Spell a selection out as positions."""
    if isinstance(rows, slice):
        return pa.array(range(rows.start, rows.stop), pa.int64())
    return rows


def _identity(definition: ObjectDef) -> FieldDef:
    return next(item for item in definition.fields if item.type == "id")


def _constant(value: Any, rows: Rows, arrow_type: pa.DataType) -> pa.Array:
    length = row_count(rows)
    if value is None:
        return pa.nulls(length, arrow_type)
    filled = pa.repeat(pa.scalar(value, arrow_type), length)
    if isinstance(rows, slice) or rows.null_count == 0:
        return filled
    return pc.if_else(pc.is_valid(rows), filled, pa.scalar(None, arrow_type))


def _plain(values: pa.ChunkedArray, arrow_type: pa.DataType) -> pa.Array:
    """Give one contiguous array of the wanted type, out of chunks and dictionaries."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if values.type != arrow_type:
        values = values.cast(arrow_type, safe=False)
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], arrow_type)
