"""
The result of a finished bulk job: pages side by side, handed on in order. May import bulk_csv and retries.

Two pages are on their way at any time, each read by a thread straight into Arrow. Where the org lists its
pages (API 58 and later) they are fetched side by side; else the address of the next one is in the head of
each, so that it can be on its way before this one is read. Threads only fetch: pauses, other tries and new
sessions are the business of the thread that asks, because only the main thread can hold a termination back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import requests

from license_ledger.errors import CorruptAnswer, LedgerError
from license_ledger.salesforce.bulk_csv import BrokenPage, PageReader
from license_ledger.salesforce.retries import RENEWALS, TRIES, Passing, Refused, pause

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["result_tables"]

_AHEAD = 2
_LARGE = 2
_LISTED_SINCE = 58.0
_HEADERS = {"Accept": "text/csv"}


@dataclass(frozen=True)
class _Address:
    """
    A page.

    Attributes:
        locator: where it begins; empty for the first page.
        rows: how many are wanted at most; None leaves that to Salesforce.
        listed: whether Salesforce decides where the page ends, because it listed it among others.
    """

    locator: str
    rows: int | None
    listed: bool = False


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
    fetch = _Fetch(client, job_id, PageReader(schema), page_records, compressed)
    try:
        yield from fetch.tables()
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
        self._reader = reader
        self._headers = _HEADERS | {"Accept-Encoding": "gzip" if compressed else "identity"}
        self._threads = ThreadPoolExecutor(_AHEAD, thread_name_prefix="bulk-page")
        self.closed = False
        self._ends: set[str] = set()

    def close(self) -> None:
        """Stop fetching; a thread ends at its next piece."""
        self.closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def tables(self) -> Iterator[pa.Table]:
        """In order, with the next page on its way."""
        coming: deque[_Page] = deque()
        for page in self._pages():
            coming.append(page)
            if len(coming) == _AHEAD:
                yield from coming.popleft().tables()
        for page in coming:
            yield from page.tables()

    def submit(self, address: _Address, head: Future[_Head]) -> Future[pa.Table]:
        """Begin to fetch a page; ``head`` is told as soon as it is known."""
        return self._threads.submit(self._download, address, head)

    def require_new(self, table: pa.Table) -> None:
        """See that a page does not begin or end with a row that began or ended an earlier one."""
        if not table.num_rows or "Id" not in table.column_names:
            return
        ends = {table["Id"][0].as_py(), table["Id"][-1].as_py()}
        if ends & self._ends:
            raise BrokenPage("it repeats rows of an earlier page")
        self._ends |= ends

    def _pages(self) -> Iterator[_Page]:
        listed = self._listed() if float(self.client.api_version) >= _LISTED_SINCE else None
        if listed is None:
            yield from self._chained()
            return
        while True:
            addresses, following = listed
            for address in addresses:
                yield _Page(self, address)
            if following is None:
                return
            listed = self._listed(following)
            if listed is None:
                raise CorruptAnswer(
                    f"result of bulk job {self.job_id}", "its list of pages ends early", "run again"
                )

    def _chained(self) -> Iterator[_Page]:
        locator = ""
        while True:
            page = _Page(self, _Address(locator, self.page_records))
            yield page
            locator = page.head().next_locator
            if not locator:
                return

    def _listed(self, following: str | None = None) -> tuple[list[_Address], str | None] | None:
        """Five more pages and where the list goes on; None when the org does not list them."""
        path = following or f"jobs/query/{self.job_id}/resultPages"
        try:
            answer = self.client.ask(
                "GET", path, params=None if following else {"maxRecords": str(self.page_records)}
            )
            return _addresses(answer)
        except Refused as refused:
            if refused.refusal.is_expired_session:
                raise refused.error from None
            return None
        except (KeyError, TypeError, AttributeError):
            return None

    def _download(self, address: _Address, head: Future[_Head]) -> pa.Table:
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
                _number(response.headers.get("Sforce-NumberOfRecords")),
                _locator(response.headers.get("Sforce-Locator")),
            )
            head.set_result(told)
            if address.listed and (told.rows or 0) > _LARGE * self.page_records:
                raise _TooLarge(told.rows or 0)
            return self._reader.read(_Raw(self, response), told.rows)


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


class _Page:
    """A page on its way, asked for again until it is whole."""

    def __init__(self, fetch: _Fetch, address: _Address) -> None:
        self._fetch, self._address = fetch, address
        self._tries, self._renewals = 0, 0
        self._send()

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
                table = self._table.result()
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
        self._table = self._fetch.submit(self._address, self._head)

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
            part = _Page(self._fetch, _Address(locator, min(rows, self._fetch.page_records)))
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


def _addresses(answer: Any) -> tuple[list[_Address], str | None]:
    """
    The pages of a list, and where the list goes on.

    Salesforce's documents say ``resultPages`` and ``resultUrl``; ``resultChunks`` and ``resultLink`` have
    been seen as well.
    """
    entries = answer["resultPages"] if "resultPages" in answer else answer["resultChunks"]
    addresses = [_address_in(entry.get("resultUrl") or entry["resultLink"]) for entry in entries]
    following = answer.get("nextRecordsUrl") or answer.get("nextRecordUrl")
    if answer.get("done") is False and not following:
        raise KeyError("nextRecordsUrl")
    return addresses, None if answer.get("done") else following


def _address_in(url: str) -> _Address:
    query = dict(parse_qsl(urlsplit(url).query))
    return _Address(query.get("locator", ""), _number(query.get("maxRecords")), listed=True)


def _locator(header: str | None) -> str:
    """The end is the word null; proxies make it empty or leave it out."""
    return "" if header is None or header.strip() in ("", "null") else header.strip()


def _number(header: str | None) -> int | None:
    return int(header) if header is not None and header.strip().isdecimal() else None
