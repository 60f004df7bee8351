"""
What an object and a field of the demo org are, in the words of Salesforce's own describe call.

A definition is pure declaration: no values of a record, no HTTP. `FieldDef.describe()` and
`ObjectDef.describe()` spell a definition the way `/sobjects` and `/sobjects/<name>/describe` do.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

Default = str | bool | int | float | None

SOAP_TYPES: dict[str, str] = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
}
"""Describe type to SOAP type; every type which is not named here is `xsd:string`."""

TEXT_TYPES = frozenset(
    {"string", "email", "phone", "url", "picklist", "textarea", "combobox", "id", "reference"}
)
COMPOUND_TYPES = frozenset({"address", "location"})


def satisfied(permission: str | None, granted: Collection[str]) -> bool:
    """
    Say whether a requirement is met.

    Args:
        permission: None (no requirement), one name, or alternatives separated by `|` of which one is enough.
        granted: The running user's permissions together with the org's features.
    """
    return permission is None or any(name in granted for name in permission.split("|"))


@dataclass(frozen=True)
class FieldDef:
    """
    One field of one object.

    Attributes:
        name: API name.
        label: What the user interface calls it.
        type: Describe type (`string`, `id`, `reference`, `datetime`, `picklist`, ...).
        length: Characters for text, 0 for everything else.
        nillable: As describe says it, which is not always as the rows are.
        reference_to: Objects a reference points to, empty for every other type.
        relationship_name: Name of the parent in SOQL; None where SOQL cannot walk the reference.
        picklist: Allowed values, in order.
        permission: Hidden unless the running user has this permission or the org this feature; `A|B`: either.
        default: The value of the field in every row of a table which does not store it.
        compound: Name of the compound field this one is a part of (`Address`, `Name`).
        restricted: A picklist which accepts no other values.
    """

    name: str
    label: str
    type: str
    length: int = 0
    nillable: bool = True
    filterable: bool = True
    groupable: bool = True
    sortable: bool = True
    calculated: bool = False
    custom: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    picklist: tuple[str, ...] = ()
    permission: str | None = None
    default: Default = None
    createable: bool = False
    updateable: bool = False
    unique: bool = False
    id_lookup: bool = False
    name_field: bool = False
    case_sensitive: bool = False
    compound: str | None = None
    restricted: bool = False
    digits: int = 0
    precision: int = 0
    scale: int = 0

    @property
    def soap_type(self) -> str:
        """Type in SOAP's words, `xsd:string` for all kinds of text."""
        return SOAP_TYPES.get(self.type, "xsd:string")

    @property
    def byte_length(self) -> int:
        """Bytes a value may take: three for each character of text, as describe reports it."""
        if self.type in ("id", "reference"):
            return self.length
        return self.length * 3 if self.type in TEXT_TYPES else 0

    @property
    def is_compound(self) -> bool:
        """Whether the value is made of other fields; Bulk API queries refuse such fields."""
        return self.type in COMPOUND_TYPES

    @property
    def aggregatable(self) -> bool:
        """Whether MIN, MAX and COUNT accept the field."""
        return self.type not in COMPOUND_TYPES and self.type not in ("boolean", "base64") and self.filterable

    def visible_to(self, granted: Collection[str]) -> bool:
        """Say whether someone with these permissions (and the org's features) is shown the field."""
        return satisfied(self.permission, granted)

    def describe(self) -> dict[str, Any]:
        """Return the entry of `fields` in the answer of a describe call."""
        return {
            "aggregatable": self.aggregatable,
            "aiPredictionField": False,
            "autoNumber": False,
            "byteLength": self.byte_length,
            "calculated": self.calculated,
            "calculatedFormula": None,
            "cascadeDelete": False,
            "caseSensitive": self.case_sensitive,
            "compoundFieldName": self.compound,
            "controllerName": None,
            "createable": self.createable,
            "custom": self.custom,
            "defaultValue": False if self.type == "boolean" else None,
            "defaultValueFormula": None,
            "defaultedOnCreate": self.type == "boolean" or not self.nillable,
            "dependentPicklist": False,
            "deprecatedAndHidden": False,
            "digits": self.digits,
            "displayLocationInDecimal": False,
            "encrypted": False,
            "externalId": False,
            "extraTypeInfo": None,
            "filterable": self.filterable,
            "filteredLookupInfo": None,
            "formulaTreatNullNumberAsZero": False,
            "groupable": self.groupable,
            "highScaleNumber": False,
            "htmlFormatted": False,
            "idLookup": self.id_lookup or self.type == "id",
            "inlineHelpText": None,
            "label": self.label,
            "length": self.length,
            "mask": None,
            "maskType": None,
            "name": self.name,
            "nameField": self.name_field,
            "namePointing": len(self.reference_to) > 1,
            "nillable": self.nillable,
            "permissionable": self.custom,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": value, "validFor": None, "value": value}
                for value in self.picklist
            ],
            "polymorphicForeignKey": len(self.reference_to) > 1,
            "precision": self.precision,
            "queryByDistance": self.type == "location",
            "referenceTargetField": None,
            "referenceTo": list(self.reference_to),
            "relationshipName": self.relationship_name,
            "relationshipOrder": None,
            "restrictedDelete": False,
            "restrictedPicklist": self.restricted,
            "scale": self.scale,
            "searchPrefilterable": self.type == "reference",
            "soapType": self.soap_type,
            "sortable": self.sortable,
            "type": self.type,
            "unique": self.unique,
            "updateable": self.updateable,
            "writeRequiresMasterRead": False,
        }


@dataclass(frozen=True)
class ChildRelationship:
    """
    A way from a parent to the rows which refer to it.

    Attributes:
        child: API name of the object whose rows refer to the parent.
        field: Name of the child's reference.
        name: What a subquery calls the children; None where no subquery is possible.
    """

    child: str
    field: str
    name: str | None = None

    def describe(self) -> dict[str, Any]:
        """Return the entry of `childRelationships` in the answer of a describe call."""
        return {
            "cascadeDelete": False,
            "childSObject": self.child,
            "deprecatedAndHidden": False,
            "field": self.field,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": self.name,
            "restrictedDelete": False,
        }
