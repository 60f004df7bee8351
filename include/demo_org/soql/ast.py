"""The tree of a parsed query. Names are as typed: the binder finds their real spelling."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Path:
    """A field, perhaps through parents: ``Profile.UserLicense.Name``."""

    parts: tuple[str, ...]
    position: int

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True)
class Call:
    """A function of a field: an aggregate, a date part, ``toLabel``. ``path`` is None in ``COUNT()``."""

    function: str
    path: Path | None
    position: int


@dataclass(frozen=True)
class FieldsOf:
    """``FIELDS(ALL)``, ``FIELDS(STANDARD)`` or ``FIELDS(CUSTOM)``."""

    group: str
    position: int


@dataclass(frozen=True)
class TypeOf:
    """``TYPEOF … END``: recognized, so that it can be refused by name."""

    position: int


Expression = Path | Call


@dataclass(frozen=True)
class Selected:
    """One item of the SELECT list."""

    item: Path | Call | FieldsOf | TypeOf | Query
    alias: str | None = None


@dataclass(frozen=True)
class Literal:
    r"""
    A value in a condition.

    Attributes:
        kind: ``string``, ``number``, ``boolean``, ``null``, ``date``, ``datetime`` or ``range`` (a date
            literal).
        value: the Python value; for ``range`` a pair of name and count (None without one).
        pattern: for strings, the text with ``\\%`` and ``\\_`` kept, as LIKE needs it.
        position: offset in the query.
    """

    kind: str
    value: Any
    position: int
    pattern: str = ""


@dataclass(frozen=True)
class Comparison:
    """``left operator right``; operators ``= != < > <= >= LIKE``."""

    left: Expression
    operator: str
    right: Literal


@dataclass(frozen=True)
class Membership:
    """``left [NOT] IN (…)``: a list of values, or a semi-join."""

    left: Expression
    values: tuple[Literal, ...] | Query
    negated: bool


@dataclass(frozen=True)
class Junction:
    """``AND`` or ``OR`` of two or more conditions."""

    word: str
    terms: tuple[Condition, ...]


@dataclass(frozen=True)
class Negation:
    """``NOT`` of a condition."""

    term: Condition


Condition = Comparison | Membership | Junction | Negation


@dataclass(frozen=True)
class Ordering:
    """One key of ORDER BY."""

    key: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True)
class Query:
    """A whole query, or a subquery in parentheses."""

    text: str
    select: tuple[Selected, ...]
    source: str
    source_position: int
    alias: str | None = None
    where: Condition | None = None
    group_by: tuple[Expression, ...] = ()
    having: Condition | None = None
    order_by: tuple[Ordering, ...] = ()
    limit: int | None = None
    offset: int | None = None
    offset_position: int = 0
    group_position: int = 0
    position: int = field(default=0)
