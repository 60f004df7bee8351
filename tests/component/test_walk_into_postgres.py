"""The whole walk, and the replay, with a Postgres database as warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from license_ledger import pipeline
from license_ledger.__main__ import main
from license_ledger.errors import ConfigError, WarehouseUnavailable
from license_ledger.warehouse.duckdb import load_all, open_readonly
from license_ledger.warehouse.statements import VIEWS
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.pg import Server, asked, running
from tests.walk import Walk, noon


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests of this file."""
    with running() as one:
        yield one


def test_a_run_ends_in_postgres_with_what_a_file_would_have(
    demo_org: RunningOrg, server: Server, tmp_path: Path
) -> None:
    """Every view has as many rows as over the same snapshot in a DuckDB file; a second load does nothing."""
    url = server.url(server.database())
    walk = Walk(demo_org.connection(), tmp_path, noon(TODAY), values={"warehouse": url})
    snapshot = walk.run(["acme.com", "acme.de"])
    receipt = pipeline.load_warehouse(replace(walk.context(), org_id=snapshot.org_id))
    load_all(tmp_path / "w.duckdb", [snapshot])

    assert receipt["loaded"] is False
    assert receipt["warehouse"].startswith("postgresql://")
    with open_readonly(tmp_path / "w.duckdb") as connection:
        for view in VIEWS:
            counted = f"SELECT count(*) FROM {view}"
            assert asked(url, counted) == connection.execute(counted).fetchall(), view


def test_a_server_that_is_not_reached_ends_the_run_at_its_beginning(
    demo_org: RunningOrg, tmp_path: Path
) -> None:
    """Nothing is asked of Salesforce, nothing is written, and Airflow will try again."""
    url = f"postgresql://ledger:s3cret@/x?host={tmp_path}"  # pragma: allowlist secret
    walk = Walk(demo_org.connection(), tmp_path / "ledger", noon(TODAY), values={"warehouse": url})
    demo_org.control.clear_requests()

    with pytest.raises(WarehouseUnavailable) as caught:
        walk.run()

    assert "s3cret" not in str(caught.value)
    assert demo_org.control.requests() == []
    assert [path for path in (tmp_path / "ledger").rglob("*") if path.is_file()] == []


def test_a_database_that_is_not_there_ends_the_run_for_good(
    demo_org: RunningOrg, server: Server, tmp_path: Path
) -> None:
    """It is permanent: no retry would help."""
    walk = Walk(demo_org.connection(), tmp_path, noon(TODAY), values={"warehouse": server.url("nowhere")})

    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        walk.run()


def test_days_are_replayed_into_postgres(
    demo_org: RunningOrg, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command makes the day anew under another filter and loads it; in an empty warehouse as well."""
    url = server.url(server.database())
    walk = Walk(demo_org.connection(), tmp_path, noon(TODAY), values={"warehouse": url})
    walk.run(["acme.com"])
    [(before,)] = asked(url, "SELECT count(*) FROM users")
    again = server.database()
    monkeypatch.setenv("LICENSE_LEDGER_STAGING", walk.settings.staging)
    monkeypatch.setenv("LICENSE_LEDGER_WAREHOUSE", server.url(again, schema="again"))

    assert main(["replay", "--to", TODAY.isoformat(), "--company", "*", "--jobs", "1"]) == 0

    [(after,)] = asked(server.url(again), "SELECT count(*) FROM again.users")
    assert after > before
