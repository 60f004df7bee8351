"""What a service of a production stack has to say, and must not say, in a compose file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from compose_processes.composed import interpolated, seconds

FIRST_ROOT = "volumes"
"""The one service that is root, and what it may do."""

_NAMES_SECRET = re.compile(
    r"PASSWORD|PASSWD|SECRET|TOKEN|PRIVATE|_KEY\b|_CONN\b|BROKER_URL|RESULT_BACKEND|CREDENTIAL"
)
_HOLDS_SECRET = re.compile(r"://[^/\s:@]*:[^/\s@]+@")
_NAMES_FILE = re.compile(r"_(CMD|FILE)\Z")
_SIZE = re.compile(r"(\d+)([KMG])\Z")
_BYTES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

IDLE_WORKER = 700 << 20
"""Bytes of a Celery worker without tasks, two slots and Airflow's imports included, generously."""

A_SLOT = 400 << 20
"""Bytes of a task above that: the budget of docs/scale.md."""

Service = Mapping[str, Any]


def broken_rules(text: str, variables: Mapping[str, str] | None = None) -> list[str]:
    """
    Find what is wrong with a compose file that its schema allows.

    Args:
        text: of the file.
        variables: values of the variables in it; without one its default is taken.

    Returns:
        Sentences for people, each with the name of the service; none when all is well.
    """
    told = interpolated(yaml.safe_load(text), variables or {})
    services: Mapping[str, Service] = told["services"]
    found = [
        f"{name} {wrong}"
        for name, service in services.items()
        for rule in RULES
        for wrong in rule(name, service)
    ]
    used = {secret for service in services.values() for secret in service.get("secrets", [])}
    declared = told.get("secrets", {})
    found += [f"secret {name} is used and not declared" for name in sorted(used - declared.keys())]
    found += [f"secret {name} is declared and not used" for name in sorted(declared.keys() - used)]
    found += [
        f"secret {name} is not the file of its name in ./secrets"
        for name, each in declared.items()
        if each != {"file": f"./secrets/{name}"}
    ]
    return found + [
        f"{name} waits for {other} to be {condition}, which has no such state"
        for name, service in services.items()
        for other, condition in _waits(service)
        if not _can_be(services.get(other, {}), condition)
    ]


def _once(service: Service) -> bool:
    return service.get("restart") == "no"


def _waits(service: Service) -> Iterator[tuple[str, str]]:
    for other, how in service.get("depends_on", {}).items():
        yield other, how["condition"]


def _can_be(other: Service, condition: str) -> bool:
    return {
        "service_healthy": "healthcheck" in other,
        "service_completed_successfully": _once(other),
        "service_started": bool(other),
    }[condition]


def _image(name: str, service: Service) -> Iterator[str]:
    _, _, tag = str(service.get("image", "")).rpartition(":")
    if not re.match(r"v?\d+(\.\d+)+", tag):
        yield f"has an image without a version: {service.get('image')}"


def _life(name: str, service: Service) -> Iterator[str]:
    check = service.get("healthcheck")
    if service.get("restart") not in ("no", "unless-stopped"):
        yield "says neither that it runs once nor that it is restarted"
    if _once(service) == bool(check):
        yield "runs once and has a health check" if check else "has no health check"
    if check and {"test", "interval", "timeout", "retries", "start_period"} - check.keys():
        yield "leaves a part of its health check to the client's defaults"


def _size(name: str, service: Service) -> Iterator[str]:
    limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
    if not {"cpus", "memory"} <= limits.keys():
        yield "has no limits of memory and processors"
    if service.get("logging", {}).get("options", {}).keys() < {"max-size", "max-file"}:
        yield "keeps its logs for ever"


def _rights(name: str, service: Service) -> Iterator[str]:
    user = str(service.get("user", "0")).partition(":")[0]
    if name == FIRST_ROOT:
        if service.get("cap_add") != ["CHOWN"] or not _once(service):
            yield "is root, and may do more than give folders away once"
    elif user in ("0", "root") or service.get("cap_add"):
        yield "is root, or has privileges"
    if service.get("cap_drop") != ["ALL"] or "no-new-privileges:true" not in service.get("security_opt", []):
        yield "keeps capabilities that it does not need"
    if service.get("privileged") or service.get("network_mode"):
        yield "is not contained"
    for port in service.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"publishes {port} to every network of the host"


def _secrets(name: str, service: Service) -> Iterator[str]:
    for variable, value in (service.get("environment") or {}).items():
        # A path to secrets is none, and neither is the name of the class that reads them.
        named = _NAMES_SECRET.search(variable) and not _NAMES_FILE.search(variable)
        if named and "/run/secrets" not in str(value) and not variable.endswith("SECRETS__BACKEND"):
            yield f"has a secret in its environment: {variable}"
        elif _HOLDS_SECRET.search(str(value)):
            yield f"has a password in an address: {variable}"
    words = [service.get("command") or "", service.get("entrypoint") or ""]
    if _HOLDS_SECRET.search(str(words)):
        yield "has a password in its command"


def _worker(name: str, service: Service) -> Iterator[str]:
    """What runs tasks has the memory for them, and the time to finish them."""
    environment = service.get("environment") or {}
    command = str(service.get("command"))
    tasks = 0
    if "worker" in command and "celery" in command:
        tasks = int(environment["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    elif command == "scheduler" and environment.get("AIRFLOW__CORE__EXECUTOR") == "LocalExecutor":
        tasks = int(environment["AIRFLOW__CORE__PARALLELISM"])
    if not tasks:
        return
    needed, given = IDLE_WORKER + tasks * A_SLOT, _bytes(service["deploy"]["resources"]["limits"]["memory"])
    if given < needed:
        yield f"has {given >> 20} MiB for {tasks} tasks at once, which take {needed >> 20} MiB"
    if seconds(service.get("stop_grace_period", "10s")) < 300:
        yield "has no time to finish its tasks when it is stopped"


def _bytes(text: str) -> int:
    match = _SIZE.match(text)
    if match is None:
        raise ValueError(f"{text} is no size: 512M, 2G")
    return int(match[1]) * _BYTES[match[2]]


RULES: tuple[Callable[[str, Service], Iterator[str]], ...] = (
    _image,
    _life,
    _size,
    _rights,
    _secrets,
    _worker,
)
