"""Storage URLs with Airflow connections."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from license_ledger.airflow.storage import open_storage, split_connection
from license_ledger.errors import ConfigError


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
