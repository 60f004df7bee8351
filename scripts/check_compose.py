"""
Validate the compose files: with the compose client, for which no engine is needed, and by rules of our own.

Uses `docker compose` or `docker-compose`, whichever is there. On a Debian machine without either, and as
root, the second is installed from its package, so that the check is never skipped in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from compose_rules import broken_rules

ROOT = Path(__file__).resolve().parents[1]
WHOLE = "docker-compose.yaml"
SMALL = "docker-compose.local.yaml"
COMBINATIONS = (
    (WHOLE,),
    (WHOLE, "--profile", "demo"),
    (WHOLE, "--profile", "bi"),
    (WHOLE, "--profile", "demo", "--profile", "bi"),
    (SMALL,),
    (SMALL, "--file", "docker-compose.dev.yaml"),
)
"""Files, and what is asked of them."""


def client() -> list[str] | None:
    """The compose client's command, installed when it can be; None when there is none."""
    if (
        shutil.which("docker")
        and not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode
    ):
        return ["docker", "compose"]
    if not shutil.which("docker-compose") and shutil.which("apt-get") and os.geteuid() == 0:
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker-compose"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True, env=environment)
        subprocess.run(install, check=False, capture_output=True, env=environment)
    return ["docker-compose"] if shutil.which("docker-compose") else None


def refusals(command: list[str]) -> list[str]:
    """What the client says against any combination of files and profiles."""
    found = []
    with tempfile.NamedTemporaryFile(suffix=".env") as empty:
        for first, *rest in COMBINATIONS:
            check = [*command, "--file", first, *rest, "--env-file", empty.name, "config", "--quiet"]
            done = subprocess.run(check, capture_output=True, text=True, cwd=ROOT)
            if done.returncode:
                found.append(f"{' '.join((first, *rest))}: {done.stderr or done.stdout}")
    return found


def main() -> int:
    """Return 0 when the client accepts every file and no rule is broken."""
    command = client()
    if command is None:
        print("compose files were not checked: install the compose client (Debian package docker-compose)")
        return 1
    found = refusals(command)
    for name in (WHOLE, SMALL):
        found += [f"{name}: {each}" for each in broken_rules((ROOT / name).read_text("utf-8"))]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
