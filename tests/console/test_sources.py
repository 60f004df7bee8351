"""The console says the same whatever holds the data: the DuckDB file, Postgres, or the published Parquet."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from license_ledger import reader
from license_ledger.console.app import create_app
from license_ledger.console.viewer import Viewer
from license_ledger.errors import ConfigError, LedgerError
from license_ledger.questions import NothingYet, Source, open_source
from license_ledger.questions.published import is_of, published_files
from license_ledger.staging.layout import Day
from license_ledger.staging.storage import Storage
from tests import pg
from tests.console.two_orgs import RECONSTRUCTED, RESCOPED, TODAY, Orgs

ROUTES = (
    *(
        "position",
        "mismatch?cause=in_scope",
        "mismatch?cause=deactivated_holder",
        "reclaim",
        "people",
        "trust",
    ),
    *("reclaim?sort=name&dir=desc&layer=permission_set", "reclaim?q=weber&waste=deactivated&state=Ready"),
    *("people?tab=contractors", "people?tab=domains", "history", "history?span=30&kind=rescoped_in"),
    *("reclaim.csv", "people.csv", "history.csv", "mismatch.csv?cause=in_scope"),
)


def _client(source: Source) -> TestClient:
    return TestClient(create_app(lambda: source, lambda: Viewer(lambda org: True, sees_names=True)))


@pytest.fixture(scope="module")
def postgres(orgs: Orgs) -> Iterator[str]:
    """The URL of a Postgres warehouse with the same days."""
    with pg.running() as server:
        database = server.database()
        found = reader.snapshots(orgs.staging).to_pylist()
        days = [reader.open_snapshot(orgs.staging, row["org_id"], row["snapshot_date"]) for row in found]
        server.warehouse(database).load_all(days)
        yield server.url(database)


@pytest.fixture(scope="module")
def embedded(orgs: Orgs) -> TestClient:
    """The console over the DuckDB file."""
    return _client(open_source(f"duckdb:///{orgs.warehouse}", lambda: orgs.staging))


def _comparable(text: str) -> str:
    """How old the newest snapshot is depends on the moment."""
    return re.sub(r"\d+ hours ago|\d+ days old", "", text)


@pytest.mark.parametrize("day", [RESCOPED, RECONSTRUCTED])
@pytest.mark.parametrize("where", ["", "postgres"])
def test_every_source_gives_the_same_pages(
    where: str, day: date, orgs: Orgs, embedded: TestClient, request: pytest.FixtureRequest
) -> None:
    """Pages and exports from Postgres and from Parquet equal those from DuckDB to the letter."""
    warehouse = request.getfixturevalue(where) if where else ""
    client = _client(open_source(warehouse, lambda: orgs.staging))
    for route in ROUTES:
        mark = "&" if "?" in route else "?"
        asked = f"/{route}{mark}org={orgs.org_id}&day={day}"
        wanted = embedded.get(asked)
        assert wanted.status_code == 200, wanted.text

        assert _comparable(client.get(asked).text) == _comparable(wanted.text), asked


def test_sessions_on_postgres_can_only_read(postgres: str, orgs: Orgs) -> None:
    """A statement that writes is refused by the database, whatever the login may do otherwise."""
    source = open_source(postgres, lambda: orgs.staging)
    with pytest.raises(LedgerError), source.session() as session:
        session.all_rows("DELETE FROM snapshots", {})
    with source.session() as session:
        assert len(session.rows("orgs")) == 2


@pytest.mark.parametrize("where", ["duckdb", "staging"])
def test_nothing_published_is_not_a_failure(where: str, tmp_path: Path) -> None:
    """Before the first snapshot every source says that there is nothing yet."""
    warehouse = f"duckdb:///{tmp_path / 'none.duckdb'}" if where == "duckdb" else ""
    source = open_source(warehouse, lambda: Storage.from_url(tmp_path.as_uri()))

    with pytest.raises(NothingYet), source.session():
        pass
    assert "Nothing yet" in _client(source).get("/position").text


def test_an_empty_database_is_not_a_failure() -> None:
    """A Postgres database without the ledger's tables says that there is nothing yet."""
    with pg.running() as server:
        source = open_source(server.url(server.database()), lambda: None)  # type: ignore[arg-type, return-value]

        assert "Nothing yet" in _client(source).get("/position").text


def test_a_warehouse_that_is_none_is_told(tmp_path: Path) -> None:
    """A file that is no warehouse gives a page that says so, and nothing about where it lies."""
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"nonsense" * 100)

    answer = _client(open_source(f"duckdb:///{path}", lambda: None)).get("/position")  # type: ignore[arg-type, return-value]

    assert answer.status_code == 503
    assert "ConfigError" in answer.text
    assert str(tmp_path) not in answer.text
    with pytest.raises(ConfigError):
        open_source("redshift://somewhere", lambda: None)  # type: ignore[arg-type, return-value]


def test_parquet_is_read_by_the_id_in_its_footer(orgs: Orgs, tmp_path: Path) -> None:
    """While a day is published again, its tables are still those of one writing, known by their ids."""
    shutil.copytree(orgs.root / "staging", tmp_path / "staging")
    staging = Storage.from_url((tmp_path / "staging").as_uri())
    day, other = Day(orgs.org_id, TODAY), Day(orgs.org_id, RESCOPED)
    path = Path(staging.path(day.canonical("users")))
    file_id = reader.open_snapshot(staging, day.org_id, TODAY).manifest["files"]["users"]["file_id"]
    kept = Path(staging.path(day.kept("users", file_id)))
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, kept)
    shutil.copy(staging.path(other.canonical("users")), path)

    found = published_files(staging)
    rows = found.dataset("users").to_table(filter=is_of(day))

    assert rows.num_rows == 16
    assert set(rows["snapshot_date"].to_pylist()) == {TODAY}
