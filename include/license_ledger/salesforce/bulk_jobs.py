"""
The life of a Bulk API 2.0 query job: start, watch, abort, delete. Asks through a client.

The id of a job is remembered before it is watched, so that a task that dies finds its job again instead of
starting another.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from license_ledger.errors import (
    AccessDenied,
    CorruptAnswer,
    JobFailed,
    JobStalled,
    LedgerError,
    TransientError,
)
from license_ledger.salesforce.answers import clean
from license_ledger.salesforce.retries import Refused

if TYPE_CHECKING:
    from license_ledger.salesforce.rest import RestClient

__all__ = ["BulkRefused", "JobGone", "JobMemory", "JobState", "abort", "discard", "finish", "start", "state"]

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE, _GROWTH = 0.2, 30.0, 1.5
_OLDEST_JOB = 12 * 3600.0
_REFUSAL_CODES = {"INVALIDENTITY", "INVALID_ENTITY", "FeatureNotEnabled", "FEATURENOTENABLED"}
_REFUSAL_TEXTS = (
    "not supported by the bulk api",
    "compound data not supported",
    "does not support query",
    "implementation restriction",
)


class JobMemory(Protocol):
    """
    Where the id of a job outlives its task. Holds no secret.

    A note is three words: the job's id, a fingerprint of its query, and the Unix time of its start.
    """

    def get(self) -> str | None:
        """What was set, or None."""

    def set(self, note: str) -> None:
        """Remember; returns only when it is kept."""

    def delete(self) -> None:
        """Forget."""


@dataclass(frozen=True)
class JobState:
    """
    What Salesforce says of a job.

    Attributes:
        job_id: of the job.
        name: ``UploadComplete``, ``InProgress``, ``JobComplete``, ``Failed`` or ``Aborted``.
        rows: records processed, None until Salesforce tells.
        message: why it failed, when Salesforce says so.
    """

    job_id: str
    name: str
    rows: int | None = None
    message: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether there is a result."""
        return self.name == "JobComplete"

    @property
    def is_dead(self) -> bool:
        """Whether there will never be one."""
        return self.name in ("Failed", "Aborted")


class BulkRefused(AccessDenied):
    """Bulk API 2.0 does not serve this object or this user; REST may."""


class JobGone(JobStalled):
    """The job does not exist any more; another try starts a new one."""


def start(client: RestClient, soql: str, job: JobMemory, *, now: Callable[[], float] = time.time) -> str:
    """
    Find the job of this query that was started before, or start one, and remember it.

    A remembered job is taken when it was for the same query, is less than half a day old and has not failed.

    Args:
        client: of the org.
        soql: the query.
        job: this task's memory.
        now: seconds since the epoch.

    Returns:
        The job's id.

    Raises:
        BulkRefused: ask REST instead.
        QuotaExhausted: no more jobs, or no more result storage today.
        LedgerError: naming the object.
    """
    mark = hashlib.sha256(soql.encode()).hexdigest()[:16]
    note = job.get()
    found = _remembered(client, note, mark, now())
    if found:
        log.info("Salesforce: bulk job %s is taken up again", found)
        return found
    if note is not None:
        job.delete()
    job_id = _create(client, soql)
    job.set(f"{job_id} {mark} {int(now())}")
    log.info("Salesforce: bulk job %s started", job_id)
    return job_id


def state(client: RestClient, job_id: str) -> JobState:
    """
    Ask for the state of a job.

    Raises:
        JobGone: it was deleted, is older than seven days, or belongs to another API version.
        LedgerError: it could not be asked for.
    """
    try:
        answer = client.ask("GET", f"jobs/query/{job_id}")
    except Refused as refused:
        if (
            refused.refusal.is_absence
            or refused.refusal.status == 409
            or "INVALIDJOB" in refused.refusal.codes
        ):
            raise JobGone(f"state of bulk job {job_id}", "it does not exist any more", "run again") from None
        raise refused.error from None
    if not isinstance(answer, dict) or not isinstance(answer.get("state"), str):
        raise CorruptAnswer(f"state of bulk job {job_id}", "an answer that names no state", "run again")
    rows = answer.get("numberRecordsProcessed")
    return JobState(
        job_id,
        answer["state"],
        rows if isinstance(rows, int) else None,
        str(answer.get("errorMessage") or ""),
    )


def finish(
    client: RestClient,
    job_id: str,
    *,
    timeout_seconds: float,
    wait: Callable[[float], None] = time.sleep,
) -> JobState:
    """
    Watch a job until it is complete, at growing intervals.

    A failure to ask does not fail the job: it is asked again until the deadline.

    Args:
        client: of the org.
        job_id: of the job.
        timeout_seconds: how long to watch.
        wait: how to wait.

    Returns:
        The final state; the job is complete.

    Raises:
        JobFailed: Salesforce gave up, or somebody aborted it.
        JobStalled: it is not complete at the deadline; it goes on and can be taken up by another try.
        JobGone: it does not exist any more.
        LedgerError: asking failed for good.
    """
    begun, waited, pause = time.monotonic(), 0.0, _FIRST_PAUSE
    last = "unknown"
    while True:
        try:
            found = state(client, job_id)
        except JobGone:
            raise
        except TransientError as error:
            log.warning("Salesforce: the state of bulk job %s could not be asked for (%s)", job_id, error.got)
        else:
            last = found.name
            if found.is_complete:
                return found
            if found.is_dead:
                raise _failure(found)
        if max(waited, time.monotonic() - begun) >= timeout_seconds:
            raise JobStalled(
                f"bulk job {job_id}",
                f"not complete after {timeout_seconds:.0f} s, last seen {last}",
                "run again: the job goes on and is taken up where it is; or raise bulk_timeout_minutes",
            )
        wait(pause)
        waited, pause = waited + pause, min(pause * _GROWTH, _LONGEST_PAUSE)


def discard(client: RestClient, job_id: str) -> None:
    """Delete a job and its result at Salesforce, if that works; they go by themselves after seven days."""
    _tidy(client, "DELETE", job_id, None)


def abort(client: RestClient, job_id: str) -> None:
    """Stop a job that nobody waits for any more, if that works."""
    _tidy(client, "PATCH", job_id, {"state": "Aborted"})


def _tidy(client: RestClient, method: str, job_id: str, body: Any) -> None:
    try:
        client.ask(method, f"jobs/query/{job_id}", body=body)
    except (Refused, LedgerError) as error:
        log.info("Salesforce: bulk job %s was left as it is (%s)", job_id, type(error).__name__)


def _remembered(client: RestClient, note: str | None, mark: str, now: float) -> str | None:
    parts = (note or "").split()
    if len(parts) != 3 or parts[1] != mark or not parts[2].isdecimal() or now - int(parts[2]) > _OLDEST_JOB:
        return None
    try:
        return None if state(client, parts[0]).is_dead else parts[0]
    except JobGone:
        return None


def _create(client: RestClient, soql: str) -> str:
    asked = f"bulk query of {soql.partition(' FROM ')[2].partition(' ')[0]}"
    body = {
        "operation": "query",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    try:
        answer = client.ask("POST", "jobs/query", body=body)
    except Refused as refused:
        error = Refused(refused.refusal, asked).error
        if _is_refusal_of_bulk(refused):
            raise BulkRefused(error.asked, error.got, error.remedy) from None
        raise error from None
    if not isinstance(answer, dict) or not str(answer.get("id", "")).startswith("750"):
        raise CorruptAnswer(asked, "an answer without the id of a job", "run again")
    return str(answer["id"])


def _is_refusal_of_bulk(refused: Refused) -> bool:
    """Whether REST is worth trying. Limits are not: REST would only eat more of them."""
    refusal = refused.refusal
    if any("LIMIT" in code.upper() or "QUOTA" in code.upper() for code in refusal.codes):
        return False
    message = refusal.message.lower()
    return (
        refusal.status in (403, 404)
        or bool(_REFUSAL_CODES & set(refusal.codes))
        or any(text in message for text in _REFUSAL_TEXTS)
    )


def _failure(found: JobState) -> JobFailed:
    said = clean(found.message) or "without a reason"
    verb = "was aborted" if found.name == "Aborted" else "failed"
    return JobFailed(
        f"bulk job {found.job_id}",
        f"it {verb}: {said}",
        "see Bulk Data Load Jobs in the org's setup, then run again",
    )
