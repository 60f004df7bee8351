"""What a contender left, as an Arrow table of the fields of User under Salesforce's names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.dataset as pa_dataset
import pyarrow.parquet as pq

from bench.servers import BUCKET, client


def read(kind: str, out: Path, bucket: str = "") -> pa.Table:
    """
    Read an output.

    Args:
        kind: which, as the contender says.
        out: the folder it was written to.
        bucket: address of the S3 server.

    Returns:
        A table under the names that the contender gave; types are those it wrote, text in CSV. In CSV an
        empty cell without quotes is null: that is how far the format tells it from empty text.
    """
    if kind == "bucket":
        client(bucket).download_file(BUCKET, "User.csv", str(out / "User.csv"))
    return _READERS[kind](out)


def _landing(out: Path) -> pa.Table:
    [folder] = {path.parent for path in (out / "staging" / "_landing").rglob("*.parquet")}
    return pa_dataset.dataset(str(folder), format="parquet").to_table()


def _parquet(out: Path) -> pa.Table:
    return pq.read_table(out / "User.parquet")


def _dlt(out: Path) -> pa.Table:
    # Not as a dataset: a file without any value in a column has another type there.
    files = sorted((out / "bucket" / "salesforce" / "sf_user").glob("*.parquet"))
    return pa.concat_tables([pq.read_table(path) for path in files], promote_options="permissive")


def _csv(out: Path) -> pa.Table:
    path = out / "User.csv"
    with path.open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
    return pa_csv.read_csv(
        path,
        pa_csv.ReadOptions(block_size=16 << 20),
        pa_csv.ParseOptions(newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types={name: pa.string() for name in names},
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _messages(record: Callable[[dict[str, Any]], Any]) -> Callable[[Path], pa.Table]:
    def read_messages(out: Path) -> pa.Table:
        with (out / "messages.jsonl").open(encoding="utf-8") as file:
            records = list(_records(file, record))
        # Every name that any record has: a record may leave out what is null.
        names = {name: None for each in records for name in each}
        return pa.table({name: [each.get(name) for each in records] for name in names})

    return read_messages


def _records(file: Any, record: Callable[[dict[str, Any]], Any]) -> Iterator[dict[str, Any]]:
    for line in file:
        if line.startswith("{"):
            found = record(json.loads(line))
            if found is not None:
                yield found


def _of_airbyte(message: dict[str, Any]) -> Any:
    return message["record"]["data"] if message["type"] == "RECORD" else None


def _of_singer(message: dict[str, Any]) -> Any:
    return message["record"] if message["type"] == "RECORD" else None


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "landing": _landing,
    "parquet": _parquet,
    "csv": _csv,
    "bucket": _csv,
    "dlt": _dlt,
    "airbyte": _messages(_of_airbyte),
    "singer": _messages(_of_singer),
}
