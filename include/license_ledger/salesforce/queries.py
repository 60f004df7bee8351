"""
REST queries: pages, cursors, typed rows. May import records and retries; asks through a client.

A cursor belongs to the session that opened it and lives for minutes. When it is lost the whole query is
asked again, and the rows that were already handed on are left out by their ids, so that nothing is held
back in memory and nothing comes twice.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.errors import CorruptAnswer, SalesforceUnavailable
from license_ledger.salesforce.records import table_of
from license_ledger.salesforce.retries import CursorLost, Refused

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["batches", "pages"]

log = logging.getLogger(__name__)

_STARTS = 4


def pages(client: RestClient, soql: str, first: Any = None) -> Iterator[dict[str, Any]]:
    """
    Ask a query page by page.

    Args:
        client: of the org.
        soql: the query; never made of a setting's text.
        first: the first page, when it has come with a composite answer.

    Yields:
        Answers with ``records`` and ``totalSize``; the page size is Salesforce's choice.

    Raises:
        CursorLost: the rest cannot be read; ask again from the start.
        LedgerError: naming the object.
    """
    page = _ask(client, "query", soql, cursor=False) if first is None else _page(first, soql)
    yield page
    while not page["done"]:
        page = _ask(client, page["nextRecordsUrl"], soql, cursor=True)
        yield page


def _ask(client: RestClient, path: str, soql: str, *, cursor: bool) -> dict[str, Any]:
    try:
        page = client.ask("GET", path, params=None if cursor else {"q": soql}, cursor=cursor)
    except Refused as refused:
        if refused.refusal.is_lost_cursor:
            raise CursorLost from None
        raise Refused(refused.refusal, _name(soql)).error from None
    return _page(page, soql)


def _page(page: Any, soql: str) -> dict[str, Any]:
    """See that an answer is a page."""
    complete = (
        isinstance(page, Mapping)
        and isinstance(page.get("records"), list)
        and isinstance(page.get("totalSize"), int)
        and (page.get("done") is True or (page.get("done") is False and bool(page.get("nextRecordsUrl"))))
    )
    if not complete:
        raise CorruptAnswer(_name(soql), "an answer that is no page of a query", "run again")
    return dict(page)


def _name(soql: str) -> str:
    return f"query of {soql.partition(' FROM ')[2].partition(' ')[0]}"


def batches(client: RestClient, soql: str, schema: pa.Schema, first: Any = None) -> Iterator[pa.Table]:
    """
    Ask a query and type its rows.

    Args:
        client: of the org.
        soql: the query; its SELECT list must hold the schema's columns, ``Id`` among them unless the result
            is small enough to be held back until it is whole.
        schema: names as in the SELECT list, relations dotted (``Profile.Name``).
        first: the first page, when it has come with a composite answer.

    Yields:
        Tables of that schema, one per page; none when there are no rows. No row comes twice.

    Raises:
        CorruptAnswer: the rows that arrived are not as many as Salesforce announced, or came twice,
            repeatedly.
        SalesforceUnavailable: the cursor was lost repeatedly.
        LedgerError: what :func:`pages` raises.
    """
    if "Id" not in schema.names:
        yield from _held_back(client, soql, schema, first)
        return
    handed: list[pa.ChunkedArray] = []
    for start in range(_STARTS):
        run = _Run(client, soql, schema, first if start == 0 else None)
        for table in run.tables():
            fresh = _without(table, handed) if start else table
            if fresh.num_rows:
                yield fresh
                handed.append(fresh["Id"])
        if run.whole:
            return
    raise run.failure()


def _held_back(client: RestClient, soql: str, schema: pa.Schema, first: Any) -> Iterator[pa.Table]:
    for start in range(_STARTS):
        run = _Run(client, soql, schema, first if start == 0 else None)
        held = list(run.tables())
        if run.whole:
            yield from (table for table in held if table.num_rows)
            return
    raise run.failure()


class _Run:
    """One asking of a query from its start."""

    def __init__(self, client: RestClient, soql: str, schema: pa.Schema, first: Any) -> None:
        self._client, self._soql, self._schema, self._first = client, soql, schema, first
        self._rows, self._total, self._lost = 0, -1, False
        self._repeated = False
        self._ends: set[str] = set()
        self._before: pa.ChunkedArray | None = None

    @property
    def whole(self) -> bool:
        """Whether as many rows came as were announced, each once."""
        return not (self._lost or self._repeated) and self._rows == self._total

    def tables(self) -> Iterator[pa.Table]:
        """Ends early when the cursor is lost, a page repeats rows, or more come than were announced."""
        try:
            for page in pages(self._client, self._soql, self._first):
                table = table_of(page["records"], self._schema, _name(self._soql))
                self._rows, self._total = self._rows + table.num_rows, page["totalSize"]
                self._repeated = self._repeats(table)
                if self._repeated or self._rows > self._total:
                    return
                yield table
        except CursorLost:
            self._lost = True
            log.info("Salesforce: the cursor of the %s was lost; asking again", _name(self._soql))

    def _repeats(self, table: pa.Table) -> bool:
        """
        Whether ids come twice: within the page, at its ends, or in the page before.

        The number of rows does not tell: a page that comes twice takes the place of another one.
        """
        if "Id" not in table.column_names or not table.num_rows:
            return False
        ids = table["Id"]
        ends = pa.array([ids[0].as_py(), ids[-1].as_py()], pa.string())
        known, before = set(ends.to_pylist()) & self._ends, self._before
        self._ends, self._before = self._ends | set(ends.to_pylist()), ids
        return (
            bool(known)
            or pc.count_distinct(ids).as_py() < len(ids)
            or (before is not None and pc.any(pc.is_in(ends, value_set=before)).as_py())
        )

    def failure(self) -> CorruptAnswer | SalesforceUnavailable:
        """Why it is not whole."""
        if self._lost:
            return SalesforceUnavailable(
                _name(self._soql), f"the cursor was lost {_STARTS} times", "run again"
            )
        if self._repeated:
            return CorruptAnswer(_name(self._soql), "its rows repeat Ids, at every try", "run again")
        return CorruptAnswer(
            _name(self._soql), f"{self._rows} rows arrived where {self._total} were announced", "run again"
        )


def _without(table: pa.Table, handed: list[pa.ChunkedArray]) -> pa.Table:
    if not handed:
        return table
    known = pa.chunked_array([chunk for column in handed for chunk in column.chunks], pa.string())
    return table.filter(pc.invert(pc.is_in(table["Id"], value_set=known)))
