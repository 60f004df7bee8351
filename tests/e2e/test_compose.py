"""
The whole stack of docker-compose.yaml without its images: cold to healthy, a run, every service killed.

Commands, environment, secrets, health checks, dependencies and restart policies are the compose file's.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo_org.truth import Truth
from license_ledger.reader import Snapshot
from local_stack.demo import COMPANY_NAMES
from tests.e2e.composed import Composed, composed, environments
from tests.published import require_explained, require_true
from tests.secret_search import Search

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance, pytest.mark.timeout(900)]

COLD_SECONDS = 180
DURING = (
    *("airflow-worker-1", "airflow-worker-2", "airflow-apiserver", "airflow-dag-processor"),
    *("airflow-scheduler", "metadata-db", "object-store", "warehouse-db"),
)
"""
Killed while a run waits for its org, after the triggerer, which is killed while it watches jobs, and before
the broker: the workers that finish the run have seen it die.
"""

AWAY_SECONDS = 22.0
"""Longer than the scheduler waits at its first attempt to hand a task over."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Composed]:
    """The stack, in a folder that Postgres, which is another user, may reach."""
    with tempfile.TemporaryDirectory(prefix="ledger-compose-") as root, composed(Path(root)) as running:
        yield running


@pytest.fixture(scope="module")
def calm(stack: Composed) -> str:
    """The run of the day, which Airflow starts by itself."""
    run_id = stack.wait_until(stack.first_run, "the scheduled run")
    assert stack.ended(run_id) == "success", stack.tasks(run_id, "failed", "upstream_failed")
    return str(run_id)


@pytest.fixture(scope="module")
def survived(stack: Composed, calm: str) -> tuple[str, dict[str, int], dict[str, int]]:
    """A run during which every service dies: its id, and what the broker held before and after its death."""
    held: list[dict[str, int]] = []
    stack.org.options(bulk_seconds=15)
    with stack.held("/results$"):
        run_id = stack.trigger()
        stack.wait_until(lambda: stack.tasks(run_id, "deferred"), "a job that is watched")
        stack.kill("airflow-triggerer")
        stack.org.options(bulk_seconds=0.2)
        for name in DURING:
            stack.kill(name)
        stack.wait_until(lambda: len(stack.tasks(run_id, "running")) == 2, "every slot to be taken")
        stack.wait_until(lambda: stack.broker()["queued"] > 0, "tasks that wait in the broker")
        # Nobody takes a task or ends one meanwhile; workers find their connections broken when they go on.
        with stack.suspended("airflow-worker-1", "airflow-worker-2"):
            held.append(stack.broker())
            stack.kill("broker")
            held.append(stack.broker())
    assert stack.ended(run_id) == "success", stack.tasks(run_id, "failed", "upstream_failed")
    return run_id, held[0], held[1]


def require_true_tables(stack: Composed, run_id: str) -> None:
    """See that the bucket and the warehouse have the org's truth, and no other row."""
    snapshot: Snapshot = stack.published(run_id)
    names = COMPANY_NAMES.split()
    truth = Truth(stack.world()).expected(company_names=names, captured_at=snapshot.row["captured_at"])
    truth["licenses"] = truth["licenses"].drop(columns="used_as_of")  # tells the ledger's own time

    snapshot.verify()
    require_true(snapshot, truth, f"staging after {run_id}")
    require_explained(snapshot)
    require_true(stack.warehouse(), truth, f"the warehouse after {run_id}")


def test_it_is_healthy_within_three_minutes(stack: Composed) -> None:
    """From empty folders to the last health check that ends well."""
    print(f"healthy after {stack.seconds:.1f} s")

    assert stack.seconds < COLD_SECONDS
    assert {"completed", "healthy"} == set(stack.stack.supervised.states().values())


def test_the_run_of_the_day_publishes_the_truth(stack: Composed, calm: str) -> None:
    """Tasks run in Celery workers; staging lies behind the S3 API, the warehouse in its own Postgres."""
    require_true_tables(stack, calm)
    hosts = {task["hostname"] for task in stack.tasks(calm) if task["hostname"]}

    assert hosts <= {"airflow-worker-1", "airflow-worker-2"}


def test_a_run_outlives_every_service(stack: Composed, survived: tuple[str, object, object]) -> None:
    """Each is killed in turn and comes back by itself; the tables are true."""
    for name, seconds in stack.back.items():
        print(f"{name}: everything healthy {seconds:.1f} s after it was killed")
    require_true_tables(stack, survived[0])


def test_a_killed_broker_loses_no_task(survived: tuple[str, dict[str, int], dict[str, int]]) -> None:
    """Tasks that nobody had taken are there after it died, and so are those that nobody had finished."""
    _, before, after = survived

    assert before["queued"] > 0
    assert before["unfinished"] >= 2
    assert after["queued"] >= before["queued"]  # the scheduler may have added one
    assert after["unfinished"] == before["unfinished"]


def test_the_next_run_is_an_ordinary_one(stack: Composed, survived: object) -> None:
    """After all that a run ends well, each task at its first try, though the broker is away for a while."""
    stack.take_away("broker", AWAY_SECONDS)
    run_id = stack.trigger()

    assert stack.ended(run_id) == "success"
    assert {task["try_number"] for task in stack.tasks(run_id, "success")} == {1}
    require_true_tables(stack, run_id)


def test_no_secret_is_told(stack: Composed, calm: str) -> None:
    """No environment, command line, log or object of the stack has one of its secrets in it."""
    root = stack.stack.root
    secrets = {
        name: stack.stack.secret(name)
        for name in ("fernet_key", "api_secret_key", "jwt_secret", "admin_password", "metadata_password")
    }
    secrets |= {name: stack.stack.secret(name) for name in ("warehouse_password", "broker_password")}
    secrets |= {name: stack.stack.secret(name) for name in ("storage_password",)}
    search = Search(secrets)

    told = environments(stack.stack)
    assert {name: found for name, text in told.items() if (found := search.within(text))} == {}
    kept = [root / "log", root / "volumes" / "airflow-logs", root / "volumes" / "objects"]
    assert search.below(kept) == set()
