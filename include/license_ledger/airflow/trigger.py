"""
Waiting for a long bulk job in the triggerer, where it costs no worker.

The trigger only looks. It never renews a token, because the triggerer may be killed between Salesforce's
answer and the store's commit without a shield, and it never decides what a state means: whatever it sees
that is not "still running", it wakes the task, which does.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from structlog.contextvars import bind_contextvars

UNFINISHED = ("UploadComplete", "InProgress")
"""States of a bulk query job that is still to be waited for."""

FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0


class BulkJobTrigger(BaseTrigger):
    """
    Fires when a bulk query job is no longer running, or when it is time to look closer.

    Args:
        connection_id: of the org.
        job_id: of the job.
        deadline: Unix time after which the task is woken in any case.
        labels: the keys that lines of log have.
    """

    def __init__(
        self, connection_id: str, job_id: str, deadline: float, labels: Mapping[str, str] | None = None
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.connection_id, self.job_id, self.deadline = connection_id, job_id, deadline
        self.labels = dict(labels or {})

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give Airflow what it makes the trigger again from: no secret is in it."""
        arguments = {
            "connection_id": self.connection_id,
            "job_id": self.job_id,
            "deadline": self.deadline,
            "labels": self.labels,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the job at growing intervals, and fire once."""
        bind_contextvars(**self.labels)
        state, pause = "InProgress", FIRST_PAUSE
        while state in UNFINISHED and time.time() < self.deadline:
            await asyncio.sleep(min(pause, max(0.0, self.deadline - time.time())))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            state = await asyncio.to_thread(self._look)
        yield TriggerEvent({"job_id": self.job_id, "state": state})  # type: ignore[no-untyped-call]

    def _look(self) -> str:
        """The job's state, or why it could not be seen."""
        from license_ledger.airflow.hook import LedgerSalesforceHook

        try:
            return LedgerSalesforceHook(self.connection_id).bulk_job_state(self.job_id)
        except Exception as error:
            # Not hidden: the task that is woken meets the same trouble and says what it is.
            self.log.warning("bulk job %s could not be looked at: %s", self.job_id, type(error).__name__)
            return "unseen"
