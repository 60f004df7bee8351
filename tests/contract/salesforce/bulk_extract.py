"""Extract all users by bulk in a process of its own; prints rows, peak memory and CPU time as JSON."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
from tests.contract.salesforce.desk import Job, Tokens
from tests.peak import peak_mib

from license_ledger.salesforce.capabilities import arrow_schema, inspect
from license_ledger.salesforce.credentials import parse
from license_ledger.salesforce.extract import query_batches
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.rest import RestClient


def main(connection: str, target: str) -> None:
    """Extract to a Parquet file."""
    credentials = parse(json.loads(Path(connection).read_text(encoding="utf-8")))
    now = datetime.now(UTC)
    sessions = RefreshTokenSessions(credentials, Tokens(), contextlib.nullcontext, lambda: now)
    client = RestClient(sessions, ca_bundle=credentials.ca_bundle)
    inspection = inspect(client, captured_at=now)
    schema = arrow_schema(inspection, "User")
    before, cpu, rows = peak_mib(), time.process_time(), 0
    with pq.ParquetWriter(target, schema, compression="zstd", compression_level=1) as writer:
        for table in query_batches(client, inspection, "User", job=Job()):
            writer.write_table(table, row_group_size=65_536)
            rows += table.num_rows
    cpu = time.process_time() - cpu
    print(
        json.dumps(
            {
                "rows": rows,
                "added_mib": round(peak_mib() - before),
                "cpu": cpu,
                "api": inspection["objects"]["User"]["api"],
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
