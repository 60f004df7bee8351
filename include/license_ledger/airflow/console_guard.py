"""
Who may see what in the console. Airflow's own login and permissions decide; nothing is kept here.

- Nobody: 401. Whoever may not read the runs of any of our DAGs: 403.
- An org is seen by those who may read the runs of a DAG whose connection led to it. An org that no
  configured connection is known to lead to is seen by those who may read the runs of all of them.
- Names are seen by those with the permission to read the resource :data:`NAMES`. Airflow's simple auth
  manager has roles and no permissions: there, roles from `op` upward see them.
"""

from __future__ import annotations

import time
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager
from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from license_ledger.airflow.dates import snapshot_date
from license_ledger.airflow.orgs import configured_orgs, dag_id
from license_ledger.airflow.storage import open_storage
from license_ledger.console.viewer import Run, Viewer
from license_ledger.errors import SnapshotRefused
from license_ledger.settings import load_settings
from license_ledger.staging.orgs import last_known_org

if TYPE_CHECKING:
    from airflow.api_fastapi.auth.managers.models.base_user import BaseUser

NAMES = "License Ledger names"
"""The resource whose `can_read` lets somebody see who people are."""
RUNS_LISTED = 10
REMEMBERED_SECONDS = 30.0


class _Orgs:
    """Which org each configured connection led to last, looked up again twice a minute."""

    def __init__(self) -> None:
        self._lock, self._until = Lock(), 0.0
        self._found: dict[str, str] = {}

    def by_connection(self) -> dict[str, str]:
        """Org id by connection id; empty for a connection that was never used."""
        with self._lock:
            if time.monotonic() >= self._until:
                landing = open_storage(load_settings().landing_url)
                self._found = {name: last_known_org(landing, name) for name in configured_orgs()}
                self._until = time.monotonic() + REMEMBERED_SECONDS
            return self._found


_orgs = _Orgs()


def guard(user: GetUserDep) -> Viewer:
    """
    Find out what a user may see.

    Raises:
        HTTPException: 401 from Airflow for nobody, 403 for somebody who may see nothing.
    """
    allowed = frozenset(name for name in configured_orgs() if _may_read_runs(user, dag_id(name)))
    if not allowed:
        raise HTTPException(403, "Forbidden")
    led_to = _orgs.by_connection()
    seen = {led_to[name] for name in allowed if led_to.get(name)}
    foreign = {org for name, org in led_to.items() if org and name not in allowed}
    sees_all = len(allowed) == len(configured_orgs())

    def may_see(org_id: str) -> bool:
        return org_id in seen or (sees_all and org_id not in foreign)

    def runs(org_id: str) -> list[Run]:
        names = [name for name in allowed if led_to.get(name) == org_id]
        return _last_runs({dag_id(name): org_id for name in names})

    def run(dag: str, run_id: str) -> Run | None:
        name = next((name for name in allowed if dag_id(name) == dag), None)
        return None if name is None else _one_run(dag, run_id, led_to.get(name, ""))

    return Viewer(may_see, _sees_names(user), runs, run)


def offer_names() -> None:
    """
    See to it that an administrator can give the permission for names.

    Airflow's role-based auth manager gives away only what is in its tables. Others have lists of their own.
    """
    manager = get_auth_manager()
    if type(manager).__name__ != "FabAuthManager":
        return
    from airflow.providers.fab.auth_manager.models import Action, Permission, Resource

    with suppress(IntegrityError), create_session(scoped=False) as session:
        action = session.scalars(select(Action).filter_by(name="can_read")).one()
        resource = session.scalars(select(Resource).filter_by(name=NAMES)).first()
        if resource is None:  # else somebody has been here
            resource = Resource(name=NAMES)
            session.add(resource)
            session.flush()
            session.add(Permission(action_id=action.id, resource_id=resource.id))


def _may_read_runs(user: BaseUser, dag: str) -> bool:
    details = DagDetails(id=dag, team_name=DagModel.get_team_name(dag))
    return get_auth_manager().is_authorized_dag(
        method="GET", access_entity=DagAccessEntity.RUN, details=details, user=user
    )


def _sees_names(user: BaseUser) -> bool:
    manager = get_auth_manager()
    if isinstance(manager, SimpleAuthManager) and isinstance(user, SimpleAuthManagerUser):
        return manager.is_authorized_connection(method="GET", user=user)
    return manager.is_authorized_custom_view(method="GET", resource_name=NAMES, user=user)


def _last_runs(orgs: dict[str, str]) -> list[Run]:
    statement = (
        select(DagRun).where(DagRun.dag_id.in_(orgs)).order_by(DagRun.run_after.desc()).limit(RUNS_LISTED)
    )
    with create_session(scoped=False) as session:
        return [_run(found, orgs[found.dag_id]) for found in session.scalars(statement)]


def _one_run(dag: str, run_id: str, org_id: str) -> Run | None:
    statement = select(DagRun).where(DagRun.dag_id == dag, DagRun.run_id == run_id)
    with create_session(scoped=False) as session:
        found = session.scalars(statement).first()
        return None if found is None else _run(found, org_id)


def _run(found: DagRun, org_id: str) -> Run:
    try:
        conf = found.conf if isinstance(found.conf, dict) else {}
        day = snapshot_date(found, conf.get("snapshot_date"))
    except SnapshotRefused:
        day = None
    return Run(
        found.dag_id,
        found.run_id,
        org_id,
        day,
        str(found.state),
        str(found.run_type),
        found.start_date,
        found.end_date,
    )
