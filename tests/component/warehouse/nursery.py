"""Loaders that can be killed at any moment, and what they load."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from made_snapshots import MadeSnapshot, made_snapshot

SIZES = (1000, 2000, 3000)
"""Users of the snapshots that take turns; a snapshot is called after its size."""


def snapshot(size: int) -> MadeSnapshot:
    """The snapshot of that size."""
    return made_snapshot(size, snapshot_id=str(size))


class Nursery:
    """
    A process that has imported everything and forks loaders, so that one can be killed every moment.

    Args:
        program: Python; for every line that it reads it forks a loader, prints its process id, and `dead`
            when it is. Its arguments are the target and :data:`SIZES`.
        target: the warehouse.
    """

    def __init__(self, program: str, target: str) -> None:
        command = [sys.executable, "-c", program, target, *map(str, SIZES)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
        )

    def begin(self) -> int:
        """Let a loader begin; its process id comes back when it is about to load."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return int(self._line())

    def kill(self, pid: int) -> None:
        """Kill the loader and wait until it is dead."""
        os.kill(pid, signal.SIGKILL)
        assert self._line() == "dead"

    def close(self) -> None:
        """End the nursery."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
