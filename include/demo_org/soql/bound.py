"""Expressions whose names have been found: they know how to read themselves from a store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.catalog import TEXT_TYPES
from demo_org.schema import FieldDef
from demo_org.store import Rows, Store, arrow_type_of

DATE_PARTS: dict[str, Callable[[pa.Array], pa.Array]] = {
    "CALENDAR_YEAR": lambda moments: pc.cast(pc.year(moments), pa.int64()),
    "CALENDAR_QUARTER": lambda moments: pc.cast(pc.quarter(moments), pa.int64()),
    "CALENDAR_MONTH": lambda moments: pc.cast(pc.month(moments), pa.int64()),
    "DAY_IN_MONTH": lambda moments: pc.cast(pc.day(moments), pa.int64()),
    "DAY_IN_WEEK": lambda moments: pc.cast(
        pc.day_of_week(moments, count_from_zero=False, week_start=7), pa.int64()
    ),
    "DAY_IN_YEAR": lambda moments: pc.cast(pc.day_of_year(moments), pa.int64()),
    "DAY_ONLY": lambda moments: moments.cast(pa.date32()),
    "HOUR_IN_DAY": lambda moments: pc.cast(pc.hour(moments), pa.int64()),
    "WEEK_IN_YEAR": lambda moments: pc.add(pc.divide(pc.subtract(pc.day_of_year(moments), 1), 7), 1),
}
"""Functions of a moment that may stand in SELECT, WHERE and GROUP BY."""

LABEL_FUNCTIONS = frozenset({"TOLABEL", "FORMAT", "CONVERTCURRENCY", "CONVERTTIMEZONE"})
"""Functions that give the field itself in an English, single-currency, UTC org."""

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG"})
"""Functions of many rows."""


@dataclass(frozen=True)
class Hop:
    """A step to a parent; several targets where the reference is polymorphic."""

    source: str
    field: FieldDef
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """
    A field, reached through any number of parents, perhaps through a function.

    Attributes:
        hops: the way to the parent, empty for a field of the object itself.
        entity: object that has the field.
        field: the field.
        function: a date part, or nothing.
    """

    hops: tuple[Hop, ...]
    entity: str
    field: FieldDef
    function: str = ""

    @property
    def header(self) -> str:
        """The name as a CSV header spells it, with dots."""
        return ".".join([str(hop.field.relationship_name) for hop in self.hops] + [self.field.name])

    @property
    def arrow_type(self) -> pa.DataType:
        """Type of the values that ``read`` gives."""
        if not self.function:
            return arrow_type_of(self.field)
        return pa.date32() if self.function == "DAY_ONLY" else pa.int64()

    @property
    def folds(self) -> bool:
        """Whether values compare without regard to case: text does, ids do not."""
        return self.field.type in TEXT_TYPES and not self.function

    def read(self, store: Store, rows: Rows) -> pa.Array:
        """
        Read the values of some rows.

        Args:
            store: tables of one moment.
            rows: rows of the object at the start of the hops.

        Returns:
            One array with an entry per row, null where a parent is missing.
        """
        values = _through(store, self.hops, self.entity, self.field, rows)
        return DATE_PARTS[self.function](values) if self.function else values


def parent_ids(store: Store, hops: tuple[Hop, ...], rows: Rows) -> pa.Array:
    """
    Find the parents at the end of some hops.

    Args:
        store: tables of one moment.
        hops: one or more steps.
        rows: rows to start from.

    Returns:
        Positions in the last parent's table, null where there is none. For a polymorphic last hop the
        positions only tell whether a parent exists.
    """
    found = rows
    for hop in hops:
        reached = [store.follow(hop.source, hop.field, target, found) for target in hop.targets]
        found = pc.coalesce(*reached) if len(reached) > 1 else reached[0]
    return found


def _through(store: Store, hops: tuple[Hop, ...], entity: str, field: FieldDef, rows: Rows) -> pa.Array:
    if not hops:
        return store.column(entity, field, rows)
    first, rest = hops[0], hops[1:]
    if len(first.targets) == 1:
        found = store.follow(first.source, first.field, first.targets[0], rows)
        return _through(store, rest, entity, field, found)
    answers = []
    for target in first.targets:
        known = store.field(target, field.name)
        if known is not None:
            found = store.follow(first.source, first.field, target, rows)
            answers.append(store.column(target, known, found).cast(arrow_type_of(field)))
    return pc.coalesce(*answers)
