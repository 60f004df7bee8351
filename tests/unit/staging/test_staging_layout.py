"""Names below the staging root, and the manifest."""

from __future__ import annotations

import json
from datetime import date
from fnmatch import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.errors import ConfigError, CorruptSnapshot
from license_ledger.schemas import SCHEMA_VERSION, TABLES
from license_ledger.staging.layout import DATA_TABLES, Day, checked_snapshot_id, days_of, partition_values
from license_ledger.staging.manifest import FileEntry, Manifest, file_metadata, from_json, to_json

ORG = "00D5g000008XyzAEAS"
DAY = Day(ORG, date(2026, 3, 1))


def test_the_published_layout() -> None:
    """A table's file lies where the staging contract says."""
    assert DAY.canonical("users") == f"users/org_id={ORG}/snapshot_date=2026-03-01/users.parquet"


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_nothing_but_published_files_looks_like_one(table: str) -> None:
    """What is kept does not match any glob for Parquet and does not lie in a table's directory."""
    kept = DAY.kept(table, "0123")

    assert not fnmatch(kept, "*.parquet*/*.parquet")
    assert not kept.endswith(".parquet")
    assert not kept.startswith(f"{table}/")
    assert kept.startswith("_")


def test_the_row_is_no_data_table() -> None:
    """The tables that a manifest lists are all but `snapshots`."""
    assert {*DATA_TABLES, "snapshots"} == {table.name for table in TABLES}


@pytest.mark.parametrize("org_id", ["", "00D", "../etc/passwd/xxxx", "00D5g000008XyzAEA*", f"{ORG}A"])
def test_an_org_id_that_is_none(org_id: str) -> None:
    """Nothing but a Salesforce id becomes a directory."""
    with pytest.raises(ConfigError, match="org id"):
        Day(org_id, date(2026, 3, 1))


@pytest.mark.parametrize("snapshot_id", ["", "a/b", ".hidden", "a b", "x" * 129])
def test_a_snapshot_id_that_is_none(snapshot_id: str) -> None:
    """A snapshot id can stand in messages and names."""
    with pytest.raises(ConfigError, match="snapshot id"):
        checked_snapshot_id(snapshot_id)


def test_directories_are_read_back() -> None:
    """Hive directories give their values; strangers are passed over."""
    names = ["snapshot_date=2026-03-01", "snapshot_date=soon", "snapshot_date=", "notes", ".x"]

    assert list(days_of(names)) == [date(2026, 3, 1)]
    assert list(partition_values(["org_id=a", "org=b", "org_id="], "org_id")) == ["a"]


@given(st.dates(min_value=date(1, 1, 1)))
def test_a_day_is_found_again(day: date) -> None:
    """The name of a day's directory says which day it is."""
    partition = Day(ORG, day).partition

    assert list(days_of([partition.partition("/")[2]])) == [day]


def test_the_metadata_of_a_file() -> None:
    """A file tells its table, grain, org, day, snapshot and schema version."""
    found = file_metadata("seats", org_id=ORG, snapshot_date=date(2026, 3, 1), snapshot_id="s")

    assert found == {
        "table": "seats",
        "grain": "an in-scope user holding a license",
        "org_id": ORG,
        "snapshot_date": "2026-03-01",
        "snapshot_id": "s",
        "schema_version": SCHEMA_VERSION,
    }


ENTRIES = st.builds(
    FileEntry,
    path=st.text(),
    rows=st.integers(0),
    bytes=st.integers(0),
    sha256=st.text(),
    live=st.lists(st.tuples(st.integers(0), st.integers(0))),
    file_id=st.text(),
)


@given(
    st.builds(
        Manifest,
        version=st.just(1),
        snapshot_id=st.text(),
        files=st.dictionaries(st.text(), ENTRIES),
        landed=st.dictionaries(st.text(), st.integers(0)),
    )
)
def test_a_manifest_survives_its_column(made: Manifest) -> None:
    """What is written is what is read."""
    assert from_json(to_json(made), "x") == made


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        json.dumps({"version": 2, "snapshot_id": "s", "files": {}}),
        json.dumps({"version": 1, "snapshot_id": "s", "files": {"users": {"path": "x"}}}),
        json.dumps({"version": 1, "snapshot_id": "s", "files": []}),
    ],
)
def test_what_is_no_manifest(text: str) -> None:
    """Anything else is told as a corrupt snapshot, with its file."""
    with pytest.raises(CorruptSnapshot, match=r"manifest of x\.parquet"):
        from_json(text, "x.parquet")
