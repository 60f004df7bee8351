"""Finds the objects and fields that a query names, among those that the running user may see."""

from __future__ import annotations

from demo_org.catalog import Catalog, Entity
from demo_org.errors import ApiError, malformed, no_such_column, no_such_object, pointed, relationship_unknown
from demo_org.soql.ast import Call, Path, Query
from demo_org.soql.bound import AGGREGATES, DATE_PARTS, LABEL_FUNCTIONS, Column, Hop

_DEEPEST = 5
"""Most parents that one path may climb."""


class Binder:
    """
    Resolves the names of one query.

    Args:
        catalog: what the running user sees.
        query: the query whose FROM clause gives the object to start from.
        entity: that object if it is known already, as in a child subquery.

    Raises:
        ApiError: ``INVALID_TYPE`` if the object is unknown or hidden.
    """

    def __init__(self, catalog: Catalog, query: Query, entity: Entity | None = None) -> None:
        self.catalog = catalog
        self.query = query
        found = entity or catalog.entity(query.source)
        if found is None:
            raise no_such_object(query.text, query.source_position, query.source)
        if not found.definition.queryable:
            text = f"entity type {found.name} does not support query"
            raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", text)
        self.entity = found

    def column(self, expression: Path | Call) -> Column:
        """
        Resolve a field or a date part of one.

        Args:
            expression: as parsed; aggregates are not accepted here.

        Returns:
            The column.

        Raises:
            ApiError: ``INVALID_FIELD`` for an unknown or hidden field, ``MALFORMED_QUERY`` for an unknown
                function.
        """
        if isinstance(expression, Path):
            return self.path(expression)
        name = expression.function
        if name in AGGREGATES or expression.path is None:
            text = "aggregate functions are not allowed in this place"
            raise malformed(self.query.text, expression.position, text)
        column = self.path(expression.path)
        if name in LABEL_FUNCTIONS:
            return column
        if name not in DATE_PARTS:
            raise malformed(self.query.text, expression.position, f"Invalid function: {name.lower()}")
        if column.field.type not in {"date", "datetime"}:
            text = f"field {column.field.name} does not support function {name.lower()}"
            raise malformed(self.query.text, expression.position, text)
        return Column(column.hops, column.entity, column.field, name)

    def path(self, path: Path) -> Column:
        """Resolve a field, perhaps through parents."""
        parts = list(path.parts)
        prefixes = {self.entity.name.lower(), (self.query.alias or self.entity.name).lower()}
        if len(parts) > 1 and parts[0].lower() in prefixes and self.entity.relation(parts[0]) is None:
            parts = parts[1:]
        if len(parts) - 1 > _DEEPEST:
            text = "SOQL supports at most five levels of parent relationships"
            raise malformed(self.query.text, path.position, text)
        entity = self.entity
        hops: tuple[Hop, ...] = ()
        for name in parts[:-1]:
            hop = self._hop(entity, name, path)
            hops += (hop,)
            entity = self._target(hop, parts[-1])
        field = entity.field(parts[-1])
        if field is None:
            raise no_such_column(self.query.text, path.position, parts[-1], entity.name)
        return Column(hops, entity.name, field)

    def _hop(self, entity: Entity, name: str, path: Path) -> Hop:
        field = entity.relation(name)
        targets = tuple(
            target for target in (field.reference_to if field else ()) if target in self.catalog.entities
        )
        if field is None or not targets:
            reason = relationship_unknown(name, "field path")
            raise ApiError(400, "INVALID_FIELD", pointed(self.query.text, path.position, reason))
        return Hop(entity.name, field, targets)

    def _target(self, hop: Hop, wanted: str) -> Entity:
        """Choose the parent; of a polymorphic reference the first that has the wanted field."""
        entities = [self.catalog.entities[target] for target in hop.targets]
        return next((entity for entity in entities if entity.field(wanted)), entities[0])
