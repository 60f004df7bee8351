"""Why a run failed, in one sentence: the error of the first task that failed, as the ledger words it."""

from __future__ import annotations

from typing import Any

from .api import AirflowApi
from .progress import task_name

RUNBOOK = "docs/runbook.md"


def reason(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """
    Find the reason of a failed run.

    Returns:
        Lines for people: the task, the error, and where the runbook tells more.
    """
    failed = [task for task in api.task_instances(dag_id, run_id) if task["state"] == "failed"]
    if not failed:
        return "no task failed: the run itself was marked as failed"
    first = min(failed, key=lambda task: task["end_date"] or "~")
    return f"{task_name(first)} failed.\n{explain(api, dag_id, run_id, first)}"


def explain(api: AirflowApi, dag_id: str, run_id: str, task: dict[str, Any]) -> str:
    """Why the last try of a task failed, as lines for people."""
    lines = api.log(dag_id, run_id, task["task_id"], task["try_number"], task["map_index"])
    for line in reversed(lines):
        for error in line.get("error_detail") or []:
            return _sentence(str(error["exc_type"]), str(error["exc_value"]))
    errors = [str(line["event"]) for line in lines if line.get("level") in {"error", "critical"}]
    return errors[-1] if errors else "its log says nothing; it may have been killed"


def _sentence(name: str, text: str) -> str:
    return f"{name}: {text}\nMore: {RUNBOOK}#{name.lower()}"
