"""
The extract operator: watches short bulk jobs in place and long ones from the triggerer.

Imported when the DAG file is parsed; everything heavy is imported inside the methods.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from license_ledger.airflow.links import BulkJobsLink

if TYPE_CHECKING:
    from airflow.sdk import Context

JOB_KEY = "bulk_job"
JOB_KEPT = timedelta(days=7)
"""As long as Salesforce keeps a job."""

RESUMED_LATE = timedelta(minutes=10)
"""How long after the trigger should have fired Airflow gives the waiting up."""


class TaskStateJob:
    """
    The id of a running bulk job in Airflow's task state store, where a later try of the task finds it.

    Implements :class:`license_ledger.salesforce.bulk.JobMemory`. The store is plain text: it holds no secret.

    Args:
        store: ``task_state_store`` of the task context.
    """

    def __init__(self, store: Any) -> None:
        self._store = store

    def get(self) -> str | None:
        """What was set, or None."""
        note = self._store.get(JOB_KEY)
        return str(note) if note else None

    def set(self, note: str) -> None:
        """Remember; returns when Airflow has committed it."""
        self._store.set(JOB_KEY, note, retention=JOB_KEPT)

    def delete(self) -> None:
        """Forget, so that a cleared task does not take up a job that is done."""
        if self._store.get(JOB_KEY) is not None:
            self._store.delete(JOB_KEY)


class ExtractOperator(BaseOperator):
    """
    Land the objects of one unit, or a share of a huge one, as typed Parquet, exactly once per snapshot.

    Small objects are read by REST, large ones by Bulk API 2.0. A job that takes longer than
    `bulk_defer_after_seconds` is watched by the triggerer, which costs no worker; a try that dies finds its
    job again, and a share the pages it had landed. The XCom is a receipt: rows per object, bytes, calls.

    Args:
        org: connection id.
        unit: what to extract, ``label``, ``objects`` and ``share``, as the step *Inspect org* returns them.
        deferrable: whether long jobs are watched by the triggerer.
    """

    template_fields = ("unit",)
    operator_extra_links = (BulkJobsLink(),)
    ui_color = "#d8e6f3"

    def __init__(self, *, org: str, unit: Any, deferrable: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.org, self.unit, self.deferrable = org, unit, deferrable

    def execute(self, context: Context) -> dict[str, Any]:
        """Extract, or hand a long wait to the triggerer. Raises what the pipeline raises."""
        # Not the pipeline, which imports what the other steps need as well.
        from license_ledger import extraction
        from license_ledger.airflow.lineage import answer_for_mapped
        from license_ledger.airflow.observed import observed

        values: Any = context
        values["unit_label"] = self.unit["label"]  # names the mapped instance, see map_index_template
        with observed("extract", self.org, values) as step:
            settings, job = step.run.settings, TaskStateJob(values["task_state_store"])
            wait = self.waiting(job, settings.bulk_defer_after_seconds, settings.bulk_timeout_minutes * 60)
            receipt = step.done(extraction.extract(step.run, self.unit, job, wait))
            step.trace("of_extract", step.run, self.unit, receipt)
            answer_for_mapped(type(self))
            return receipt

    def resume(self, context: Context, event: dict[str, Any]) -> dict[str, Any]:
        """Go on when the triggerer has seen the job end, or cannot see it any more."""
        self.log.info("bulk job %s was seen %s", event["job_id"], event["state"])
        return self.execute(context)

    def waiting(self, job: TaskStateJob, in_place: float, timeout: float) -> Callable[[float], None]:
        """
        How to wait for a bulk job.

        Args:
            job: the job's memory; its note begins with the id and ends with the Unix time of its start.
            in_place: seconds to wait in this task before deferring.
            timeout: seconds the job may take in all.

        Returns:
            A function that waits, or defers, or raises JobStalled.
        """
        began = time.monotonic()

        def wait(seconds: float) -> None:
            note = (job.get() or "").split()
            if note and time.time() > int(note[-1]) + timeout:
                raise _stalled(note[0], timeout)
            if note and self.deferrable and time.monotonic() - began >= in_place:
                self._watch_elsewhere(note[0], int(note[-1]) + timeout)
            time.sleep(seconds)

        return wait

    def _watch_elsewhere(self, job_id: str, deadline: float) -> None:
        from license_ledger.airflow.observed import step_labels
        from license_ledger.airflow.trigger import BulkJobTrigger

        self.log.info("bulk job %s takes longer: the triggerer watches it from here", job_id)
        remaining = timedelta(seconds=max(0.0, deadline - time.time()))
        self.defer(
            trigger=BulkJobTrigger(self.org, job_id, deadline, step_labels()),
            method_name="resume",
            timeout=remaining + RESUMED_LATE,
        )


def _stalled(job_id: str, timeout: float) -> Exception:
    from license_ledger.errors import JobStalled

    return JobStalled(
        f"bulk job {job_id}",
        f"not complete after {timeout / 60:.0f} minutes",
        "run again: the job goes on and is taken up where it is; or raise bulk_timeout_minutes",
    )
