"""
Where the pages of a bulk result are. Asks through a client.

An org of API 58 or later lists its pages, five to a call; before that each page says where the next one is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from license_ledger.errors import CorruptAnswer
from license_ledger.salesforce.retries import Refused

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["Address", "listed_addresses", "number"]

_LISTED_SINCE = 58.0

_Part = tuple[list["Address"], str | None]


@dataclass(frozen=True)
class Address:
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


def listed_addresses(client: RestClient, job_id: str, *, page_records: int) -> Iterator[Address] | None:
    """
    List the pages of a complete job, in the order of the result; the list is read on as they are taken.

    Args:
        client: of the org; must use the API version the job was created with.
        job_id: of the job.
        page_records: rows per page.

    Returns:
        The addresses; None when the org does not list them.

    Raises:
        CorruptAnswer: while they are taken: the list ends early.
        LedgerError: Salesforce could not be asked.
    """
    if float(client.api_version) < _LISTED_SINCE:
        return None
    first = _part(client, job_id, page_records)
    return None if first is None else _all(client, job_id, page_records, first)


def _all(client: RestClient, job_id: str, page_records: int, part: _Part) -> Iterator[Address]:
    while True:
        addresses, following = part
        yield from addresses
        if following is None:
            return
        more = _part(client, job_id, page_records, following)
        if more is None:
            raise CorruptAnswer(f"result of bulk job {job_id}", "its list of pages ends early", "run again")
        part = more


def _part(client: RestClient, job_id: str, page_records: int, following: str | None = None) -> _Part | None:
    """Five more pages and where the list goes on; None when the org does not list them."""
    path = following or f"jobs/query/{job_id}/resultPages"
    try:
        answer = client.ask("GET", path, params=None if following else {"maxRecords": str(page_records)})
        return _addresses(answer)
    except Refused as refused:
        if refused.refusal.is_expired_session:
            raise refused.error from None
        return None
    except (KeyError, TypeError, AttributeError):
        return None


def _addresses(answer: Any) -> _Part:
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


def _address_in(url: str) -> Address:
    query = dict(parse_qsl(urlsplit(url).query))
    return Address(query.get("locator", ""), number(query.get("maxRecords")), listed=True)


def number(text: str | None) -> int | None:
    """A whole number as headers and addresses hold it; None for anything else."""
    return int(text) if text is not None and text.strip().isdecimal() else None
