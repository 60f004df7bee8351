"""What a query selects: a tree of fields, parents and children, in the order of the SELECT list."""

from __future__ import annotations

from dataclasses import dataclass, field

from demo_org.catalog import COMPOUND_TYPES, Catalog
from demo_org.errors import ApiError, malformed, pointed, relationship_unknown
from demo_org.soql.ast import Call, FieldsOf, Path, Query, Selected, TypeOf
from demo_org.soql.binder import Binder
from demo_org.soql.bound import AGGREGATES, Column, Hop

_FIELDS_ALL_LIMIT = 200


@dataclass
class ChildShape:
    """A subquery: the child object, the field that points back, and the subquery itself."""

    entity: str
    back: Column
    binder: Binder
    shape: Shape


@dataclass
class Shape:
    """
    One level of a record.

    Attributes:
        entity: object whose record this is.
        hops: the way to it from the record at the top; empty for the top itself.
        members: key in the answer to what stands there.
    """

    entity: str
    hops: tuple[Hop, ...] = ()
    members: dict[str, Column | Shape | ChildShape] = field(default_factory=dict)

    def entities(self) -> set[str]:
        """Name the objects whose tables are needed to read this level, its parents and its children."""
        named = {self.entity} | {target for hop in self.hops for target in hop.targets}
        for member in self.members.values():
            if isinstance(member, Column):
                named |= {target for hop in member.hops for target in hop.targets}
            elif isinstance(member, ChildShape):
                named |= member.shape.entities()
            else:
                named |= member.entities()
        return named

    def columns(self) -> list[Column]:
        """List the plain fields of this level and of its parents, as CSV wants them."""
        listed: list[Column] = []
        for member in self.members.values():
            if isinstance(member, Column):
                listed.append(member)
            elif isinstance(member, Shape):
                listed.extend(member.columns())
        return listed


def shape_of(query: Query, binder: Binder) -> tuple[Shape, list[Column]]:
    """
    Resolve the SELECT list of a query without aggregates.

    Args:
        query: the query.
        binder: resolves its names.

    Returns:
        The tree for JSON, and the plain columns in SELECT order for CSV.

    Raises:
        ApiError: unknown names, duplicates, or what cannot be selected.
    """
    top = Shape(binder.entity.name)
    flat: list[Column] = []
    for selected in query.select:
        for column in _columns(selected, query, binder):
            _place(top, column, query, selected)
            flat.append(column)
        if isinstance(selected.item, Query):
            _place_child(top, selected.item, query, binder)
    return top, flat


def _columns(selected: Selected, query: Query, binder: Binder) -> list[Column]:
    item = selected.item
    if isinstance(item, Query):
        return []
    if isinstance(item, TypeOf):
        raise malformed(query.text, item.position, "TYPEOF is not supported on this relationship")
    if isinstance(item, FieldsOf):
        return _fields_of(item, query, binder)
    if selected.alias and isinstance(item, Path):
        raise malformed(query.text, item.position, "only aggregate expressions use field aliasing")
    return [binder.column(item)]


def _fields_of(item: FieldsOf, query: Query, binder: Binder) -> list[Column]:
    if item.group != "STANDARD" and (query.limit is None or query.limit > _FIELDS_ALL_LIMIT):
        reason = "The SOQL FIELDS function must have a LIMIT of at most 200"
        raise malformed(query.text, item.position, reason)
    custom = {"ALL": (True, False), "STANDARD": (False,), "CUSTOM": (True,)}[item.group]
    return [
        Column((), binder.entity.name, entry)
        for entry in binder.entity.fields.values()
        if entry.custom in custom
    ]


def _place(top: Shape, column: Column, query: Query, selected: Selected) -> None:
    level = top
    for depth, hop in enumerate(column.hops):
        key = str(hop.field.relationship_name)
        entity = hop.targets[0] if depth + 1 < len(column.hops) else column.entity
        parent = level.members.setdefault(key, Shape(entity, column.hops[: depth + 1]))
        if not isinstance(parent, Shape):
            raise malformed(query.text, query.position, f"duplicate alias: {key}")
        level = parent
    key = selected.alias or column.field.name
    if key in level.members:
        position = selected.item.position
        raise malformed(query.text, position, f"duplicate field selected: {column.header}")
    level.members[key] = column


def _place_child(top: Shape, inner: Query, query: Query, binder: Binder) -> None:
    found = binder.catalog.child(binder.entity, inner.source)
    if found is None:
        reason = relationship_unknown(inner.source, "FROM part of query call")
        raise ApiError(400, "INVALID_TYPE", pointed(query.text, inner.source_position, reason))
    entity, back = found
    child = Binder(binder.catalog, inner, entity)
    if is_grouped(inner) or any(isinstance(item.item, Query) for item in inner.select):
        raise malformed(query.text, inner.position, "Only plain fields can be selected in a child subquery")
    shape, _ = shape_of(inner, child)
    name = next(e.name for e in binder.entity.definition.child_relationships if _names(e.name, inner.source))
    top.members[str(name)] = ChildShape(entity.name, Column((), entity.name, back), child, shape)


def _names(name: str | None, wanted: str) -> bool:
    return name is not None and name.lower() == wanted.lower()


def is_count(query: Query) -> bool:
    """Tell whether a query is ``SELECT COUNT()``, whose answer is its ``totalSize``."""
    only = query.select[0].item
    return (
        len(query.select) == 1 and isinstance(only, Call) and only.function == "COUNT" and only.path is None
    ) and not query.group_by


def is_grouped(query: Query) -> bool:
    """Tell whether a query gives aggregate results instead of records."""
    return bool(query.group_by) or any(
        isinstance(item.item, Call) and item.item.function in AGGREGATES for item in query.select
    )


def refuse_in_bulk(query: Query, catalog: Catalog) -> None:
    """
    Refuse what a Bulk API 2.0 query may not contain.

    Args:
        query: the query.
        catalog: what the running user sees.

    Raises:
        ApiError: ``API_ERROR`` with the reason, ``INVALIDENTITY`` for an object that Bulk does not serve.
    """
    reason = _bulk_reason(query)
    if reason:
        raise ApiError(400, "API_ERROR", reason)
    entity = catalog.entity(query.source)
    if entity is not None and not entity.definition.bulk:
        raise ApiError(400, "INVALIDENTITY", f"Entity '{entity.name}' is not supported by the Bulk API.")


def refuse_compound(columns: list[Column]) -> None:
    """Refuse address, location and binary fields, which no CSV cell can hold."""
    if any(column.field.type in COMPOUND_TYPES for column in columns):
        text = "Selecting compound data not supported in Bulk Query"
        raise ApiError(400, "API_ERROR", f"FUNCTIONALITY_NOT_ENABLED: {text}")


def _bulk_reason(query: Query) -> str:
    items = [selected.item for selected in query.select]
    if query.group_by:
        return "FeatureNotEnabled : GROUP BY clause is not supported in Bulk Query"
    if any(isinstance(item, Call) and item.function in AGGREGATES for item in items):
        return "FeatureNotEnabled : Aggregate functions are not supported in Bulk Query"
    if query.offset is not None:
        return "FeatureNotEnabled : OFFSET clause is not supported in Bulk Query"
    if any(isinstance(item, TypeOf) for item in items):
        return "FeatureNotEnabled : TYPEOF clause is not supported in Bulk Query"
    if any(isinstance(item, Query) for item in items):
        return "Aggregate Relationships not supported in Bulk V2 Query with CSV content type"
    return ""
