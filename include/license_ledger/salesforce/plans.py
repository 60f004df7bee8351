"""From a describe to a plan: which fields are asked for, and what it costs that others are missing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.salesforce.declarations import Field, SalesforceObject, kind_of
from license_ledger.salesforce.inspection import Capability, ObjectPlan

__all__ = ["absent", "plan_of", "without_object"]

_ALIKE = ({"int", "double"},)


def plan_of(declared: SalesforceObject, describe: Any) -> tuple[ObjectPlan, list[Capability]]:
    """
    Plan an object that describe shows.

    Args:
        declared: the object.
        describe: what describe says of it.

    Returns:
        The plan, with rows and API still open, and what is missing.

    Raises:
        SchemaDrift: the object is required and a field that it cannot do without is not there, or a field
            is of another type than declared.
        CorruptAnswer: this is no describe.
    """
    offered = _offered(declared, describe)
    if describe.get("queryable") is False:
        return absent(declared, "it cannot be queried"), [without_object(declared)]
    missing = [field for field in declared.fields if field.name not in offered]
    for field in declared.fields:
        _require_kind(declared, field, offered)
    lacking = [field for field in missing if field.required]
    if lacking and declared.required:
        raise SchemaDrift(
            f"field {declared.name}.{lacking[0].name}",
            "is not visible to the integration user",
            f"give it the permission '{lacking[0].permission or declared.permission}', or show it the field "
            "by field-level security",
        )
    if lacking:
        reason = f"its field {lacking[0].name} is not visible"
        return absent(declared, reason), [_without_field(declared, lacking[0], declared.costs)]
    fields = [[field.name, field.kind] for field in declared.fields if field.name in offered]
    plan = absent(declared, "")
    plan["available"] = True
    plan["fields"] = fields + [[name, "boolean"] for name in _flags(declared, offered)]
    plan["missing_fields"] = [field.name for field in missing]
    return plan, [_without_field(declared, field, field.costs) for field in missing if field.costs]


def absent(declared: SalesforceObject, reason: str) -> ObjectPlan:
    """The plan of an object that is not extracted."""
    return {
        "fields": [],
        "missing_fields": [field.name for field in declared.fields],
        "api": "rest",
        "rows": None,
        "available": False,
        "reason": reason,
        "where": declared.where,
    }


def without_object(declared: SalesforceObject) -> Capability:
    """What it costs that an object is not visible."""
    return {
        "object": declared.name,
        "field": None,
        "missing_permission": declared.permission,
        "costs": declared.costs,
        "unlocks": declared.unlocks,
    }


def _without_field(declared: SalesforceObject, field: Field, costs: str) -> Capability:
    return {
        "object": declared.name,
        "field": field.name,
        "missing_permission": field.permission or f"field-level security of {declared.name}.{field.name}",
        "costs": costs,
        "unlocks": declared.unlocks if field.required else f"{declared.name}.{field.name}",
    }


def _offered(declared: SalesforceObject, describe: Any) -> Mapping[str, str]:
    """Type by name."""
    fields = describe.get("fields") if isinstance(describe, dict) else None
    if not isinstance(fields, list):
        raise CorruptAnswer(f"describe of {declared.name}", "an answer that names no fields", "run again")
    return {
        field["name"]: field["type"]
        for field in fields
        if isinstance(field, dict) and {"name", "type"} <= field.keys()
    }


def _require_kind(declared: SalesforceObject, field: Field, offered: Mapping[str, str]) -> None:
    if field.name not in offered:
        return
    found = kind_of(offered[field.name])
    if found != field.kind and not any({found, field.kind} <= kinds for kinds in _ALIKE):
        raise SchemaDrift(
            f"field {declared.name}.{field.name}",
            f"is {offered[field.name]} in this org where {field.kind} is expected",
            "use a version of the ledger that knows this API version",
        )


def _flags(declared: SalesforceObject, offered: Mapping[str, str]) -> list[str]:
    if not declared.flag_prefix:
        return []
    return [
        name
        for name, described in offered.items()
        if name.startswith(declared.flag_prefix)
        and described == "boolean"
        and name.isalnum()
        and name not in declared.flag_exceptions
    ]
