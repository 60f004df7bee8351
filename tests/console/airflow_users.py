"""
Make Airflow's tables and the users of the console tests; a process of its own, with the server's environment.

The permissions are those that docs/console.md tells an administrator to give.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

READ_RUNS = [("can_read", "DAGs"), ("can_read", "DAG Runs"), ("can_read", "Plugins"), ("can_read", "Website")]
EMEA = "salesforce_license_snapshot__emea"
ROLES = {
    "LedgerViewer": READ_RUNS,
    "LedgerNamed": READ_RUNS,
    "LedgerEmea": [
        ("can_read", f"DAG:{EMEA}"),
        ("can_read", "DAG Runs"),
        ("can_read", "Plugins"),
        ("can_read", "Website"),
    ],
    "Stranger": [("can_read", "Website")],
}
USERS = {
    "admin": "Admin",
    "viewer": "LedgerViewer",
    "named": "LedgerNamed",
    "emea": "LedgerEmea",
    "stranger": "Stranger",
}


def main() -> None:
    """Make them."""
    from airflow.utils import db

    db.initdb()
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    with get_application_builder() as builder:
        manager: Any = builder.sm
        for name, permissions in ROLES.items():
            role = manager.add_role(name)
            for action, resource in permissions:
                manager.add_permission_to_role(role, manager.create_permission(action, resource))
        for name, role in USERS.items():
            manager.add_user(
                username=name,
                first_name=name,
                last_name="Test",
                email=f"{name}@example.org",
                role=manager.find_role(role),
                password=os.environ["CONSOLE_TEST_PASSWORD"],
            )
    _make_runs()


def _make_runs() -> None:
    """A finished run of each day, as the scheduler would leave it."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="dags-folder"))
        session.flush()
        for dag_id in ("salesforce_license_snapshot", EMEA):
            session.add(DagModel(dag_id=dag_id, bundle_name="dags-folder", fileloc="dag.py", is_stale=False))
            session.flush()
            at = datetime(2026, 11, 24, tzinfo=UTC)
            run = DagRun(
                dag_id=dag_id,
                run_id="scheduled__2026-11-24",
                run_type="scheduled",
                run_after=at,
                queued_at=at,
                start_date=at,
                state="success",
                partition_key="2026-11-24",
            )
            session.add(run)


if __name__ == "__main__":
    main()
