"""Reading goes on undisturbed while the day is published again, or says that it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.asyn import sync_wrapper
from made_generations import DAY, ORG, joined, made, number_in, number_of, row_of, rows_of, table_of
from s3fs import S3FileSystem

from license_ledger import reader
from license_ledger.errors import CorruptSnapshot, SchemaDrift, SnapshotRefused, StoreBusy
from license_ledger.schemas import SNAPSHOTS, TABLES
from license_ledger.staging.layout import Day
from license_ledger.staging.storage import Storage
from license_ledger.staging.sweep import sweep


def test_a_snapshot_has_its_row_and_every_table(staging: Storage, source: Storage) -> None:
    """Tables come with the partition columns first, in the schema's order and types; the row as written."""
    made(source, 1).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)

    for table in TABLES:
        rows = snapshot.table(table.name)
        assert rows.schema.equals(reader.schema_of(table.name))
        assert rows.column_names[:2] == ["org_id", "snapshot_date"]
        assert set(rows["org_id"].to_pylist()) == {ORG}
        assert set(rows["snapshot_date"].to_pylist()) == {DAY}
    assert (snapshot.org_id, snapshot.snapshot_date, snapshot.snapshot_id) == (ORG, DAY, "snapshot-000001")
    assert {key: snapshot.row[key] for key in row_of(1)} == row_of(1)


def test_columns_are_those_asked_for(staging: Storage, source: Storage) -> None:
    """Projection keeps the order asked for, also of partition columns alone, and names an unknown column."""
    made(source, 1).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)
    rows = snapshot.table("users", ["title", "org_id", "user_id"])

    assert rows.column_names == ["title", "org_id", "user_id"]
    assert rows["title"].to_pylist() == table_of(1, "users")["title"].to_pylist()
    assert snapshot.table("seats", ["org_id"]).num_rows == rows_of(1, "seats")
    with pytest.raises(SchemaDrift, match="column shoe_size"):
        snapshot.table("users", ["shoe_size"])
    with pytest.raises(KeyError, match="people"):
        snapshot.table("people")


def test_batches_stream_row_group_by_row_group(local: Storage, source: Storage) -> None:
    """A table comes in several batches, together all of it."""
    made(source, 1).publish(local)
    batches = list(reader.open_snapshot(local, ORG, DAY).batches("seats"))

    assert len(batches) > 2
    assert number_in(pa.Table.from_batches(batches), "seats") == 1


def test_nothing_published(staging: Storage) -> None:
    """No snapshots are an empty table, and opening one is refused by name."""
    assert reader.snapshots(staging).num_rows == 0
    assert reader.snapshots(staging).schema.equals(reader.schema_of(SNAPSHOTS.name))
    with pytest.raises(SnapshotRefused, match=f"2026-03-01 of org {ORG}: is not published.*the org has none"):
        reader.open_snapshot(staging, ORG, DAY)


def test_a_day_that_is_not_there(staging: Storage, source: Storage) -> None:
    """The refusal tells which days there are."""
    made(source, 1).publish(staging)
    with pytest.raises(SnapshotRefused, match="days from 2026-03-01 to 2026-03-01 are known"):
        reader.open_snapshot(staging, ORG, date(2026, 3, 2))


@pytest.mark.parametrize("again", [1, 2, 3])
def test_an_open_snapshot_stays_itself(staging: Storage, source: Storage, again: int) -> None:
    """Tables that are read after the day was published again, once or more, are of the open snapshot."""
    made(source, 1).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)
    first = snapshot.table("users")
    for number in range(2, 2 + again):
        made(source, number).publish(staging)

    assert number_in(first, "users") == number_of(snapshot) == 1
    snapshot.verify()
    assert joined(staging) == 1 + again


def test_a_table_that_is_replaced_while_it_streams(staging: Storage, source: Storage) -> None:
    """A stream that has begun goes on with the rows of its own snapshot, at the row group where it was."""
    made(source, 1).publish(staging)
    stream = reader.open_snapshot(staging, ORG, DAY).batches("seats")
    begun = [next(stream)]
    made(source, 2).publish(staging)

    assert number_in(pa.Table.from_batches([*begun, *stream]), "seats") == 1


def test_a_snapshot_that_is_swept_away_says_so(staging: Storage, source: Storage) -> None:
    """After the grace the files of a replaced snapshot are gone, and its reader is told to open again."""
    made(source, 1).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)
    made(source, 2).publish(staging)
    sweep(staging, now=datetime.now(UTC) + timedelta(days=3))

    with pytest.raises(StoreBusy, match="snapshot-000001: was replaced"):
        snapshot.table("users")
    assert joined(staging) == 2


def _lost(staging: Storage) -> None:
    for place in ("_generations", Day(ORG, DAY).canonical("users")):
        staging.delete(place)


def _torn(staging: Storage) -> None:
    path = Day(ORG, DAY).canonical("users")
    staging.delete("_generations")
    staging.write_bytes(path, staging.read_bytes(path)[:-40])


def _flipped(staging: Storage) -> None:
    path = Day(ORG, DAY).canonical("users")
    staging.delete("_generations")
    content = bytearray(staging.read_bytes(path))
    for at in range(400, 480):
        content[at] ^= 0xFF
    staging.write_bytes(path, bytes(content))


@pytest.mark.parametrize("damage", [_lost, _torn, _flipped])
def test_damage_is_told_with_the_file(
    damage: Callable[[Storage], None], staging: Storage, source: Storage
) -> None:
    """A lost, torn or altered file is CorruptSnapshot, never other rows; other tables can still be read."""
    made(source, 1).publish(staging)
    damage(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)

    with pytest.raises(CorruptSnapshot, match="users"):
        snapshot.table("users")
    with pytest.raises(CorruptSnapshot, match="users"):
        snapshot.verify()
    assert number_in(snapshot.table("seats"), "seats") == 1


def test_damage_that_only_the_hash_tells(local: Storage, source: Storage) -> None:
    """Verifying reads every living byte, also those that no page checksum covers."""
    made(source, 1).publish(local)
    path = Path(local.path(Day(ORG, DAY).canonical("licenses")))
    content = path.read_bytes()
    path.write_bytes(content.replace(b"ledger", b"LEDGER").replace(b"grain", b"GRAIN"))
    snapshot = reader.open_snapshot(local, ORG, DAY)

    assert path.read_bytes() != content
    assert number_in(snapshot.table("licenses"), "licenses") == 1
    with pytest.raises(CorruptSnapshot, match=r"licenses.*other bytes"):
        snapshot.verify()


def test_one_damaged_row_is_named(staging: Storage, source: Storage) -> None:
    """Listing snapshots says which file cannot be read."""
    made(source, 1).publish(staging)
    staging.write_bytes(Day(ORG, DAY).canonical("snapshots"), b"")
    with pytest.raises(CorruptSnapshot, match=r"snapshots\.parquet"):
        reader.snapshots(staging)


def test_strange_directories_are_passed_over(staging: Storage, source: Storage) -> None:
    """Only partitions of the layout are snapshots, and an empty one is none."""
    made(source, 1).publish(staging)
    for strange in ("snapshots/org_id=x/snapshot_date=soon/a", "snapshots/notes/a", "snapshots/readme"):
        staging.write_bytes(strange, b"")
    staging.write_bytes(f"snapshots/org_id={ORG}/snapshot_date=2026-03-05/other", b"")

    assert reader.snapshots(staging)["snapshot_date"].to_pylist() == [DAY]
    assert reader.snapshots(staging, ORG).num_rows == 1


def test_a_column_younger_than_the_snapshot_is_null(local: Storage, source: Storage) -> None:
    """What an earlier version published can be read by this one."""
    made(source, 1).publish(local)
    path = local.path(Day(ORG, DAY).canonical("users"))
    rows = pq.read_table(path, partitioning=None)
    older = rows.drop_columns(["federation_id"])
    metadata = {key: value for key, value in pq.read_metadata(path).metadata.items() if b"ARROW" not in key}
    pq.write_table(older.replace_schema_metadata(metadata), path)
    found = reader.open_snapshot(local, ORG, DAY).table("users")

    assert found["federation_id"].null_count == rows_of(1, "users")
    assert found["user_id"].to_pylist() == rows["user_id"].to_pylist()


class RestlessS3(S3FileSystem):
    """A client that does something just before its n-th request of one kind for one table."""

    cachable = False
    trigger: tuple[str, str, int] | None = None
    disturb: Callable[[], Any] | None = None

    async def _call_s3(self, method: str, *positional: Any, **named: Any) -> Any:
        if self.trigger and method == self.trigger[0] and self.trigger[1] in named.get("Key", ""):
            kind, table, left = self.trigger
            self.trigger = (kind, table, left - 1) if left > 1 else None
            if left == 1 and self.disturb:
                await asyncio.to_thread(self.disturb)
        return await super()._call_s3(method, *positional, **named)

    call_s3 = sync_wrapper(_call_s3)


@pytest.mark.parametrize("request_number", range(1, 8))
@pytest.mark.parametrize("kind", ["get_object", "head_object"])
def test_an_object_that_is_replaced_before_any_request(
    kind: str, request_number: int, s3: Storage, source: Storage
) -> None:
    """Whenever the day is published again during a read, the read ends with rows of one snapshot, whole."""
    made(source, 1).publish(s3)
    client = RestlessS3(use_listings_cache=False)
    client.trigger = (kind, "/users", request_number)
    client.disturb = lambda: made(source, 2).publish(Storage.from_url(s3.url))
    snapshot = reader.open_snapshot(Storage.from_url(s3.url, filesystem=client), ORG, DAY)

    assert number_in(snapshot.table("users"), "users") == 1
    assert number_of(snapshot) == 1
