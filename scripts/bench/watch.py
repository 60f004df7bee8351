"""What a whole process costs, with everything that it starts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY = 0.02
"""Seconds between two looks at the memory."""

_FAMILY = 25
"""Looks at the memory between two looks for new descendants, which cost much more."""


@dataclass(frozen=True)
class Cost:
    """
    What a process took.

    Attributes:
        cpu_seconds: of it and of the processes that it waited for.
        seconds: on the clock.
        peak_mib: most resident memory of the process and its descendants together, as seen every 20 ms.
        code: how it ended.
        told: the end of what it said.
    """

    cpu_seconds: float
    seconds: float
    peak_mib: float
    code: int
    told: str


def run(command: Sequence[str], environ: Mapping[str, str], folder: Path, timeout: float = 1800.0) -> Cost:
    """
    Run a program in a folder of its own and see what it takes.

    Args:
        command: program and arguments.
        environ: its whole environment.
        folder: its working directory, where what it says goes into `told.log`.
        timeout: seconds after which it is killed, and counts as failed.
    """
    log = folder / "told.log"
    with log.open("wb") as told:
        began = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=told, stderr=told
        )
        peak = _Peak(process.pid)
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        try:
            _, status, used = os.wait4(process.pid, 0)
        finally:
            killer.cancel()
        seconds = time.perf_counter() - began
        # Waited for already: this keeps Popen from doing it again.
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        used.ru_utime + used.ru_stime,
        seconds,
        peak.stop(),
        process.returncode,
        log.read_text("utf-8", "replace")[-4000:],
    )


class _Peak:
    """Looks at the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most that was seen, in MiB."""
        self._over.set()
        self._thread.join()
        return self._most / (1 << 20)

    def _look(self) -> None:
        family: list[psutil.Process] = []
        look = 0
        while not self._over.wait(_EVERY):
            with contextlib.suppress(psutil.Error):
                if look % _FAMILY == 0:
                    family = self._root.children(recursive=True)
            look += 1
            total = 0
            for process in (self._root, *family):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            self._most = max(self._most, total)
