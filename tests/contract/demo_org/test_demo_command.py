"""The command line serves an org in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests


@contextmanager
def _served(state: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "demo_org",
        "serve",
        "--state-dir",
        str(state),
        "--today",
        "2026-11-24",
        *arguments,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def _refresh(connection: dict[str, Any], refresh_token: str | None = None) -> requests.Response:
    extra = connection["extra"]
    session = requests.Session()
    session.trust_env = False
    form = {
        "grant_type": "refresh_token",
        "client_id": extra["consumer_key"],
        "client_secret": extra["consumer_secret"],
    }
    form["refresh_token"] = refresh_token or extra["refresh_token"]
    return session.post(
        f"{extra['login_url']}/services/oauth2/token", data=form, verify=extra["ca_bundle"], timeout=30
    )


def test_serving_until_sigterm(tmp_path: Path) -> None:
    """One line of JSON tells where the org is and no secret; the secrets are in a file for the owner only."""
    with _served(tmp_path / "state", "--users", "60", "--company-names", "acme.com") as told:
        file = Path(told["connection"])
        connection = json.loads(file.read_text())
        assert file.stat().st_mode & 0o777 == 0o600
        assert connection["conn_type"] == "salesforce_oauth"
        assert set(connection["extra"]) == {
            "consumer_key",
            "consumer_secret",
            "refresh_token",
            "login_url",
            "ca_bundle",
            "company_names",
        }
        assert connection["extra"]["company_names"] == "acme.com"
        assert told["https_url"] == connection["extra"]["login_url"]
        line = json.dumps(told)
        assert connection["extra"]["consumer_secret"] not in line
        assert connection["extra"]["refresh_token"] not in line

        token = _refresh(connection).json()["access_token"]
        answer = requests.get(
            f"{told['http_url']}/services/data/v59.0/query",
            params={"q": "SELECT COUNT() FROM User"},
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        assert answer.json()["totalSize"] == 60


def test_a_restarted_org_is_the_same_org(tmp_path: Path) -> None:
    """App, grants and rotation state survive a restart; the connection keeps its token, spent or not."""
    with _served(tmp_path, "--rotation") as first:
        before = json.loads(Path(first["connection"]).read_text())
        renewed = _refresh(before).json()["refresh_token"]

    with _served(tmp_path, "--rotation") as second:
        after = json.loads(Path(second["connection"]).read_text())
        again = _refresh(after, renewed)
        replay = _refresh(after)

    assert first["org_id"] == second["org_id"]
    assert after["extra"]["consumer_key"] == before["extra"]["consumer_key"]
    assert after["extra"]["refresh_token"] == before["extra"]["refresh_token"]
    assert again.status_code == 200
    assert replay.status_code == 400
