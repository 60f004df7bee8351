"""
One stack per home: who runs it, where it listens, and who else is using it.

The owner holds an exclusive lock for as long as it lives, so a killed owner leaves no lock behind. A command
that finds a stack running uses that one, and holds a shared lock meanwhile; the owner waits for it before it
stops.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import IO

from .home import Home, write_private


@dataclass(frozen=True)
class Address:
    """
    Where a running stack is found.

    Attributes:
        url: of the Airflow UI and API.
        command: the command that runs it, for messages.
        pid: its process id.
        ready: false while it is still starting.
        guarded: process id, creation time and signal of every process that ends with the stack.
    """

    url: str
    command: str
    pid: int
    ready: bool
    guarded: tuple[tuple[int, float, int], ...] = ()


class StackLock:
    """
    The lock of one home.

    Args:
        home: whose stack.
    """

    def __init__(self, home: Home) -> None:
        self._owner_path = home.state / "stack.lock"
        self._users_path = home.state / "users.lock"
        self._address_path = home.state / "stack.json"
        self._owner: IO[str] | None = None

    def own(self) -> bool:
        """Become the owner. False when somebody else is."""
        stream = self._owner_path.open("a")
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.close()
            return False
        self._owner = stream
        return True

    def publish(self, address: Address) -> None:
        """Tell others where the stack is found; owner only."""
        write_private(self._address_path, json.dumps(asdict(address)))

    def address(self) -> Address | None:
        """What the owner last published, or the last owner left behind."""
        try:
            found = json.loads(self._address_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        found["guarded"] = tuple((pid, born, sign) for pid, born, sign in found["guarded"])
        return Address(**found)

    @contextlib.contextmanager
    def use(self) -> Iterator[None]:
        """Keep the owner from stopping the stack while the body runs."""
        with self._users_path.open("a") as stream:
            fcntl.flock(stream, fcntl.LOCK_SH)
            yield

    def wait_for_users(self, patience: float) -> bool:
        """Wait that many seconds for everybody else to be done; false when somebody is not."""
        deadline = time.monotonic() + patience
        with self._users_path.open("a") as stream:
            while True:
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return True
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.2)

    def disown(self) -> None:
        """Give the stack up; harmless when not its owner."""
        if self._owner is not None:
            self._address_path.unlink(missing_ok=True)
            self._owner.close()
            self._owner = None

    def __repr__(self) -> str:
        return f"StackLock({os.fspath(self._owner_path)!r})"
