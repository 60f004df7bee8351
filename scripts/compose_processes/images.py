"""For each image of the stack, the way to start the same program without it."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.home import CHECKOUT
from local_stack.processes import StackFailed

from . import postgres
from .places import Instance, Map

LOCAL_HTTPS = "8443"
"""In place of 443, which takes a privilege outside of containers."""

PYTHON = os.environ.get("COMPOSE_PYTHON") or sys.executable
"""Of the ledger's image: another one may have been made from the image's own lock."""

INSIDE = Path(__file__).parent / "inside"
"""What processes import that stand for containers; nothing else of the scripts is on their path."""

S3_SERVER = CHECKOUT / "tests" / "component" / "staging" / "s3_server.py"
FOREIGN = ("AIRFLOW", "_AIRFLOW", "LICENSE_LEDGER", "LEDGER_", "PYTHON", "POSTGRES", "PG")
"""Beginnings of variables that a container would not have from this machine."""


@dataclass(frozen=True)
class Start:
    """
    How an instance is started, and asked whether it is well.

    Attributes:
        argv: the command.
        environment: of it, whole.
        check: the health check's command; none for what runs once.
    """

    argv: list[str]
    environment: dict[str, str]
    check: list[str]


def start_of(instance: Instance, places: Map) -> Start:
    """
    Find out how to start an instance.

    Raises:
        StackFailed: nobody has said how its image is started here.
    """
    ways: Mapping[str, Callable[[Instance, list[str]], tuple[list[str], dict[str, str]]]] = {
        "license-ledger": _ledger,
        "postgres": _postgres,
        "redis": _as_it_is,
        "chrislusf/seaweedfs": _object_store,
    }
    image = instance.service.image.rpartition(":")[0]
    if image not in ways:
        raise StackFailed(f"service {instance.name}: there is no local way of starting {image}")
    words = [places.word(each, instance) for each in instance.service.command]
    argv, special = ways[image](instance, words)
    environment = _inherited() | places.environment(instance) | special
    environment["HOSTNAME"] = instance.name
    paths = [environment.get("PYTHONPATH", ""), str(INSIDE)]
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    check = instance.service.check
    asking = [places.word(each, instance) for each in check.argv] if check else []
    return Start(_python(argv), environment, _python(asking))


def _inherited() -> dict[str, str]:
    kept = {name: each for name, each in os.environ.items() if not name.startswith(FOREIGN)}
    programs = [str(Path(PYTHON).parent), str(postgres.PROGRAMS), os.environ.get("PATH", "")]
    # Services talk to each other, whatever proxy this machine has.
    return kept | {
        "PATH": os.pathsep.join(programs),
        "NO_PROXY": "*",
        "no_proxy": "*",
        "PYTHONUNBUFFERED": "1",
    }


def _python(argv: list[str]) -> list[str]:
    return [PYTHON, *argv[1:]] if argv[:1] == ["python"] else argv


def _as_it_is(instance: Instance, words: list[str]) -> tuple[list[str], dict[str, str]]:
    return words, {}


def _postgres(instance: Instance, words: list[str]) -> tuple[list[str], dict[str, str]]:
    folder = instance.volume("/var/lib/postgresql")
    return [sys.executable, str(Path(postgres.__file__)), str(folder), instance.address], {}


def _object_store(instance: Instance, words: list[str]) -> tuple[list[str], dict[str, str]]:
    given = dict(word.lstrip("-").split("=", 1) for word in words if "=" in word)
    place = ["--host", given["s3.ip.bind"], "--port", given["s3.port"], "--keep", given["dir"]]
    return [sys.executable, str(S3_SERVER), *place, "--identities", given["s3.config"]], {}


def _ledger(instance: Instance, words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The official image starts Python and Bash as they are, and everything else by `airflow`."""
    own = {
        "AIRFLOW_HOME": str(instance.home / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "container_identity.hostname",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": instance.address,
        # These listen everywhere, so that two containers on one machine would be in each other's way.
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(_free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(_free_port()),
    }
    if logs := [path for path in instance.service.volumes if path.endswith("/logs")]:
        own["AIRFLOW__LOGGING__BASE_LOG_FOLDER"] = str(instance.volume(logs[0]))
    if instance.service.has_entrypoint or words[0] == "bash":
        return words, own
    if words[0] == "python":
        return [LOCAL_HTTPS if word == "443" else word for word in words], own
    if words[:2] == ["celery", "worker"]:  # containers have names of their own
        words = [*words, "--celery-hostname", f"celery@{instance.name}"]
    return ["python", "-m", "airflow", *words], own


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
