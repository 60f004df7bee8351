"""Storages to test on: a local directory, and a bucket behind an S3 API."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from license_ledger.staging.storage import Storage

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 API that lasts as long as the tests do."""
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("s3_server.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout
    yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    server.communicate()


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, reached with what the environment says."""
    for name, value in {**KEYS, "AWS_ENDPOINT_URL": s3_endpoint}.items():
        monkeypatch.setenv(name, value)
    bucket = f"b{uuid.uuid4().hex}"
    Storage.from_url(f"s3://{bucket}").fs.mkdir(bucket)
    return f"s3://{bucket}/staging"


@pytest.fixture
def local(tmp_path: Path) -> Storage:
    """A staging area on the disk."""
    return Storage.from_url(str(tmp_path / "staging"))


@pytest.fixture
def s3(s3_url: str) -> Storage:
    """A staging area in a bucket."""
    return Storage.from_url(s3_url)


@pytest.fixture
def source(tmp_path: Path) -> Storage:
    """Where finished files lie before they are published: on the disk, whatever staging is."""
    return Storage.from_url(str(tmp_path / "made"))


@pytest.fixture(params=["local", "s3"])
def staging(request: pytest.FixtureRequest) -> Storage:
    """Both, one after the other."""
    found: Storage = request.getfixturevalue(request.param)
    return found
