"""The connections of the orgs, those that are configured or the bundled demo org's, and their pools."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any
from urllib.parse import urlsplit

from license_ledger.airflow.orgs import DEFAULT_ORG, pool
from license_ledger.commands.pools import SLOTS
from license_ledger.pools import org_pool

from .home import Home
from .processes import StackFailed, tail
from .stack import Running, Say

MARK = "Bundled demo org of `make run` and `make ui`."
"""Description of the demo org's connection; one without it is somebody's own and never touched."""

COMPANY_NAMES = "acme.com\n*.acme.com\nacme.de"
"""Most of the demo company, so that the bridge has something to explain."""

START_SECONDS = 60.0


def connect_orgs(running: Running, orgs: tuple[str, ...], say: Say) -> bool:
    """
    See to it that every org has a connection.

    The demo org is started, and its connection written to Airflow's database, when the default org is the
    only one and nobody has configured it.

    Returns:
        Whether the demo org is in use.

    Raises:
        StackFailed: naming the connections that do not exist.
    """
    for org in orgs:
        if running.family is not None and pool(org) == org_pool(org):
            running.api.make_pool(pool(org), SLOTS, f"Tasks that ask the org of connection {org}")
    missing = [org for org in orgs if not _is_configured(running, org)]
    if not missing:
        return False
    if orgs != (DEFAULT_ORG,):
        raise StackFailed(
            f"LICENSE_LEDGER_ORGS names connections that Airflow does not have: {', '.join(missing)}; "
            "create them in the UI (`make ui`), or as AIRFLOW_CONN_… in the environment"
        )
    if running.family is not None:
        began = time.monotonic()
        _put_connection(running, _start_demo_org(running))
        say(f"demo org, because no Salesforce connection is configured ({time.monotonic() - began:.1f} s)")
    return True


def forget_demo_org(running: Running, org: str) -> bool:
    """
    Take the demo org's connection away, so that nothing of it gets into somebody's own.

    Returns:
        Whether it was there.
    """
    found = running.api.connection(org)
    if found is None or not _is_demo(found):
        return False
    running.api.forget_connection(org)
    return True


def _is_configured(running: Running, org: str) -> bool:
    """Whether somebody has made this connection, in the environment, a secrets backend or the database."""
    if f"AIRFLOW_CONN_{org.upper()}" in os.environ:
        return True
    if os.environ.get("AIRFLOW__SECRETS__BACKEND"):
        return True
    found = running.api.connection(org)
    return found is not None and not _is_demo(found)


def _is_demo(connection: dict[str, Any]) -> bool:
    """Whether a connection is the demo org's; one that somebody has pointed elsewhere is not any more."""
    extra = json.loads(connection["extra"] or "{}")
    host = urlsplit(extra.get("login_url") or "").hostname
    return connection["description"] == MARK and host == "localhost"


def _start_demo_org(running: Running) -> dict[str, Any]:
    """Start the demo org with the state of its last time; returns its connection."""
    home = running.home
    assert running.family is not None
    command = [sys.executable, "-m", "demo_org", "serve", "--rotation", "--company-names", COMPANY_NAMES]
    argv = [*command, "--state-dir", str(home.demo_org)]
    component = running.family.start("demo-org", argv, home.log("demo-org"), running.environment)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(home):
        if component.process.poll() is not None:
            raise StackFailed(
                "the demo org did not start; what it remembers of earlier runs is in "
                f"{home.demo_org} and may be removed",
                tail(component.log),
            )
        if time.monotonic() > deadline:
            raise StackFailed("the demo org was not ready in time", tail(component.log))
        time.sleep(0.05)
    found: dict[str, Any] = json.loads((home.demo_org / "connection.json").read_text(encoding="utf-8"))
    return found


def _is_ready(home: Home) -> bool:
    """The demo org prints one line of JSON when it serves."""
    return any(line.startswith("{") for line in tail(home.log("demo-org"), 1000).splitlines())


def _put_connection(running: Running, connection: dict[str, Any]) -> None:
    extra = connection.get("extra") or {}
    running.api.put_connection(
        {
            "connection_id": DEFAULT_ORG,
            "conn_type": connection["conn_type"],
            "description": MARK,
            "extra": extra if isinstance(extra, str) else json.dumps(extra),
            **{name: connection[name] for name in ("host", "login", "password") if connection.get(name)},
        }
    )
