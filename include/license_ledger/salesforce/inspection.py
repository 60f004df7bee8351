"""
The inspection: what a run knows of its org before it extracts. Pure; may import declarations and objects.

It is JSON, so that it can be kept beside the landing; from it and the declarations follow every query and
every type of landing, in any later task, without asking Salesforce again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, TypedDict

import pyarrow as pa

from license_ledger.salesforce.declarations import ARROW_TYPES
from license_ledger.salesforce.objects import object_named

__all__ = [
    "Capability",
    "Inspection",
    "ObjectPlan",
    "Unit",
    "arrow_schema",
    "extracted_schema",
    "soql",
    "units_of",
]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)?")
_CONDITION = re.compile(
    r"(?:IsFrozen = true|MetricsDate >= \d{4}-\d\d-\d\d|LoginTime >= \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?"
)


class Capability(TypedDict):
    """
    Something that is not visible.

    ``field`` is None when it is the whole object; ``missing_permission`` is what shows it; ``costs`` is
    what is lost without it; ``unlocks`` are the published tables or columns that need it.
    """

    object: str
    field: str | None
    missing_permission: str
    costs: str
    unlocks: str


class ObjectPlan(TypedDict):
    """
    How an object is extracted.

    ``fields`` are name and kind of the columns asked for; ``missing_fields`` the declared ones that are not
    offered; ``rows`` how many there were at inspection, None when not told; ``where`` the condition.
    """

    fields: list[list[str]]
    missing_fields: list[str]
    api: Literal["rest", "bulk"]
    rows: int | None
    available: bool
    reason: str
    where: str


class Unit(TypedDict):
    """Objects that one mapped task extracts, in this order."""

    label: str
    objects: list[str]


class Inspection(TypedDict):
    """
    Everything that :func:`~license_ledger.salesforce.capabilities.inspect` found.

    ``captured_at`` is ISO, UTC; ``limits`` are ``max`` and ``remaining`` by Salesforce's name.
    """

    org_id: str
    org_name: str
    is_sandbox: bool
    api_version: str
    captured_at: str
    limits: dict[str, dict[str, int]]
    objects: dict[str, ObjectPlan]
    capabilities: list[Capability]
    units: list[Unit]
    warnings: list[str]


def arrow_schema(inspection: Inspection, object_name: str) -> pa.Schema:
    """
    Columns of an object in landing: the declared fields, offered or not, then the flags that are offered.

    Raises:
        KeyError: the object is not declared.
    """
    declared = [(field.name, ARROW_TYPES[field.kind]) for field in object_named(object_name).fields]
    known = {name for name, _ in declared}
    flags = [
        (name, ARROW_TYPES[kind])
        for name, kind in inspection["objects"][object_name]["fields"]
        if name not in known
    ]
    return pa.schema(declared + flags)


def extracted_schema(inspection: Inspection, object_name: str) -> pa.Schema:
    """Columns that are asked of Salesforce: those of :func:`arrow_schema` that are offered."""
    whole = arrow_schema(inspection, object_name)
    return pa.schema([whole.field(name) for name, _ in inspection["objects"][object_name]["fields"]])


def soql(inspection: Inspection, object_name: str) -> str:
    """
    The query of an object. Made of declared names and of names that describe offers, never of a setting.

    Raises:
        KeyError: the object is not declared.
        ValueError: a name or the condition is none; the inspection was tampered with.
    """
    plan = inspection["objects"][object_name]
    names = [name for name, _ in plan["fields"]]
    if not names or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError(f"the inspection of {object_name} holds something that is no field name")
    if not _CONDITION.fullmatch(plan["where"]):
        raise ValueError(f"the inspection of {object_name} holds a condition that nobody declared")
    query = f"SELECT {', '.join(names)} FROM {object_named(object_name).name}"  # noqa: S608 - checked above
    return f"{query} WHERE {plan['where']}" if plan["where"] else query


def units_of(plans: Mapping[str, ObjectPlan]) -> list[Unit]:
    """
    Cut the work into few tasks: each bulk object alone and first, the rest in one unit of people, one of
    licenses, and one of history where that was asked for.
    """
    available = {name: plan for name, plan in plans.items() if plan["available"]}
    units: list[Unit] = [
        {"label": name, "objects": [name]} for name, plan in available.items() if plan["api"] == "bulk"
    ]
    for group in ("people", "licenses", "history"):
        names = [
            name
            for name, plan in available.items()
            if plan["api"] == "rest" and object_named(name).group == group
        ]
        if names:
            units.append({"label": group, "objects": names})
    return units
