"""
One look at what was published, and what may be asked of it. May import errors, schemas and the warehouse's
statements.

Every question is a file in ``warehouse/sql/console``, with parameters written ``$name``. The same text runs
in DuckDB and in Postgres. A line that begins with ``AND`` is left out when a parameter in it is None: so a
filter that nobody has set costs nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from license_ledger.questions.answers import Answers
from license_ledger.warehouse.statements import Statement, console_query

Row = dict[str, Any]
"""A row by column name."""

_PARAMETER = re.compile(r"\$([a-z_]+)")


class Cursor(Protocol):
    """The part of a Python database cursor that is used."""

    @property
    def description(self) -> Sequence[Any] | None:
        """A sequence per column of the result, its name first."""

    def execute(self, statement: str, parameters: Any = ..., /) -> Any:
        """Run a statement."""

    def fetchall(self) -> list[Any]:
        """All rows that are left."""

    def fetchmany(self, size: int = ..., /) -> list[Any]:
        """Some of the rows that are left."""


class Session:
    """
    A cursor on one state of the published data.

    Args:
        cursor: of a connection that can only read.
        style: how the database writes parameters: ``$name`` (DuckDB) or ``%(name)s`` (Postgres).
        mark: names the state of the data; the same mark means the same answers.
        answers: given before, by any session of the source.
    """

    def __init__(self, cursor: Cursor, style: str, mark: str, answers: Answers | None = None) -> None:
        self._cursor = cursor
        self._is_pyformat = style == "pyformat"
        self._answers = answers or Answers()
        self.mark = mark

    def rows(self, name: str, **parameters: Any) -> list[Row]:
        """
        All rows of a question, which has few: one per license, day or the like, never one per user.

        They are kept for the next who asks, and not to be changed.
        """
        key = (self.mark, name, tuple(sorted(parameters.items())))
        return self._answers.get(key, lambda: self.all_rows(question(name).text, parameters))

    def all_rows(self, statement: str, parameters: Mapping[str, Any]) -> list[Row]:
        """All rows of a statement made of a question."""
        names = self._run(statement, parameters)
        return [dict(zip(names, row, strict=True)) for row in self._cursor.fetchall()]

    def stream(
        self, statement: str, parameters: Mapping[str, Any], size: int = 2000
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of a statement in pieces, in the order of its columns."""
        self._run(statement, parameters)
        while piece := self._cursor.fetchmany(size):
            yield piece

    def _run(self, statement: str, parameters: Mapping[str, Any]) -> list[str]:
        kept = "\n".join(line for line in statement.splitlines() if not _is_unset(line, parameters))
        return self._run_whole(kept, parameters)

    def _run_whole(self, statement: str, parameters: Mapping[str, Any]) -> list[str]:
        wanted = set(_PARAMETER.findall(statement))
        given = {name: value for name, value in parameters.items() if name in wanted}
        self._cursor.execute(self._styled(statement), given)
        return [column[0] for column in self._cursor.description or ()]

    def _styled(self, statement: str) -> str:
        if not self._is_pyformat:
            return statement
        return _PARAMETER.sub(r"%(\1)s", statement.replace("%", "%%"))


def _is_unset(line: str, parameters: Mapping[str, Any]) -> bool:
    names = _PARAMETER.findall(line) if line.lstrip().startswith("AND ") else []
    return any(parameters[name] is None for name in names)


def question(name: str) -> Statement:
    """The question of that name. Raises KeyError when there is none."""
    return console_query(name)
