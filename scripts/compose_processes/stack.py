"""The whole of it: secrets, services, instances, and what a user of the stack needs to know."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from local_stack.home import CHECKOUT

from .composed import services
from .places import instances
from .supervision import Supervised

FILE = CHECKOUT / "docker-compose.yaml"
API = "airflow-apiserver"


@dataclass(frozen=True)
class Stack:
    """
    A stack that is being watched.

    Attributes:
        root: where everything is kept.
        supervised: its processes.
        url: of Airflow.
        password_file: of Airflow's first user.
    """

    root: Path
    supervised: Supervised
    url: str
    password_file: Path

    def address(self, service: str) -> str:
        """The loopback address of a service."""
        return self.supervised.places.hosts[service]

    def secret(self, name: str) -> str:
        """A secret of the stack, with the names of services in it as containers know them."""
        return (self.root / "secrets" / name).read_text(encoding="utf-8").strip()


@contextmanager
def composed_stack(
    root: Path,
    profiles: Sequence[str],
    variables: Mapping[str, str] | None = None,
    *,
    file: Path = FILE,
    settings: Mapping[str, str] | None = None,
) -> Iterator[Stack]:
    """
    Start the stack of the compose file, and end it.

    Args:
        root: where everything is kept; may be that of an earlier time.
        profiles: whose services are wanted besides those without one.
        variables: what .env would say.
        file: the compose file.
        settings: variables that every service of the ledger's image has besides those of the file.

    Raises:
        StackFailed: nothing is known about an image.
    """
    root.mkdir(parents=True, exist_ok=True)
    script = CHECKOUT / "scripts" / "make_secrets.py"
    folders = ["--folder", str(root / "secrets"), "--settings", str(root / ".env")]
    subprocess.run([sys.executable, str(script), *folders], check=True, stdout=subprocess.DEVNULL)
    known = {"LEDGER_UID": str(os.geteuid()), **(variables or {})}
    told = services(file, known, profiles)
    at_home = [
        replace(
            each,
            secrets={name: root / "secrets" / file.name for name, file in each.secrets.items()},
            environment={
                **each.environment,
                **((settings or {}) if each.image.startswith("license-ledger:") else {}),
            },
        )
        for each in told.values()
    ]
    every = instances(at_home, root)
    with Supervised(every) as supervised:
        url = f"http://{supervised.places.hosts[API]}:8080"
        yield Stack(root, supervised, url, root / "secrets" / "admin_password")
