"""What publishing leaves, what it refuses, and who wins."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_generations import (
    CANONICAL,
    DAY,
    ORG,
    OTHER_ORG,
    Generation,
    files,
    joined,
    made,
    number_in,
    number_of,
    rows_of,
    seen,
    table_of,
)

from license_ledger import reader
from license_ledger.errors import CorruptSnapshot, LedgerError, SchemaDrift, StoreBusy
from license_ledger.schemas import SCHEMA_VERSION, table
from license_ledger.staging.layout import DATA_TABLES, Day
from license_ledger.staging.lease import lease
from license_ledger.staging.manifest import file_metadata
from license_ledger.staging.published import last_published, last_published_rows
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep


def test_a_published_day_reads_back(staging: Storage, source: Storage) -> None:
    """What was published is what is read, and the receipt says what was done."""
    receipt = made(source, 1).publish(staging)

    assert joined(staging) == 1
    assert receipt["replaced"] is None
    assert receipt["rows"] == {name: rows_of(1, name) for name in DATA_TABLES}
    assert receipt["url"] == staging.url
    assert set(files(staging)) >= CANONICAL


def test_a_re_run_replaces_its_day_and_nothing_else(staging: Storage, source: Storage) -> None:
    """Publishing a day again replaces it; the day before and another org stay as they are."""
    before = DAY - timedelta(days=1)
    made(source, 1, day=before).publish(staging)
    made(source, 2).publish(staging)
    made(source, 3, org_id=OTHER_ORG).publish(staging)
    receipt = made(source, 4).publish(staging)

    assert receipt["replaced"] == "snapshot-000002"
    found = [(ORG, before, "1"), (ORG, DAY, "4"), (OTHER_ORG, DAY, "3")]
    assert [tuple(row.values()) for row in _listed(staging)] == found
    assert [number_of(reader.open_snapshot(staging, org, day)) for org, day, _ in found] == [1, 4, 3]


def _listed(staging: Storage) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (
        reader.snapshots(staging).select(["org_id", "snapshot_date", "org_name"]).to_pylist()
    )
    return rows


def test_publishing_the_same_again_changes_nothing(staging: Storage, source: Storage) -> None:
    """A publish that is repeated after it has succeeded is told so and writes no file."""
    generation = made(source, 1)
    generation.publish(staging)
    paths = sorted(CANONICAL)
    before = [staging.version(path) for path in paths]
    receipt = generation.publish(staging)

    assert receipt["unchanged"]
    assert [staging.version(path) for path in paths] == before


def test_the_same_files_with_another_row_replace_the_row(staging: Storage, source: Storage) -> None:
    """When only the row of the snapshot differs, the tables stay where they are."""
    generation = made(source, 1)
    generation.publish(staging)
    path = Day(ORG, DAY).canonical("users")
    before = staging.version(path)
    receipt = replace(generation, row={**generation.row, "api_calls": 7}).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)

    assert not receipt["unchanged"]
    assert staging.version(path) == before
    assert snapshot.row["api_calls"] == 7
    snapshot.verify()


def test_two_writings_under_one_snapshot_id_are_told_apart(staging: Storage, source: Storage) -> None:
    """A reader of the first writing is not given tables of the second, though both carry the same id."""
    made(source, 1, snapshot_id="same").publish(staging)
    first = reader.open_snapshot(staging, ORG, DAY)
    made(source, 2, snapshot_id="same").publish(staging)

    assert number_of(first) == 1
    assert number_of(reader.open_snapshot(staging, ORG, DAY)) == 2


def test_what_other_tools_find(local: Storage, source: Storage) -> None:
    """Glob, Hive partitions, schema, metadata and compression are those of the staging contract."""
    made(source, 1).publish(local)
    made(source, 2).publish(local)
    found = duckdb.sql(
        f"SELECT DISTINCT org_id, snapshot_date FROM read_parquet('{local.root}/users/*/*/*.parquet')"
    ).fetchall()
    frame = pd.read_parquet(local.path("users"))
    [path] = Path(local.root).glob("users/**/*.parquet")
    file = pq.ParquetFile(path)
    metadata = {key.decode(): value.decode() for key, value in file.metadata.metadata.items() if key != b"x"}

    assert found == [(ORG, DAY)]
    assert frame["org_id"].unique().tolist() == [ORG]
    assert file.schema_arrow.remove_metadata().equals(table("users").arrow_schema.remove_metadata())
    assert file.schema_arrow.field("user_id").metadata[b"description"]
    assert metadata["snapshot_id"] == "snapshot-000002"
    assert metadata["schema_version"] == SCHEMA_VERSION
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert file.metadata.row_group(0).column(0).is_stats_set
    assert path.relative_to(local.root).as_posix() == Day(ORG, DAY).canonical("users")


def test_the_manifest_tells_every_file(staging: Storage, source: Storage) -> None:
    """The row names each file with rows, size, hash and id, and they are true after a re-run too."""
    made(source, 1).publish(staging)
    made(source, 2).publish(staging, landed={"User": 5})
    snapshot = reader.open_snapshot(staging, ORG, DAY)
    manifest = json.loads(snapshot.row["manifest"])

    assert json.loads(snapshot.row["rows"]) == {name: rows_of(2, name) for name in DATA_TABLES}
    assert manifest["landed"] == {"User": 5}
    for name in DATA_TABLES:
        entry = manifest["files"][name]
        found = staging.parquet_footer(entry["path"])
        assert (found.rows, found.bytes, found.file_id) == (entry["rows"], entry["bytes"], entry["file_id"])
    snapshot.verify()


def test_the_size_of_the_last_snapshot(staging: Storage, source: Storage) -> None:
    """The newest snapshot of that day or earlier tells its rows, without any table being read."""
    assert last_published(staging, ORG, DAY) is None
    made(source, 1, day=DAY - timedelta(days=2)).publish(staging, landed={"User": 9})
    made(source, 2).publish(staging)
    for name in DATA_TABLES:
        staging.delete(name)
    earlier = last_published(staging, ORG, DAY - timedelta(days=1))

    assert last_published_rows(staging, ORG, DAY) == {name: rows_of(2, name) for name in DATA_TABLES}
    assert earlier
    assert earlier["landed"] == {"User": 9}
    assert earlier["snapshot_date"] == "2026-02-27"
    assert last_published(staging, ORG, DAY - timedelta(days=3)) is None
    assert last_published(staging, OTHER_ORG, DAY) is None


Spoil = Callable[[Generation], Generation]


def _without_a_table(generation: Generation) -> Generation:
    return replace(generation, files={k: v for k, v in generation.files.items() if k != "seats"})


def _with_a_strange_table(generation: Generation) -> Generation:
    return replace(generation, files={**generation.files, "people": generation.files["users"]})


def _rewritten(generation: Generation, schema: pa.Schema, rows: pa.Table, **metadata: str) -> Generation:
    told = file_metadata(
        "users",
        org_id=generation.org_id,
        snapshot_date=generation.snapshot_date,
        snapshot_id=generation.snapshot_id,
    )
    path = generation.files["users"]["path"]
    with generation.source.parquet_writer(path, schema, {**told, **metadata}) as sink:
        sink.write(rows)
    return replace(generation, files={**generation.files, "users": sink.receipt})


def _with_an_extra_column(generation: Generation) -> Generation:
    rows = table_of(1, "users").append_column("shoe_size", pa.nulls(rows_of(1, "users"), pa.int64()))
    return _rewritten(generation, rows.schema, rows)


def _with_a_missing_column(generation: Generation) -> Generation:
    rows = table_of(1, "users").drop_columns(["title"])
    return _rewritten(generation, rows.schema, rows)


def _with_another_type(generation: Generation) -> Generation:
    rows = table_of(1, "users")
    rows = rows.set_column(rows.schema.get_field_index("is_active"), "is_active", pa.nulls(len(rows)))
    return _rewritten(generation, rows.schema, rows)


def _with_a_nullable_key(generation: Generation) -> Generation:
    rows = table_of(1, "users")
    schema = rows.schema.set(0, rows.schema.field(0).with_nullable(True))
    return _rewritten(generation, schema, rows.cast(schema))


def _of_another_day(generation: Generation) -> Generation:
    return _rewritten(
        generation, table("users").arrow_schema, table_of(1, "users"), snapshot_date="2026-02-28"
    )


def _of_another_snapshot(generation: Generation) -> Generation:
    return replace(generation, snapshot_id="another")


def _with_other_rows(generation: Generation) -> Generation:
    users = {**generation.files["users"], "rows": 4}
    return replace(generation, files={**generation.files, "users": users})  # type: ignore[dict-item]


def _without_its_file(generation: Generation) -> Generation:
    generation.source.remove(generation.files["users"]["path"])
    return generation


def _torn(generation: Generation) -> Generation:
    path = Path(generation.files["users"]["path"])
    path.write_bytes(path.read_bytes()[:-20])
    return generation


def _without_a_value(generation: Generation) -> Generation:
    return replace(generation, row={k: v for k, v in generation.row.items() if k != "scope_hash"})


def _with_a_strange_value(generation: Generation) -> Generation:
    return replace(generation, row={**generation.row, "weather": "fine"})


def _with_a_wrong_value(generation: Generation) -> Generation:
    return replace(generation, row={**generation.row, "captured_at": "yesterday"})


@pytest.mark.parametrize(
    ("spoil", "error", "named"),
    [
        (_without_a_table, SchemaDrift, "table seats"),
        (_with_a_strange_table, SchemaDrift, "table people"),
        (_with_an_extra_column, SchemaDrift, "column shoe_size"),
        (_with_a_missing_column, SchemaDrift, "column title"),
        (_with_another_type, SchemaDrift, "column is_active"),
        (_with_a_nullable_key, SchemaDrift, "column user_id"),
        (_of_another_day, CorruptSnapshot, "snapshot_date '2026-02-28'"),
        (_of_another_snapshot, CorruptSnapshot, "snapshot_id 'snapshot-000001'"),
        (_with_other_rows, CorruptSnapshot, "rows 91, not 4"),
        (_without_its_file, CorruptSnapshot, "users.parquet"),
        (_torn, CorruptSnapshot, "users.parquet"),
        (_without_a_value, SchemaDrift, "column scope_hash"),
        (_with_a_strange_value, SchemaDrift, "column weather"),
        (_with_a_wrong_value, SchemaDrift, "column captured_at"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_changes(
    spoil: Spoil, error: type[LedgerError], named: str, local: Storage, source: Storage
) -> None:
    """Each thing that is wrong is named, and the published day stays as it was."""
    made(source, 5).publish(local)
    before = files(local)
    with pytest.raises(error, match=named):
        spoil(made(source, 1)).publish(local)

    assert joined(local) == 5
    assert files(local) == before


def test_a_torn_row_is_repaired_by_publishing(staging: Storage, source: Storage) -> None:
    """A row that cannot be read is told as such to readers, and the next publisher replaces it."""
    made(source, 1).publish(staging)
    path = Day(ORG, DAY).canonical("snapshots")
    staging.write_bytes(path, b"PAR1 and nothing else")
    with pytest.raises(CorruptSnapshot, match=r"snapshots\.parquet"):
        reader.open_snapshot(staging, ORG, DAY)
    made(source, 2).publish(staging)

    assert joined(staging) == 2


def test_a_strange_file_in_the_place_of_a_table_is_replaced(staging: Storage, source: Storage) -> None:
    """What is not Parquet where a table should be has no readers and is not carried along."""
    made(source, 1).publish(staging)
    staging.write_bytes(Day(ORG, DAY).canonical("seats"), b"nothing of ours")
    made(source, 2).publish(staging)

    assert set(seen(staging).values()) == {joined(staging)} == {2}


def test_of_writers_of_one_day_that_overlap_one_wins(staging: Storage, source: Storage) -> None:
    """Of four writers who wait for the same day one publishes it, and three are told that they did not."""
    generations = [made(source, number) for number in range(1, 5)]

    def attempt(generation: Generation) -> int | None:
        try:
            generation.publish(Storage.from_url(staging.url), wait_seconds=60)
        except StoreBusy:
            return None
        return generation.number

    with ThreadPoolExecutor(4) as pool:
        with lease(staging, Day(ORG, DAY).lease, wait_seconds=5):
            attempts = [pool.submit(attempt, generation) for generation in generations]
            _until_waiting(4)
        won = [number for number in (attempt.result() for attempt in attempts) if number is not None]

    assert won == [joined(staging)]
    assert set(seen(staging).values()) == set(won)


def test_a_writer_who_was_overtaken_while_waiting_does_not_win(staging: Storage, source: Storage) -> None:
    """A writer that began before the day was replaced, and got the lease after, gives up with StoreBusy."""
    made(source, 1).publish(staging)
    with ThreadPoolExecutor(1) as pool:
        with lease(staging, Day(ORG, DAY).lease, wait_seconds=5):
            waiting = pool.submit(made(source, 2).publish, Storage.from_url(staging.url), wait_seconds=60)
            _until_waiting(1)
            staging.write_bytes(*_row_of_another_writer(source))
        with pytest.raises(StoreBusy, match="another writer published this day"):
            waiting.result()

    assert reader.snapshots(staging)["snapshot_id"].to_pylist() == ["snapshot-000003"]


def _until_waiting(threads: int) -> None:
    """Until so many other threads have looked at the row and wait for the lease."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        frames = [frame for ident, frame in sys._current_frames().items() if ident != threading.get_ident()]
        if sum(_is_waiting(frame) for frame in frames) >= threads:
            return
        time.sleep(0.01)
    raise AssertionError("nobody waits for the lease")


def _is_waiting(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name == "lease":
            return True
        frame = frame.f_back
    return False


def _row_of_another_writer(source: Storage) -> tuple[str, bytes]:
    elsewhere = source.child("elsewhere")
    made(source, 3).publish(elsewhere)
    path = Day(ORG, DAY).canonical("snapshots")
    return path, elsewhere.read_bytes(path)


def _publish_elsewhere(url: str, made_at: str, number: int, day: date, gate: Any) -> None:
    generation = made(Storage.from_url(made_at), number, day=day)
    gate.wait()
    generation.publish(Storage.from_url(url))


def test_different_days_do_not_disturb_each_other(staging: Storage, source: Storage) -> None:
    """Four processes publish four days at once, and each day is whole."""
    spawned = multiprocessing.get_context("spawn")
    gate = spawned.Barrier(4)
    days = [DAY + timedelta(days=number) for number in range(4)]
    processes = [
        spawned.Process(
            target=_publish_elsewhere, args=(staging.url, source.child(str(n)).root, n, day, gate)
        )
        for n, day in enumerate(days)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert [number_of(reader.open_snapshot(staging, ORG, day)) for day in days] == [0, 1, 2, 3]


def test_landing_in_a_bucket_too(s3: Storage, local: Storage) -> None:
    """Files that lie in the same store are copied there, and those in another store are fetched from it."""
    made(s3.child("_landing"), 1).publish(s3)
    made(s3.child("_landing"), 2).publish(s3)
    made(s3.child("_landing"), 3).publish(local)

    assert joined(s3) == 2
    assert joined(local) == 3


def test_across_devices_files_are_copied(tmp_path: Path, source: Storage) -> None:
    """Where hard links and renames do not reach, publishing works all the same."""
    elsewhere = Path("/dev/shm") / f"license-ledger-{os.getpid()}"
    (elsewhere / "users").mkdir(parents=True)
    try:
        assert elsewhere.stat().st_dev != tmp_path.stat().st_dev
        staging = Storage.from_url(str(tmp_path / "staging"))
        Path(staging.root).mkdir()
        Path(staging.path("users")).symlink_to(elsewhere / "users")
        for number in (1, 2):
            made(Storage.from_url(str(elsewhere / "made")), number).publish(staging)
        sweep(staging, now=datetime.now(UTC) + timedelta(days=3))

        assert joined(staging) == 2
        [left] = (path for path in (elsewhere / "users").rglob("*") if path.is_file())
        assert number_in(pq.read_table(left, partitioning=None), "users") == 2
    finally:
        Storage.from_url(str(elsewhere)).delete()


def test_memory_will_do_for_a_try(source: Storage) -> None:
    """Object stores that are not S3 are served without conditions."""
    staging = Storage.from_url("memory://a/staging")
    made(source, 1).publish(staging)
    made(source, 2).publish(staging)
    sweep(staging, now=datetime.now(UTC) + timedelta(days=3))

    assert joined(staging) == 2
    assert files(staging) == CANONICAL
