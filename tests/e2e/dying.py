"""Services of a running Airflow that are killed and started again, and what they were doing meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import psutil

from tests.e2e.conftest import DAG_ID, RunningUi
from tests.e2e.several_machines import POLICY, kill_machine

SETTINGS = {
    "LICENSE_LEDGER_BULK_THRESHOLD": "0",
    "LICENSE_LEDGER_BULK_DEFER_AFTER_SECONDS": "0",
    # Airflow notices within seconds what takes it minutes by default.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "5",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
"""Every job is long enough to be watched by the triggerer."""

HEARTS = {
    "scheduler": ("scheduler", "latest_scheduler_heartbeat"),
    "triggerer": ("triggerer", "latest_triggerer_heartbeat"),
    "dag-processor": ("dag_processor", "latest_dag_processor_heartbeat"),
}
"""Where Airflow tells that a service lives."""


class Dying:
    """
    The services of an Airflow that has a supervisor.

    Args:
        ui: the command behind ``make ui --restart``.
    """

    def __init__(self, ui: RunningUi) -> None:
        self.ui = ui

    def service(self, name: str) -> psutil.Process | None:
        """The process of a service; None while there is none."""
        if name == "postgres":
            with suppress(psutil.Error, OSError, ValueError):
                lines = (self.ui.home.database / "postmaster.pid").read_text("utf-8").splitlines()
                return psutil.Process(int(lines[0]))
            return None
        for child in psutil.Process(self.ui.process.pid).children():
            with suppress(psutil.Error):
                if name in " ".join(child.cmdline()).replace("_", "-") and child.status() != "zombie":
                    return child
        return None

    def kill(self, name: str) -> None:
        """Kill a service with all that it has started, and wait until another is at work."""
        was = self.service(name)
        assert was is not None, f"{name} does not run"
        before = self.health()
        kill_machine(was)
        self.wait_until(lambda: self._is_back(name, was, before), f"another {name}")

    def health(self) -> dict[str, Any]:
        """What Airflow says of its services; nothing when it says nothing."""
        with suppress(httpx.TransportError, AssertionError):
            return dict(self.ui.call("GET", "/api/v2/monitor/health"))
        return {}

    def _is_back(self, name: str, was: psutil.Process, before: dict[str, Any]) -> bool:
        now, health = self.service(name), self.health()
        if now is None or now == was or (health.get("metadatabase") or {}).get("status") != "healthy":
            return False
        if name not in HEARTS:
            return True
        part, beat = HEARTS[name]
        told = (health.get(part) or {}).get(beat)
        return bool(told and told > (before.get(part) or {}).get(beat, ""))

    def wait_until(self, ready: Callable[[], Any], what: str, timeout: float = 300) -> Any:
        """Wait for something to become true, and give it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            assert self.ui.process.poll() is None, (self.ui.home.root / "ui.txt").read_text("utf-8")
            with suppress(httpx.TransportError, psutil.Error, AssertionError):
                if found := ready():
                    return found
            time.sleep(0.2)
        raise AssertionError(f"{what} did not come")

    def tasks(self, run_id: str, task_id: str, *states: str) -> list[dict[str, Any]]:
        """The instances of a task that are in one of the states."""
        found = self.ui.tasks(run_id)
        return [task for (name, _), task in found.items() if name == task_id and task["state"] in states]

    def kill_worker(self, run_id: str, task_id: str) -> dict[str, Any]:
        """Kill the process in which a task runs, as an out-of-memory killer would; gives the task."""

        def killed() -> dict[str, Any] | None:
            for task in self.tasks(run_id, task_id, "running"):
                for process in psutil.process_iter(["cmdline"]):
                    if " ".join(process.info["cmdline"] or []).strip() == f"airflow worker -- {task['id']}":
                        process.kill()
                        return task
            return None

        return dict(self.wait_until(killed, f"a process of {task_id}"))

    def ended(self, run_id: str) -> str:
        """The state of a run once it has ended."""

        def over() -> str | None:
            state = str(self.ui.api.run(DAG_ID, run_id)["state"])
            return state if state in {"success", "failed"} else None

        return str(self.wait_until(over, f"the end of {run_id}", 600))

    def jobs_started(self) -> int:
        """How many bulk jobs the org was asked to start since its list of calls was cleared."""
        calls = self.ui.org.requests()
        return sum(call["method"] == "POST" and call["path"].endswith("/jobs/query") for call in calls)

    @contextmanager
    def held(self, path: str) -> Iterator[None]:
        """Keep the org from answering some of its calls, for as long as the block lasts."""
        self.ui.org.fault("stall", path=path, count=None, after=0.0, seconds=600.0)
        try:
            yield
        finally:
            self.ui.org.no_fault("stall")


def retries_are_quick(ui_home: Any) -> None:
    """Have tasks tried again after a second."""
    policy = ui_home.airflow_home / "config" / "airflow_local_settings.py"
    policy.parent.mkdir(exist_ok=True)
    policy.write_text(POLICY, "utf-8")
