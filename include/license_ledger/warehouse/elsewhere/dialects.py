"""
How the databases that read the staged Parquet spell the schema. May import errors, inputs and schemas.

Nothing here is run against the products: what was checked, and how, is said in every file that is generated
and in ``docs/warehouses.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from license_ledger.errors import ConfigError
from license_ledger.inputs.tables import MONEY
from license_ledger.schemas import TIMESTAMP, Column

Name = Literal["snowflake", "bigquery", "redshift", "athena", "databricks"]

RESERVED = frozenset({"rows", "name", "status", "title", "settings", "certainty", "cause"})
"""Names of columns that are words of SQL somewhere; they are quoted everywhere."""


@dataclass(frozen=True)
class Dialect:
    """
    One database.

    Attributes:
        name: as sqlglot calls it.
        title: as people call it.
        types: Arrow type to SQL type; lists of texts are ``list``.
        quote: what stands around a quoted name.
        is_upper: whether names that are not quoted are upper case.
        is_external: whether the tables are the Parquet files themselves.
        is_inline: whether comments stand behind the columns.
        omitted: views that are not generated, with the reason. Those that read them are left out as well.
    """

    name: Name
    title: str
    types: Mapping[pa.DataType | str, str]
    quote: str = '"'
    is_upper: bool = False
    is_external: bool = False
    is_inline: bool = True
    omitted: Mapping[str, str] = field(default_factory=dict)

    def type_of(self, column: Column) -> str:
        """The SQL type of a column. Raises KeyError for a type that the dialect does not know."""
        return self.types["list" if pa.types.is_list(column.type) else column.type]

    def named(self, name: str) -> str:
        """A name as SQL, quoted where it is a word of SQL."""
        if name not in RESERVED:
            return name
        return f"{self.quote}{name.upper() if self.is_upper else name}{self.quote}"


def _types(
    text: str, count: str, flag: str, instant: str, texts: str, money: str
) -> Mapping[pa.DataType | str, str]:
    return MappingProxyType(
        {
            pa.string(): text,
            pa.int64(): count,
            pa.bool_(): flag,
            pa.date32(): "DATE",
            TIMESTAMP: instant,
            MONEY: money,
            "list": texts,
        }
    )


DIALECTS = (
    Dialect(
        "snowflake",
        "Snowflake",
        _types("VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMP_TZ(6)", "ARRAY", "NUMBER(18, 6)"),
        is_upper=True,
    ),
    Dialect(
        "bigquery",
        "BigQuery",
        _types("STRING", "INT64", "BOOL", "TIMESTAMP", "ARRAY<STRING>", "NUMERIC(18, 6)"),
        quote="`",
        omitted=MappingProxyType(
            dict.fromkeys(
                ("seat_costs", "directory_gaps", "data_trust"),
                "sqlglot cannot put empty parts last",
            )
        ),
    ),
    Dialect(
        "redshift",
        "Redshift",
        _types("VARCHAR(65535)", "BIGINT", "BOOLEAN", "TIMESTAMPTZ", "SUPER", "DECIMAL(18, 6)"),
        is_inline=False,
        omitted=MappingProxyType(
            dict.fromkeys(
                ("seat_costs", "directory_gaps", "data_trust"), "sqlglot misplaces the order of a text"
            )
        ),
    ),
    Dialect(
        "athena",
        "Athena",
        _types("STRING", "BIGINT", "BOOLEAN", "TIMESTAMP", "ARRAY<STRING>", "DECIMAL(18, 6)"),
        quote="`",
        is_external=True,
        omitted=MappingProxyType(
            dict.fromkeys(
                ("reclaim_candidates", "focus_costs"), "sqlglot does not come back from its time zones"
            )
            | dict.fromkeys(
                ("seat_costs", "directory_gaps"), "made of files of one's own, which are not in staging"
            )
            | {"license_quarters": "comes back with other rows"}
        ),
    ),
    Dialect(
        "databricks",
        "Databricks",
        _types("STRING", "BIGINT", "BOOLEAN", "TIMESTAMP", "ARRAY<STRING>", "DECIMAL(18, 6)"),
        quote="`",
        omitted=MappingProxyType(
            {
                "seat_costs": "sqlglot takes a column for a unit of time",
                "license_quarters": "comes back with other rows",
            }
        ),
    ),
)


def dialect(name: str) -> Dialect:
    """
    The dialect of that name.

    Raises:
        ConfigError: there is none.
    """
    for each in DIALECTS:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in DIALECTS)
    raise ConfigError(f"dialect {name}", "is not known", f"use one of {known}")
