"""Where a service finds on this machine what it would find in its container: addresses, files and secrets."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from local_stack.home import CHECKOUT, write_private

from .composed import Service

SECRETS = "/run/secrets"
IN_IMAGE = "/opt/license-ledger"
SHELF = "/volumes"
"""A folder in which volumes lie under their own names."""


@dataclass(frozen=True)
class Instance:
    """
    One container's worth of a service.

    Attributes:
        name: of the service, numbered where there are several.
        service: what it is.
        address: its own on the loopback network.
        root: below which everything of the stack is kept.
    """

    name: str
    service: Service
    address: str
    root: Path

    @property
    def home(self) -> Path:
        """What nobody else needs, and what goes with the container."""
        return self.root / "services" / self.name

    @property
    def log(self) -> Path:
        """What it says."""
        return self.root / "log" / f"{self.name}.log"

    def volume(self, path: str) -> Path:
        """The folder of the volume that is mounted at a path."""
        return self.root / "volumes" / self.service.volumes[path]


def instances(services: Iterable[Service], root: Path) -> list[Instance]:
    """Give each container an address, in a part of the loopback network that nobody else is likely to use."""
    network = f"127.{random.randint(16, 250)}.{random.randint(1, 250)}"  # noqa: S311
    named = [
        (each.name if each.replicas == 1 else f"{each.name}-{number}", each)
        for each in services
        for number in range(1, each.replicas + 1)
    ]
    return [Instance(name, each, f"{network}.{at}", root) for at, (name, each) in enumerate(named, 2)]


class Map:
    """
    The way from what is true in containers to what is true here.

    Args:
        every: the instances of the stack.
    """

    def __init__(self, every: Iterable[Instance]) -> None:
        self.hosts: dict[str, str] = {}
        for each in every:
            for name in (each.service.name, each.name, *each.service.aliases):
                self.hosts.setdefault(name, each.address)
        names = "|".join(map(re.escape, sorted(self.hosts, key=len, reverse=True)))
        # A host is one in an address, or is all there is: in JSON between quotes, or as an argument.
        self._host = re.compile(
            rf'(?<=://)({names})(?=[:/]|$)|(?<=@)({names})(?=[:/]|$)|^({names})$|(?<=")({names})(?=")'
        )

    def text(self, text: str) -> str:
        """A text in which addresses of services are those of this machine."""
        return self._host.sub(lambda match: self.hosts[match[0]], text)

    def word(self, text: str, instance: Instance) -> str:
        """A value of the environment or a word of a command, as it has to be for an instance here."""
        for path, here in _paths(instance).items():
            begins = r"(?:(?<=:///)|(?<=://)|(?<![\w/.-]))"
            text = re.sub(rf"{begins}{re.escape(path)}(?=[/\s\"')]|$)", str(here), text)
        text = re.sub(r"(?<![\w.])(?:0\.0\.0\.0|127\.0\.0\.1)(?![\w.])", instance.address, text)
        return self.text(text)

    def environment(self, instance: Instance) -> dict[str, str]:
        """The environment of the file."""
        return {name: self.word(each, instance) for name, each in instance.service.environment.items()}

    def lay_out(self, instance: Instance) -> None:
        """Make the folders, and those secrets that the service is given, each readable by its owner only."""
        for folder in (instance.home, instance.log.parent, *map(instance.volume, instance.service.volumes)):
            folder.mkdir(parents=True, exist_ok=True)
        secrets = instance.home / "secrets"
        secrets.mkdir(mode=0o700, exist_ok=True)
        for name, file in instance.service.secrets.items():
            write_private(secrets / name, self.text(file.read_text(encoding="utf-8")))


def _paths(instance: Instance) -> Mapping[str, Path]:
    """Paths of a container with those of this machine."""
    mounted = {path: instance.volume(path) for path in instance.service.volumes}
    if all(path.startswith(SHELF) for path in mounted):  # whoever sees to all of them
        mounted |= {SHELF: instance.root / "volumes"}
    return mounted | {SECRETS: instance.home / "secrets", IN_IMAGE: CHECKOUT}
