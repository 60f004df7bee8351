"""simple-salesforce: REST ``query_all_iter``, written as Parquet in batches, the types given."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests
from simple_salesforce import Salesforce

TYPES = {"boolean": pa.bool_(), "datetime": pa.timestamp("us", "UTC")}
BATCH = 50_000


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
    query = f"SELECT {','.join(fields)} FROM User"  # noqa: S608 - names of the bench
    records = iter(salesforce.query_all_iter(query))
    with pq.ParquetWriter(Path(order["out"]) / "User.parquet", schema) as writer:
        while batch := list(itertools.islice(records, BATCH)):
            columns = [_column(batch, name, kind) for name, kind in fields.items()]
            writer.write_table(pa.table(columns, schema=schema))


def _column(batch: list[dict[str, Any]], name: str, kind: str) -> pa.Array:
    values = [record[name] for record in batch]
    if kind == "datetime":
        values = [value and datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z") for value in values]
    return pa.array(values, TYPES.get(kind, pa.string()))


if __name__ == "__main__":
    main()
