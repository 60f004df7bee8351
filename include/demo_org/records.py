"""
Records as JSON, a page at a time.

A page is put together column by column: every level of a record is a row of constants and columns that
Arrow joins, so that a page of two thousand wide rows costs milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.soql.bound import Column, Hop, parent_ids
from demo_org.soql.executor import Groups, RecordSet, Sight, children_of
from demo_org.soql.shapes import ChildShape, Shape
from demo_org.store import Rows, Store, cut, row_count
from demo_org.wording import as_json

CHILD_PAGE = 200
"""Child records in one record; more are behind a ``nextRecordsUrl`` of their own."""


@dataclass(frozen=True)
class Layout:
    """
    White space of an answer.

    Attributes:
        pretty: whether ``X-PrettyPrint: 1`` asked for lines and indentation.
        depth: how deep the current level lies.
    """

    pretty: bool = False
    depth: int = 0

    def deeper(self, levels: int = 1) -> Layout:
        """Give the layout of a level inside this one."""
        return Layout(self.pretty, self.depth + levels)

    def opening(self) -> str:
        """Give the start of an object."""
        return "{" + self._line(1)

    def between(self) -> str:
        """Give what parts two members of an object."""
        return "," + self._line(1)

    def closing(self) -> str:
        """Give the end of an object."""
        return self._line(0) + "}"

    def key(self, name: str) -> str:
        """Give a key with its colon."""
        return f'"{name}" : ' if self.pretty else f'"{name}":'

    def array(self, items: list[str]) -> str:
        """Give an array of finished items."""
        if not self.pretty:
            return "[" + ",".join(items) + "]"
        return "[ " + ", ".join(items) + " ]" if items else "[ ]"

    def _line(self, more: int) -> str:
        return "\n" + "  " * (self.depth + more) if self.pretty else ""


def render(value: Any, layout: Layout) -> str:
    """
    Spell any small value as JSON.

    Args:
        value: what ``json`` can spell.
        layout: compact, or lines and indentation in the manner of the Java server.

    Returns:
        JSON text.
    """
    if not layout.pretty:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if isinstance(value, dict) and value:
        members = [layout.key(name) + render(item, layout.deeper()) for name, item in value.items()]
        return layout.opening() + layout.between().join(members) + layout.closing()
    if isinstance(value, dict):
        return "{ }"
    if isinstance(value, list | tuple):
        return layout.array([render(item, layout) for item in value])
    return json.dumps(value, ensure_ascii=False)


OpenCursor = Callable[[RecordSet, int], str]
"""Keeps the rest of a result and gives the path of its next page."""


@dataclass(frozen=True)
class _Page:
    """What the rendering of one page needs on every level."""

    sight: Sight
    base: str
    open_cursor: OpenCursor

    @property
    def store(self) -> Store:
        return self.sight.store


def record_page(result: RecordSet, start: int, stop: int, base: str, layout: Layout, more: OpenCursor) -> str:
    """
    Spell some records of a result.

    Args:
        result: the records.
        start: first one.
        stop: end.
        base: path of the API version, for the URLs of the records.
        layout: white space at the level of the records.
        more: keeps child records that do not fit.

    Returns:
        A JSON array.
    """
    page = _Page(result.sight, base, more)
    rows = cut(result.rows, start, stop)
    return layout.array(_level(result.shape, rows, page, layout).to_pylist())


def group_page(groups: Groups, layout: Layout) -> str:
    """
    Spell aggregate results.

    Args:
        groups: one row per group.
        layout: white space at the level of the records.

    Returns:
        A JSON array; the attributes of an aggregate result have no URL.
    """
    inner = layout.deeper()
    head = inner.opening() + inner.key("type") + '"AggregateResult"' + inner.closing()
    parts: list[Any] = [layout.opening() + layout.key("attributes") + head]
    for name in groups.table.column_names:
        parts += [layout.between() + layout.key(name), as_json(groups.table.column(name).combine_chunks())]
    return layout.array(_joined([*parts, layout.closing()], groups.table.num_rows).to_pylist())


def _level(shape: Shape, rows: Rows, page: _Page, layout: Layout) -> pa.Array:
    """Spell one level of some records: for a parent, the rows are still those of the record at the top."""
    inner = layout.deeper()
    head = layout.opening() + layout.key("attributes") + inner.opening() + inner.key("type")
    url = f"{page.base}/sobjects/{shape.entity}/"
    head += f'"{shape.entity}"' + inner.between() + inner.key("url") + f'"{url}'
    parts: list[Any] = [head, _ids(shape, rows, page), '"' + inner.closing()]
    for key, member in shape.members.items():
        parts += [layout.between() + layout.key(key), _member(member, rows, page, inner)]
    text = _joined([*parts, layout.closing()], row_count(rows))
    if not shape.hops:
        return text
    return pc.if_else(pc.is_valid(parent_ids(page.store, shape.hops, rows)), text, "null")


def _member(member: Column | Shape | ChildShape, rows: Rows, page: _Page, layout: Layout) -> pa.Array:
    if isinstance(member, Column):
        return as_json(member.read(page.store, rows))
    if isinstance(member, Shape):
        return _level(member, rows, page, layout)
    return _children(member, rows, page, layout)


def _ids(shape: Shape, rows: Rows, page: _Page) -> pa.Array:
    return pc.fill_null(_identity(shape.entity, shape.hops, page.store).read(page.store, rows), "")


def _identity(entity: str, hops: tuple[Hop, ...], store: Store) -> Column:
    field = store.field(entity, "Id")
    if field is None:
        raise LookupError(entity)
    return Column(hops, entity, field)


def _children(child: ChildShape, rows: Rows, page: _Page, layout: Layout) -> pa.Array:
    parents, found = children_of(child, page.sight)
    wanted = _identity(str(child.back.field.reference_to[0]), (), page.store)
    ids = wanted.read(page.store, rows)
    near = pc.indices_nonzero(pc.fill_null(pc.is_in(parents, value_set=ids), False))
    places: dict[str, list[int]] = {}
    for place, parent in zip(near.to_pylist(), parents.take(near).to_pylist(), strict=True):
        places.setdefault(parent, []).append(place)
    limit = child.binder.query.limit
    spelled = [_child_list(places.get(one, [])[:limit], found, page, layout) for one in ids.to_pylist()]
    return pa.array(spelled, pa.string())


def _child_list(places: list[int], found: RecordSet, page: _Page, layout: Layout) -> str:
    if not places:
        return "null"
    everything = (
        pa.array(range(found.rows.start, found.rows.stop)) if isinstance(found.rows, slice) else found.rows
    )
    mine = RecordSet(found.sight, found.entity, everything.take(pa.array(places)), found.shape, found.columns)
    done = mine.total <= CHILD_PAGE
    members = [layout.key("totalSize") + str(mine.total), layout.key("done") + str(done).lower()]
    if not done:
        members.append(layout.key("nextRecordsUrl") + f'"{page.open_cursor(mine, CHILD_PAGE)}"')
    records = record_page(mine, 0, CHILD_PAGE, page.base, layout.deeper(), page.open_cursor)
    members.append(layout.key("records") + records)
    return layout.opening() + layout.between().join(members) + layout.closing()


def _joined(parts: list[Any], length: int) -> pa.Array:
    if length == 0:
        return pa.array([], pa.string())
    if not any(isinstance(part, pa.Array) for part in parts):
        return pa.repeat(pa.scalar("".join(parts)), length)
    return pc.binary_join_element_wise(*parts, "")
