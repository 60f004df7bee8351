"""Following runs: one line per task and change of state, until every run is over."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .stack import Running, Say
from .tasks import explain, task_name

POLL_SECONDS = 0.4
LONG_SECONDS = 3.0
"""A task that runs for longer gets a line before it is done."""

OVER = {"success", "failed"}
WORDS = {
    "long": "running …",
    "deferred": "waiting for Salesforce …",
    "up_for_retry": "will be tried again",
    "failed": "FAILED",
    "skipped": "skipped",
    "upstream_failed": "not started",
}


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
    _said: set[tuple[str, int, int, str]] = field(default_factory=set)
    _known_titles: dict[str, str] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """What changed since the last call, in the order the tasks were started."""
        found = self.running.api.task_instances(self.dag_id, self.run_id)
        for task in sorted(found, key=lambda task: task["start_date"] or "~"):
            state = _state(task)
            said = (task["task_id"], task["map_index"], task["try_number"], state)
            if said not in self._said and (state == "success" or state in WORDS):
                self._said.add(said)
                yield f"{self.prefix}  {task_name(task, self._titles()):<36} {self._words(task, state)}"

    def state(self) -> str:
        """State of the run."""
        return str(self.running.api.run(self.dag_id, self.run_id)["state"])

    def _titles(self) -> dict[str, str]:
        if not self._known_titles:
            self._known_titles |= self.running.api.task_titles(self.dag_id)
        return self._known_titles

    def _words(self, task: dict[str, Any], state: str) -> str:
        if state == "success":
            return f"{_seconds(task):5.1f} s"
        if state == "up_for_retry":
            error, _ = explain(self.running.api, self.dag_id, self.run_id, task)
            return f"{WORDS[state]}: {error}"
        return WORDS[state]


def follow(followers: list[Follower], say: Say) -> dict[str, str]:
    """
    Follow the runs to their end.

    Returns:
        The final state of each, by DAG id.
    """
    states = dict.fromkeys((follower.dag_id for follower in followers), "queued")
    while not set(states.values()) <= OVER:
        time.sleep(POLL_SECONDS)
        for follower in followers:
            follower.running.check()
            if states[follower.dag_id] not in OVER:
                states[follower.dag_id] = follower.state()
                for line in follower.lines():
                    say(line)
    return states


def _state(task: dict[str, Any]) -> str:
    state = task["state"] or ""
    return "long" if state == "running" and _seconds(task) > LONG_SECONDS else state


def _seconds(task: dict[str, Any]) -> float:
    if task["duration"] is not None:
        return float(task["duration"])
    if task["start_date"] is None:
        return 0.0
    return time.time() - datetime.fromisoformat(task["start_date"]).timestamp()
