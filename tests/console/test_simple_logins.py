"""The same guard under Airflow's simple auth manager, which has roles and no permissions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.airflow_server import AirflowServer, simple_server
from tests.console.two_orgs import Orgs


@pytest.fixture(scope="module")
def simple(orgs: Orgs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowServer]:
    """An API server with the simple auth manager."""
    with simple_server(tmp_path_factory.mktemp("simple"), orgs.environment()) as running:
        yield running


@pytest.mark.parametrize(
    ("user", "status", "sees_names"),
    [
        (None, 401, False),
        ("nora", 403, False),
        ("vic", 200, False),
        ("uwe", 200, False),
        ("olga", 200, True),
        ("admin", 200, True),
    ],
)
def test_roles_decide(
    simple: AirflowServer, orgs: Orgs, user: str | None, status: int, sees_names: bool
) -> None:
    """Without a login 401, without a role 403; viewers see the pages, and names from the role op upward."""
    client = simple.client(user)
    for route in ("position", "reclaim", "reclaim.csv", "mismatch?cause=in_scope", "nothing"):
        mark = "&" if "?" in route else "?"
        answer = client.get(f"/{route}{mark}org={orgs.org_id}")
        assert answer.status_code == (404 if route == "nothing" and status == 200 else status)
        if route.startswith("reclaim"):
            assert ("jonas.weber@acme.com" in answer.text) == sees_names
