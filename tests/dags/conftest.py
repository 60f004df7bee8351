"""
An Airflow of the tests' own: its configuration is set before the first import of Airflow.

Nothing here starts a component; ``tests/e2e`` does.
"""

from __future__ import annotations

import atexit
import base64
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

ROOT = Path(__file__).parents[2]
HOME = Path(tempfile.mkdtemp(prefix="ledger-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
FERNET_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()

os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__FERNET_KEY": FERNET_KEY,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "for the tests only " * 4,
    }
)
os.environ.pop("LICENSE_LEDGER_ORGS", None)

if TYPE_CHECKING:
    from tests.demo_org_fixtures import RunningOrg

UseConnection = Callable[..., str]


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Airflow's tables, in a SQLite file of this session."""
    from airflow.utils import db

    db.initdb()


@pytest.fixture
def variables(airflow_database: None) -> Iterator[Any]:
    """Airflow's stored Variables, none of which outlives the test; the process counts as an API server."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
        yield Variable
    with create_session() as session:
        session.execute(delete(Variable))


@pytest.fixture
def use_connection(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> UseConnection:
    """
    Configure an Airflow connection through the environment, as a user would.

    The function takes the demo org, the connection id, and extras to add or, with None, to leave out. Staging
    is the test's own directory.
    """
    monkeypatch.setenv("LICENSE_LEDGER_STAGING", (tmp_path / "staging").as_uri())
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")

    def use(
        org: RunningOrg, connection_id: str = "salesforce_default", login: Any = None, **extras: Any
    ) -> str:
        connection = org.connection()
        merged = {**connection["extra"], **extras}
        connection["extra"] = {name: value for name, value in merged.items() if value is not None}
        connection |= login or {}
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection_id.upper()}", json.dumps(connection))
        return connection_id

    return use
