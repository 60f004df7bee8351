"""
Short names for the kinds of field Salesforce has, so that an object's definition reads as a list.

Each function returns one `FieldDef` with the flags that kind of field has in a real describe: long text can
be neither filtered nor sorted, date-times cannot be grouped, and so on. Keywords override any attribute.
"""

from __future__ import annotations

import re
from typing import Any

from demo_org.schema.definitions import FieldDef

LABELS = {
    "SystemModstamp": "System Modstamp",
    "CreatedById": "Created By ID",
    "LastModifiedById": "Last Modified By ID",
    "IsDeleted": "Deleted",
    "LastLoginDate": "Last Login",
}
AUDIT_TARGET = ("User",)


def label_of(name: str) -> str:
    """Make a label from an API name: `LoginTime` reads `Login Time`, `AccountId` reads `Account ID`."""
    if name in LABELS:
        return LABELS[name]
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name.removesuffix("__c"))
    return " ".join("ID" if word == "Id" else word for word in words)


def make(name: str, kind: str, **attributes: Any) -> FieldDef:
    """Make a field of any describe type, with a label from its name unless one is given."""
    attributes.setdefault("label", label_of(name))
    attributes.setdefault("custom", name.endswith("__c"))
    return FieldDef(name=name, type=kind, **attributes)


def identifier() -> FieldDef:
    """Make the `Id` every object has."""
    return make("Id", "id", label="ID", length=18, nillable=False, case_sensitive=False)


def text(name: str, length: int = 255, **attributes: Any) -> FieldDef:
    """Make a line of text."""
    return make(name, "string", length=length, **attributes)


def long_text(name: str, length: int = 255, **attributes: Any) -> FieldDef:
    """Make a text area: shown, but neither filtered nor grouped nor sorted when it is long."""
    short = length <= 255
    flags = {"filterable": short, "groupable": short, "sortable": short} | attributes
    return make(name, "textarea", length=length, **flags)


def email(name: str, length: int = 80, **attributes: Any) -> FieldDef:
    """Make an e-mail address."""
    return make(name, "email", length=length, **attributes)


def phone(name: str, **attributes: Any) -> FieldDef:
    """Make a telephone number."""
    return make(name, "phone", length=40, **attributes)


def url(name: str, length: int = 1024, **attributes: Any) -> FieldDef:
    """Make a web address."""
    return make(name, "url", length=length, **attributes)


def flag(name: str, **attributes: Any) -> FieldDef:
    """Make a check box: never null, false where nothing is stored."""
    return make(name, "boolean", **({"nillable": False, "default": False} | attributes))


def plain_flag(name: str, **attributes: Any) -> FieldDef:
    """Make a check box that can be filtered, but neither grouped nor sorted: preferences and permissions."""
    return flag(name, **({"groupable": False, "sortable": False} | attributes))


def whole(name: str, digits: int = 9, **attributes: Any) -> FieldDef:
    """Make a whole number."""
    return make(name, "int", digits=digits, **attributes)


def amount(name: str, precision: int = 18, scale: int = 2, **attributes: Any) -> FieldDef:
    """Make a number with decimals: cannot be grouped."""
    return make(name, "double", **({"precision": precision, "scale": scale, "groupable": False} | attributes))


def day(name: str, **attributes: Any) -> FieldDef:
    """Make a calendar date."""
    return make(name, "date", **attributes)


def moment(name: str, **attributes: Any) -> FieldDef:
    """Make a point in time, UTC: cannot be grouped."""
    return make(name, "datetime", **({"groupable": False} | attributes))


def choice(name: str, values: tuple[str, ...] = (), length: int = 40, **attributes: Any) -> FieldDef:
    """Make a picklist."""
    return make(name, "picklist", length=length, picklist=values, **attributes)


def reference(name: str, *targets: str, relationship: str | None = "", **attributes: Any) -> FieldDef:
    """
    Make a reference to another object.

    Args:
        name: API name; SOQL walks it by the name without `Id`.
        targets: API names of the objects it may point to.
        relationship: Another name to walk it by, or None when SOQL cannot.
        attributes: Anything else a `FieldDef` has.
    """
    walk = name.removesuffix("Id") if relationship == "" else relationship
    return make(name, "reference", length=18, reference_to=targets, relationship_name=walk, **attributes)


def address(
    prefix: str = "", part_of: str | None = None, permission: str = "StateCountryPicklists"
) -> list[FieldDef]:
    """
    Make the ten parts of a postal address and the compound field over them.

    Args:
        prefix: `Billing`, `Mailing`, ... or nothing.
        part_of: Name of the compound field, by default `<prefix>Address`.
        permission: Feature that brings the two ISO code fields.
    """
    whole_name = part_of or f"{prefix}Address"
    part: dict[str, Any] = {"compound": whole_name, "createable": True, "updateable": True}
    return [
        long_text(f"{prefix}Street", 255, **part),
        text(f"{prefix}City", 40, **part),
        text(f"{prefix}State", 80, **part),
        text(f"{prefix}PostalCode", 20, **part),
        text(f"{prefix}Country", 80, **part),
        choice(f"{prefix}StateCode", length=10, permission=permission, **part),
        choice(f"{prefix}CountryCode", length=10, permission=permission, **part),
        amount(f"{prefix}Latitude", 18, 15, **part),
        amount(f"{prefix}Longitude", 18, 15, **part),
        choice(f"{prefix}GeocodeAccuracy", ("Address", "Block", "City", "Street", "Unknown", "Zip"), **part),
        make(whole_name, "address", groupable=False, sortable=False),
    ]


def created(by: bool = True) -> list[FieldDef]:
    """Make `CreatedDate` and, when wanted, `CreatedById`."""
    who = [reference("CreatedById", *AUDIT_TARGET, nillable=False)] if by else []
    return [moment("CreatedDate", nillable=False), *who]


def modified(by: bool = True) -> list[FieldDef]:
    """Make `LastModifiedDate` and, when wanted, `LastModifiedById`."""
    who = [reference("LastModifiedById", *AUDIT_TARGET, nillable=False)] if by else []
    return [moment("LastModifiedDate", nillable=False), *who]


def stamp() -> FieldDef:
    """Make `SystemModstamp`."""
    return moment("SystemModstamp", nillable=False)


def audit(by: bool = True) -> list[FieldDef]:
    """Make the usual block: created, modified, stamp."""
    return [*created(by), *modified(by), stamp()]


def viewed() -> list[FieldDef]:
    """Make the two dates which say when the running user looked last, null for everyone who never did."""
    return [moment("LastViewedDate"), moment("LastReferencedDate")]
