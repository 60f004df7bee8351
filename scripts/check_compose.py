"""Validate docker-compose.yaml with the compose client; no engine is needed for that.

Uses `docker compose` or `docker-compose`, whichever is there. On a Debian machine without either, and as
root, the second is installed from its package, so that the check is never skipped in CI.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile

REQUIRED = ("AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET", "POSTGRES_PASSWORD", "AIRFLOW_ADMIN_PASSWORD")
FILE = "docker-compose.yaml"


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


def main() -> int:
    """Return 0 when the file is valid with its required values and refused without them."""
    command = client()
    if command is None:
        print(f"{FILE} was not checked: install the compose client (Debian package docker-compose)")
        return 1
    base = {name: value for name, value in os.environ.items() if name not in REQUIRED}
    with tempfile.NamedTemporaryFile(suffix=".env") as empty:
        return verdict([*command, "--file", FILE, "--env-file", empty.name, "config", "--quiet"], base)


def verdict(check: list[str], base: dict[str, str]) -> int:
    """Run the client's check with the required values and without them."""
    filled = subprocess.run(
        check, env={**base, **dict.fromkeys(REQUIRED, "x")}, capture_output=True, text=True
    )
    if filled.returncode:
        print(filled.stderr or filled.stdout)
        return 1
    if not subprocess.run(check, env=base, capture_output=True).returncode:
        print(f"{FILE} is accepted without {', '.join(REQUIRED)}: a stack with an empty key must not start")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
