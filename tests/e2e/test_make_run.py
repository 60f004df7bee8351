"""``make run`` from nothing: a snapshot, the same again, and no secret left anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from cryptography.fernet import Fernet

from license_ledger.schemas import TABLES
from license_ledger.warehouse.duckdb import open_readonly
from local_stack.home import Home
from local_stack.postgres import Database
from tests.e2e.conftest import Finished, make_run
from tests.secret_search import Search

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def published(home: Home) -> dict[str, list[dict[str, Any]]]:
    """Every published row by table, without what differs between two snapshots of the same state."""
    volatile = {
        "snapshot_id",
        "captured_at",
        "manifest",
        "api_calls",
        "used_as_of",
        "built_at",
        "derived_from",
    }
    found = {}
    for table in TABLES:
        files = list((home.root / "staging" / table.name).rglob("*.parquet"))
        assert len(files) == 1, files
        columns = [name for name in pq.read_schema(files[0]).names if name not in volatile]
        rows = pq.read_table(files[0], columns=columns, partitioning=None).to_pylist()
        found[table.name] = sorted(rows, key=repr)
    return found


@pytest.fixture(scope="module")
def second_run(home: Home, first_run: Finished) -> tuple[Finished, Any, Any]:
    """A second ``make run``, with the published rows before and after it."""
    before = published(home)
    done = make_run(home)
    return done, before, published(home)


@pytest.fixture(scope="module")
def metadata(home: Home, second_run: object) -> Iterator[psycopg.Connection[Any]]:
    """Airflow's database after the runs."""
    database = Database(home)
    database.start()
    with database.connect() as connection:
        yield connection
    database.stop()


@pytest.fixture(scope="module")
def secrets(home: Home, metadata: psycopg.Connection[Any]) -> dict[str, str]:
    """Every secret there is: what was typed into the connection, and the live tokens of the store."""
    connection = json.loads((home.demo_org / "connection.json").read_text("utf-8"))["extra"]
    row = metadata.execute(
        "select val from variable where key like 'salesforce__%__refresh_token'"
    ).fetchone()
    assert row is not None
    stored = json.loads(Fernet(home.fernet_key().encode()).decrypt(row[0].encode()))
    live = [grant["refresh_token"] for grant in stored["grants"].values()]
    found = {
        "client secret": connection["consumer_secret"],
        "typed refresh token": connection["refresh_token"],
        **{f"live refresh token {at}": token for at, token in enumerate(live)},
        "access token": stored["session"]["access_token"],
    }
    assert len(set(found.values())) == 3 + len(live) >= 4
    return {name: str(value) for name, value in found.items()}


def test_a_fresh_home_gets_a_snapshot(first_run: Finished) -> None:
    """From nothing, the command takes a snapshot and prints position, bridge and places."""
    assert first_run.status == 0, first_run.output
    for word in (
        "License position",
        "Mismatch bridge",
        "Every seat is explained",
        "Parquet",
        "warehouse.duckdb",
        "make ui",
        "AIRFLOW_CONN_SALESFORCE_DEFAULT",
    ):
        assert word in first_run.output


def test_progress_names_every_task(first_run: Finished) -> None:
    """There is a line for every task, mapped ones by what they extract."""
    lines = re.findall(r"^  (\S.*?) {2,}[\d.]+ s$", first_run.output, re.MULTILINE)

    assert [line for line in lines if not line.startswith("Extract: ")] == [
        "Choose source",
        "Refresh token",
        "Inspect org",
        "Transform",
        "Reconcile",
        "Check",
        "Publish",
        "Load warehouse",
        "Summarize",
    ]
    assert len([line for line in lines if line.startswith("Extract: ")]) >= 2


def test_the_demo_run_is_quick(first_run: Finished, second_run: tuple[Finished, Any, Any]) -> None:
    """A run takes less than a minute here; a machine that does other things as well is given minutes."""
    assert first_run.seconds < 240
    assert second_run[0].seconds < 240


def test_a_second_run_leaves_the_same_rows(second_run: tuple[Finished, Any, Any]) -> None:
    """Running again replaces the day by the same rows and adds none."""
    done, before, after = second_run

    assert done.status == 0, done.output
    assert "Airflow's tables" not in done.output
    assert after == before
    assert before["seats"]
    assert len(before["snapshots"]) == 1


def test_the_warehouse_holds_what_was_published(home: Home, second_run: tuple[Finished, Any, Any]) -> None:
    """The warehouse has the published number of rows of the one day, and every bridge adds up."""
    _, _, after = second_run
    with open_readonly(home.root / "warehouse.duckdb") as warehouse:
        for name, rows in after.items():
            assert warehouse.execute(f"select count(*) from {name}").fetchall() == [(len(rows),)]
        wrong = warehouse.execute("select * from mismatch_bridge where not is_balanced").fetchall()
        (unexplained,) = warehouse.execute("select sum(unexplained_count) from license_position").fetchall()

    assert wrong == []
    assert unexplained == (0,)


def test_no_secret_is_in_the_output_or_a_command_line(
    secrets: dict[str, str], first_run: Finished, second_run: tuple[Finished, Any, Any]
) -> None:
    """Neither what was printed nor the command line of any process shows a secret."""
    shown = "\n".join(
        [first_run.output, second_run[0].output, *first_run.command_lines, *second_run[0].command_lines]
    )

    assert any("scheduler" in line for line in first_run.command_lines)
    assert Search(secrets).within(shown) == set()


def test_no_secret_is_in_the_database(secrets: dict[str, str], metadata: psycopg.Connection[Any]) -> None:
    """
    No row of any table of Airflow's holds a secret, in clear or encoded.

    XComs, task and asset states, rendered fields, Variables, connections and the log are among them.
    """
    tables = metadata.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()

    assert len(tables) > 40
    assert {
        "xcom",
        "rendered_task_instance_fields",
        "task_state_store",
        "asset_state_store",
        "variable",
        "log",
    } <= {table for (table,) in tables}
    assert Search(secrets).in_database(metadata) == set()


def test_no_secret_is_in_a_file(secrets: dict[str, str], home: Home) -> None:
    """No log, no staged or landed file, no database file holds a secret; the demo org's own state does."""
    assert any(path.name == "attempt=1.log" for path in home.root.rglob("*"))
    assert Search(secrets).below([home.root], leaving_out=[home.demo_org]) == set()


def test_what_is_private_is_closed_to_others(home: Home, first_run: Finished) -> None:
    """Keys, login and address of the stack are readable by their owner only."""
    for name in ("fernet.key", "jwt.key", "passwords.json"):
        assert (home.state / name).stat().st_mode & 0o077 == 0
    assert home.state.stat().st_mode & 0o066 == 0


def test_nothing_is_left_running(home: Home, second_run: tuple[Finished, Any, Any]) -> None:
    """After the command no process of its own is left, and no address of a stack."""
    import psutil

    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline", "environ"])
        if (process.info["environ"] or {}).get("AIRFLOW_HOME") == str(home.airflow_home)
    ]

    assert left == []
    assert not (home.state / "stack.json").exists()
    assert Path(home.log("scheduler")).exists()
