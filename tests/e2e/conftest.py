"""
A real Airflow: scheduler, API server, DAG processor, triggerer, workers, embedded Postgres, demo org.

Everything is started the way a user starts it, by the commands behind ``make run`` and ``make ui``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from demo_org.control import Control  # noqa: E402
from local_stack.api import AirflowApi  # noqa: E402
from local_stack.home import USERNAME, Home  # noqa: E402

DAG_ID = "salesforce_license_snapshot"


@dataclass
class Finished:
    """A command that ran to its end."""

    status: int
    output: str
    seconds: float
    command_lines: set[str] = field(default_factory=set)


def environment(home: Home, **settings: str) -> dict[str, str]:
    """The environment of a user who has configured nothing else."""
    inherited = {
        k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "_AIRFLOW", "LICENSE_LEDGER"))
    }
    return inherited | {"LICENSE_LEDGER_HOME": str(home.root)} | settings


def make_run(home: Home, *arguments: str, **settings: str) -> Finished:
    """Run the command behind ``make run``; meanwhile note the command line of every process there is."""
    began, seen, over = time.monotonic(), set[str](), threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            for process in psutil.process_iter(["cmdline"]):
                seen.add(" ".join(process.info["cmdline"] or []))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        done = subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "run.py"), *arguments],
            env=environment(home, **settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        over.set()
        watcher.join()
    return Finished(done.returncode, done.stdout, time.monotonic() - began, seen)


@dataclass
class RunningUi:
    """The command behind ``make ui``, up."""

    home: Home
    process: subprocess.Popen[str]
    api: AirflowApi
    org: Control

    def wait_for_run(self, run_id: str, timeout: float = 120) -> dict[str, Any]:
        """Wait for the end of a run."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = self.api.run(DAG_ID, run_id)
            if found["state"] in {"success", "failed"}:
                return found
            time.sleep(0.3)
        raise AssertionError(f"run {run_id} did not end")

    def tasks(self, run_id: str) -> dict[tuple[str, int], dict[str, Any]]:
        """The task instances of a run by task id and map index."""
        return {(t["task_id"], t["map_index"]): t for t in self.api.task_instances(DAG_ID, run_id)}

    def call(self, method: str, path: str, **body: Any) -> Any:
        """Call Airflow's REST API; the answer must be a success."""
        answer = self.api._client.request(method, path, json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


def start_ui(home: Home, *arguments: str, **settings: str) -> RunningUi:
    """Start the command behind ``make ui`` and wait until it says that it is up."""
    log = home.root / "ui.txt"
    with log.open("w") as sink:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "scripts" / "ui.py"), *arguments],
            env=environment(home, **settings),
            stdout=sink,
            stderr=subprocess.STDOUT,
            text=True,
        )
    deadline = time.monotonic() + 180
    while "Ctrl-C" not in log.read_text("utf-8"):
        assert process.poll() is None, log.read_text("utf-8")
        assert time.monotonic() < deadline, log.read_text("utf-8")
        time.sleep(0.1)
    address = json.loads((home.state / "stack.json").read_text("utf-8"))
    api = AirflowApi(address["url"], USERNAME, home.password())
    assert api.log_in()
    said = home.log("demo-org").read_text("utf-8").splitlines()
    org = json.loads(next(line for line in said if line.startswith("{")))
    return RunningUi(home, process, api, Control(org["http_url"]))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The home of one local stack, used by all tests of a file one after the other."""
    return Home(tmp_path_factory.mktemp("ledger-home")).prepared()


@pytest.fixture(scope="module")
def first_run(home: Home) -> Finished:
    """The first ``make run`` in that home: nothing is there yet."""
    return make_run(home)


@pytest.fixture(scope="module")
def ui(home: Home, first_run: Finished) -> Iterator[RunningUi]:
    """``make ui`` on the state of the first run; every large object goes through a bulk job."""
    running = start_ui(home, LICENSE_LEDGER_BULK_THRESHOLD="0", LICENSE_LEDGER_BULK_DEFER_AFTER_SECONDS="4")
    yield running
    running.process.terminate()
    running.process.wait(60)
