"""
Work in a process of its own, as Airflow's tasks are: forked, perhaps killed.

The process that forks must have no threads that matter to the work.
"""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from license_ledger.salesforce.tokens import StoredToken
from tests.walk import FileTokens

QUIET = ("asyncio", "aiobotocore", "botocore", "fsspec", "s3fs")
_LONGEST = 300.0


class KeptTokens(FileTokens):
    """A token store that a killed process leaves whole, as a database would."""

    def write(self, token: StoredToken) -> None:
        """Replace it in one step."""
        self.content = token.to_dict()
        beside = self.path.with_suffix(f".{os.getpid()}")
        beside.write_text(json.dumps(self.content))
        beside.replace(self.path)


class KeptJob:
    """The memory of a bulk job, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self) -> str | None:
        """What was set, or None."""
        return self._path.read_text() if self._path.exists() else None

    def set(self, note: str) -> None:
        """Remember."""
        self._path.write_text(note)

    def delete(self) -> None:
        """Forget."""
        self._path.unlink(missing_ok=True)


@dataclass
class Ended:
    """
    How a process ended.

    Attributes:
        value: what it returned, plain values; None when it did not.
        error: name of the class of what it raised; empty when it did not.
        kinds: names of the classes above that.
        text: the message.
        killed: whether it was killed.
        seconds: how long it took.
    """

    value: Any = None
    error: str = ""
    kinds: list[str] = field(default_factory=list)
    text: str = ""
    killed: bool = False
    seconds: float = 0.0


def apart(work: Callable[[], Any], log: Path, *, kill_after: float | None = None) -> Ended:
    """
    Do work in a forked process.

    Args:
        work: returns plain values.
        log: file that receives everything the process says: logs, prints, tracebacks.
        kill_after: seconds after which it is killed, if it lives so long.

    Returns:
        How it ended.
    """
    reading, writing = os.pipe()
    began = time.monotonic()
    pid = os.fork()
    if not pid:
        os.close(reading)
        _child(work, log, writing)
    os.close(writing)
    told, killed = _wait(pid, reading, began, kill_after)
    os.close(reading)
    os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    if not told:
        return Ended(error="" if killed else "Vanished", killed=killed, seconds=seconds)
    return Ended(**json.loads(told), seconds=seconds)


def _wait(pid: int, reading: int, began: float, kill_after: float | None) -> tuple[bytes, bool]:
    told = b""
    until = began + (_LONGEST if kill_after is None else kill_after)
    while True:
        if not select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
            os.kill(pid, signal.SIGKILL)
            return b"", True
        piece = os.read(reading, 1 << 16)
        if not piece:
            return told, False
        told += piece


def _child(work: Callable[[], Any], log: Path, writing: int) -> None:
    told: dict[str, Any] = {}
    try:
        stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(stream, 1)
        os.dup2(stream, 2)
        logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)
        for name in QUIET:
            logging.getLogger(name).setLevel(logging.INFO)
        told = {"value": work()}
    except BaseException as error:
        with suppress(OSError):
            traceback.print_exc()
        names = [kind.__name__ for kind in type(error).__mro__]
        told = {"error": names[0], "kinds": names[1:], "text": str(error)}
    finally:
        with suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os.write(writing, json.dumps(told).encode())
        os._exit(0)
