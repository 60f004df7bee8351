"""What staging publishes and the reader reads is what the warehouse holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from made_snapshots import DAY, ORG, MadeSnapshot, load, made_snapshot

from license_ledger.errors import CorruptSnapshot
from license_ledger.reader import open_snapshot
from license_ledger.schemas import TABLES
from license_ledger.staging.manifest import Manifest, file_metadata
from license_ledger.staging.publish import publish
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.checks import run_checks
from license_ledger.warehouse.duckdb import open_readonly


@pytest.fixture
def staging(tmp_path: Path) -> Storage:
    """A staging area on the disk."""
    return Storage.from_url((tmp_path / "staging").as_uri())


def published(staging: Storage, made: MadeSnapshot) -> dict[str, Path]:
    """Publish a snapshot; the files that it was made of come back."""
    files, paths = {}, {}
    for name, rows in made.tables.items():
        path = f"_work/{made.snapshot_id}/{name}.parquet"
        metadata = file_metadata(
            name, org_id=made.org_id, snapshot_date=made.snapshot_date, snapshot_id=made.snapshot_id
        )
        with staging.parquet_writer(path, rows.schema, metadata) as sink:
            sink.write(rows)
        files[name], paths[name] = sink.receipt, Path(staging.path(path))
    publish(
        staging,
        org_id=made.org_id,
        snapshot_date=made.snapshot_date,
        snapshot_id=made.snapshot_id,
        files=files,
        snapshot_row=made.row,
    )
    return paths


def test_a_published_snapshot_is_loaded_row_by_row(staging: Storage, tmp_path: Path) -> None:
    """Files that pass the checks are published, read back and loaded; every table arrives unchanged."""
    made = made_snapshot(300)
    assert run_checks(published(staging, made), tolerance=0) == []
    snapshot = open_snapshot(staging, ORG, DAY)

    assert load(tmp_path / "w.duckdb", snapshot)["loaded"]
    assert not load(tmp_path / "w.duckdb", open_snapshot(staging, ORG, DAY))["loaded"]

    with open_readonly(tmp_path / "w.duckdb") as connection:
        for table in TABLES:
            wanted = snapshot.table(table.name)
            order = [(name, "ascending") for name in table.key or ("snapshot_id",)]
            found = connection.sql(f"SELECT * FROM {table.name}").to_arrow_table().cast(wanted.schema)

            assert found.sort_by(order).equals(wanted.sort_by(order)), table.name


def test_a_day_that_is_published_again_is_loaded_again(staging: Storage, tmp_path: Path) -> None:
    """The warehouse follows staging: the newest writing of the day, and other days beside it."""
    for made in (
        made_snapshot(30),
        made_snapshot(40, day=DAY + timedelta(days=1), snapshot_id="s2"),
        made_snapshot(50, snapshot_id="s3"),
    ):
        published(staging, made)
        load(tmp_path / "w.duckdb", open_snapshot(staging, ORG, made.snapshot_date))

    with open_readonly(tmp_path / "w.duckdb") as connection:
        days = connection.execute(
            "SELECT snapshot_date, count(*) FROM users GROUP BY snapshot_date ORDER BY snapshot_date"
        ).fetchall()

    assert days == [(DAY, 50), (DAY + timedelta(days=1), 40)]


def test_a_snapshot_from_before_a_table_is_read_and_loaded(staging: Storage, tmp_path: Path) -> None:
    """A snapshot that was published without control totals has none; the others are all there and sound."""
    published(staging, made_snapshot(30))
    young = open_snapshot(staging, ORG, DAY)
    files = {name: entry for name, entry in young.manifest["files"].items() if name != "control_totals"}
    row = young.row | {"rows": json.dumps({name: entry["rows"] for name, entry in files.items()})}
    old = replace(
        young,
        published=replace(
            young.published,
            table=pa.Table.from_pylist([row], young.published.table.schema),
            manifest=Manifest(**{**young.manifest, "files": files}),
        ),
    )

    old.verify()
    assert old.table("control_totals").num_rows == 0
    assert load(tmp_path / "w.duckdb", old)["rows"]["control_totals"] == 0
    with pytest.raises(CorruptSnapshot, match="table users"):
        replace(
            old, published=replace(old.published, manifest=Manifest(**{**old.manifest, "files": {}}))
        ).table("users")


class _Interrupted:
    """A snapshot during whose reading something happens."""

    def __init__(self, snapshot: Any, happening: Any) -> None:
        self._snapshot, self._happening = snapshot, happening

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of a table; before the seats it happens."""
        if name == "seats":
            self._happening()
        yield from self._snapshot.batches(name)


def test_a_day_that_is_replaced_while_it_is_loaded_is_not_mixed(staging: Storage, tmp_path: Path) -> None:
    """A loader gets the snapshot that it opened, to the last row, though the day is published again."""
    published(staging, made_snapshot(30))
    snapshot = open_snapshot(staging, ORG, DAY)

    def publish_again() -> None:
        published(staging, made_snapshot(40, snapshot_id="s2"))

    load(tmp_path / "w.duckdb", _Interrupted(snapshot, publish_again))

    with open_readonly(tmp_path / "w.duckdb") as connection:
        counts = connection.execute("SELECT count(*), (SELECT count(*) FROM seats) FROM users").fetchall()
    assert counts == [(30, made_snapshot(30).tables["seats"].num_rows)]


def test_a_file_that_vanishes_while_it_is_loaded_changes_nothing(staging: Storage, tmp_path: Path) -> None:
    """Staging that somebody deletes is CorruptSnapshot, and the warehouse keeps what it had."""
    path = tmp_path / "w.duckdb"
    published(staging, made_snapshot(30))
    load(path, open_snapshot(staging, ORG, DAY))
    published(staging, made_snapshot(40, snapshot_id="s2"))
    before = path.read_bytes()

    def delete_seats() -> None:
        shutil.rmtree(staging.path("seats"))

    with pytest.raises(CorruptSnapshot, match="table seats of snapshot s2"):
        load(path, _Interrupted(open_snapshot(staging, ORG, DAY), delete_seats))

    assert path.read_bytes() == before
