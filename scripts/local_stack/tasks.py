"""Task instances as people read them: their name, and why they failed, as the ledger words it."""

from __future__ import annotations

from typing import Any

from .api import AirflowApi

RUNBOOK = "docs/runbook.md"

SKIPPING = ("choose_source", "inspect_org", "transform", "publish")
"""Tasks that can find that nothing is to be made of a day."""


def task_name(task: dict[str, Any], titles: dict[str, str]) -> str:
    """
    Name a task instance.

    Args:
        task: as Airflow's API gives it.
        titles: display name by task id; a mapped instance has none of its own until it has run.

    Returns:
        The title, and what the instance is mapped over.
    """
    name = titles.get(task["task_id"], task["task_id"])
    mapped = task["rendered_map_index"] or ""
    return f"{name}: {mapped}" if mapped and not mapped.isdigit() else name


def reason(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """
    Find the reason of a failed run: the error of the first task that failed.

    Returns:
        Lines for people: the task, the error, and where the runbook tells more.
    """
    failed = [task for task in api.task_instances(dag_id, run_id) if task["state"] == "failed"]
    if not failed:
        return "no task failed: the run itself was marked as failed"
    first = min(failed, key=lambda task: task["end_date"] or "~")
    error, heading = explain(api, dag_id, run_id, first)
    more = f"\nMore: {RUNBOOK}#{heading}" if heading else ""
    return f"{task_name(first, api.task_titles(dag_id))} failed.\n{error}{more}"


def skipped(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Why a run that ended well made nothing of its day; empty when it made a snapshot."""
    reasons = [api.result(dag_id, run_id, task, "skipped") for task in SKIPPING]
    return next((f"Skipped.\n{reason}" for reason in reasons if reason), "")


def explain(api: AirflowApi, dag_id: str, run_id: str, task: dict[str, Any]) -> tuple[str, str]:
    """
    Find out why a try of a task failed.

    Returns:
        The error in one line, and its heading in the runbook; empty for what is no error of the ledger.
    """
    lines = api.log(dag_id, run_id, task["task_id"], task["try_number"], task["map_index"])
    for line in reversed(lines):
        for error in line.get("error_detail") or []:
            name, text = str(error["exc_type"]), str(error["exc_value"])
            return f"{name}: {text}", name.lower() if _is_ours(name) else ""
    errors = [str(line["event"]) for line in lines if line.get("level") in {"error", "critical"}]
    return (errors[-1] if errors else "its log says nothing; the task may have been killed"), ""


def _is_ours(name: str) -> bool:
    from license_ledger import errors

    return name in errors.__all__
