"""A demo org by another name than localhost, as in a stack of containers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import requests

from demo_org.server import DemoOrg

ELSEWHERE = "127.0.0.77"


def test_an_org_is_reached_at_the_address_it_was_given(tmp_path: Path) -> None:
    """It listens there, its certificate is for there, and its connection leads there."""
    with DemoOrg(state_dir=tmp_path, listen=ELSEWHERE, name=ELSEWHERE) as org:
        told = json.loads(org.write_connection().read_text("utf-8"))["extra"]
        answer = requests.get(
            f"{told['login_url']}/services/data", verify=told["ca_bundle"], timeout=10
        ).json()

        assert told["login_url"].startswith(f"https://{ELSEWHERE}:")
        assert org.http_url.startswith(f"http://{ELSEWHERE}:")
        assert [version["version"] for version in answer]
        with pytest.raises(requests.ConnectionError):
            requests.get(org.http_url.replace(ELSEWHERE, "127.0.0.1"), timeout=10)


def test_the_certificate_follows_the_name(tmp_path: Path) -> None:
    """The same folder under another name gets a new one; under the same name it keeps what it has."""
    kept = []
    for name in ("localhost", "localhost", "demo.my.salesforce.com"):
        with DemoOrg(state_dir=tmp_path, name=name) as org:
            kept.append((tmp_path / "server.pem").read_bytes())
            assert org.https_url.startswith(f"https://{name}:")

    assert kept[0] == kept[1] != kept[2]
