"""
What a query would select, without its records: ``/query?columns=true``.

Salesforce's own command line asks for it before it prints a result.
"""

from __future__ import annotations

from typing import Any

from demo_org.soql.ast import Call, Path, Query
from demo_org.soql.binder import Binder
from demo_org.soql.bound import AGGREGATES, Column
from demo_org.soql.executor import Sight
from demo_org.soql.parser import parse
from demo_org.soql.shapes import ChildShape, Shape, is_grouped, shape_of

_NUMBERS = frozenset({"int", "long", "double", "currency", "percent"})
_APEX_TYPES = {"id": "Id", "reference": "Id", "boolean": "Boolean", "int": "Integer", "double": "Double"}
_APEX_TYPES |= {"date": "Date", "datetime": "Datetime"}


def column_metadata(text: str, sight: Sight) -> dict[str, Any]:
    """
    Describe the columns of a query.

    Args:
        text: SOQL.
        sight: moment and person.

    Returns:
        The answer's body: entity, and one entry per column; a parent has its columns in ``joinColumns``.

    Raises:
        ApiError: whatever the org has to say against the query.
    """
    query = parse(text)
    binder = Binder(sight.catalog, query)
    if is_grouped(query):
        listed, selects_id = _aggregates(query, binder), False
    else:
        shape, _ = shape_of(query, binder)
        listed, selects_id = _members(shape), "Id" in shape.members
    return {
        "columnMetadata": listed,
        "entityName": binder.entity.name,
        "groupBy": bool(query.group_by),
        "idSelected": selects_id,
        "keyPrefix": binder.entity.definition.key_prefix,
    }


def _members(shape: Shape) -> list[dict[str, Any]]:
    listed = []
    for key, member in shape.members.items():
        if isinstance(member, Column):
            listed.append(_field(key, member))
        elif isinstance(member, Shape):
            listed.append(_entry(key, joined=_members(member)))
        elif isinstance(member, ChildShape):
            listed.append(_entry(key, aggregate=True, joined=_members(member.shape)))
    return listed


def _aggregates(query: Query, binder: Binder) -> list[dict[str, Any]]:
    listed = []
    unnamed = 0
    for selected in query.select:
        item = selected.item
        if isinstance(item, Path):
            column = binder.column(item)
            listed.append(_field(selected.alias or column.field.name, column))
        elif isinstance(item, Call):
            name = selected.alias
            if name is None:
                name, unnamed = f"expr{unnamed}", unnamed + 1
            inner = str(item.path) if item.path else ""
            shown = f"{item.function.lower()}({inner})"
            number = item.function in AGGREGATES
            listed.append(_entry(name, shown=shown, aggregate=True, apex="Integer", number=number))
    return listed


def _field(key: str, column: Column) -> dict[str, Any]:
    field = column.field
    return _entry(
        key,
        apex=_APEX_TYPES.get(field.type, "String"),
        number=field.type in _NUMBERS,
        custom=field.custom,
        flag=field.type == "boolean",
        updatable=field.updateable,
        insertable=field.createable,
    )


def _entry(
    name: str,
    *,
    shown: str | None = None,
    aggregate: bool = False,
    apex: str | None = None,
    number: bool = False,
    custom: bool = False,
    flag: bool = False,
    updatable: bool = False,
    insertable: bool = False,
    joined: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    return {
        "aggregate": aggregate,
        "apexType": apex,
        "booleanType": flag,
        "columnName": name,
        "custom": custom,
        "displayName": shown or name,
        "foreignKeyName": None,
        "insertable": insertable,
        "joinColumns": joined or [],
        "numberType": number,
        "textType": apex == "String",
        "updatable": updatable,
    }
