"""Loading snapshots into the DuckDB warehouse, one after the other."""

from __future__ import annotations

import json
import multiprocessing
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from made_snapshots import DAY, ORG, OTHER_ORG, MadeSnapshot, load, made_snapshot

from license_ledger.errors import ConfigError, CorruptSnapshot, StagingUnwritable, StoreBusy
from license_ledger.schemas import SCHEMA_VERSION, table
from license_ledger.warehouse.duckdb import open_readonly, warehouse_path
from license_ledger.warehouse.swap import exclusive

TABLES = ("users", "licenses", "seats", "mismatches", "control_totals")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a warehouse can be."""
    return tmp_path / "warehouse.duckdb"


def stored(path: Path, name: str, org_id: str = ORG, day: Any = DAY) -> pa.Table:
    """The rows of a day, as published, in the order of the key."""
    key = ", ".join(table(name).key or ("snapshot_id",))
    columns = ", ".join(table(name).arrow_schema.names)
    with open_readonly(path) as connection:
        found = connection.sql(
            f"SELECT {columns} FROM {name} "
            f"WHERE org_id = '{org_id}' AND snapshot_date = DATE '{day}' ORDER BY {key}"
        )
        return found.to_arrow_table().cast(table(name).arrow_schema)


def snapshot_ids(path: Path) -> dict[tuple[str, Any], str]:
    """The snapshot of each org and day."""
    with open_readonly(path) as connection:
        rows = connection.execute("SELECT org_id, snapshot_date, snapshot_id FROM snapshots").fetchall()
    return {(org, day): snapshot for org, day, snapshot in rows}


class Unread(MadeSnapshot):
    """A snapshot whose rows must not be asked for."""

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """Fail."""
        raise AssertionError(f"{name} was read")


def unread(snapshot: MadeSnapshot) -> Unread:
    """The same snapshot, with a guard on its rows."""
    return Unread(snapshot.org_id, snapshot.snapshot_date, snapshot.snapshot_id, snapshot.row)


def test_every_value_arrives(path: Path) -> None:
    """The rows in the warehouse are the rows of the snapshot, value by value, and its own row is there."""
    snapshot = made_snapshot(500)
    receipt = load(path, snapshot)

    for name in TABLES:
        key = [(column, "ascending") for column in table(name).key]
        assert stored(path, name).equals(snapshot.tables[name].sort_by(key)), name
    assert stored(path, "snapshots").to_pylist() == [dict(snapshot.row)]
    assert receipt == {
        "warehouse": str(path),
        "org_id": ORG,
        "snapshot_date": DAY.isoformat(),
        "snapshot_id": "s1",
        "rows": {name: made.num_rows for name, made in snapshot.tables.items()},
        "bytes": path.stat().st_size,
        "loaded": True,
    }
    assert json.loads(json.dumps(receipt)) == receipt


def test_a_day_is_replaced_and_nothing_else(path: Path) -> None:
    """A new snapshot of a day takes the place of the old one; other days and other orgs stay."""
    others = [made_snapshot(30, day=DAY + timedelta(days=1)), made_snapshot(20, org_id=OTHER_ORG)]
    for snapshot in (made_snapshot(40), *others):
        load(path, snapshot)
    before = [stored(path, name, OTHER_ORG) for name in TABLES]

    load(path, made_snapshot(60, snapshot_id="s2"))

    assert stored(path, "users").num_rows == 60
    assert stored(path, "users", day=DAY + timedelta(days=1)).num_rows == 30
    assert [stored(path, name, OTHER_ORG) for name in TABLES] == before
    assert snapshot_ids(path) == {
        (ORG, DAY): "s2",
        (ORG, DAY + timedelta(days=1)): "s1",
        (OTHER_ORG, DAY): "s1",
    }


def test_loading_the_same_snapshot_again_writes_nothing(path: Path) -> None:
    """A snapshot that is there already is not read, and the file is not touched."""
    snapshot = made_snapshot(40)
    first = load(path, snapshot)
    before = path.stat()

    again = load(path, unread(snapshot))

    assert again == first | {"loaded": False}
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_another_writing_under_the_same_id_is_loaded(path: Path) -> None:
    """A run that was cleared and repeated keeps its id: what its manifest says decides, not the id."""
    load(path, made_snapshot(40, manifest='{"files": 1}'))

    assert load(path, made_snapshot(60, manifest='{"files": 2}'))["loaded"]
    assert stored(path, "users").num_rows == 60
    assert not load(path, made_snapshot(60, manifest='{"files": 2}'))["loaded"]


def test_reloading_a_day_does_not_make_the_file_grow_for_ever(path: Path) -> None:
    """The room of replaced rows is used again."""
    sizes = [load(path, made_snapshot(20_000, snapshot_id=str(n)))["bytes"] for n in range(6)]

    assert max(sizes[3:]) <= 1.5 * sizes[0]


def test_an_empty_snapshot_can_be_loaded(path: Path) -> None:
    """A day on which nobody is in scope has a row in snapshots and no users."""
    load(path, made_snapshot(0))

    assert stored(path, "users").num_rows == 0
    assert snapshot_ids(path) == {(ORG, DAY): "s1"}


def test_views_of_an_older_release_are_brought_up_to_date(path: Path) -> None:
    """A file made by an older release gets the views of this one, without its rows being read again."""
    snapshot = made_snapshot(40)
    load(path, snapshot)
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older'")
        connection.execute("CREATE OR REPLACE VIEW license_position AS SELECT 1 AS nothing")

    assert load(path, unread(snapshot))["loaded"]

    with open_readonly(path) as connection:
        assert connection.execute("SELECT sum(used_count) FROM license_position").fetchall() != [(None,)]
    assert not load(path, unread(snapshot))["loaded"]


def test_a_column_of_a_newer_minor_version_is_added(path: Path) -> None:
    """A table that lacks a declared column gets it; rows from before have no value in it."""
    load(path, made_snapshot(40))
    with duckdb.connect(str(path)) as connection:
        connection.execute("ALTER TABLE users DROP COLUMN department")
        connection.execute("UPDATE ledger_warehouse SET fingerprint = 'older'")

    load(path, made_snapshot(40, day=DAY + timedelta(days=1)))

    assert stored(path, "users")["department"].null_count == 40
    assert stored(path, "users", day=DAY + timedelta(days=1))["department"].null_count == 0


def test_a_snapshot_from_before_a_column_was_published_can_be_loaded(path: Path) -> None:
    """A nullable column that the files lack is null in the warehouse."""
    snapshot = made_snapshot(40)
    snapshot.tables["users"] = snapshot.tables["users"].drop_columns("department")
    load(path, snapshot)

    assert stored(path, "users")["department"].null_count == 40


def test_text_comes_through_unharmed(path: Path) -> None:
    """Quotes, line breaks, accents, a text that reads NA, an emoji and leading zeros stay what they are."""
    snapshot = made_snapshot(6)
    words = ["O'Brien\"", "a\nb\r\n", "Ünïcödé — 日本", "NA", "🦆", "0049"]
    made = snapshot.tables["users"]
    place = made.schema.get_field_index("name")
    snapshot.tables["users"] = made.set_column(place, made.schema.field(place), pa.array(words))
    load(path, snapshot)

    assert stored(path, "users")["name"].to_pylist() == words


def _miscounted(snapshot: MadeSnapshot) -> MadeSnapshot:
    snapshot.tables["seats"] = snapshot.tables["seats"].slice(1)
    return snapshot


def _without_value(snapshot: MadeSnapshot) -> MadeSnapshot:
    made = snapshot.tables["users"]
    place = made.schema.get_field_index("account_class")
    nothing = pa.nulls(made.num_rows, pa.string())
    snapshot.tables["users"] = made.set_column(place, made.schema.field(place), nothing)
    return snapshot


def _of_another_type(snapshot: MadeSnapshot) -> MadeSnapshot:
    made = snapshot.tables["users"]
    place = made.schema.get_field_index("created_at")
    snapshot.tables["users"] = made.set_column(place, "created_at", made["email"])
    return snapshot


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (_miscounted, "table seats of snapshot s2: has 137 rows, and the snapshot announces 138"),
        (_without_value, "table users of snapshot s2: has no value for users.account_class"),
        (_of_another_type, r"table users of snapshot s2: does not fit the schema \(ArrowInvalid\)"),
    ],
)
def test_a_snapshot_that_does_not_hold_what_it_says_is_refused(path: Path, broken: Any, message: str) -> None:
    """Wrong rows are CorruptSnapshot, told without a value of theirs, and the warehouse stays as it was."""
    load(path, made_snapshot(40))
    before = path.read_bytes()

    with pytest.raises(CorruptSnapshot, match=message) as caught:
        load(path, broken(made_snapshot(40, snapshot_id="s2")))

    assert "@" not in str(caught.value)
    assert path.read_bytes() == before
    assert {item.name for item in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


@pytest.mark.parametrize("rows", ["", "[]", "{}", '{"users": 1, "licenses": 1, "seats": 1}', None])
def test_a_snapshot_that_does_not_tell_its_rows_is_refused(path: Path, rows: Any) -> None:
    """Without a number for every table nothing can be verified, so nothing is loaded."""
    with pytest.raises(CorruptSnapshot, match="does not tell its rows"):
        load(path, made_snapshot(40, rows=rows))

    assert not path.exists()


@pytest.mark.parametrize("error", [StoreBusy("day", "is being published"), OSError("network"), KeyError("x")])
def test_an_error_of_the_reader_comes_out_as_it_was_raised(path: Path, error: Exception) -> None:
    """What reading staging raises in mid-table decides about the retry, so it is not disguised."""

    class Torn(MadeSnapshot):
        def batches(self, name: str) -> Iterator[pa.RecordBatch]:
            """Break off after the first piece."""
            yield self.tables[name].to_batches()[0]
            raise error

    snapshot = made_snapshot(40)
    with pytest.raises(type(error)) as caught:
        load(path, Torn(snapshot.org_id, DAY, "s1", snapshot.row, snapshot.tables))

    assert caught.value is error
    assert not path.exists()


@pytest.mark.parametrize("version", ["1.99", "2.0", "0.9", "nonsense"])
def test_a_snapshot_of_another_schema_is_refused(path: Path, version: str) -> None:
    """A snapshot that a newer or a much older release published names both versions."""
    with pytest.raises(ConfigError, match=f"schema version {version}, and this is {SCHEMA_VERSION}"):
        load(path, made_snapshot(40, schema_version=version))


def _text(path: Path) -> None:
    path.write_text("id,name\n1,x\n" * 1000)


def _empty(path: Path) -> None:
    path.touch()


def _truncated(path: Path) -> None:
    load(path, made_snapshot(2000))
    path.write_bytes(path.read_bytes()[:5000])


def _directory(path: Path) -> None:
    path.mkdir()


def _foreign(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE users AS SELECT 1 AS shoes")


def _of_version(version: str) -> Any:
    def make(path: Path) -> None:
        load(path, made_snapshot(40))
        with duckdb.connect(str(path)) as connection:
            connection.execute("UPDATE ledger_warehouse SET schema_version = ?", [version])

    return make


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_text, "is not a DuckDB file"),
        (_empty, "is not a DuckDB file"),
        (_truncated, "is not a DuckDB file"),
        (_directory, "Is a directory"),
        (_foreign, "is a DuckDB file of somebody else's"),
        (_of_version("1.99"), "has schema version 1.99"),
        (_of_version("2.0"), "has schema version 2.0"),
        (_of_version("0.9"), "has schema version 0.9"),
    ],
)
def test_what_is_no_warehouse_is_named_and_left_alone(path: Path, make: Any, message: str) -> None:
    """Neither loading nor reading touches a file that is not ours or not of our version; both name it."""
    make(path)
    before = path.read_bytes() if path.is_file() else None

    for attempt in (lambda: load(path, made_snapshot(40, snapshot_id="s2")), lambda: open_readonly(path)):
        with pytest.raises(ConfigError, match=f"{path}: {message}"):
            attempt()

    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A warehouse below something that is no directory is StagingUnwritable."""
    (tmp_path / "file").touch()

    with pytest.raises(StagingUnwritable, match=str(tmp_path / "file")):
        load(tmp_path / "file" / "warehouse.duckdb", made_snapshot(1))


def _load_without_room(path: Path, answer: Any) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    try:
        load(path, made_snapshot(20_000, snapshot_id="s2"))
    except Exception as error:
        answer.put((type(error).__name__, str(error)))


def test_a_disk_without_room_is_told_and_harms_nothing(path: Path) -> None:
    """When the system refuses to write on, the loader says so, naming the file, and the old one is whole."""
    load(path, made_snapshot(40))
    before = path.read_bytes()
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    loader = context.Process(target=_load_without_room, args=(path, answer))
    loader.start()
    name, message = answer.get(timeout=60)
    loader.join()

    assert name == "StagingUnwritable"
    assert message.startswith(f"writing {path}: ")
    assert path.read_bytes() == before
    assert {item.name for item in path.parent.iterdir()} == {path.name, f"{path.name}.lock"}


def test_a_warehouse_that_is_not_there_is_named(path: Path) -> None:
    """Reading before the first load says what to do, and makes no file."""
    with pytest.raises(ConfigError, match=f"{path}: does not exist"):
        open_readonly(path)

    assert not path.exists()


_WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
if sys.argv[2] == "write":
    connection.execute("CREATE TABLE scratch AS SELECT 1 AS x")
print("open", flush=True)
sys.stdin.read()
import os
os._exit(0)
"""


@pytest.mark.parametrize("what", ["open", "write"])
def test_somebody_who_writes_to_the_file_is_not_run_over(path: Path, what: str) -> None:
    """While another program has the file open for writing, or its log lies there, nothing is loaded."""
    load(path, made_snapshot(40))
    command = [sys.executable, "-c", _WRITER, str(path), what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(StoreBusy, match=str(path)):
            load(path, made_snapshot(40, snapshot_id="s2"))
        assert writer.stdin is not None
        writer.stdin.close()
    if what == "write":
        with pytest.raises(StoreBusy, match="log lies beside it"):
            load(path, made_snapshot(40, snapshot_id="s2"))
        duckdb.connect(str(path)).close()

    load(path, made_snapshot(40, snapshot_id="s2"))

    assert snapshot_ids(path) == {(ORG, DAY): "s2"}


def _load_day(path: Path, days: int) -> None:
    load(path, made_snapshot(2000, day=DAY + timedelta(days=days)))


def test_loaders_at_once_lose_nothing(path: Path) -> None:
    """Four processes that load four days at the same time all get their day in."""
    context = multiprocessing.get_context("spawn")
    loaders = [context.Process(target=_load_day, args=(path, days)) for days in range(4)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join(60)

    assert [loader.exitcode for loader in loaders] == [0, 0, 0, 0]
    assert len(snapshot_ids(path)) == 4


def test_a_loader_that_waits_too_long_says_so(path: Path) -> None:
    """A lock that is held past the patience of a loader is StoreBusy."""
    with exclusive(path, 0), pytest.raises(StoreBusy, match="another loader has held it"):
        load(path, made_snapshot(1), wait_seconds=0.1)


def test_a_connection_keeps_what_it_opened_and_the_next_sees_the_new(path: Path) -> None:
    """In one process, with the old connection still open, a new connection sees the new file."""
    load(path, made_snapshot(40))
    with open_readonly(path) as old:
        load(path, made_snapshot(60, snapshot_id="s2"))
        with open_readonly(path) as new:
            assert old.execute("SELECT count(*) FROM users").fetchall() == [(40,)]
            assert new.execute("SELECT count(*) FROM users").fetchall() == [(60,)]
            assert new.cursor().execute("SELECT count(*) FROM ledger.license_position").fetchall() == [(5,)]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM users",
        "CREATE TABLE scratch AS SELECT 1",
        "SELECT * FROM read_csv('/etc/hostname')",
        "COPY users TO '/tmp/users.csv'",
        "ATTACH 'other.duckdb'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
    ],
)
def test_a_reading_connection_can_only_read_the_warehouse(path: Path, query: str) -> None:
    """It neither writes, nor reaches another file, nor loads an extension."""
    load(path, made_snapshot(1))

    with open_readonly(path) as connection, pytest.raises(duckdb.Error):
        connection.execute(query)


def test_a_connection_is_held_within_limits(path: Path) -> None:
    """Memory and threads are what was asked for, and no extension is looked for."""
    load(path, made_snapshot(1))
    names = (
        "memory_limit",
        "threads",
        "autoload_known_extensions",
        "autoinstall_known_extensions",
        "TimeZone",
    )
    query = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)

    with open_readonly(path, memory_limit="64MiB", threads=1) as connection:
        assert connection.execute(query).fetchall() == [("64.0 MiB", 1, False, False, "UTC")]


def test_a_link_to_a_warehouse_stays_a_link(path: Path) -> None:
    """Loading through a symbolic link replaces the file it points at."""
    link = path.with_name("link.duckdb")
    link.symlink_to(path)
    load(link, made_snapshot(40))

    assert link.is_symlink()
    assert snapshot_ids(path) == {(ORG, DAY): "s1"}


def test_the_file_can_be_read_by_older_duckdb(path: Path) -> None:
    """The format of the file is one that DuckDB 1.3 understands, also after several loads."""
    for n in range(3):
        load(path, made_snapshot(40, snapshot_id=str(n)))
    with open_readonly(path) as connection:
        tags = connection.execute(
            "SELECT tags FROM duckdb_databases() WHERE database_name = 'ledger'"
        ).fetchall()

    assert tags == [({"storage_version": "v1.3.0+"},)]


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("duckdb:///var/warehouse.duckdb", Path("var/warehouse.duckdb")),
        ("duckdb:////srv/warehouse.duckdb", Path("/srv/warehouse.duckdb")),
    ],
)
def test_a_url_names_a_file(url: str, path: Path) -> None:
    """Three slashes make a relative path, four an absolute one."""
    assert warehouse_path(url) == path


@pytest.mark.parametrize(
    "url", ["duckdb:///", "duckdb:///:memory:", "duckdb://x", "duckdb://", "duckdb", "x"]
)
def test_a_url_that_names_no_file_is_refused(url: str) -> None:
    """An address without a file of its own is a wrong setting."""
    with pytest.raises(ConfigError, match="setting warehouse: names no"):
        warehouse_path(url)


@pytest.mark.parametrize("scheme", ["postgresql", "snowflake"])
def test_a_server_is_refused_without_repeating_its_address(scheme: str) -> None:
    """A kind of warehouse that is not loaded is named, with what to set instead, and the password is not."""
    with pytest.raises(ConfigError) as caught:
        warehouse_path(f"{scheme}://ledger:s3cret@db.example/x")  # pragma: allowlist secret

    assert f"setting warehouse: names a server ({scheme}://…)" in str(caught.value)
    assert "duckdb:///" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert "db.example" not in str(caught.value)
