"""The stack of docker-compose.yaml as plain processes, and what tests ask it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import pyarrow as pa
import redis
import s3fs

from compose_processes.stack import Stack, composed_stack
from demo_org.control import Control
from demo_org.world import World
from license_ledger import reader
from license_ledger.schemas import TABLES
from license_ledger.staging.storage import Storage
from local_stack.api import AirflowApi
from local_stack.home import USERNAME
from tests.demo_org_fixtures import world_of
from tests.e2e.conftest import DAG_ID
from tests.e2e.several_machines import POLICY, kill_machine

VARIABLES = {
    "LEDGER_HEARTBEAT_TIMEOUT": "30",
    "LEDGER_PAUSED_AT_CREATION": "false",
    # So that tasks wait in the broker.
    "LEDGER_WORKER_SLOTS": "1",
}
"""What .env of the stack says."""

SETTINGS = {
    # Every object is fetched by a bulk job, and every job is watched by the triggerer.
    "LICENSE_LEDGER_BULK_THRESHOLD": "0",
    "LICENSE_LEDGER_BULK_DEFER_AFTER_SECONDS": "0",
    # Airflow notices within seconds what takes it minutes by default.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "5",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}

PARSERS = ("airflow-dag-processor", "airflow-worker-1", "airflow-worker-2")
"""Instances that read the policy of a deployment."""


@dataclass
class Composed:
    """
    A stack that became healthy.

    Attributes:
        stack: watched.
        seconds: from cold until everything was healthy.
        api: of Airflow, logged in.
        org: the demo org.
        back: seconds from the kill of an instance until everything was healthy again.
    """

    stack: Stack
    seconds: float
    api: AirflowApi
    org: Control
    back: dict[str, float] = field(default_factory=dict)

    def kill(self, name: str) -> None:
        """Kill an instance with all that it has started, and wait until everything is healthy again."""
        starts = self.stack.supervised.watched[name].starts
        self.take_away(name)
        began = time.monotonic()
        self.wait_until(lambda: self.stack.supervised.watched[name].starts > starts, f"another {name}")
        self.stack.supervised.wait_until(self.stack.supervised.is_well, f"health after {name} died", 180)
        self.back[name] = time.monotonic() - began

    def take_away(self, name: str, seconds: float = 0.0) -> None:
        """Kill an instance with all that it has started; another is started after so many seconds."""
        watched = self.stack.supervised.watched[name]
        assert watched.component is not None, f"{name} does not run"
        watched.away = seconds
        kill_machine(psutil.Process(watched.component.process.pid))

    def wait_until(self, ready: Callable[[], Any], what: str, timeout: float = 180) -> Any:
        """Wait for something to become true, and give it."""
        found: list[Any] = []

        def is_ready() -> bool:
            # Whoever is being killed does not answer.
            with suppress(httpx.TransportError, redis.exceptions.RedisError):
                found[:] = [ready()]
                return bool(found[0])
            return False

        self.stack.supervised.wait_until(is_ready, what, timeout)
        return found[0]

    def trigger(self) -> str:
        """Start a run of today."""
        return str(self.api.trigger(DAG_ID, datetime.now(UTC).date().isoformat(), {}))

    def ended(self, run_id: str, timeout: float = 240) -> str:
        """The state of a run once it has ended."""

        def over() -> str | None:
            state = str(self.api.run(DAG_ID, run_id)["state"])
            return state if state in {"success", "failed"} else None

        return str(self.wait_until(over, f"the end of {run_id}", timeout))

    def tasks(self, run_id: str, *states: str) -> list[dict[str, Any]]:
        """The task instances of a run that are in one of the states; all of them without any."""
        found = self.api.task_instances(DAG_ID, run_id)
        return [task for task in found if not states or task["state"] in states]

    def first_run(self) -> str | None:
        """The run that came by itself; None before it is there."""
        runs = self.api._get(f"/api/v2/dags/{DAG_ID}/dagRuns", order_by="id", limit=1)["dag_runs"]
        return str(runs[0]["dag_run_id"]) if runs else None

    def broker(self) -> dict[str, int]:
        """Tasks that the broker holds: those nobody has taken, and those nobody has finished."""
        with redis.Redis.from_url(
            self.stack.supervised.places.text(self.stack.secret("broker_url"))
        ) as client:
            return {"queued": int(client.llen("default")), "unfinished": int(client.hlen("unacked"))}

    @contextmanager
    def suspended(self, *names: str) -> Iterator[None]:
        """Keep the first process of instances from doing anything, for as long as the block lasts."""
        pids = [self.stack.supervised.process(name) for name in names]
        processes = [psutil.Process(pid) for pid in pids if pid is not None]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    @contextmanager
    def held(self, path: str) -> Iterator[None]:
        """Keep the org from answering some of its calls, for as long as the block lasts."""
        self.org.fault("stall", path=path, count=None, after=0.0, seconds=600.0)
        try:
            yield
        finally:
            self.org.no_fault("stall")

    @property
    def connections(self) -> dict[str, dict[str, Any]]:
        """Airflow connections of the stack's own services, as this machine reaches them."""
        text = self.stack.supervised.places.text(self.stack.secret("connections.json"))
        return dict(json.loads(text))

    def published(self, run_id: str) -> reader.Snapshot:
        """What a run published in the bucket."""
        receipt: Any = self.api.result(DAG_ID, run_id, "publish")
        told = self.connections["ledger_storage"]
        files = s3fs.S3FileSystem(
            key=told["login"],
            secret=told["password"],
            endpoint_url=told["extra"]["endpoint_url"],
            use_listings_cache=False,
            skip_instance_cache=True,
        )
        staging = Storage.from_url("s3://license-ledger/staging", filesystem=files)
        return reader.open_snapshot(staging, receipt["org_id"], date.fromisoformat(receipt["snapshot_date"]))

    def warehouse(self) -> Warehouse:
        """The second Postgres, as the ledger's own user sees it."""
        told = self.connections["ledger_warehouse"]
        place = f"{told['login']}:{told['password']}@{told['host']}:{told['port']}/{told['schema']}"
        return Warehouse(f"postgresql://{place}")

    def world(self) -> World:
        """A world like that of the demo org, whose clock stands still."""
        return world_of(self.stack.root / "volumes" / "demo-org", self.org)


@dataclass(frozen=True)
class Warehouse:
    """
    Tables of a Postgres warehouse.

    Attributes:
        url: of the database.
    """

    url: str

    def table(self, name: str) -> pa.Table:
        """All rows of a table."""
        with psycopg.connect(self.url) as connection:
            connection.execute("SET timezone = 'UTC'")
            told = connection.execute(f'SELECT * FROM license_ledger."{name}"')
            assert told.description is not None
            names = [column.name for column in told.description]
            rows = told.fetchall()
        (declared,) = [table for table in TABLES if table.name == name]
        types = {column.name: column.type for column in declared.columns}
        columns = {each: [row[at] for row in rows] for at, each in enumerate(names)}
        return pa.table({each: pa.array(values, types.get(each)) for each, values in columns.items()})


@contextmanager
def composed(root: Path) -> Iterator[Composed]:
    """The stack with its demo org, from cold to healthy."""
    for name in PARSERS:
        policy = root / "services" / name / "airflow" / "config" / "airflow_local_settings.py"
        policy.parent.mkdir(parents=True)
        policy.write_text(POLICY, "utf-8")
    with composed_stack(root, ["demo"], VARIABLES, settings=SETTINGS) as stack:
        seconds = stack.supervised.wait_until(stack.supervised.is_well, "a healthy stack", 300)
        api = AirflowApi(stack.url, USERNAME, stack.secret("admin_password"))
        assert api.log_in()
        yield Composed(stack, seconds, api, Control(f"http://{stack.address('demo-org')}:8080"))


def environments(stack: Stack) -> Mapping[str, str]:
    """What `ps` shows of the stack's processes: environment and command line, by name."""
    found = {}
    for name in stack.supervised.watched:
        pid = stack.supervised.process(name)
        if pid is None:
            continue
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            with suppress(psutil.Error, OSError):
                environ = Path(f"/proc/{process.pid}/environ").read_bytes().decode("utf-8", "replace")
                found[f"{name} {process.pid}"] = environ + "\0".join(process.cmdline())
    assert found, os.name
    return found
