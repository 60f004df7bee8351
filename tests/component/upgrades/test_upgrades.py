"""What every kept version has left behind is read, loaded, replayed and gone on with by today's code."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from tests import ledger_command, pg
from tests.demo_org_fixtures import TODAY
from tests.walk import Walk, noon

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import __version__, reader, schemas
from license_ledger.airflow.provider import FORM_FIELDS
from license_ledger.commands.status import OrgStatus
from license_ledger.errors import ConfigError
from license_ledger.measures import METRICS
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.duckdb import load_all
from license_ledger.warehouse.statements import VIEWS

KEPT = Path(__file__).parents[2] / "versions"
VERSIONS = sorted(path.name.removesuffix(".tar.xz") for path in KEPT.glob("*.tar.xz"))
DATED = [table.name for table in schemas.TABLES]

Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]


@dataclass(frozen=True)
class Left:
    """
    What a version left behind, in a directory of its own.

    Attributes:
        root: with `staging`, `warehouse.duckdb` and, where there was one, `postgres.sql`.
        made: by which version, for which org and days.
    """

    root: Path
    made: dict[str, Any]

    @property
    def org(self) -> str:
        """The org's id."""
        return str(self.made["org_id"])

    @property
    def days(self) -> list[date]:
        """The published days."""
        return [date.fromisoformat(day) for day in self.made["days"]]

    @property
    def staging(self) -> Storage:
        """The staging root."""
        return Storage.from_url((self.root / "staging").as_uri())

    @property
    def warehouse(self) -> Path:
        """The warehouse file."""
        return self.root / "warehouse.duckdb"

    def snapshots(self) -> list[reader.Snapshot]:
        """The published days, as today's code reads them."""
        return [reader.open_snapshot(self.staging, self.org, day) for day in self.days]

    def walk(self, connection: dict[str, Any] | None = None) -> Walk:
        """Runs of today's code over it, the day after."""
        return Walk(connection or {"extra": {}}, self.root, noon(self.days[-1] + timedelta(days=1)))


@pytest.fixture(params=VERSIONS)
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Left:
    """What the version left, fresh for the test."""
    with tarfile.open(KEPT / f"{request.param}.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    return Left(tmp_path, json.loads((tmp_path / "made.json").read_text("utf-8")))


@pytest.fixture(scope="module")
def server() -> Iterator[pg.Server]:
    """A Postgres server."""
    with pg.running() as running:
        yield running


def embedded(path: Path) -> Ask:
    """Questions to a warehouse file."""

    def ask(query: str) -> Rows:
        with duckdb.connect(str(path), read_only=True) as connection:
            answer = connection.execute(query)
            names = [column[0] for column in answer.description or ()]
            return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    return ask


def contents(ask: Ask, tables: list[str]) -> dict[str, Rows]:
    """Every row of these tables, in one order."""
    return {name: ask(f"SELECT * FROM {name} ORDER BY {_order(ask, name)}") for name in tables}


def _order(ask: Ask, name: str) -> str:
    keys = ("org_id", "snapshot_date", *schemas.table(name).key)
    return ", ".join(f'"{key}"' for key in keys)


def tables_of(ask: Ask, schema: str) -> list[str]:
    """The published tables that a warehouse has."""
    rows = ask(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'")
    there = {row["table_name"] for row in rows}
    return [name for name in DATED if name in there]


def of_then(now: dict[str, Rows], then: dict[str, Rows]) -> dict[str, Rows]:
    """Rows of today, cut down to the columns of then."""
    return {
        name: [{column: row[column] for column in rows[0]} for row in now[name]]
        for name, rows in then.items()
        if rows
    }


def bridge(ask: Ask) -> Rows:
    """The mismatch bridge, in one order."""
    return ask(
        "SELECT snapshot_date, license_layer, license_id, cause, seat_count FROM mismatches "
        "ORDER BY snapshot_date, license_layer, license_id, cause"
    )


def test_there_are_versions_and_each_is_small() -> None:
    """At least one that was kept by its own code, none of more than a few hundred kilobytes."""
    assert "1.0.0" in VERSIONS
    assert all(path.stat().st_size < 400_000 for path in KEPT.iterdir())


def test_its_names_are_known(left: Left) -> None:
    """Settings, fields of a connection, metrics and the keys of the status: all are there still."""
    assert set(left.made["settings"]) <= set(Settings.model_fields)
    assert set(left.made["connection_fields"]) <= set(FORM_FIELDS)
    assert set(left.made["metrics"]) <= {metric.name for metric in METRICS}
    assert set(left.made["status"]) <= set(OrgStatus.__dataclass_fields__)


def test_its_staging_is_read(left: Left) -> None:
    """Every table of every day, with the rows that the snapshot announces and today's columns."""
    listed = reader.snapshots(left.staging).sort_by("snapshot_date").to_pylist()
    assert [row["snapshot_date"] for row in listed] == left.days
    for snapshot in left.snapshots():
        announced = json.loads(snapshot.row["rows"])
        assert announced
        for name, rows in announced.items():
            found = snapshot.table(name)
            assert found.num_rows == rows
            declared = schemas.table(name).arrow_schema
            assert set(declared.names) <= set(found.column_names), name


def test_its_staging_fills_a_new_warehouse(left: Left, tmp_path: Path) -> None:
    """Days are loaded as they are; what a version did not have yet is empty, and every view answers."""
    path = tmp_path / "new" / "warehouse.duckdb"
    receipts = load_all(path, left.snapshots())
    ask = embedded(path)

    assert all(receipt["loaded"] for receipt in receipts)
    assert bridge(ask) == bridge(embedded(left.warehouse))
    for view in VIEWS:
        ask(f"SELECT * FROM {view}")
    position = ask("SELECT * FROM license_position")
    assert sum(row["used_count"] or 0 for row in position) > 0


def test_its_warehouse_is_brought_up_to_date_and_loses_nothing(left: Left, tmp_path: Path) -> None:
    """Loading what is there changes no row of then; afterwards the file is as a new one, and views answer."""
    ask = embedded(left.warehouse)
    then = contents(ask, tables_of(ask, "main"))
    assert {"users", "licenses", "seats", "mismatches", "snapshots"} <= set(then)

    load_all(left.warehouse, left.snapshots())
    load_all(tmp_path / "new.duckdb", left.snapshots())

    now = contents(ask, DATED)
    assert of_then(now, then) == {name: rows for name, rows in then.items() if rows}
    assert now == contents(embedded(tmp_path / "new.duckdb"), DATED)
    for view in VIEWS:
        ask(f"SELECT * FROM {view}")
    [state] = ask("SELECT schema_version, ledger_version FROM ledger_warehouse")
    assert state == {"schema_version": schemas.SCHEMA_VERSION, "ledger_version": __version__}


def test_its_postgres_is_brought_up_to_date_and_loses_nothing(left: Left, server: pg.Server) -> None:
    """The same in a database whose tables and views are of that version, where it knew Postgres."""
    database = server.database()
    with psycopg.connect(server.url(database), autocommit=True) as connection:

        def ask(query: str) -> Rows:
            with connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                return cursor.execute(query).fetchall()

        if left.made["postgres"]:
            connection.execute((left.root / "postgres.sql").read_text("utf-8"))
        connection.execute("SET search_path = license_ledger")
        then = contents(ask, tables_of(ask, pg.SCHEMA))
        assert bool(then) == left.made["postgres"]

        receipts = server.warehouse(database).load_all(left.snapshots())

        now = contents(ask, DATED)
        assert [receipt["loaded"] for receipt in receipts] == [not left.made["postgres"]] * 2
        assert of_then(now, then) == {name: rows for name, rows in then.items() if rows}
        assert bridge(ask) == bridge(embedded(left.warehouse))
        for view in VIEWS:
            ask(f"SELECT * FROM {view}")


def test_its_landing_is_replayed(left: Left) -> None:
    """The days come out with the same bridge, observed then and replayed now, and are loaded and exported."""
    ask = embedded(left.warehouse)
    then = bridge(ask)
    walk = left.walk()

    done = ledger_command.run(walk, "replay", "--force", "--jobs", "1", LICENSE_LEDGER_LANDING_DAYS="0")
    exported = ledger_command.run(walk, "export", "license_position")
    status = ledger_command.run(walk, "status", "--json")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"2 replayed; {left.days[0]} to {left.days[-1]}"
    assert bridge(ask) == then
    rows = ask("SELECT provenance, ledger_version, schema_version FROM snapshots")
    assert rows == [
        {
            "provenance": "replayed",
            "ledger_version": __version__,
            "schema_version": schemas.SCHEMA_VERSION,
        }
    ] * len(left.days)
    assert len(exported.stdout.splitlines()) > 10
    [told] = json.loads(status.stdout)
    assert (told["newest"], told["in_warehouse"]) == (str(left.days[-1]), str(left.days[-1]))


def test_its_history_goes_on(left: Left) -> None:
    """A run of today's code over the same places; views over time compare it with the days of then."""
    with DemoOrg(World(seed=11, today=TODAY), OrgOptions(bulk_seconds=0.02), left.root / "org") as running:
        walk = left.walk(running.access.connection("*"))
        running.org.set_clock(walk.now)
        snapshot = walk.run(["acme.com", "*.acme.com"])
    ask = embedded(left.warehouse)

    assert snapshot.org_id == left.org
    days = [*left.days, walk.now.date()]
    assert [row["snapshot_date"] for row in ask("SELECT snapshot_date FROM snapshots ORDER BY 1")] == days
    pairs = ask("SELECT * FROM snapshot_pairs")
    assert len(pairs) >= len(days) - 1
    for view in VIEWS:
        ask(f"SELECT * FROM {view}")


@pytest.mark.parametrize("version", ["2.0", "1.99"])
def test_a_warehouse_of_a_later_contract_is_left_alone(version: str, tmp_path: Path) -> None:
    """Going back is refused before anything is changed, with what to do."""
    with tarfile.open(KEPT / "1.0.0.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    left = Left(tmp_path, json.loads((tmp_path / "made.json").read_text("utf-8")))
    with duckdb.connect(str(left.warehouse)) as connection:
        connection.execute("UPDATE ledger_warehouse SET schema_version = ?", [version])
    before = shutil.copy(left.warehouse, tmp_path / "before.duckdb")

    with pytest.raises(ConfigError, match=rf"schema version {version}.*upgrade license-ledger"):
        load_all(left.warehouse, left.snapshots())

    assert left.warehouse.read_bytes() == Path(before).read_bytes()
