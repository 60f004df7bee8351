"""simple-salesforce: Bulk 2.0 ``download`` to files, and pyarrow from there into Parquet."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import requests
from simple_salesforce import Salesforce

TYPES = {"boolean": pa.bool_(), "datetime": pa.timestamp("us", "UTC")}


def main() -> None:
    """Run."""
    order = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    session = requests.Session()
    session.verify = order["ca_bundle"]
    salesforce = Salesforce(
        session_id=order["token"], instance_url=order["url"], version=order["version"], session=session
    )
    fields: dict[str, str] = order["fields"]
    schema = pa.schema([(name, TYPES.get(kind, pa.string())) for name, kind in fields.items()])
    options = pa_csv.ConvertOptions(
        column_types=schema,
        include_columns=schema.names,
        null_values=[""],
        strings_can_be_null=True,
        timestamp_parsers=[pa_csv.ISO8601],
    )
    query = f"SELECT {','.join(fields)} FROM User"  # noqa: S608 - names of the bench
    with (
        tempfile.TemporaryDirectory(dir=order["out"]) as folder,
        pq.ParquetWriter(Path(order["out"]) / "User.parquet", schema) as writer,
    ):
        for result in salesforce.bulk2.User.download(query, path=folder, max_records=50_000):
            reader = pa_csv.open_csv(
                result["file"],
                pa_csv.ReadOptions(block_size=2 << 20),
                pa_csv.ParseOptions(newlines_in_values=True),
                options,
            )
            writer.write_table(pa.Table.from_batches(list(reader), schema))
            Path(result["file"]).unlink()


if __name__ == "__main__":
    main()
