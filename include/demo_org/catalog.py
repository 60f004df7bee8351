"""
What the running user sees of the org's schema.

Names are found in any case, as in SOQL. An object or field that a missing permission hides does not exist
for the caller: describe leaves it out, queries answer as for a misspelling.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from demo_org.schema import FieldDef, ObjectDef

TEXT_TYPES = frozenset(
    {
        "string",
        "textarea",
        "picklist",
        "multipicklist",
        "combobox",
        "email",
        "phone",
        "url",
        "encryptedstring",
    }
)
"""Field types that compare as text, whatever their case."""

ID_TYPES = frozenset({"id", "reference"})
"""Field types that hold record ids."""

COMPOUND_TYPES = frozenset({"address", "location", "base64"})
"""Field types that Bulk queries refuse."""


class Entity:
    """
    One object as the running user sees it.

    Args:
        definition: the object.
        granted: permissions of the running user, and features of the org.
        hidden: lower-case ``object.field`` names that field-level security takes away on top.
    """

    def __init__(self, definition: ObjectDef, granted: frozenset[str], hidden: frozenset[str]) -> None:
        self.definition = definition
        self.name: str = definition.name
        prefix = definition.name.lower()
        self.fields: dict[str, FieldDef] = {
            item.name: item
            for item in definition.visible_fields(granted)
            if f"{prefix}.{item.name.lower()}" not in hidden
        }
        self._by_lower = {name.lower(): item for name, item in self.fields.items()}
        self._by_relation = {
            item.relationship_name.lower(): item for item in self.fields.values() if item.relationship_name
        }

    def field(self, name: str) -> FieldDef | None:
        """Find a visible field by its name in any case."""
        return self._by_lower.get(name.lower())

    def relation(self, name: str) -> FieldDef | None:
        """Find the visible reference field behind a relationship name such as ``Profile``."""
        return self._by_relation.get(name.lower())


class Catalog:
    """
    The visible objects.

    Args:
        objects: definitions by name.
        granted: permissions of the running user.
        hidden: lower-case ``object.field`` names that field-level security takes away on top.
    """

    def __init__(
        self, objects: Mapping[str, ObjectDef], granted: frozenset[str], hidden: frozenset[str] = frozenset()
    ) -> None:
        self.granted = granted
        self.entities = {
            name: Entity(definition, granted, hidden)
            for name, definition in objects.items()
            if definition.visible_to(granted)
        }
        self._by_lower = {name.lower(): entity for name, entity in self.entities.items()}

    def entity(self, name: str) -> Entity | None:
        """Find a visible object by its name in any case."""
        return self._by_lower.get(name.lower())

    def without(self, name: str) -> Catalog:
        """Give this catalog less one object."""
        less = copy.copy(self)
        less.entities = {key: entity for key, entity in self.entities.items() if key.lower() != name.lower()}
        less._by_lower = {key.lower(): entity for key, entity in less.entities.items()}
        return less

    def child(self, parent: Entity, name: str) -> tuple[Entity, FieldDef] | None:
        """
        Find what a subquery names.

        Args:
            parent: object of the outer query.
            name: child relationship name in any case.

        Returns:
            The child object and its reference field; None if there is none that the user may see.
        """
        for entry in parent.definition.child_relationships:
            if entry.name and entry.name.lower() == name.lower():
                entity = self.entities.get(entry.child)
                field = entity.field(entry.field) if entity else None
                if entity is not None and field is not None:
                    return entity, field
        return None


def to18(record_id: str) -> str | None:
    """
    Give the 18-character form of a record id.

    Args:
        record_id: 15 case-sensitive characters, or 18.

    Returns:
        The long form; None if this is no id at all.
    """
    if len(record_id) not in (15, 18) or not record_id.isascii() or not record_id.isalnum():
        return None
    short = record_id[:15]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    suffix = ""
    for start in (0, 5, 10):
        bits = sum(1 << place for place, char in enumerate(short[start : start + 5]) if "A" <= char <= "Z")
        suffix += alphabet[bits]
    return short + suffix
