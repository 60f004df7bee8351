"""
Commands, services and workers that are interrupted or killed, and runs that go wrong.

Nothing is left, the next one works, services that a supervisor starts again go on, and no secret is anywhere.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import psutil
import pytest

from demo_org.truth import Truth
from license_ledger import reader
from license_ledger.staging.storage import Storage
from local_stack.demo import COMPANY_NAMES, MARK
from local_stack.home import Home
from local_stack.postgres import Database
from local_stack.tasks import explain
from tests.demo_org_fixtures import world_of
from tests.e2e.conftest import DAG_ID, ROOT, Finished, environment, make_run, start_ui
from tests.e2e.dying import SETTINGS, Dying, retries_are_quick
from tests.published import require_explained, require_true
from tests.secret_search import Search

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.endurance]

WRONG = "7D1F0C5E93A84B26AD60E1B7C4F25893"  # pragma: allowlist secret
"""A client secret that is not the org's."""


def descendants(pid: int) -> list[psutil.Process]:
    """Every process below one, and the database, which runs on its own."""
    return psutil.Process(pid).children(recursive=True)


def test_ctrl_c_gives_the_run_up(home: Home, first_run: Finished) -> None:
    """An interrupted command marks its run as failed, ends every process and says so in one line."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "run.py")],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # Programs that a shell starts in the background are deaf to Ctrl-C, and so are their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("snapshot of"):
            break
    children = descendants(process.pid)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    rest = process.stdout.read()
    status = process.wait(60)
    _, alive = psutil.wait_procs(children, 5)
    database = Database(home)
    database.start()
    with database.connect() as metadata:
        query = (
            "select state, content from dag_run join dag_run_note on dag_run_id = id order by id desc limit 1"
        )
        given_up = metadata.execute(query).fetchone()
    database.stop()

    assert status == 1
    assert given_up == ("failed", "given up: make run was ended")
    assert "interrupted; everything was stopped" in rest
    assert "Traceback" not in rest
    assert len(children) >= 5
    assert alive == []


@pytest.fixture(scope="module")
def dying(home: Home, first_run: Finished) -> Iterator[Dying]:
    """``make ui`` with a supervisor, after the scheduled run of the day; the org remembers its secrets."""
    retries_are_quick(home)
    running = start_ui(home, "--restart", **SETTINGS)
    found = Dying(running)
    running.org.options(keep_secrets=True)
    running.org.expire_sessions()
    found.wait_until(lambda: scheduled_runs(found, "success"), "the scheduled run")
    yield found
    running.process.terminate()
    running.process.wait(60)


def scheduled_runs(dying: Dying, state: str) -> list[dict[str, Any]]:
    """The runs that came by themselves and are in a state."""
    found = dying.ui.call("GET", f"/api/v2/dags/{DAG_ID}/dagRuns?run_type=scheduled")["dag_runs"]
    return [run for run in found if run["state"] == state]


def triggered(dying: Dying) -> str:
    """A run of today that was started now, in an org that lists its calls from now on."""
    dying.ui.org.clear_requests()
    return str(dying.ui.api.trigger(DAG_ID, datetime.now(UTC).date().isoformat(), {}))


def published(dying: Dying, run_id: str) -> reader.Snapshot:
    """What a run published."""
    receipt: Any = dying.ui.api.result(DAG_ID, run_id, "publish")
    staging = Storage.from_url(dying.ui.home.staging_url)
    return reader.open_snapshot(staging, receipt["org_id"], date.fromisoformat(receipt["snapshot_date"]))


@pytest.fixture(scope="module")
def survived(dying: Dying) -> tuple[str, int, int]:
    """A run during which every service dies, and a worker: its id, the jobs it and a calm run started."""
    calm = triggered(dying)
    assert dying.ended(calm) == "success"
    undisturbed = dying.jobs_started()
    with dying.held("/composite$"):
        run_id = triggered(dying)
        dying.wait_until(lambda: dying.tasks(run_id, "inspect_org", "running"), "inspect_org")
        for service in ("api-server", "dag-processor", "postgres"):
            dying.kill(service)
        dying.ui.org.options(bulk_seconds=20)
    dying.wait_until(lambda: dying.tasks(run_id, "extract", "deferred"), "a job that is watched")
    dying.kill("triggerer")
    with dying.held("/results$"):
        dying.kill_worker(run_id, "extract")
        dying.wait_until(lambda: dying.tasks(run_id, "extract", "running"), "the next try")
        dying.kill("scheduler")
    dying.ui.org.options(bulk_seconds=0.2)
    assert dying.ended(run_id) == "success"
    return run_id, dying.jobs_started(), undisturbed


def test_a_run_outlives_every_service(dying: Dying, survived: tuple[str, int, int]) -> None:
    """API server, DAG processor, database, triggerer, a worker and the scheduler die: the tables are true."""
    run_id, started, undisturbed = survived
    snapshot = published(dying, run_id)
    names = COMPANY_NAMES.split()
    truth = Truth(world_of(dying.ui.home.demo_org, dying.ui.org)).expected(
        company_names=names, captured_at=snapshot.row["captured_at"]
    )
    truth["licenses"] = truth["licenses"].drop(columns="used_as_of")  # tells the ledger's own time

    snapshot.verify()
    require_true(snapshot, truth, run_id)
    require_explained(snapshot)
    assert started == undisturbed > 0
    tries = {task["try_number"] for task in dying.tasks(run_id, "extract", "success")}
    assert max(tries) > 1


def given_up(dying: Dying) -> str:
    """Start a run, and give it up when a task has failed; the heading of that task's error."""
    run_id = triggered(dying)

    def failed() -> list[dict[str, Any]]:
        tasks = dying.ui.tasks(run_id).values()
        return [task for task in tasks if task["state"] in {"up_for_retry", "failed"}]

    task, *_ = dying.wait_until(failed, "a task that fails")
    dying.ui.api.give_up(DAG_ID, run_id, "enough is known")
    return explain(dying.ui.api, DAG_ID, run_id, task)[1]


@pytest.fixture(scope="module")
def gone_wrong(dying: Dying, survived: object) -> dict[str, str]:
    """Headings of what runs fail of, by what is wrong: client secret, login host, instance in the extract."""
    org, api = dying.ui.org, dying.ui.api
    kept = json.loads((dying.ui.home.demo_org / "connection.json").read_text("utf-8"))
    entry = {"connection_id": "salesforce_default", "conn_type": kept["conn_type"], "description": MARK}
    api.put_connection(entry | {"extra": json.dumps(kept["extra"] | {"consumer_secret": WRONG})})
    org.expire_sessions()
    run_id = triggered(dying)
    assert dying.ended(run_id) == "failed"
    [task] = [task for task in dying.ui.tasks(run_id).values() if task["state"] == "failed"]
    found = {"secret": explain(api, DAG_ID, run_id, task)[1]}
    api.put_connection(entry | {"extra": json.dumps(kept["extra"])})
    org.fault("token_503", count=None)
    found["login"] = given_up(dying)
    org.no_fault()
    org.fault("server_503", path="/jobs/query", count=None)
    found["instance"] = given_up(dying)
    org.no_fault()
    return found


def test_runs_that_go_wrong_say_what_is_wrong(gone_wrong: dict[str, str]) -> None:
    """Each has its heading in the runbook."""
    assert gone_wrong == {
        "login": "salesforceunavailable",
        "instance": "salesforceunavailable",
        "secret": "configerror",
    }


def test_no_secret_is_anywhere_after_runs_that_went_wrong(
    dying: Dying, gone_wrong: dict[str, str], survived: object
) -> None:
    """Services and a worker died, logins failed: no log, no file and no row of Airflow's has a secret."""
    home = dying.ui.home
    connection = json.loads((home.demo_org / "connection.json").read_text("utf-8"))["extra"]
    secrets = {f"issued {number}": text for number, text in enumerate(dying.ui.org.secrets())}
    secrets |= {name: connection[name] for name in ("refresh_token", "consumer_secret")} | {"wrong": WRONG}
    search = Search(secrets)
    database = Database(home)
    database.start()

    assert len(secrets) > 5
    assert search.below([home.root], leaving_out=[home.demo_org]) == set()
    with database.connect() as metadata:
        assert search.in_database(metadata) == set()


def test_a_killed_stack_leaves_nothing_behind(
    home: Home, dying: Dying, survived: object, gone_wrong: object
) -> None:
    """When the command is killed every process of its own ends, and the next start works."""
    children = descendants(dying.ui.process.pid)
    dying.ui.process.kill()
    dying.ui.process.wait()
    _, alive = psutil.wait_procs(children, 30)
    again = make_run(home)

    assert len(children) >= 5
    assert alive == []
    assert again.status == 0, again.output
