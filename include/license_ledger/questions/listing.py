"""
Long lists: filtered, sorted and cut into pages by the database. May import errors and schemas.

What a viewer may not see is not asked for: a hidden column is empty in the result, and nobody can sort or
search by it. The schema says which columns name a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from license_ledger.questions.session import Row, Session, question
from license_ledger.schemas import TABLES

PAGE_ROWS = 50
EXPORT_ROWS = 1_000_000
"""More rows than this are no list that somebody works through."""

NAMING = frozenset(
    column.name
    for table in TABLES
    for column in table.columns
    if column.personal in ("pseudonym", "identity")
) | {"title", "last_login_at"}
"""
Columns that only those see who may see names: whatever the schema calls an identity or a pseudonym, and what
would point at one person among few, the job title and the moment of the last login (its band is left).
"""


@dataclass(frozen=True)
class Listing:
    """
    A list that a question answers.

    Attributes:
        question: its name.
        columns: shown, in order.
        tie: columns that make the order of a list unique.
        order: the column it is sorted by unless told otherwise.
        descending: whether that is from the highest down.
    """

    question: str
    columns: tuple[str, ...]
    tie: tuple[str, ...]
    order: str
    descending: bool = False

    def sortable(self, names: bool) -> tuple[str, ...]:
        """The columns that a viewer may sort by."""
        return tuple(c for c in self.columns if names or c not in NAMING)

    def page(
        self,
        session: Session,
        filters: Mapping[str, Any],
        *,
        names: bool,
        order: str | None = None,
        descending: bool | None = None,
        page: int = 1,
        rows: int = PAGE_ROWS,
    ) -> tuple[list[Row], bool]:
        """
        One page.

        Args:
            session: to ask.
            filters: the question's parameters.
            names: whether the viewer may see who people are.
            order: one of :meth:`sortable`; the list's own when None.
            descending: the list's own when None.
            page: from 1.
            rows: per page.

        Returns:
            The rows, and whether there are more.
        """
        statement = self._statement(names, order, descending) + " LIMIT $limit OFFSET $offset"
        window = {"limit": rows + 1, "offset": (page - 1) * rows}
        found = session.all_rows(statement, {**filters, **window})
        return found[:rows], len(found) > rows

    def count(self, session: Session, filters: Mapping[str, Any]) -> int:
        """How many rows the whole list has."""
        statement = f"SELECT count(*) AS row_count FROM (\n{question(self.question).text}\n) AS listed"  # noqa: S608
        return int(session.all_rows(statement, filters)[0]["row_count"])

    def stream(
        self,
        session: Session,
        filters: Mapping[str, Any],
        *,
        names: bool,
        order: str | None = None,
        descending: bool | None = None,
    ) -> Iterator[list[tuple[Any, ...]]]:
        """The whole list in pieces, up to :data:`EXPORT_ROWS`; columns as in :attr:`columns`."""
        statement = self._statement(names, order, descending) + " LIMIT $limit"
        return session.stream(statement, {**filters, "limit": EXPORT_ROWS})

    def _statement(self, names: bool, order: str | None, descending: bool | None) -> str:
        chosen, falls = order or self.order, self.descending if descending is None else descending
        if chosen not in self.sortable(names):
            raise ValueError(f"cannot be sorted by {chosen}")
        shown = ", ".join(c if names or c not in NAMING else f"NULL AS {c}" for c in self.columns)
        # Names of columns are from the declaration, never from the request.
        ties = ", ".join(f"listed.{column}" for column in self.tie)
        return (
            f"SELECT {shown} FROM (\n{question(self.question).text}\n) AS listed "  # noqa: S608
            f"ORDER BY listed.{chosen} {'DESC' if falls else 'ASC'} NULLS LAST, {ties}"
        )
