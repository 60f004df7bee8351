"""Files of one's own may lie in a bucket, as CSV and as Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from license_ledger.errors import InputRefused
from license_ledger.inputs.given import read_inputs
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_files_are_read_from_a_bucket(s3_url: str, tmp_path: Path) -> None:
    """A CSV and a Parquet file behind an S3 API are read and fingerprinted as local ones are."""
    fs, folder = Storage.from_url(s3_url).fs, s3_url.removeprefix("s3://")
    fs.pipe(
        f"{folder}/p.csv", b"product,currency,unit_price,billing_period,starts_on\nA,EUR,1,year,2026-01-01\n"
    )
    pq.write_table(pa.table({"emails": ["a@acme.com"], "active": [True]}), tmp_path / "d.parquet")
    fs.pipe(f"{folder}/d.parquet", (tmp_path / "d.parquet").read_bytes())

    inputs = read_inputs(Settings(prices=f"{s3_url}/p.csv", directory=f"{s3_url}/d.parquet"), NOW)

    assert inputs.tables["prices"]["product"].to_pylist() == ["A"]
    assert inputs.directory is not None
    assert inputs.directory.entry_count == 1
    assert set(inputs.fingerprints) == {"prices", "directory"}


def test_a_file_that_is_not_in_the_bucket_is_told(s3_url: str) -> None:
    """The message names the whole place."""
    with pytest.raises(InputRefused, match=rf"{s3_url}/none\.csv: is not there"):
        read_inputs(Settings(prices=f"{s3_url}/none.csv"), NOW)
