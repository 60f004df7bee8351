"""Loading into Postgres: once, again, side by side, wrong rows, and a schema of an older version."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from made_snapshots import DAY, ORG, OTHER_ORG, MadeSnapshot, made_snapshot, shaped
from tests.pg import Server, asked, connected, running

from license_ledger.errors import ConfigError, CorruptSnapshot, StoreBusy
from license_ledger.inputs.given import read_inputs
from license_ledger.settings import Settings
from license_ledger.warehouse.ddl import WAREHOUSE_TABLES
from license_ledger.warehouse.statements import VIEWS

COUNTS = "SELECT count(*), max(snapshot_id) FROM users JOIN snapshots USING (org_id, snapshot_date)"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server for all tests of this file."""
    with running() as one:
        yield one


@pytest.fixture
def database(server: Server) -> str:
    """An empty database."""
    return server.database()


def test_the_same_snapshot_is_loaded_once(server: Server, database: str) -> None:
    """A second load writes nothing: no transaction that changes anything is begun."""
    warehouse, snapshot = server.warehouse(database), made_snapshot(40)
    [first] = warehouse.load_all([snapshot])
    before = asked(
        server.url(database), "SELECT xmin::text FROM users UNION SELECT xmin::text FROM snapshots"
    )
    [second] = warehouse.load_all([snapshot])

    assert (first["loaded"], second["loaded"]) == (True, False)
    assert first["rows"] == second["rows"] == json.loads(snapshot.row["rows"])
    assert first["bytes"] > 0
    assert before == asked(
        server.url(database), "SELECT xmin::text FROM users UNION SELECT xmin::text FROM snapshots"
    )


def test_a_receipt_names_the_place_and_no_user(server: Server, database: str) -> None:
    """What is logged and handed on holds host, database and schema."""
    url = server.url(database, user="postgres", password="s3cret")  # pragma: allowlist secret
    warehouse = type(server.warehouse(database)).parse(url)
    [receipt] = warehouse.load_all([made_snapshot(1)])

    assert receipt["warehouse"] == warehouse.name
    assert f"/{database}?schema=license_ledger" in warehouse.name
    assert "s3cret" not in f"{warehouse!r}{receipt}{warehouse.name}"
    assert "postgres@" not in receipt["warehouse"]


@pytest.mark.parametrize("again", [{"snapshot_id": "s2"}, {"manifest": '{"other": 1}'}])
def test_another_writing_of_the_day_replaces_it_whole(
    server: Server, database: str, again: dict[str, Any]
) -> None:
    """The day of one org is replaced; other days and orgs stay."""
    warehouse = server.warehouse(database)
    others = [made_snapshot(7, day=DAY + timedelta(days=1)), made_snapshot(9, org_id=OTHER_ORG)]
    warehouse.load_all([made_snapshot(40), *others])
    [receipt] = warehouse.load_all([made_snapshot(25, **again)])

    assert receipt["loaded"]
    rows = asked(server.url(database), "SELECT org_id, snapshot_date, count(*) FROM users GROUP BY 1, 2")
    assert sorted(rows) == sorted([(ORG, DAY, 25), (ORG, DAY + timedelta(days=1), 7), (OTHER_ORG, DAY, 9)])


def test_values_of_every_kind_arrive(server: Server, database: str) -> None:
    """Nulls, empty texts, accents, quotes, tabs, new lines, early and late times arrive as they are."""
    texts = ["", "Zoë", "O'Hara", 'a"b', "tab\there", "line\nend", "back\\slash", "\\N", "\U0001f600", None]
    instants = [
        None,
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
    ]
    base = made_snapshot(len(texts))
    users = base.tables["users"]
    for name, values in (
        ("department", pa.array(texts)),
        ("last_login_at", pa.array([instants[n % 4] for n in range(len(texts))], pa.timestamp("us", "UTC"))),
        ("is_frozen", pa.array([None if n % 3 else bool(n % 2) for n in range(len(texts))])),
    ):
        users = users.set_column(users.column_names.index(name), name, values)
    snapshot = replace(base, tables={**base.tables, "users": users.cast(base.tables["users"].schema)})
    server.warehouse(database).load_all([snapshot])

    rows = asked(
        server.url(database), "SELECT department, last_login_at, is_frozen FROM users ORDER BY user_id"
    )
    wanted = snapshot.tables["users"].select(["department", "last_login_at", "is_frozen"]).to_pylist()
    assert rows == [tuple(row.values()) for row in wanted]


def _without(snapshot: MadeSnapshot, name: str) -> MadeSnapshot:
    """The snapshot with a required value missing."""
    users = snapshot.tables["users"]
    columns = {column: users[column] for column in users.column_names} | {
        name: pa.nulls(users.num_rows, pa.string())
    }
    tables = {**snapshot.tables, "users": shaped("users", columns, users.num_rows)}
    return replace(snapshot, tables=tables)


def _twice(snapshot: MadeSnapshot) -> MadeSnapshot:
    users = snapshot.tables["users"]
    return replace(snapshot, tables={**snapshot.tables, "users": pa.concat_tables([users, users])})


def _null_byte(snapshot: MadeSnapshot) -> MadeSnapshot:
    users = snapshot.tables["users"]
    columns = {column: users[column] for column in users.column_names}
    columns["title"] = pa.array(["Anna\0Secret"] * users.num_rows)
    return replace(snapshot, tables={**snapshot.tables, "users": shaped("users", columns, users.num_rows)})


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda s: replace(s, row={**s.row, "rows": '{"users": 1}'}), "does not tell its rows"),
        (lambda s: replace(s, row={**s.row, "rows": s.row["rows"].replace("40", "41", 1)}), "announces 41"),
        (lambda s: _without(s, "account_class"), "has no value for account_class"),
        (_twice, "a key of users comes twice"),
        (_null_byte, "does not fit"),
    ],
)
def test_rows_that_do_not_fit_leave_the_day_as_it_was(
    server: Server, database: str, spoilt: Any, said: str
) -> None:
    """The error names table and column and never a value; nothing of the load stays."""
    warehouse = server.warehouse(database)
    warehouse.load_all([made_snapshot(30)])
    with pytest.raises(CorruptSnapshot, match=said) as caught:
        warehouse.load_all([spoilt(made_snapshot(40, snapshot_id="s2"))])

    assert "Anna" not in str(caught.value)
    assert "005" not in str(caught.value)
    assert asked(server.url(database), COUNTS) == [(30, "s1")]


def test_what_reading_a_snapshot_raises_comes_out_unchanged(server: Server, database: str) -> None:
    """A reader's error in mid-copy ends the load, and is the error that is seen."""

    class Torn(MadeSnapshot):
        """Its seats break off."""

        def batches(self, name: str) -> Iterator[pa.RecordBatch]:
            """Rows, then an error."""
            yield from super().batches(name)
            if name == "seats":
                raise CorruptSnapshot("file seats.parquet", "is torn", "publish again")

    base = made_snapshot(40)
    warehouse = server.warehouse(database)
    with pytest.raises(CorruptSnapshot, match="seats\\.parquet: is torn"):
        warehouse.load_all([Torn(base.org_id, base.snapshot_date, "s1", base.row, base.tables)])

    assert asked(server.url(database), "SELECT count(*) FROM users") == [(0,)]


def test_loaders_of_different_days_work_at_once(server: Server, database: str) -> None:
    """Eight days by four loaders at a time, beginning with an empty database: all of them are there."""
    warehouse = server.warehouse(database)
    days = [made_snapshot(500, day=DAY + timedelta(days=n)) for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        receipts = list(pool.map(lambda one: warehouse.load_all([one])[0], days))

    assert all(receipt["loaded"] for receipt in receipts)
    rows = asked(server.url(database), "SELECT snapshot_date, count(*) FROM users GROUP BY 1 ORDER BY 1")
    assert rows == [(one.snapshot_date, 500) for one in days]


def test_of_two_loaders_of_one_day_a_whole_one_is_left(server: Server, database: str) -> None:
    """Loaders that replace each other's day ten times over never mix, and none fails."""
    warehouse = server.warehouse(database)
    writings = [made_snapshot(200 + n, snapshot_id=f"s{n}") for n in range(10)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda one: warehouse.load_all([one]), writings))

    [(count, last)] = asked(server.url(database), COUNTS)
    assert count == 200 + int(last[1:])
    seats = {one.snapshot_id: one.tables["seats"].num_rows for one in writings}
    assert asked(server.url(database), "SELECT count(*) FROM seats") == [(seats[last],)]


def test_a_loader_of_a_day_that_is_being_loaded_waits_and_gives_up(server: Server, database: str) -> None:
    """It is StoreBusy after the time it was given; with more time it goes on."""
    warehouse = server.warehouse(database)
    warehouse.load_all([made_snapshot(5)])
    begun, go_on = threading.Event(), threading.Event()

    class Slow(MadeSnapshot):
        """Its seats take until somebody says go."""

        def batches(self, name: str) -> Iterator[pa.RecordBatch]:
            """Rows, after a while."""
            if name == "seats":
                begun.set()
                go_on.wait(30)
            yield from super().batches(name)

    base = made_snapshot(40, snapshot_id="slow")
    slow = Slow(base.org_id, base.snapshot_date, "slow", base.row, base.tables)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(warehouse.load_all, [slow])
        assert begun.wait(30)
        with pytest.raises(StoreBusy, match="holds a lock"):
            warehouse.load_all([made_snapshot(9, snapshot_id="s3")], wait_seconds=0.2)
        [other_day] = warehouse.load_all([made_snapshot(3, day=DAY + timedelta(days=1))], wait_seconds=5)
        waiting = pool.submit(warehouse.load_all, [made_snapshot(9, snapshot_id="s3")])
        assert asked(server.url(database), f"{COUNTS} WHERE snapshot_date = '{DAY}'") == [(5, "s1")]
        go_on.set()
        first.result()
        waiting.result()

    assert other_day["loaded"]
    assert asked(server.url(database), f"{COUNTS} WHERE snapshot_date = '{DAY}'") == [(9, "s3")]


def test_files_of_ones_own_come_with_the_day(server: Server, database: str, tmp_path: Path) -> None:
    """Prices are replaced whole when the file has changed, and are left alone when none is read."""
    warehouse, url = server.warehouse(database), server.url(database)
    file = tmp_path / "prices.csv"

    def priced(price: str) -> Any:
        file.write_text(
            f"product,currency,unit_price,billing_period,starts_on\nSALES,EUR,{price},month,2026-01-01\n"
        )
        return read_inputs(Settings(prices=str(file)), datetime(2026, 3, 2, tzinfo=UTC))

    loaded = [
        warehouse.load_all([made_snapshot(5)], inputs=inputs)[0]["loaded"]
        for inputs in (priced("100.123456"), priced("100.123456"), priced("90"), None)
    ]

    assert loaded == [True, False, True, False]
    assert asked(url, "SELECT unit_price::text FROM prices") == [("90.000000",)]
    with ThreadPoolExecutor(4) as pool:
        days = [made_snapshot(5, day=DAY + timedelta(days=n)) for n in range(1, 5)]
        changed = priced("80")
        list(pool.map(lambda day: warehouse.load_all([day], inputs=changed), days))
    assert asked(url, "SELECT unit_price::text FROM prices") == [("80.000000",)]


def test_a_schema_of_ones_own(server: Server, database: str) -> None:
    """Two warehouses live side by side in one database; a name with blanks and capitals is one."""
    server.warehouse(database).load_all([made_snapshot(3)])
    server.warehouse(database, schema="My Ledger").load_all([made_snapshot(4)])

    counts = 'SELECT (SELECT count(*) FROM license_ledger.users), (SELECT count(*) FROM "My Ledger".users)'
    assert asked(server.url(database), counts) == [(3, 4)]


def test_somebody_elses_tables_are_left_alone(server: Server, database: str) -> None:
    """A schema with a table of our name that is not ours is refused, by the check and by the load."""
    with connected(server.url(database)) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.users (id int)")
    warehouse = server.warehouse(database, schema="crm")

    for attempt in (warehouse.require_writable, lambda: warehouse.load_all([made_snapshot(1)])):
        with pytest.raises(ConfigError, match="has a users of somebody else"):
            attempt()
    assert asked(server.url(database), "SELECT count(*) FROM crm.users") == [(0,)]


@pytest.mark.parametrize(("version", "said"), [("2.0", "has schema version 2.0"), ("1.99", "upgrade")])
def test_a_warehouse_of_a_newer_version_is_left_alone(
    server: Server, database: str, version: str, said: str
) -> None:
    """Another major, or a newer minor version: ConfigError, and nothing is changed."""
    warehouse = server.warehouse(database)
    warehouse.load_all([made_snapshot(3)])
    with connected(server.url(database)) as connection:
        connection.execute("UPDATE ledger_warehouse SET schema_version = %s", [version])

    with pytest.raises(ConfigError, match=said):
        warehouse.load_all([made_snapshot(4, snapshot_id="s2")])
    assert asked(server.url(database), COUNTS) == [(3, "s1")]


def _aged(connection: psycopg.Connection[Any]) -> None:
    """Make the warehouse what an older version made: a column and a view less, a view with other columns."""
    for name in reversed(VIEWS):
        connection.execute(f"DROP VIEW {name}")
    connection.execute("ALTER TABLE users DROP COLUMN certainty")
    connection.execute(
        "CREATE VIEW license_position AS SELECT org_id AS organisation, license_key FROM licenses"
    )
    connection.execute("GRANT SELECT ON license_position TO old_reader")
    connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older', schema_version = '1.0'")


def test_an_older_warehouse_is_brought_up_to_date(server: Server, database: str) -> None:
    """Missing columns and views are added, views with other columns replaced, privileges on them kept."""
    warehouse, url = server.warehouse(database), server.url(database)
    warehouse.load_all([made_snapshot(3)])
    with connected(url) as connection:
        connection.execute("CREATE ROLE old_reader")
        _aged(connection)
    warehouse.load_all([made_snapshot(4, day=DAY + timedelta(days=1))])

    assert asked(url, "SELECT count(*), count(certainty) FROM users") == [(7, 4)]
    assert asked(url, "SELECT count(*) FROM license_position") == [(10,)]
    assert {
        name for (name,) in asked(url, "SELECT viewname FROM pg_views WHERE schemaname = 'license_ledger'")
    } == {*VIEWS}
    granted = "SELECT has_table_privilege('old_reader', 'license_position', 'SELECT')"
    assert asked(url, granted) == [(True,)]


def test_views_that_build_on_ours_are_not_dropped(server: Server, database: str) -> None:
    """Where a view must change its columns under somebody's view, the load says so and changes nothing."""
    warehouse, url = server.warehouse(database), server.url(database)
    warehouse.load_all([made_snapshot(3)])
    with connected(url) as connection:
        for name in reversed(VIEWS):
            connection.execute(f"DROP VIEW {name}")
        connection.execute("CREATE VIEW license_position AS SELECT org_id AS organisation FROM licenses")
        connection.execute("CREATE VIEW public.theirs AS SELECT * FROM license_position")
        connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older'")

    with pytest.raises(ConfigError, match="somebody else read them"):
        warehouse.load_all([made_snapshot(4, snapshot_id="s2")])
    assert asked(url, "SELECT count(organisation) FROM public.theirs") == [(5,)]
    assert asked(url, "SELECT snapshot_id FROM snapshots") == [("s1",)]


def test_readers_query_while_the_warehouse_is_brought_up_to_date(server: Server, database: str) -> None:
    """Four readers of views that read views see no error while all views are replaced five times."""
    warehouse, url = server.warehouse(database), server.url(database)
    warehouse.load_all([made_snapshot(50)])
    stop, errors, reads = threading.Event(), [], []

    def read() -> None:
        with connected(url) as connection:
            while not stop.is_set():
                try:
                    reads.append(connection.execute("SELECT count(*) FROM data_trust").fetchall())
                    connection.execute("SELECT count(*) FROM license_flows")
                except psycopg.Error as error:
                    errors.append(repr(error))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(5):
        with connected(url) as connection:
            connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older'")
        warehouse.load_all([made_snapshot(50, snapshot_id=f"turn-{turn}")])
    stop.set()
    for thread in threads:
        thread.join()

    assert errors == []
    assert len(reads) > 4
    assert {rows[0] for rows in reads} == {(1,)}


def test_days_of_a_warehouse(server: Server, database: str) -> None:
    """An empty database has none; loaded ones come with their provenance; forgotten ones are gone whole."""
    warehouse, url = server.warehouse(database), server.url(database)
    assert warehouse.days(ORG) == {}
    assert warehouse.forget_days(ORG, [DAY]) == 0
    later = DAY + timedelta(days=1)
    warehouse.load_all([made_snapshot(3), made_snapshot(4, day=later, provenance="replayed")])
    warehouse.load_all([made_snapshot(5, org_id=OTHER_ORG)])

    assert warehouse.days(ORG) == {DAY: "observed", later: "replayed"}
    assert warehouse.forget_days(ORG, [DAY, date(2020, 1, 1)]) == 1
    assert warehouse.days(ORG) == {later: "replayed"}
    for table in WAREHOUSE_TABLES:
        if table.is_daily:
            query = f"SELECT count(*) FROM {table.name} WHERE org_id = '{ORG}' AND snapshot_date = '{DAY}'"
            assert asked(url, query) == [(0,)]
    assert warehouse.days(OTHER_ORG) == {DAY: "observed"}
