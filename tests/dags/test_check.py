"""``license-ledger check``: what a snapshot would find and cost, seen before one is taken."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.demo_org_fixtures import RunningOrg

pytestmark = pytest.mark.usefixtures("airflow_database")


def checked(connection: dict[str, Any] | None, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Run the command with a connection in the environment, as the scheduler has it."""
    env = os.environ | {"LICENSE_LEDGER_STAGING": (tmp_path / "staging").as_uri()}
    if connection is not None:
        env["AIRFLOW_CONN_CHECKED"] = json.dumps(connection)
    argv = [sys.executable, "-m", "license_ledger", "check", "--connection", "checked"]
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_it_says_what_a_snapshot_would_find_and_cost(demo_org: RunningOrg, tmp_path: Path) -> None:
    """Org, user, rows as they are, calls and a measured pace; no job is begun and nothing is written."""
    demo_org.control.permissions(withdraw=["MonitorLoginHistory"])
    users = len(demo_org.login().rows("SELECT Id FROM User"))
    done = checked(demo_org.connection("acme.com"), tmp_path)
    asked = demo_org.control.ask("requests")

    assert done.returncode == 0, done.stderr
    assert f"Connected to {demo_org.server.org.world.org_name}" in done.stdout
    assert re.search(rf"^User +{users} +rest +1$", done.stdout, re.MULTILINE)
    assert re.search(r"In all [\d,]+ rows, about \d+ API calls", done.stdout)
    assert re.search(r"came at [\d,]+ a second", done.stdout)
    assert not [call for call in asked if "/jobs/" in call["path"]]
    assert not [path for path in (tmp_path / "staging").rglob("*") if path.is_file()]


def test_what_is_missing_is_named_with_its_price(demo_org: RunningOrg, tmp_path: Path) -> None:
    """A permission that the user lacks is in the verdict, and its object not in the list."""
    demo_org.control.permissions(withdraw=["ManageUsers"])
    done = checked(demo_org.connection(), tmp_path)

    assert done.returncode == 0, done.stderr
    assert "UserLogin needs 'Manage Users'" in done.stdout
    assert not re.search(r"^UserLogin ", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda org, value: None, ("ConfigError", "does not exist", "authorize")),
        (
            lambda org, value: value["extra"].update(consumer_key=" ") or value,
            ("ConfigError", "consumer_key"),
        ),
        (lambda org, value: value["extra"].update(company_names=["Acme Inc"]) or value, ("'Acme Inc'",)),
        (
            lambda org, value: org.control.revoke(value["extra"]["refresh_token"]) and value,
            ("AuthRevoked", "authorize the app again"),
        ),
    ],
    ids=["no connection", "blank client id", "no company", "revoked"],
)
def test_what_stands_in_the_way_is_one_line(
    demo_org: RunningOrg, tmp_path: Path, spoil: Any, words: tuple[str, ...]
) -> None:
    """The error of the ledger, with what to do, and no secret."""
    value = demo_org.connection()
    secret = value["extra"]["refresh_token"]
    done = checked(spoil(demo_org, value), tmp_path)

    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert secret not in done.stdout + done.stderr
