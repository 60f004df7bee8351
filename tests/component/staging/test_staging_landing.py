"""Run folders: what a run has landed, and which runs stay."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from made_generations import DAY, ORG, OTHER_ORG

from license_ledger.errors import ConfigError, CorruptSnapshot, SchemaDrift
from license_ledger.staging import landing as landing_module
from license_ledger.staging.landing import RunFolder, safe_key
from license_ledger.staging.runs import latest_complete_run, runs_of, sweep_runs
from license_ledger.staging.storage import Storage

SCHEMA = pa.schema([pa.field("Id", pa.string()), pa.field("Alias", pa.string())])
NOW = datetime.now(UTC)


def batch(start: int, count: int) -> pa.RecordBatch:
    """So many numbered users."""
    numbers = range(start, start + count)
    ids, aliases = [f"005{number:015d}" for number in numbers], [f"a{number}" for number in numbers]
    return pa.RecordBatch.from_pydict({"Id": ids, "Alias": aliases}, SCHEMA)


@pytest.fixture
def run(staging: Storage) -> RunFolder:
    """A run's folder."""
    return RunFolder(staging, ORG, DAY, "scheduled__2026-03-01")


def test_where_things_lie(run: RunFolder, staging: Storage) -> None:
    """The folder of a run is named by org, day and key; parts and work files lie in it."""
    receipt = run.land("User", SCHEMA, [batch(0, 3)])
    root = f"{staging.root}/org_id={ORG}/snapshot_date=2026-03-01/run=scheduled__2026-03-01"

    assert run.storage.root == root
    assert run.work("users.parquet") == f"{root}/_work/users.parquet"
    assert receipt["object"] == "User"
    assert receipt["rows"] == 3
    [part] = receipt["parts"]
    assert part.startswith("User/part-00000-")
    assert run.storage.exists(part)


def test_landed_rows_stream_back(run: RunFolder) -> None:
    """Batches, tables and columns are those that were landed, in their order."""
    run.land("User", SCHEMA, [batch(0, 3), pa.Table.from_batches([batch(3, 4)])])

    assert pa.Table.from_batches(list(run.batches("User"))).to_pylist() == batch(0, 7).to_pylist()
    assert run.table("User", ["Alias"]).to_pylist() == [{"Alias": f"a{number}"} for number in range(7)]
    assert run.schema("User").equals(SCHEMA)
    assert run.objects() == ["User"]
    assert run.landed("User")
    assert run.landed("Profile") is None


def test_an_object_without_rows_is_landed_too(run: RunFolder) -> None:
    """Nothing is something: one empty part, with the schema."""
    receipt = run.land("UserLogin", SCHEMA, [])

    assert receipt["rows"] == 0
    assert len(receipt["parts"]) == 1
    assert run.table("UserLogin").num_rows == 0
    assert run.table("UserLogin").schema.equals(SCHEMA)


def test_large_objects_are_landed_in_parts(local: Storage) -> None:
    """A part ends with the batch that fills it, and the rows of all parts are the object's."""
    run = RunFolder(local, ORG, DAY, "r")
    size = 150_000
    receipt = run.land("User", SCHEMA, (batch(n * size, size) for n in range(9)))
    rows = [run.storage.parquet_footer(part).rows for part in receipt["parts"]]

    assert rows == [7 * size, 2 * size]
    assert 6 * size < landing_module.PART_ROWS <= 7 * size
    assert len(run.table("User", ["Id"])["Id"].unique()) == 9 * size


def test_landing_again_replaces(run: RunFolder) -> None:
    """A second try's parts replace the first's, which are deleted."""
    first = run.land("User", SCHEMA, [batch(0, 3)])
    second = run.land("User", SCHEMA, [batch(5, 2)])

    assert run.table("User").num_rows == 2
    assert not run.storage.exists(first["parts"][0])
    assert run.storage.list("User") == sorted(["_landed.json", second["parts"][0].removeprefix("User/")])


def _breaking() -> Iterator[pa.RecordBatch]:
    yield batch(0, 3)
    raise ConnectionResetError


def _drifting() -> Iterator[pa.RecordBatch]:
    yield batch(0, 1)
    yield batch(0, 1).rename_columns(["Id", "Name"])


@pytest.mark.parametrize(
    ("batches", "error"),
    [
        (_breaking, ConnectionResetError),
        (_drifting, SchemaDrift),
    ],
)
def test_a_try_that_fails_changes_nothing(
    staging: Storage, batches: Callable[[], Iterator[pa.RecordBatch]], error: type[Exception]
) -> None:
    """What was landed before stays, and nothing of the failed try does."""
    run = RunFolder(staging, ORG, DAY, "r")
    run.land("User", SCHEMA, [batch(7, 1)])
    before = run.storage.list("User")
    with pytest.raises(error):
        run.land("User", SCHEMA, batches())

    assert run.storage.list("User") == before
    assert run.table("User").num_rows == 1


def test_a_try_that_was_given_up_harms_nobody(run: RunFolder) -> None:
    """A try that still writes after another has landed the object changes nothing that its receipt names."""
    landed = run.land("User", SCHEMA, [batch(5, 2)])

    def slow() -> Iterator[pa.RecordBatch]:
        yield batch(0, 3)
        assert run.table("User").num_rows == 2
        assert run.landed("User") == landed

    run.land("User", SCHEMA, slow())


def test_what_is_not_landed_or_damaged_is_told(run: RunFolder) -> None:
    """An object without receipt, without part or with a torn receipt is named."""
    with pytest.raises(CorruptSnapshot, match=r"object User of run .* has not been landed"):
        list(run.batches("User"))
    receipt = run.land("User", SCHEMA, [batch(0, 1)])
    run.storage.remove(receipt["parts"][0])
    with pytest.raises(CorruptSnapshot, match=r"part-00000.*is not there"):
        run.table("User")
    run.storage.write_bytes("User/_landed.json", b"{")
    with pytest.raises(CorruptSnapshot, match="is no receipt"):
        list(run.batches("User"))


@pytest.mark.parametrize("name", ["", "../User", "User Login", "1User", "_work"])
def test_a_name_that_is_no_object(local: Storage, name: str) -> None:
    """Only API names become directories."""
    with pytest.raises(ConfigError, match="object"):
        RunFolder(local, ORG, DAY, "r").land(name, SCHEMA, [])


def test_json_and_work_files(run: RunFolder) -> None:
    """Small facts and work files lie beside the objects, and work files can be dropped."""
    run.write_json("inspection.json", {"a": 1})
    with run.storage.parquet_writer(run.work("x.parquet"), SCHEMA) as sink:
        sink.write(batch(0, 1))

    assert run.read_json("inspection.json") == {"a": 1}
    assert run.storage.exists(run.work("x.parquet"))
    run.drop_work()
    assert not run.storage.exists(run.work("x.parquet"))
    assert run.objects() == []


def test_the_latest_complete_run_is_the_one_to_replay(staging: Storage) -> None:
    """Of several complete runs the one completed last counts; incomplete ones do not."""
    runs = [RunFolder(staging, ORG, DAY, key) for key in ("b", "a", "c")]
    assert latest_complete_run(staging, ORG, DAY) is None
    runs[0].mark_complete(NOW, snapshot_id="s")
    runs[1].mark_complete(NOW - timedelta(hours=1))
    runs[2].land("User", SCHEMA, [])
    found = latest_complete_run(staging, ORG, DAY)

    assert found
    assert found.key == "b"
    assert found.completed_at() == NOW
    assert runs[2].completed_at() is None
    assert [run.key for run in runs_of(staging, ORG, DAY)] == ["a", "b", "c"]
    assert latest_complete_run(staging, ORG, DAY + timedelta(days=1)) is None


def test_a_time_without_zone_is_refused(local: Storage) -> None:
    """When a run was completed must be comparable."""
    with pytest.raises(ConfigError, match="completed_at"):
        RunFolder(local, ORG, DAY, "r").mark_complete(datetime(2026, 3, 1))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("key", "safe"),
    [("scheduled__2026-03-01", "scheduled__2026-03-01"), ("a.b-c_d", "a.b-c_d")],
)
def test_a_key_that_is_safe_stays(key: str, safe: str) -> None:
    """Plain keys are used as they are."""
    assert safe_key(key) == safe


def test_keys_that_are_not_safe_stay_different() -> None:
    """What a path cannot hold is replaced, and two keys never become one."""
    keys = [
        "manual__2026-03-01T00:00:00+00:00",
        "manual__2026-03-01T00-00-00-00-00",
        "../x",
        "x",
        "",
        "y" * 300,
    ]
    safe = [safe_key(key) for key in keys]

    assert len(set(safe)) == len(keys)
    assert all(key and "/" not in key and key[0] != "." and len(key) < 120 for key in safe)


def _aged(storage: Storage, days: float) -> None:
    """Make everything below look as if it was written so long ago."""
    then = time.time() - days * 86400
    for path in Path(storage.root).rglob("*"):
        os.utime(path, (then, then))


def _day(days_ago: int) -> date:
    return NOW.date() - timedelta(days=days_ago)


def test_runs_that_nobody_needs_are_swept(local: Storage) -> None:
    """
    Runs past retention, replaced ones and dead ones go; the one to replay from, and what is being written,
    stay.
    """
    days = {"expired": 40, "dead": 3, "superseded": 2, "replayed": 2, "today": 0}
    runs = {key: RunFolder(local, ORG, _day(ago), key) for key, ago in days.items()}
    other = RunFolder(local, OTHER_ORG, _day(40), "other")
    for key, run in runs.items():
        run.land("User", SCHEMA, [batch(0, 1)])
        if key not in ("dead", "today"):
            run.mark_complete(NOW - timedelta(days=1, minutes=key == "superseded"))
    other.land("User", SCHEMA, [])
    later = datetime.now(UTC) + timedelta(days=1, hours=1)
    runs["today"].land("Profile", SCHEMA, [])
    fresh = sweep_runs(local, now=datetime.now(UTC), keep_days=30)
    receipt = sweep_runs(local, now=later, keep_days=30, org_id=ORG, keep="today")

    assert fresh == {"expired": 0, "superseded": 0, "dead": 0, "kept": 0}
    assert receipt == {"expired": 1, "superseded": 1, "dead": 1, "kept": 0}
    assert {key for key, run in runs.items() if run.storage.list()} == {"replayed", "today"}
    assert other.storage.list()


def test_landing_can_be_kept_for_ever(local: Storage) -> None:
    """With a retention of 0 days no complete run expires."""
    run = RunFolder(local, ORG, _day(4000), "r")
    run.land("User", SCHEMA, [])
    run.mark_complete(NOW)
    later = datetime.now(UTC) + timedelta(days=2)

    assert sweep_runs(local, now=later, keep_days=0) == {"expired": 0, "superseded": 0, "dead": 0, "kept": 0}
    assert run.objects() == ["User"]
