"""Following runs: one line per task and change of state, until every run is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .stack import Running, Say

POLL_SECONDS = 0.5
WORTH_SAYING = {"deferred", "up_for_retry", "success", "failed", "skipped", "upstream_failed"}
WORDS = {
    "success": "done",
    "failed": "FAILED",
    "running": "running …",
    "deferred": "waiting for Salesforce …",
    "up_for_retry": "will be tried again",
    "upstream_failed": "not started",
}
LONG_SECONDS = 3.0
"""A task that runs for longer gets a line before it is done."""


@dataclass
class Follower:
    """
    Follows one run.

    Attributes:
        running: the stack.
        dag_id: of the run.
        run_id: of the run.
        prefix: put before every line, to tell several runs apart.
    """

    running: Running
    dag_id: str
    run_id: str
    prefix: str = ""
    _said: dict[tuple[str, int, int], str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What changed since the last call."""
        for task in sorted(self.tasks(), key=lambda found: found["start_date"] or "~"):
            key = (task["task_id"], task["map_index"], task["try_number"])
            state = task["state"] or ""
            if state == "running" and _seconds(task) > LONG_SECONDS:
                state = "running …"
            elif state not in WORTH_SAYING:
                continue
            if self._said.get(key) != state:
                self._said[key] = state
                yield f"{self.prefix}  {task_name(task):<34} {_words(task, state)}"

    def tasks(self) -> list[dict[str, Any]]:
        """The run's task instances. A mapped task counts only once it is expanded."""
        return list(self.running.api.task_instances(self.dag_id, self.run_id))

    def state(self) -> str:
        """State of the run."""
        return str(self.running.api.run(self.dag_id, self.run_id)["state"])


def follow(followers: list[Follower], say: Say) -> dict[str, str]:
    """
    Follow the runs to their end.

    Returns:
        The final state of each, by DAG id.
    """
    states = {follower.dag_id: "queued" for follower in followers}
    while True:
        for follower in followers:
            follower.running.check()
            if states[follower.dag_id] not in {"success", "failed"}:
                states[follower.dag_id] = follower.state()
                for line in follower.lines():
                    say(line)
        if set(states.values()) <= {"success", "failed"}:
            return states
        time.sleep(POLL_SECONDS)


def task_name(task: dict[str, Any]) -> str:
    """A task instance as people read it: its display name, and what it is mapped over."""
    name = str(task["task_display_name"] or task["task_id"])
    mapped = task["rendered_map_index"]
    return f"{name}: {mapped}" if mapped else name


def _words(task: dict[str, Any], state: str) -> str:
    words = WORDS.get(state, state)
    return f"{words} {_seconds(task):>6.1f} s" if state == "success" else words


def _seconds(task: dict[str, Any]) -> float:
    if task["duration"] is not None:
        return float(task["duration"])
    if task["start_date"] is None:
        return 0.0
    return time.time() - datetime.fromisoformat(task["start_date"]).timestamp()
