"""One object of the demo org and its two describe bodies."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from demo_org.schema.definitions import ChildRelationship, FieldDef, satisfied


@dataclass(frozen=True)
class ObjectDef:
    """
    One object: its fields in the order describe lists them, and what may be done with it.

    Attributes:
        name: API name.
        key_prefix: First three characters of the record ids; None for objects without records of their own.
        bulk: Whether a Bulk API 2.0 query may name the object.
        permission: Hidden altogether unless the running user has it; `A|B` means either.
        own_rows_only_without: Without it, rows are silently cut down to the user's own; `A|B` means either.
    """

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: tuple[FieldDef, ...]
    queryable: bool = True
    replicateable: bool = False
    retrieveable: bool = True
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    undeletable: bool = False
    searchable: bool = False
    layoutable: bool = False
    triggerable: bool = False
    mru_enabled: bool = False
    feed_enabled: bool = False
    bulk: bool = True
    permission: str | None = None
    own_rows_only_without: str | None = None
    child_relationships: tuple[ChildRelationship, ...] = field(default=())

    @cached_property
    def by_name(self) -> dict[str, FieldDef]:
        """Fields keyed by lower-case API name: SOQL does not care about case."""
        return {item.name.lower(): item for item in self.fields}

    def field(self, name: str) -> FieldDef | None:
        """Return the field of that name in any case, None when there is none."""
        return self.by_name.get(name.lower())

    def visible_to(self, granted: Collection[str]) -> bool:
        """Say whether someone with these permissions (and the org's features) may know the object at all."""
        return satisfied(self.permission, granted)

    def all_rows_visible_to(self, granted: Collection[str]) -> bool:
        """Say whether someone with these permissions is shown every row and not only his own."""
        return satisfied(self.own_rows_only_without, granted)

    def visible_fields(self, granted: Collection[str]) -> tuple[FieldDef, ...]:
        """Return the fields shown to someone with these permissions (and the org's features), in order."""
        return tuple(item for item in self.fields if item.visible_to(granted))

    def describe_global(self, base: str) -> dict[str, Any]:
        """
        Return the entry of `sobjects` in the answer of the global describe call.

        Args:
            base: Path of the API version, such as `/services/data/v59.0`.
        """
        root = f"{base}/sobjects/{self.name}"
        urls = {"rowTemplate": root + "/{ID}", "describe": root + "/describe", "sobject": root}
        if self.layoutable:
            urls["layouts"] = root + "/describe/layouts"
        return {
            "activateable": False,
            "associateEntityType": None,
            "associateParentEntity": None,
            "createable": self.createable,
            "custom": self.name.endswith("__c"),
            "customSetting": False,
            "deepCloneable": False,
            "deletable": self.deletable,
            "deprecatedAndHidden": False,
            "feedEnabled": self.feed_enabled,
            "hasSubtypes": False,
            "isInterface": False,
            "isSubtype": False,
            "keyPrefix": self.key_prefix,
            "label": self.label,
            "labelPlural": self.label_plural,
            "layoutable": self.layoutable,
            "mergeable": False,
            "mruEnabled": self.mru_enabled,
            "name": self.name,
            "queryable": self.queryable,
            "replicateable": self.replicateable,
            "retrieveable": self.retrieveable,
            "searchable": self.searchable,
            "triggerable": self.triggerable,
            "undeletable": self.undeletable,
            "updateable": self.updateable,
            "urls": urls,
        }

    def describe(self, base: str, granted: Collection[str]) -> dict[str, Any]:
        """
        Return the whole answer of a describe call, as someone with these permissions is given it.

        Args:
            base: Path of the API version, such as `/services/data/v59.0`.
            granted: The running user's permissions together with the org's features.
        """
        body = self.describe_global(base)
        body.update(
            {
                "actionOverrides": [],
                "childRelationships": [item.describe() for item in self.child_relationships],
                "compactLayoutable": self.layoutable,
                "defaultImplementation": None,
                "extendedBy": None,
                "extendsInterfaces": None,
                "fields": [item.describe() for item in self.visible_fields(granted)],
                "implementedBy": None,
                "implementsInterfaces": None,
                "listviewable": None,
                "lookupLayoutable": None,
                "namedLayoutInfos": [],
                "networkScopeFieldName": None,
                "recordTypeInfos": [],
                "searchLayoutable": self.searchable,
                "sobjectDescribeOption": "FULL",
                "supportedScopes": [{"label": f"All {self.label_plural.lower()}", "name": "everything"}],
            }
        )
        return body
