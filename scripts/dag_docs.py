"""
`docs/dags.md`, written from the DAG itself: its documentation, its tasks, its form and its assets.

Called by ``scripts/generate_docs.py``.
"""

from __future__ import annotations

import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DAG_ID = "salesforce_license_snapshot"


def dags_markdown() -> str:
    """
    Write the page.

    Returns:
        Markdown, the same for the same DAG file whatever the machine, the day and the configuration.

    Raises:
        ImportError: Airflow cannot import the DAG file.
    """
    dag = _parsed()
    parts = [
        "# DAGs",
        "Written by `make docs` from `dags/salesforce_license_snapshot.py`; do not edit.",
        f"One DAG per connection in `LICENSE_LEDGER_ORGS`: `{DAG_ID}` for the default connection "
        f"`salesforce_default`, `{DAG_ID}__<connection id>` for every other.",
        f"## `{DAG_ID}`",
        str(dag.doc_md).strip(),
        "### Schedule",
        "Every midnight, UTC. The day is the partition key (`YYYY-MM-DD`) of the run and of the asset events "
        f"it emits. No catch-up; at most {dag.max_active_runs} runs at the same time; the DAG is tagged "
        f"{_list(sorted(dag.tags))}.",
        "### Params",
        _table(("param", "meaning", "default"), [_param(name, param) for name, param in dag.params.items()]),
        "### Tasks",
        "Every task is tried again after 1, 2 and 4 minutes (more or less), when its error may pass: a "
        "`TransientError`, or one that is not of the ledger. `PermanentError` and `DataError` fail at once.",
        _table(
            ("task", "title", "what it does", "time limit"),
            [_task(task) for task in dag.topological_sort()],
        ),
        "### Assets",
        "Emitted by `load_warehouse`; the extra of an event is `rows`, `org_id`, `snapshot_id` and other "
        "plain values of its receipt. Events carry a partition key, so consumers need "
        "`PartitionedAssetTimetable`: a plain asset schedule never fires on them.",
        _table(("asset", "URI"), [_asset(asset) for asset in dag.get_task("load_warehouse").outlets]),
    ]
    return "\n\n".join(parts) + "\n"


def _parsed() -> Any:
    """The default org's DAG, parsed by an Airflow with an empty home."""
    with tempfile.TemporaryDirectory(prefix="dag-docs-") as home:
        os.environ.setdefault("AIRFLOW_HOME", home)
        os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"
        from airflow.dag_processing.dagbag import BundleDagBag

        chosen = os.environ.pop("LICENSE_LEDGER_ORGS", None)
        try:
            bag = BundleDagBag(dag_folder=ROOT / "dags", bundle_path=ROOT / "dags", bundle_name="dags-folder")
        finally:
            if chosen is not None:
                os.environ["LICENSE_LEDGER_ORGS"] = chosen
    if bag.import_errors:
        raise ImportError("; ".join(bag.import_errors.values()))
    return bag.dags[DAG_ID]


def _param(name: str, param: Any) -> tuple[str, ...]:
    schema = param.schema
    default = "as configured" if param.value is None else f"`{param.value}`"
    return f"`{name}`", f"**{schema['title']}**: {schema['description_md']}", default


def _task(task: Any) -> tuple[str, ...]:
    summary = " ".join(str(task.doc_md).split("Args:")[0].split())
    name = f"`{task.task_id}`" + (" (mapped)" if task.is_mapped else "")
    return name, task.task_display_name, summary, _span(task.execution_timeout)


def _asset(asset: Any) -> tuple[str, ...]:
    return f"`{asset.name}`", f"`{asset.uri}`"


def _span(limit: timedelta) -> str:
    minutes = int(limit.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _list(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    print(dags_markdown())
