"""What a compose file says, as far as processes can follow it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(?:(\$)|\{(\w+)(?::-([^}]*))?\}|(\w+))")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True)
class HealthCheck:
    """
    How to see that a service is well.

    Attributes:
        argv: a command that ends with 0 when it is.
        interval: seconds between two checks, and before the first.
        timeout: seconds that one may take.
        retries: failures in a row that make it unhealthy.
        start_period: seconds after a start in which failures do not count.
    """

    argv: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0


@dataclass(frozen=True)
class Service:
    """
    A service.

    Attributes:
        name: its host name too.
        image: with tag.
        command: entry point and command, or the command alone for the image's own entry point.
        has_entrypoint: whether the command begins with an entry point of the file.
        environment: values interpolated.
        secrets: path on the host by name below /run/secrets.
        volumes: name of the volume by path in the container.
        check: None for services that run once.
        after: condition by the name of another service.
        restarts: whether it is started again when it ends.
        replicas: how many of it there are.
        profiles: in which it is started; none: always.
        aliases: other host names.
    """

    name: str
    image: str
    command: tuple[str, ...]
    has_entrypoint: bool
    environment: Mapping[str, str]
    secrets: Mapping[str, Path]
    volumes: Mapping[str, str]
    check: HealthCheck | None
    after: Mapping[str, str]
    restarts: bool
    replicas: int = 1
    profiles: frozenset[str] = field(default_factory=frozenset)
    aliases: tuple[str, ...] = ()


def services(file: Path, variables: Mapping[str, str], profiles: Sequence[str] = ()) -> dict[str, Service]:
    """
    Read a compose file.

    Args:
        file: its path; paths in it are relative to its folder.
        variables: values of the variables that it names; without one its default is taken.
        profiles: whose services are wanted besides those without one.

    Returns:
        The services to start, by name.
    """
    told = interpolated(yaml.safe_load(file.read_text(encoding="utf-8")), variables)
    files = {name: (file.parent / each["file"]).resolve() for name, each in told.get("secrets", {}).items()}
    found = {name: _service(name, each, files) for name, each in told["services"].items()}
    return {name: each for name, each in found.items() if not each.profiles or each.profiles & set(profiles)}


def interpolated(told: Any, variables: Mapping[str, str]) -> Any:
    """A value with its variables replaced, as the compose client does it."""
    if isinstance(told, dict):
        return {name: interpolated(each, variables) for name, each in told.items()}
    if isinstance(told, list):
        return [interpolated(each, variables) for each in told]
    if not isinstance(told, str):
        return told

    def value(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        return variables.get(match[2] or match[4]) or match[3] or ""

    return _VARIABLE.sub(value, told)


def _service(name: str, told: Mapping[str, Any], files: Mapping[str, Path]) -> Service:
    entry, command = _words(told.get("entrypoint")), _words(told.get("command"))
    return Service(
        name=name,
        image=told["image"],
        command=(*entry, *command),
        has_entrypoint=bool(entry),
        environment={key: str(each) for key, each in (told.get("environment") or {}).items()},
        secrets={each: files[each] for each in told.get("secrets", [])},
        volumes=dict(reversed(each.split(":")[:2]) for each in told.get("volumes", [])),
        check=_check(told.get("healthcheck")),
        after={each: how["condition"] for each, how in told.get("depends_on", {}).items()},
        restarts=told.get("restart") == "unless-stopped",
        replicas=int(told.get("deploy", {}).get("replicas", 1)),
        profiles=frozenset(told.get("profiles", [])),
        aliases=tuple(
            alias
            for network in (told.get("networks") or {}).values()
            for alias in (network or {}).get("aliases", [])
        ),
    )


def _words(told: str | Sequence[str] | None) -> tuple[str, ...]:
    if told is None:
        return ()
    return tuple(told.split()) if isinstance(told, str) else tuple(map(str, told))


def _check(told: Mapping[str, Any] | None) -> HealthCheck | None:
    if told is None:
        return None
    kind, *words = told["test"]
    argv = ("/bin/sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words)
    given = {name: seconds(told[name]) for name in ("interval", "timeout", "start_period") if name in told}
    return HealthCheck(argv, **given, retries=told.get("retries", 3))


def seconds(told: str) -> float:
    """The seconds of a duration such as ``1m30s``."""
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION.findall(told))
