"""The extract operator's waiting, its memory, and the trigger."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred
from airflow.triggers.base import TriggerEvent
from structlog.contextvars import get_contextvars

from license_ledger.airflow.hook import LedgerSalesforceHook
from license_ledger.airflow.operators import JOB_KEY, ExtractOperator, TaskStateJob
from license_ledger.airflow.trigger import BulkJobTrigger
from license_ledger.errors import JobStalled
from tests.dags.conftest import UseConnection
from tests.demo_org_fixtures import RunningOrg, StartOrg

JOB = "750000000000001AAA"


class Store(dict[str, Any]):
    """Airflow's task state store, as far as it is used."""

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        """Keep a value; every value has a retention."""
        assert retention is not None
        self[key] = value

    def delete(self, key: str) -> None:
        """Forget a value that is there."""
        del self[key]


def operator(**options: Any) -> ExtractOperator:
    """An operator for one unit."""
    return ExtractOperator(task_id="extract", org="salesforce_default", unit={"label": "people"}, **options)


def remembered(age: float) -> TaskStateJob:
    """The memory of a job that was started so many seconds ago."""
    return TaskStateJob(Store({JOB_KEY: f"{JOB} 0123456789abcdef {int(time.time() - age)}"}))


def test_the_memory_outlives_its_object() -> None:
    """What one try sets, the next one gets, until it is deleted; deleting twice is fine."""
    store = Store()
    TaskStateJob(store).set("a note")

    assert TaskStateJob(store).get() == "a note"
    TaskStateJob(store).delete()
    TaskStateJob(store).delete()
    assert TaskStateJob(store).get() is None


def test_short_jobs_are_watched_in_place() -> None:
    """Within its time the operator sleeps as long as it is asked to."""
    wait = operator().waiting(remembered(age=1), in_place=60, timeout=3600)
    began = time.monotonic()
    wait(0.05)

    assert time.monotonic() - began >= 0.05


def test_long_jobs_are_watched_by_the_triggerer() -> None:
    """After its time in place the operator defers, to be woken at the job's deadline at the latest."""
    wait = operator().waiting(remembered(age=100), in_place=0, timeout=3600)

    with pytest.raises(TaskDeferred) as deferred:
        wait(1)

    trigger: Any = deferred.value.trigger
    assert (trigger.job_id, trigger.connection_id) == (JOB, "salesforce_default")
    assert 3490 < trigger.deadline - time.time() < 3510
    assert deferred.value.method_name == "resume"
    assert deferred.value.timeout is not None
    assert deferred.value.timeout.total_seconds() > 3500


@pytest.mark.parametrize(
    ("deferrable", "job"), [(False, remembered(age=5)), (True, TaskStateJob(Store()))], ids=["off", "no job"]
)
def test_without_deferral_waiting_goes_on_in_place(deferrable: bool, job: TaskStateJob) -> None:
    """A deployment without triggerer, or a wait for something else than a job, never defers."""
    operator(deferrable=deferrable).waiting(job, in_place=0, timeout=3600)(0.01)


def test_a_job_that_takes_too_long_is_given_up() -> None:
    """The deadline counts from the start of the job, over all tries and deferrals."""
    wait = operator().waiting(remembered(age=7201), in_place=60, timeout=7200)

    with pytest.raises(JobStalled, match=f"{JOB}.*120 minutes"):
        wait(1)


def test_the_trigger_survives_serialization() -> None:
    """The triggerer makes the same trigger again from what was stored, which holds no secret."""
    path, arguments = BulkJobTrigger("emea", JOB, 12.5, {"org": "emea"}).serialize()

    assert path == "license_ledger.airflow.trigger.BulkJobTrigger"
    assert BulkJobTrigger(**arguments).serialize() == (path, arguments)
    assert set(arguments) == {"connection_id", "job_id", "deadline", "labels"}


def test_what_the_trigger_logs_has_the_keys_of_the_step() -> None:
    """The labels that the task handed on are bound where the trigger runs."""

    async def bound() -> dict[str, Any]:
        await first_event(BulkJobTrigger("emea", JOB, time.time(), {"org": "emea", "step": "extract"}))
        return get_contextvars()

    assert asyncio.run(bound()) == {"org": "emea", "step": "extract"}


async def first_event(trigger: BulkJobTrigger) -> TriggerEvent:
    """The one event of a trigger."""
    return await anext(aiter(trigger.run()))


def start_job(org: RunningOrg) -> str:
    """Start a bulk job beside the ledger."""
    body = {"operation": "query", "query": "SELECT Id FROM User"}
    return str(org.login("66.0").call("POST", "jobs/query", json=body).json()["id"])


@pytest.mark.parametrize(
    ("seconds", "state"), [(0.02, "JobComplete"), (600.0, "UploadComplete")], ids=["complete", "deadline"]
)
def test_the_trigger_fires_when_the_job_is_over_or_its_time_is(
    seconds: float, state: str, start_demo_org: StartOrg, variables: Any, use_connection: UseConnection
) -> None:
    """The trigger looks with the stored session, and reports the state it saw."""
    org = start_demo_org(bulk_seconds=seconds)
    connection = use_connection(org)
    LedgerSalesforceHook(connection).sessions.current()
    trigger = BulkJobTrigger(connection, start_job(org), time.time() + 0.5)

    event = asyncio.run(first_event(trigger))

    assert event.payload["state"] == state


@pytest.mark.parametrize("lost", ["session expired", "no session"])
def test_the_trigger_never_renews_a_session(
    lost: str, start_demo_org: StartOrg, variables: Any, use_connection: UseConnection
) -> None:
    """With an expired session, or none, the task is woken and no token is asked for."""
    org = start_demo_org(rotation=True)
    connection = use_connection(org)
    if lost == "session expired":
        LedgerSalesforceHook(connection).sessions.current()
        org.control.ask("sessions/expire")
    org.control.ask("requests/clear")

    event = asyncio.run(first_event(BulkJobTrigger(connection, JOB, time.time() + 0.2)))

    assert event.payload["state"] == "unseen"
    assert not [call for call in org.control.ask("requests") if "oauth2/token" in call["path"]]
