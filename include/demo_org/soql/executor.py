"""Runs a query: parse, resolve, filter, then either rows to be read later or groups."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.catalog import Catalog
from demo_org.errors import ApiError, malformed, pointed
from demo_org.soql.aggregates import group
from demo_org.soql.ast import Query
from demo_org.soql.binder import Binder
from demo_org.soql.bound import Column
from demo_org.soql.filters import Circumstances, mask
from demo_org.soql.ordering import sort_order
from demo_org.soql.parser import parse
from demo_org.soql.shapes import ChildShape, Shape, is_count, is_grouped, shape_of
from demo_org.store import Rows, Store, cut, positions, row_count

_DEEPEST_OFFSET = 2000


@dataclass(frozen=True)
class Sight:
    """
    The moment and the person for which a query runs.

    Attributes:
        store: tables of the moment.
        catalog: objects and fields that the person may see.
        today: current day of the org.
        visible: rows of an object that the person may see: None for all, else one boolean per row.
        deleted: whether rows in the recycle bin are wanted too, as in queryAll.
    """

    store: Store
    catalog: Catalog
    today: dt.date
    visible: Callable[[str], pa.Array | None]
    deleted: bool = False


@dataclass(frozen=True)
class RecordSet:
    """Records: which rows, and what of each. Values are read page by page."""

    sight: Sight
    entity: str
    rows: Rows
    shape: Shape
    columns: list[Column]

    @property
    def total(self) -> int:
        """Number of records."""
        return row_count(self.rows)


@dataclass(frozen=True)
class Groups:
    """Aggregate results: one row per group, columns named as in the answer."""

    table: pa.Table


@dataclass(frozen=True)
class Count:
    """The answer of ``SELECT COUNT()``: a total without records."""

    total: int


def run(text: str, sight: Sight) -> RecordSet | Groups | Count:
    """
    Answer a query.

    Args:
        text: SOQL.
        sight: moment and person.

    Returns:
        Records, groups or a count.

    Raises:
        ApiError: whatever the org has to say against the query.
    """
    return execute(parse(text), sight)


def execute(query: Query, sight: Sight) -> RecordSet | Groups | Count:
    """Answer a parsed query; see ``run``."""
    binder = Binder(sight.catalog, query)
    if query.offset is not None and query.offset > _DEEPEST_OFFSET:
        text = f"Maximum SOQL offset allowed is {_DEEPEST_OFFSET}"
        code = "NUMBER_OUTSIDE_VALID_RANGE"
        raise ApiError(400, code, pointed(query.text, query.offset_position, text))
    if is_count(query):
        return Count(row_count(_limited(query, _matching(query, binder, sight))))
    if is_grouped(query):
        return Groups(group(query, binder, _around(sight), _matching(query, binder, sight)))
    if query.having is not None:
        raise malformed(query.text, query.position, "HAVING clause requires a GROUP BY clause")
    shape, columns = shape_of(query, binder)
    rows = _limited(query, _ordered(query, binder, sight, _matching(query, binder, sight)))
    return RecordSet(sight, binder.entity.name, rows, shape, columns)


def children_of(child: ChildShape, sight: Sight) -> tuple[pa.Array, RecordSet]:
    """
    Answer a child subquery for all parents at once.

    Args:
        child: the subquery.
        sight: moment and person.

    Returns:
        Id of the parent of each child record, and the child records in the wanted order; LIMIT is left to
        the caller, for it counts per parent.
    """
    query, binder = child.binder.query, child.binder
    rows = _ordered(query, binder, sight, _matching(query, binder, sight))
    parents = child.back.read(sight.store, rows)
    return parents, RecordSet(sight, binder.entity.name, rows, child.shape, child.shape.columns())


def visible_rows(name: str, sight: Sight) -> pa.Array | None:
    """
    Give the rows of an object that may be answered at all.

    Args:
        name: object.
        sight: moment and person.

    Returns:
        One boolean per row; None if every row may be.
    """
    seen = sight.visible(name)
    entity = sight.catalog.entities[name]
    deleted = entity.definition.field("IsDeleted")
    if sight.deleted or deleted is None or not sight.store.stores(name, "IsDeleted"):
        return seen
    kept = pc.invert(sight.store.column(name, deleted, slice(0, sight.store.count(name))))
    return kept if seen is None else pc.and_(seen, kept)


def _around(sight: Sight) -> Circumstances:
    return Circumstances(sight.store, sight.today, lambda query: _subselect(query, sight))


def _subselect(query: Query, sight: Sight) -> pa.Array:
    result = execute(query, sight)
    if not isinstance(result, RecordSet) or len(result.columns) != 1:
        raise malformed(query.text, query.position, "Semi join sub-selects must select exactly one id field")
    if result.columns[0].field.type not in {"id", "reference"}:
        raise malformed(
            query.text, query.position, "Semi join sub-selects must select an id or a reference field"
        )
    return result.columns[0].read(sight.store, result.rows).unique()


def _matching(query: Query, binder: Binder, sight: Sight) -> Rows:
    name = binder.entity.name
    allowed = visible_rows(name, sight)
    if query.where is not None:
        found = mask(query.where, binder, _around(sight))
        allowed = found if allowed is None else pc.and_(allowed, found)
    if allowed is None:
        return slice(0, sight.store.count(name))
    return pc.indices_nonzero(allowed).cast("int64")


def _ordered(query: Query, binder: Binder, sight: Sight, rows: Rows) -> Rows:
    if not query.order_by:
        return rows
    keys = []
    for ordering in query.order_by:
        column = binder.column(ordering.key)
        if not column.field.sortable:
            text = f"field '{column.field.name}' can not be sorted in a query call"
            raise malformed(query.text, ordering.key.position, text)
        keys.append((column.read(sight.store, rows), ordering, column.folds))
    return positions(rows).take(sort_order(keys))


def _limited(query: Query, rows: Rows) -> Rows:
    start = query.offset or 0
    stop = row_count(rows) if query.limit is None else start + query.limit
    return cut(rows, start, stop)
