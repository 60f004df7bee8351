"""
What several machines share, on this one: an S3 API, a database server, a broker, and Celery workers.

Everything is a plain process. Nothing of the ledger's lies in a directory that workers share.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil

from license_ledger.staging.storage import Storage
from local_stack.api import AirflowApi
from local_stack.home import USERNAME, Home
from tests import pg
from tests.e2e.conftest import ROOT, environment

S3_SERVER = ROOT / "tests" / "component" / "staging" / "s3_server.py"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
OVER = {"success", "failed"}

POLICY = '''
"""This deployment's policy: what has to be tried again is, after a second."""

from datetime import timedelta


def task_policy(task):
    task.retry_delay = timedelta(seconds=1)
'''


@dataclass
class Cluster:
    """
    An Airflow whose tasks run in Celery workers.

    Attributes:
        home: of the processes; what the ledger keeps is not in it.
        process: the command behind ``make ui --workers``.
        api: of Airflow, logged in.
        staging: the bucket, as the workers see it.
        warehouse: URL of the database.
    """

    home: Home
    process: subprocess.Popen[str]
    api: AirflowApi
    staging: Storage
    warehouse: str

    def wait_until(self, ready: Callable[[], Any], what: str, timeout: float = 600) -> Any:
        """Wait for something to become true, and give it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.home.root / "ui.txt").read_text("utf-8")
            # A server that is too busy to answer is asked again.
            with suppress(httpx.TransportError):
                if found := ready():
                    return found
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come")

    def run(self, dag_id: str) -> dict[str, Any] | None:
        """The first run of a DAG; None before there is one."""
        runs = self.api._get(f"/api/v2/dags/{dag_id}/dagRuns", order_by="id", limit=1)["dag_runs"]
        return dict(runs[0]) if runs else None

    def ended(self, dag_id: str, timeout: float = 600) -> dict[str, Any]:
        """The first run of a DAG, once it has ended."""

        def over() -> dict[str, Any] | None:
            run = self.run(dag_id)
            return run if run and run["state"] in OVER else None

        return dict(self.wait_until(over, f"the end of {dag_id}", timeout))

    def tasks(self, dag_id: str) -> list[dict[str, Any]]:
        """The task instances of the first run of a DAG; none before there is one."""
        run = self.run(dag_id)
        return list(self.api.task_instances(dag_id, run["dag_run_id"])) if run else []

    def set_slots(self, pool: str, slots: int) -> None:
        """Change how many tasks of a pool run at once."""
        body = {"pool": pool, "slots": slots, "include_deferred": False}
        self.api._change("PATCH", f"/api/v2/pools/{pool}", body)

    def worker_of(self, task: Mapping[str, Any]) -> psutil.Process | None:
        """The worker in which a running task runs; None when it cannot be told any more."""
        try:
            above = psutil.Process(task["pid"]).parents()
        except (psutil.Error, TypeError):
            return None
        own = {child.pid for child in psutil.Process(self.process.pid).children()}
        return next((process for process in above if process.pid in own), None)


def kill_machine(worker: psutil.Process) -> None:
    """Kill a worker and everything below it at once, as if its machine had lost power."""
    every = [worker, *worker.children(recursive=True)]
    for process in every:
        process.suspend()
    for process in every:
        process.kill()


@contextmanager
def cluster(
    root: Path, connections: Mapping[str, Mapping[str, Any]], *, workers: int, slots: int, **settings: str
) -> Iterator[Cluster]:
    """
    Start everything, and end it.

    Args:
        root: for the processes' own files.
        connections: the orgs' connections, by id.
        workers: how many.
        slots: tasks that each runs at once.
        **settings: environment variables.
    """
    redis = subprocess.run(
        ["sh", str(ROOT / "scripts" / "redis.sh")], capture_output=True, text=True, check=False
    )
    assert redis.returncode == 0, redis.stderr
    home = Home(root).prepared()
    policy = home.airflow_home / "config" / "airflow_local_settings.py"
    policy.parent.mkdir()
    policy.write_text(POLICY, "utf-8")
    with _s3() as endpoint, pg.running() as server:
        places = {**KEYS, "AWS_ENDPOINT_URL": endpoint}
        bucket = f"b{uuid.uuid4().hex}"
        staging = _bucket(places, bucket)
        warehouse = server.url(server.database())
        named = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(each) for name, each in connections.items()}
        environ = {
            **environment(home, **places, **named),
            "LICENSE_LEDGER_ORGS": " ".join(connections),
            "LICENSE_LEDGER_STAGING": f"s3://{bucket}/staging",
            "LICENSE_LEDGER_WAREHOUSE": warehouse,
            "LICENSE_LEDGER_SHARED_DISK": "false",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
            "LEDGER_REDIS": redis.stdout.strip(),
            **settings,
        }
        with _ui(home, environ, workers, slots) as (process, api):
            yield Cluster(home, process, api, staging, warehouse)


@contextmanager
def _s3() -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, str(S3_SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.communicate()


def _bucket(places: Mapping[str, str], bucket: str) -> Storage:
    """A new bucket, without a word to this process' environment."""
    import s3fs

    files = s3fs.S3FileSystem(
        key=places["AWS_ACCESS_KEY_ID"],
        secret=places["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=places["AWS_ENDPOINT_URL"],
        use_listings_cache=False,
    )
    files.mkdir(bucket)
    return Storage.from_url(f"s3://{bucket}/staging", filesystem=files)


@contextmanager
def _ui(
    home: Home, environ: Mapping[str, str], workers: int, slots: int
) -> Iterator[tuple[subprocess.Popen[str], AirflowApi]]:
    log = home.root / "ui.txt"
    argv = [sys.executable, str(ROOT / "scripts" / "ui.py"), "--workers", str(workers), "--slots", str(slots)]
    with log.open("w") as sink:
        process = subprocess.Popen(argv, env=dict(environ), stdout=sink, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 240
        while "Ctrl-C" not in log.read_text("utf-8"):
            assert process.poll() is None, log.read_text("utf-8")
            assert time.monotonic() < deadline, log.read_text("utf-8")
            time.sleep(0.1)
        address = json.loads((home.state / "stack.json").read_text("utf-8"))
        api = AirflowApi(address["url"], USERNAME, home.password())
        assert api.log_in()
        yield process, api
    finally:
        process.terminate()
        process.wait(60)
