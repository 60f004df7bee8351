"""jsforce, the JavaScript client under most Salesforce tools, works as it comes from npm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.demo_org_fixtures import StartOrg

SCRIPT = Path(__file__).with_name("scripts") / "jsforce.mjs"
CACHE = Path(__file__).parents[3] / ".run" / "npm"
VERSION = "3.10.16"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="jsforce is tested where node and npm are installed",
    ),
]


@pytest.fixture(scope="module")
def jsforce() -> Path:
    """Install jsforce once, outside version control; gives the folder."""
    package = CACHE / "node_modules" / "jsforce" / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != VERSION:
        CACHE.mkdir(parents=True, exist_ok=True)
        (CACHE / "package.json").write_text('{"private": true}')
        command = ["npm", "install", f"jsforce@{VERSION}", "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-2000:]
    return CACHE


def test_jsforce(start_demo_org: StartOrg, jsforce: Path) -> None:
    """Refresh, paging, streaming, describe, identity, bulk with several pages, SOAP login, revocation."""
    org = start_demo_org(rest_page_rows=7, bulk_page_rows=9)
    arguments = [
        org.http_url,
        org.client_id,
        org.client_secret,
        org.refresh_token,
        org.username,
        org.password,
    ]
    done = subprocess.run(
        ["node", str(SCRIPT), str(jsforce), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.splitlines()[-1])

    api = org.login_with(org.token(grant_type="client_credentials").json()["access_token"])
    ids = [row["Id"] for row in api.rows("SELECT Id FROM User ORDER BY Id")]
    assert seen["refreshed"] == 1
    assert seen["total"] == seen["fetched"] == seen["streamed"] == seen["counted"] == len(ids)
    assert seen["retrieved"] == seen["first"]["Id"] == ids[0]
    assert seen["described"] == len(api.get("sobjects/User/describe").json()["fields"])
    assert "UserLicense" in seen["objects"]
    assert seen["identity"]["username"] == org.username
    assert sum(group["n"] for group in seen["groups"]) == len(ids)
    assert seen["usage"]["limit"] == 115_000
    assert seen["error"] == "INVALID_FIELD"
    assert seen["bulk"] == 5
    assert seen["pages"] == -(-len(ids) // 9) > 1
    assert seen["paged"] == ids
    assert seen["login"] == org.control.world()["org_id"]
    assert org.control.grant(org.refresh_token)["revoked"] == "the client revoked it"
