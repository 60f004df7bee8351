"""How an object of Salesforce is declared. May import schemas' vocabulary only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from license_ledger.schemas import TIMESTAMP, Personal

__all__ = ["ARROW_TYPES", "Field", "Kind", "SalesforceObject", "kind_of"]

Kind = Literal["string", "boolean", "int", "double", "date", "datetime"]
"""What a column of landing is."""

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "datetime": TIMESTAMP,
}

_DESCRIBED: dict[str, Kind] = {
    "boolean": "boolean",
    "int": "int",
    "long": "int",
    "double": "double",
    "percent": "double",
    "currency": "double",
    "date": "date",
    "datetime": "datetime",
}


def kind_of(described_type: str) -> Kind:
    """The kind of a field by the ``type`` that describe says; everything unknown is a text."""
    return _DESCRIBED.get(described_type, "string")


@dataclass(frozen=True)
class Field:
    """
    A field that is extracted.

    Attributes:
        name: as Salesforce spells it.
        kind: of its column in landing.
        required: the object is useless without it.
        personal: how it relates to a person.
        permission: what shows it, when that is not the object's own permission.
        costs: what is lost when it is not visible.
    """

    name: str
    kind: Kind = "string"
    required: bool = False
    personal: Personal = "none"
    permission: str = ""
    costs: str = ""


@dataclass(frozen=True)
class SalesforceObject:
    """
    An object that is extracted.

    Attributes:
        name: as Salesforce spells it.
        fields: in the order of the landing columns.
        permission: what shows the object to the integration user.
        costs: what is lost when it is not visible.
        unlocks: published columns or tables that need it.
        group: which mapped task extracts it while it is small.
        required: no snapshot without it.
        never_empty: every org has rows of it, so that none means "not visible".
        large: has about as many rows as there are people, or more.
        where: condition of the query.
        newest_by: the field that dates its rows; of those that are known already only the newest are wanted,
            unless history is asked for.
        since: only rows of the last half year by this field are wanted.
        flag_prefix: fields of this prefix are extracted as well, as many as describe offers.
        flag_exceptions: fields of the prefix that are none of them.
    """

    name: str
    fields: tuple[Field, ...]
    permission: str
    costs: str
    unlocks: str
    group: Literal["people", "licenses", "history"]
    required: bool = False
    never_empty: bool = False
    large: bool = False
    where: str = ""
    newest_by: str = ""
    since: str = ""
    flag_prefix: str = ""
    flag_exceptions: frozenset[str] = frozenset()
