"""
The result of a finished bulk job: pages side by side, handed on in order. May import bulk_csv and retries.

Two pages are on their way at any time, each collected by a thread of its own. Where the org lists its pages
(API 58 and later) they are fetched side by side; else the address of the next one is in the head of each, so
that it can be on its way before this one is read. Threads only fetch: reading, pauses, other tries and new
sessions are the business of the thread that asks, because only the main thread can hold a termination back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import requests

from license_ledger.errors import CorruptAnswer, LedgerError
from license_ledger.salesforce.bulk_csv import BrokenPage, Collected, PageReader
from license_ledger.salesforce.bulk_listing import Address, listed_addresses, number
from license_ledger.salesforce.retries import RENEWALS, TRIES, Passing, Refused, pause

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["Page", "pages_after", "pages_at", "result_tables"]

_AHEAD = 2
_LARGE = 2
_HEADERS = {"Accept": "text/csv"}


@dataclass(frozen=True)
class _Head:
    """What a page says before its rows: how many there are and where the next page begins."""

    rows: int | None
    next_locator: str


class _TooLarge(Exception):
    """The page has more rows than may be held in memory."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def result_tables(
    client: RestClient, job_id: str, schema: pa.Schema, *, page_records: int, compressed: bool = False
) -> Iterator[pa.Table]:
    """
    Read the result of a job that is complete.

    Args:
        client: of the org; must use the API version the job was created with.
        job_id: of the job.
        schema: columns to expect.
        page_records: rows per page; memory is bounded by about three pages.
        compressed: ask for gzip, which costs more time than it saves unless the network is slow.

    Yields:
        A table per page, in the order of the result, each complete.

    Raises:
        CorruptAnswer: a page was broken at every try.
        LedgerError: a page could not be had.
    """
    for page in _read(client, job_id, schema, page_records, None, compressed=compressed):
        yield from page.tables()


def pages_at(
    client: RestClient, job_id: str, schema: pa.Schema, addresses: Iterable[Address], *, page_records: int
) -> Iterator[Page]:
    """
    Read some pages of a result, the next one on its way while one is read.

    Args:
        client: as :func:`result_tables`.
        job_id: of the job.
        schema: columns to expect.
        addresses: of the pages, as :func:`~license_ledger.salesforce.bulk_listing.listed_addresses` gives
            them.
        page_records: rows per page; memory is bounded by about three pages.

    Yields:
        The pages in the order of the addresses; take the tables of each before the next.

    Raises:
        LedgerError: as :func:`result_tables`.
    """
    yield from _read(client, job_id, schema, page_records, addresses)


def pages_after(
    client: RestClient, job_id: str, schema: pa.Schema, locator: str, *, page_records: int
) -> Iterator[Page]:
    """Read a result page by page from a locator on, from the beginning when empty; as :func:`pages_at`."""
    yield from _read(client, job_id, schema, page_records, locator)


def _read(
    client: RestClient,
    job_id: str,
    schema: pa.Schema,
    page_records: int,
    wanted: Iterable[Address] | str | None,
    *,
    compressed: bool = False,
) -> Iterator[Page]:
    fetch = _Fetch(client, job_id, PageReader(schema), page_records, compressed)
    try:
        yield from fetch.pages(wanted)
    finally:
        fetch.close()


class _Fetch:
    """One reading of a result."""

    def __init__(
        self, client: RestClient, job_id: str, reader: PageReader, page_records: int, compressed: bool
    ) -> None:
        self.client = client
        self.job_id = job_id
        self.page_records = page_records
        self.reader = reader
        self._headers = _HEADERS | {"Accept-Encoding": "gzip" if compressed else "identity"}
        self._threads = ThreadPoolExecutor(_AHEAD, thread_name_prefix="bulk-page")
        self.closed = False
        self._ends: set[str] = set()

    def close(self) -> None:
        """Stop fetching; a thread ends at its next piece."""
        self.closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def pages(self, wanted: Iterable[Address] | str | None) -> Iterator[Page]:
        """At these addresses, after this locator, or all there are; in order, the next one on its way."""
        coming: deque[Page] = deque()
        for page in self._wanted(wanted):
            coming.append(page)
            if len(coming) == _AHEAD:
                yield coming.popleft()
        yield from coming

    def submit(self, address: Address, head: Future[_Head]) -> Future[Collected]:
        """Begin to fetch a page; ``head`` is told as soon as it is known."""
        # In the caller's context, so that what a thread logs has the keys of its step.
        return self._threads.submit(copy_context().run, self._download, address, head)

    def require_new(self, table: pa.Table) -> None:
        """See that a page does not begin or end with a row that began or ended an earlier one, or itself."""
        if not table.num_rows or "Id" not in table.column_names:
            return
        ends = {table["Id"][0].as_py(), table["Id"][-1].as_py()}
        if len(ends) < min(table.num_rows, 2):
            raise BrokenPage("its rows repeat one Id")
        if ends & self._ends:
            raise BrokenPage("it repeats rows of an earlier page")
        self._ends |= ends

    def _wanted(self, wanted: Iterable[Address] | str | None) -> Iterator[Page]:
        if wanted is None:
            wanted = listed_addresses(self.client, self.job_id, page_records=self.page_records) or ""
        if isinstance(wanted, str):
            yield from self._chained(wanted)
            return
        for address in wanted:
            yield Page(self, address)

    def _chained(self, locator: str) -> Iterator[Page]:
        while True:
            page = Page(self, Address(locator, self.page_records))
            yield page
            locator = page.head().next_locator
            if not locator:
                return

    def _download(self, address: Address, head: Future[_Head]) -> Collected:
        params = {"locator": address.locator} if address.locator else {}
        if address.rows is not None:
            params["maxRecords"] = str(address.rows)
        try:
            response = self.client.open(f"jobs/query/{self.job_id}/results", self._headers, params)
        except BaseException as error:
            head.set_exception(error)
            raise
        with response:
            told = _Head(
                number(response.headers.get("Sforce-NumberOfRecords")),
                _locator(response.headers.get("Sforce-Locator")),
            )
            head.set_result(told)
            if address.listed and (told.rows or 0) > _LARGE * self.page_records:
                raise _TooLarge(told.rows or 0)
            return self.reader.collect(_Raw(self, response))


class _Raw:
    """The body of an answer that can be given up between two pieces."""

    def __init__(self, fetch: _Fetch, response: requests.Response) -> None:
        self._fetch, self._raw = fetch, response.raw
        # Undecoded reading spares a copy.
        self._decode = response.headers.get("Content-Encoding", "identity") != "identity"

    def read(self, amt: int) -> bytes:
        """At most so many bytes; none at the end."""
        if self._fetch.closed:
            raise OSError("nobody waits for this page any more")
        return bytes(self._raw.read(amt, decode_content=self._decode))


class Page:
    """A page on its way, asked for again until it is whole."""

    def __init__(self, fetch: _Fetch, address: Address) -> None:
        self._fetch, self._address = fetch, address
        self._tries, self._renewals = 0, 0
        self._send()

    @property
    def next_locator(self) -> str:
        """Where the page after it begins; empty when it is the last one."""
        return self.head().next_locator

    def head(self) -> _Head:
        """What the page says before its rows; waits for it."""
        while True:
            try:
                return self._head.result()
            except (Refused, Passing) as failure:
                self._again(failure)

    def tables(self) -> Iterator[pa.Table]:
        """The page, whole; one that is too large in parts."""
        while True:
            try:
                table = self._fetch.reader.table(self._content.result(), self._head.result().rows)
                self._fetch.require_new(table)
            except _TooLarge as large:
                yield from self._parts(large.rows)
                return
            except (Refused, Passing, BrokenPage) as failure:
                self._again(failure)
                continue
            if table.num_rows:
                yield table
            return

    def _send(self) -> None:
        self._session = self._fetch.client.session
        self._head: Future[_Head] = Future()
        self._content = self._fetch.submit(self._address, self._head)

    def _again(self, failure: Refused | Passing | BrokenPage) -> None:
        """Ask again, or give up."""
        if isinstance(failure, Refused):
            self._renew(failure)
        else:
            self._tries += 1
            if self._tries == TRIES:
                raise self._given_up(failure) from None
            asked_for = failure.pause if isinstance(failure, Passing) else None
            self._fetch.client.sleep(pause(self._tries, asked_for))
        self._send()

    def _renew(self, refused: Refused) -> None:
        if not refused.refusal.is_expired_session or self._renewals == RENEWALS:
            raise refused.error from None
        self._renewals += 1
        # Another page may have led to a new session meanwhile.
        if self._fetch.client.session is self._session:
            self._fetch.client.renew()

    def _given_up(self, failure: Passing | BrokenPage) -> LedgerError:
        if isinstance(failure, Passing):
            return failure.error
        return CorruptAnswer(
            f"result of bulk job {self._fetch.job_id}",
            f"a page is broken at every try: {failure}",
            "run again",
        )

    def _parts(self, rows: int) -> Iterator[pa.Table]:
        locator = self._address.locator
        while rows > 0:
            part = Page(self._fetch, Address(locator, min(rows, self._fetch.page_records)))
            got = 0
            for table in part.tables():
                got += table.num_rows
                yield table
            rows -= got
            locator = part.head().next_locator
            if rows > 0 and not (got and locator):
                raise CorruptAnswer(
                    f"result of bulk job {self._fetch.job_id}",
                    f"{rows} rows of a page are missing",
                    "run again",
                )


def _locator(header: str | None) -> str:
    """The end is the word null; proxies make it empty or leave it out."""
    return "" if header is None or header.strip() in ("", "null") else header.strip()
