"""Storage URLs with Airflow connections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo_org.options import OrgOptions
from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger.airflow.storage import open_storage, split_connection
from license_ledger.errors import ConfigError
from tests.walk import Walk, noon


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("file:///srv/staging", ("file:///srv/staging", None)),
        ("s3://bucket/prefix", ("s3://bucket/prefix", None)),
        ("s3://lake@bucket/prefix", ("s3://bucket/prefix", "lake")),
        ("gs://lake@bucket", ("gs://bucket", "lake")),
        (
            "abfs://container@account.dfs.core.windows.net/x",
            ("abfs://container@account.dfs.core.windows.net/x", None),
        ),
        (
            "abfs://lake@container@account.dfs.core.windows.net/x",
            ("abfs://container@account.dfs.core.windows.net/x", "lake"),
        ),
        ("s3://bucket/a@b", ("s3://bucket/a@b", None)),
    ],
)
def test_the_connection_id_is_taken_out_of_a_url(url: str, expected: tuple[str, str | None]) -> None:
    """The id stands before the bucket; an Azure container does not count as one."""
    assert split_connection(url) == expected


def test_a_local_directory_needs_no_connection(tmp_path: Path) -> None:
    """A file URL is opened as it is."""
    storage = open_storage(tmp_path.as_uri())
    storage.write_bytes("a/b", b"x")

    assert (tmp_path / "a" / "b").read_bytes() == b"x"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 API with an empty bucket; its address and keys are in the Airflow connection ``lake`` alone."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "lake-key", "aws_secret_access_key": "lake-secret"}
    boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys).create_bucket(Bucket="ledger")
    connection = {
        "conn_type": "aws",
        "login": keys["aws_access_key_id"],
        "password": keys["aws_secret_access_key"],
        "extra": {"endpoint_url": address, "region_name": "us-east-1"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    yield "s3://lake@ledger/staging"
    server.stop()


def test_a_bucket_is_opened_with_an_airflow_connection(bucket: str, airflow_database: None) -> None:
    """What one worker writes with the connection's keys, another one that had listed before sees."""
    first, second = open_storage(bucket), open_storage(bucket)
    before = second.list("users")
    first.write_bytes("users/part", b"rows")

    assert before == []
    assert second.list("users") == ["part"]
    assert second.read_bytes("users/part") == b"rows"


@pytest.mark.parametrize("url", ["s3://nowhere@ledger/x", "nosuch://lake@ledger/x"])
def test_what_cannot_be_opened_is_named(url: str, airflow_database: None) -> None:
    """A missing connection, or a scheme that no provider serves, is an error that names it."""
    with pytest.raises(ConfigError, match=r"lake|nowhere"):
        open_storage(url).list()


@pytest.mark.endurance
def test_every_command_finds_a_bucket_by_its_connection(
    bucket: str, airflow_database: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A day that lies behind an Airflow connection is told of, loaded, replayed, exported, erased from."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    lake = json.loads(os.environ["AIRFLOW_CONN_LAKE"])
    world, options = World(seed=4, today=yesterday), OrgOptions(bulk_seconds=0.02)
    with DemoOrg(world, options, tmp_path / "org") as org, pytest.MonkeyPatch.context() as keys:
        keys.setenv("AWS_ACCESS_KEY_ID", lake["login"])
        keys.setenv("AWS_SECRET_ACCESS_KEY", lake["password"])
        keys.setenv("AWS_ENDPOINT_URL", lake["extra"]["endpoint_url"])
        values = {"staging": bucket.replace("lake@", "")}
        walk = Walk(org.access.connection("*"), tmp_path, noon(yesterday), values=values)
        snapshot = walk.run(load=False)
    victim = snapshot.table("users", ["user_id"])["user_id"][3].as_py()
    monkeypatch.setenv("LICENSE_LEDGER_STAGING", bucket)
    monkeypatch.setenv("LICENSE_LEDGER_WAREHOUSE", f"duckdb:///{tmp_path / 'warehouse.duckdb'}")
    monkeypatch.setenv("LICENSE_LEDGER_HISTORY_DAILY_DAYS", "30")

    prices = "product,currency,unit_price,billing_period,starts_on\nSALES-EE,EUR,1260,year,2026-02-01\n"
    open_storage(bucket).write_bytes("own/prices.csv", prices.encode())
    monkeypatch.setenv("LICENSE_LEDGER_PRICES", f"{bucket}/own/prices.csv")

    said = [
        _said(*words.split())
        for words in (
            "report",
            "status",
            "inputs",
            "load",
            "replay --company acme.com --force",
            "export license_position",
            "retain --dry-run",
            f"erase --org {snapshot.org_id} --user-id {victim}",
        )
    ]

    assert str(yesterday) in said[0]
    assert str(yesterday) in said[1]
    assert "1 rows" in said[2]
    assert "1 day" in said[3]
    assert "1 replayed" in said[4]
    assert said[5].startswith("org_id,")
    assert "1 days stay" in said[6]
    assert "Nothing of the person was found." in said[7]


def _said(*arguments: str) -> str:
    """What a command says, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "license_ledger", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (arguments, done.stderr)
    return done.stdout
