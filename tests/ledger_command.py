"""``license-ledger`` in a process of its own, with the settings of a walk."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.walk import Walk


def environment(walk: Walk) -> dict[str, str]:
    """The settings of the walk, as a user would set them."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LICENSE_LEDGER")}
    settings = walk.settings
    return inherited | {
        "LICENSE_LEDGER_STAGING": settings.staging,
        "LICENSE_LEDGER_WAREHOUSE": settings.warehouse,
    }


def run(walk: Walk, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; settings are environment variables that differ from the walk's."""
    argv = [sys.executable, "-m", "license_ledger", *arguments]
    return subprocess.run(argv, env=environment(walk) | settings, capture_output=True, text=True, check=False)
