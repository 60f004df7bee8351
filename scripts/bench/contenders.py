"""Who runs: each contender's script, the environment it runs in, and how its output is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RUNNERS = Path(__file__).parent / "runners"


@dataclass(frozen=True)
class Contender:
    """
    One way to bring the users of an org into a file.

    Attributes:
        name: in the record.
        title: for people.
        runner: script in `runners/`.
        environment: a lock in `peers/`; empty for the project's own environment.
        api: what it asks, in words.
        output: which kind of output `outputs.py` is to read.
        fast: whether it is run at the large size; the others would take many minutes there.
        rounds: at most so many at the large size; 0 for as many as are asked for.
        needs_login_host: it knows Salesforce's login host only, and gets there through the proxy.
        needs_bucket: it writes to S3.
        source: a folder below the environment that no package brings; see `environments.py`.
    """

    name: str
    title: str
    runner: str
    environment: str
    api: str
    output: str
    fast: bool = False
    rounds: int = 0
    needs_login_host: bool = False
    needs_bucket: bool = False
    source: str = ""

    @property
    def script(self) -> Path:
        """Path of the runner."""
        return RUNNERS / self.runner


LEDGER = Contender(
    "ledger", "License Ledger: inspect and extract", "ledger.py", "", "Bulk 2.0", "landing", fast=True
)
LIMIT = Contender(
    "limit", "bare limit: stream, pyarrow, no checks", "limit.py", "", "Bulk 2.0", "parquet", fast=True
)
BULK = Contender(
    "simple_salesforce_bulk",
    "simple-salesforce Bulk 2.0 download, pyarrow",
    "bulk.py",
    "simple_salesforce",
    "Bulk 2.0",
    "parquet",
    fast=True,
)
HOOK = Contender(
    "provider_hook",
    "Airflow provider: make_query, object_to_df, Parquet",
    "hook.py",
    "",
    "REST",
    "parquet",
    fast=True,
    # Over a minute each; what it costs per row grows with the rows, so that it has to be the large size.
    rounds=1,
)
HOOK_FILE = Contender(
    "provider_file",
    "Airflow provider: make_query, write_object_to_file (CSV)",
    "hook_file.py",
    "",
    "REST",
    "csv",
)
S3_OPERATOR = Contender(
    "provider_s3",
    "Airflow provider: SalesforceToS3Operator (CSV)",
    "s3_operator.py",
    "",
    "REST",
    "bucket",
    needs_login_host=True,
    needs_bucket=True,
)
REST = Contender(
    "simple_salesforce_rest",
    "simple-salesforce REST query_all_iter, batched Parquet",
    "rest.py",
    "simple_salesforce",
    "REST",
    "parquet",
)
DLT = Contender(
    "dlt",
    "dlt, verified Salesforce source, Parquet",
    "dlt_source.py",
    "dlt",
    "Bulk 1",
    "dlt",
    source="source/salesforce",
)
AIRBYTE = Contender(
    "airbyte",
    "Airbyte source-salesforce, messages",
    "airbyte.py",
    "airbyte",
    "Bulk 2.0",
    "airbyte",
    needs_login_host=True,
)
TAP = Contender(
    "tap", "Singer tap-salesforce, messages", "tap.py", "tap", "REST", "singer", needs_login_host=True
)

CONTENDERS = (LEDGER, LIMIT, BULK, REST, HOOK, HOOK_FILE, S3_OPERATOR, DLT, AIRBYTE, TAP)


def named(name: str) -> Contender:
    """The contender of a name. Raises KeyError when there is none."""
    return {contender.name: contender for contender in CONTENDERS}[name]
