"""Fixtures of the console's tests: the published data, the API server and the browser, each made once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.console.airflow_server import AirflowServer, airflow_server
from tests.console.two_orgs import Orgs, two_orgs


@pytest.fixture(scope="session")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orgs]:
    """Two demo orgs and what was published of them."""
    with two_orgs(tmp_path_factory.mktemp("console")) as made:
        yield made


@pytest.fixture(scope="session")
def server(orgs: Orgs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowServer]:
    """A real API server that serves the console over it."""
    with airflow_server(tmp_path_factory.mktemp("airflow"), orgs.environment()) as running:
        yield running
