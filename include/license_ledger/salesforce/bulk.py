"""
A query through Bulk API 2.0, from start to result. May import bulk_jobs and bulk_pages.

Each step can be called by itself, for an operator that waits elsewhere: :func:`start`, :func:`state`,
:func:`fetch`, then forget the job and :func:`discard` it. :func:`query_batches` is all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa

from license_ledger.errors import CorruptAnswer, JobFailed
from license_ledger.salesforce.bulk_jobs import (
    BulkRefused,
    JobGone,
    JobMemory,
    JobState,
    abort,
    discard,
    finish,
    start,
    state,
)
from license_ledger.salesforce.bulk_pages import result_tables

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = [
    "PAGE_RECORDS",
    "BulkRefused",
    "JobGone",
    "JobMemory",
    "JobState",
    "abort",
    "discard",
    "fetch",
    "finish",
    "query_batches",
    "start",
    "state",
]

PAGE_RECORDS = 50_000
"""Rows per result page; 25 to 100 thousand are alike in speed, more only cost memory."""


def fetch(
    client: RestClient,
    job_id: str,
    schema: pa.Schema,
    *,
    page_records: int = PAGE_RECORDS,
    expected: int | None = None,
) -> Iterator[pa.Table]:
    """
    Read the result of a complete job.

    Args:
        client: of the org, with the API version the job was created with.
        job_id: of the job.
        schema: columns to expect.
        page_records: rows per page.
        expected: rows that Salesforce processed; asked for when not given.

    Yields:
        A table per page; none when there are no rows.

    Raises:
        CorruptAnswer: the rows do not add up to what Salesforce processed, or a page is broken at every try.
        LedgerError: a page could not be had.
    """
    if expected is None:
        expected = state(client, job_id).rows
    rows = 0
    # Also when no records are said to be processed: only the result itself proves that it is empty.
    for table in result_tables(client, job_id, schema, page_records=page_records):
        rows += table.num_rows
        yield table
    if expected is not None and rows != expected:
        # The state may have been read a moment before its counters were final.
        expected = state(client, job_id).rows
    if expected is not None and rows != expected:
        raise CorruptAnswer(
            f"result of bulk job {job_id}",
            f"{rows} rows arrived where {expected} were processed",
            "run again",
        )


def query_batches(
    client: RestClient,
    soql: str,
    schema: pa.Schema,
    *,
    job: JobMemory,
    page_records: int = PAGE_RECORDS,
    timeout_seconds: float = 7200.0,
    wait: Callable[[float], None] | None = None,
) -> Iterator[pa.Table]:
    """
    Run a query as a bulk job, from start to result.

    Args:
        client: of the org.
        soql: the query; no aggregates, no ORDER BY.
        schema: columns of its SELECT list.
        job: this task's memory.
        page_records: rows per page.
        timeout_seconds: how long the job may take.
        wait: how to wait; the client's way when not given.

    Yields:
        A table per page; none when there are no rows. When the last one has been taken the job is deleted and
        forgotten.

    Raises:
        BulkRefused: ask REST instead.
        LedgerError: what :func:`start`, :func:`finish` and :func:`fetch` raise.
    """
    pausing = wait or client.sleep
    job_id = start(client, soql, job)
    try:
        done = finish(client, job_id, timeout_seconds=timeout_seconds, wait=pausing)
    except JobGone:
        job.delete()
        job_id = start(client, soql, job)
        done = _finish_second(client, job_id, timeout_seconds, pausing)
    except JobFailed:
        job.delete()
        raise
    yield from fetch(client, job_id, schema, page_records=page_records, expected=done.rows)
    job.delete()
    discard(client, job_id)


def _finish_second(
    client: RestClient, job_id: str, timeout_seconds: float, wait: Callable[[float], None]
) -> JobState:
    try:
        return finish(client, job_id, timeout_seconds=timeout_seconds, wait=wait)
    except JobGone:
        raise JobFailed(
            f"bulk job {job_id}",
            "it was deleted while it was watched, twice",
            "find out who deletes the jobs",
        ) from None
