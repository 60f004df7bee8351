"""Bulk API 2.0 query jobs: what they ask, how far they are, where their result begins and ends."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import secrets
import string
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from demo_org.catalog import to18
from demo_org.errors import ApiError, not_found
from demo_org.soql.executor import RecordSet

FINAL = frozenset({"JobComplete", "Failed", "Aborted"})
_ALPHABET = string.ascii_letters + string.digits
_UPLOADED_SHARE = 0.2
"""Part of its time in which a job is still UploadComplete."""


@dataclass
class Job:
    """
    One query job.

    Attributes:
        id: 18 characters, prefix 750.
        operation: ``query`` or ``queryAll``.
        object: API name.
        user: id of the owner, the only one who sees it.
        version: API version it was made with, the only one that may read it.
        line_ending: ``LF`` or ``CRLF``.
        delimiter: name of the column delimiter.
        created: when, by the clock on the wall.
        made: when, by the clock of the org, which decides how long the result is kept.
        result: the records, frozen when the job was made.
        seconds: how long the job takes.
        outcome: state in which it ends.
        message: ``errorMessage`` of a failed job; empty for none.
        total: what ``numberRecordsProcessed`` says at the end; None leaves it out.
        stuck: whether it stays InProgress.
        pk_chunking: whether the query could be split by id.
    """

    id: str
    operation: str
    object: str
    user: str
    version: str
    line_ending: str
    delimiter: str
    created: dt.datetime
    made: dt.datetime
    result: RecordSet
    seconds: float
    outcome: str = "JobComplete"
    message: str = ""
    total: int | None = 0
    stuck: bool = False
    pk_chunking: bool = True
    changed: dt.datetime | None = None
    aborted: bool = False
    started: float = field(default_factory=time.monotonic)

    @property
    def state(self) -> str:
        """The state of this moment."""
        if self.aborted:
            return "Aborted"
        elapsed = time.monotonic() - self.started
        if elapsed < self.seconds * _UPLOADED_SHARE:
            return "UploadComplete"
        if self.stuck or elapsed < self.seconds:
            return "InProgress"
        return self.outcome

    def head(self, state: str | None = None) -> dict[str, Any]:
        """Give what the creation and the list of jobs tell; by default with the present state."""
        created = _moment(self.created)
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.user,
            "createdDate": created,
            "systemModstamp": _moment(self.changed or self.created),
            "state": state or self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }

    def info(self) -> dict[str, Any]:
        """Give what the status of one job tells."""
        state = self.state
        body = {**self.head(state), "jobType": "V2Query"}
        if state in FINAL:
            taken = min(self.seconds, time.monotonic() - self.started)
            if self.total is not None:
                body["numberRecordsProcessed"] = self.total if state == "JobComplete" else 0
            body |= {"retries": 0, "totalProcessingTime": int(taken * 1000)}
        else:
            body |= {"numberRecordsProcessed": 0, "retries": 0, "totalProcessingTime": 0}
        if state == "Failed" and self.message:
            body["errorMessage"] = self.message
        if float(self.version) >= 60:
            body["isPkChunkingSupported"] = self.pk_chunking
        return body


class Jobs:
    """All query jobs of the org."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Keep a job."""
        with self._lock:
            self._jobs[job.id] = job

    def find(self, name: str, user: str) -> Job:
        """
        Find a job of a user.

        Raises:
            ApiError: ``NOT_FOUND`` if there is none, or it is another user's.
        """
        long_form = to18(name)
        job = self._jobs.get(long_form or "")
        if job is None or job.user != user:
            raise not_found()
        return job

    def delete(self, job: Job) -> None:
        """
        Forget a job.

        Raises:
            ApiError: ``INVALIDJOBSTATE`` while it runs.
        """
        if job.state not in FINAL:
            raise ApiError(400, "INVALIDJOBSTATE", "Deleting Job not allowed while it is in progress")
        with self._lock:
            self._jobs.pop(job.id, None)

    def abort(self, job: Job) -> None:
        """
        Abort a job.

        Raises:
            ApiError: ``INVALIDJOBSTATE`` if it is over.
        """
        state = job.state
        if state in FINAL:
            word = {"JobComplete": "Completed"}.get(state, state)
            raise ApiError(400, "INVALIDJOBSTATE", f"Aborting already {word} Job not allowed")
        job.aborted = True
        job.changed = dt.datetime.now(dt.UTC)

    def of(self, user: str) -> list[Job]:
        """List the jobs of a user, newest first."""
        with self._lock:
            mine = [job for job in self._jobs.values() if job.user == user]
        return sorted(mine, key=lambda job: job.created, reverse=True)

    def results(self) -> list[RecordSet]:
        """List the results that are kept."""
        with self._lock:
            return [job.result for job in self._jobs.values()]

    def forget(self, before: dt.datetime) -> None:
        """Forget the jobs that were made before a moment of the org's clock."""
        with self._lock:
            self._jobs = {name: job for name, job in self._jobs.items() if job.made >= before}


def new_job_id() -> str:
    """Make an id of the kind that Bulk jobs have."""
    return str(to18("750" + "".join(secrets.choice(_ALPHABET) for _ in range(12))))


def locator(job: Job, offset: int) -> str:
    """Give the opaque name of the place in a result at which a page begins."""
    return base64.urlsafe_b64encode(f"{offset}:{job.id}:1".encode()).decode().rstrip("=")


def offset_of(job: Job, name: str) -> int:
    """
    Read a locator.

    Args:
        job: whose result it is for.
        name: the locator; empty for the start.

    Returns:
        Number of the first record.

    Raises:
        ApiError: it is none of this job's.
    """
    if not name:
        return 0
    try:
        text = base64.urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode()
        offset, owner, _ = text.split(":")
        place = int(offset)
    except (ValueError, binascii.Error):
        raise _bad_locator(name) from None
    if owner != job.id or not 0 <= place <= job.result.total:
        raise _bad_locator(name)
    return place


def _bad_locator(name: str) -> ApiError:
    return ApiError(400, "API_ERROR", f"Invalid locator: {name[:64]}")


def _moment(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
