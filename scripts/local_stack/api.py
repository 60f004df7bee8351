"""The few calls of Airflow's REST API that the local stack needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx

from .processes import StackFailed

PAGE = 100


class AirflowApi:
    """
    A logged-in client of one Airflow.

    Args:
        url: address of the API server.
        username: of the simple auth manager.
        password: of that user.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        self._login = {"username": username, "password": password}
        self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def log_in(self) -> bool:
        """Get the token that the other calls need; False while the server does not answer or admit us."""
        try:
            answer = self._client.post("/auth/token", json=self._login)
        except httpx.TransportError:
            return False
        if answer.is_success:
            self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer.is_success

    def health(self) -> dict[str, str | None]:
        """Status by component: ``healthy``, ``unhealthy`` or null when it was never there."""
        found = self._get("/api/v2/monitor/health")
        return {name: part["status"] for name, part in found.items() if part}

    def dag(self, dag_id: str) -> dict[str, Any] | None:
        """The DAG as Airflow knows it; None when it does not (yet)."""
        return self._find(f"/api/v2/dags/{dag_id}")

    def import_errors(self) -> list[str]:
        """What went wrong in DAG files, as ``file: last line``."""
        return [
            f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}"
            for error in self._get("/api/v2/importErrors")["import_errors"]
        ]

    def unpause(self, dag_id: str) -> None:
        """Let the DAG's runs start."""
        self._change("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, partition_key: str, conf: dict[str, Any]) -> str:
        """Start a run for a partition; returns the run id."""
        body = {"logical_date": None, "partition_key": partition_key, "conf": conf}
        return str(self._change("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run as Airflow knows it."""
        return self._get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")

    def unfinished_runs(self, dag_id: str) -> list[str]:
        """Ids of runs that are queued or running."""
        found = self._get(f"/api/v2/dags/{dag_id}/dagRuns", state=["queued", "running"], limit=PAGE)
        return [run["dag_run_id"] for run in found["dag_runs"]]

    def give_up(self, dag_id: str, run_id: str, note: str) -> None:
        """Mark a run as failed, which ends its tasks, and say why on it."""
        self._change("PATCH", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}", {"state": "failed", "note": note})

    def task_instances(self, dag_id: str, run_id: str) -> Iterator[dict[str, Any]]:
        """Every task instance of a run, mapped ones one by one."""
        offset, total = 0, 1
        while offset < total:
            path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
            page = self._get(path, limit=PAGE, offset=offset)
            yield from page["task_instances"]
            offset, total = offset + PAGE, page["total_entries"]

    def task_titles(self, dag_id: str) -> dict[str, str]:
        """Display name by task id."""
        tasks = self._get(f"/api/v2/dags/{dag_id}/tasks")["tasks"]
        return {task["task_id"]: task["task_display_name"] or task["task_id"] for task in tasks}

    def result(self, dag_id: str, run_id: str, task_id: str, key: str = "return_value") -> object:
        """What a task returned, or left under another key; None when it left nothing."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}"
        found = self._find(path)
        return found["value"] if found else None

    def log(
        self, dag_id: str, run_id: str, task_id: str, attempt: int, map_index: int
    ) -> list[dict[str, Any]]:
        """The lines of a task's log as Airflow keeps them; empty when there is none."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}"
        found = self._find(path, map_index=map_index, full_content=True)
        lines = found["content"] if found else []
        return [line for line in lines if isinstance(line, dict)]

    def connection(self, conn_id: str) -> dict[str, Any] | None:
        """A connection of the metadata database, its secrets masked; None when there is none."""
        return self._find(f"/api/v2/connections/{conn_id}")

    def put_connection(self, connection: dict[str, Any]) -> None:
        """Create a connection, or replace it."""
        path = f"/api/v2/connections/{connection['connection_id']}"
        known = self.connection(connection["connection_id"]) is not None
        method, path = ("PATCH", path) if known else ("POST", "/api/v2/connections")
        answer = self._client.request(method, path, json=connection)
        if not answer.is_success:  # its body may repeat what was sent
            raise StackFailed(f"Airflow answered {answer.status_code} to {method} {path}")

    def forget_connection(self, conn_id: str) -> None:
        """Delete a connection of the metadata database; harmless when there is none."""
        self._forget(f"/api/v2/connections/{conn_id}")

    def make_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool; one that is there stays as it is."""
        if self._find(f"/api/v2/pools/{name}") is None:
            body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
            self._change("POST", "/api/v2/pools", body)

    def forget_variable(self, key: str) -> None:
        """Delete a variable; harmless when there is none."""
        self._forget(f"/api/v2/variables/{key}")

    def _forget(self, path: str) -> None:
        answer = self._client.delete(path)
        if answer.status_code != httpx.codes.NOT_FOUND:
            self._checked(answer)

    def _get(self, path: str, **params: Any) -> dict[str, Any]:
        return self._checked(self._client.get(path, params=params))

    def _find(self, path: str, **params: Any) -> dict[str, Any] | None:
        answer = self._client.get(path, params=params)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._checked(answer)

    def _change(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._checked(self._client.request(method, path, json=body))

    @staticmethod
    def _checked(answer: httpx.Response) -> dict[str, Any]:
        if answer.is_success:
            found: dict[str, Any] = answer.json() if answer.content else {}
            return found
        call = f"{answer.request.method} {answer.request.url.path}"
        raise StackFailed(f"Airflow answered {answer.status_code} to {call}: {_detail(answer)}")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
