"""The servers of a bench, as processes of their own: the org, and a bucket."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "bench"
_KEYS = {"aws_access_key_id": "bench", "aws_secret_access_key": "bench"}  # pragma: allowlist secret


@dataclass(frozen=True)
class Org:
    """
    A running org.

    Attributes:
        users: how many it has.
        told: what it said about itself: addresses and credentials, all of them invented.
    """

    users: int
    told: dict[str, str]

    def session(self) -> str:
        """A fresh access token, for contenders that are given one."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.told["client_id"],
            "client_secret": self.told["client_secret"],
            "refresh_token": self.told["refresh_token"],
        }
        answer = requests.post(f"{self.told['plain_url']}/services/oauth2/token", data=form, timeout=600)
        answer.raise_for_status()
        return str(answer.json()["access_token"])

    def leave_visible(self, fields: list[str]) -> None:
        """Hide all other fields of User, so that who asks for everything asks for the same."""
        token = self.session()
        answer = requests.get(
            f"{self.told['plain_url']}/services/data/v62.0/sobjects/User/describe",
            headers={"Authorization": f"Bearer {token}"},
            timeout=600,
        )
        answer.raise_for_status()
        others = [field["name"] for field in answer.json()["fields"] if field["name"] not in fields]
        hidden = {"fields": [f"User.{name}" for name in others]}
        requests.post(f"{self.told['plain_url']}/_demo/hidden", json=hidden, timeout=60).raise_for_status()

    def begin(self, *, compresses: bool) -> None:
        """Count anew; decide whether answers are compressed for those who accept it."""
        requests.post(
            f"{self.told['plain_url']}/_bench", json={"compresses": compresses}, timeout=60
        ).raise_for_status()

    def counters(self) -> dict[str, float]:
        """Calls, bytes and processor seconds since then."""
        return dict(requests.post(f"{self.told['plain_url']}/_bench", timeout=60).json())


@contextmanager
def serving(users: int, state: Path) -> Iterator[Org]:
    """Serve an org from a process of its own."""
    order = json.dumps({"users": users, "state": str(state)})
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(_paths())}
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.front", order], env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError("the org does not start")
        yield Org(users, json.loads(line))
    finally:
        process.terminate()
        process.wait(60)


def _paths() -> list[str]:
    own = os.environ.get("PYTHONPATH", "")
    return [str(ROOT / "scripts"), str(ROOT), str(ROOT / "include"), *([own] if own else [])]


@contextmanager
def bucket() -> Iterator[str]:
    """Serve the S3 API with an empty bucket; yields its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(process, port)
        client(url).create_bucket(Bucket=BUCKET)
        yield url
    finally:
        process.terminate()
        process.wait(60)


def client(url: str) -> Any:
    """A client of the bucket's server."""
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1", **_KEYS)


def _wait_for(process: subprocess.Popen[Any], port: int) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the S3 server does not start")
