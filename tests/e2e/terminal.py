"""A terminal as a person has it: a command in it finds one, asks there, and shows what it shows."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping
from pathlib import Path

_LOOKS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""Colors and movements of the cursor."""


class Terminal:
    """
    A command of the shell in a terminal of its own.

    Args:
        command: for the shell.
        cwd: where.
        environment: whole.

    Attributes:
        shown: what the terminal has shown so far, without its colors.
        status: the command's exit status; None while it runs.
    """

    def __init__(self, command: str, cwd: Path, environment: Mapping[str, str]) -> None:
        self.shown = ""
        self.status: int | None = None
        self._command = command
        self._pid, self._side = pty.fork()
        if not self._pid:
            os.chdir(cwd)
            os.execvpe("/bin/sh", ["/bin/sh", "-c", command], dict(environment))

    def wait_for(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until the terminal shows something; an error when the command ends before."""
        deadline = time.monotonic() + seconds
        while not (found := re.search(pattern, self.shown)):
            assert self._read(deadline), f"{self._command}: no {pattern!r} in\n{self.shown}"
        return found

    def answer(self, prompt: str, text: str, seconds: float = 30) -> None:
        """Type a line when it is asked for."""
        self.wait_for(re.escape(prompt), seconds)
        os.write(self._side, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._side, b"\x03")

    def end(self, seconds: float) -> str:
        """Wait for the end of the command; everything that was shown."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        if time.monotonic() > deadline:
            os.kill(self._pid, signal.SIGKILL)
        _, status = os.waitpid(self._pid, 0)
        self.status = os.waitstatus_to_exitcode(status)
        os.close(self._side)
        return self.shown

    def _read(self, deadline: float) -> bool:
        """Show what has come; false when nothing comes any more, or not in time."""
        ready, _, _ = select.select([self._side], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            piece = os.read(self._side, 65536)
        except OSError:  # Linux: the other side was closed
            return False
        self.shown = _LOOKS.sub("", self.shown + piece.decode("utf-8", "replace").replace("\r\n", "\n"))
        return bool(piece)
