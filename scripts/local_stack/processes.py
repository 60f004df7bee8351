"""
Starting, watching and ending the processes of the stack.

Every component is a child in a session of its own, so that Ctrl-C reaches the stack alone and the stack ends
its children. Should the stack itself be killed, the reaper (``reaper.py``) ends them.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from . import reaper
from .home import CHECKOUT

TAIL_LINES = 25


class StackFailed(Exception):
    """
    The stack cannot be started, or a part of it died.

    Args:
        reason: one sentence for the reader.
        evidence: the last lines of a log, when there is one.
    """

    def __init__(self, reason: str, evidence: str = "") -> None:
        self.reason, self.evidence = reason, evidence
        super().__init__(reason)


@dataclass
class Component:
    """
    A running process of the stack.

    Attributes:
        name: what the reader knows it by.
        log: where its output goes.
        process: the child.
        argv: its command line.
        environment: it was started in.
        spare: whether the stack goes on without it, as long as another like it is there.
    """

    name: str
    log: Path
    process: subprocess.Popen[bytes]
    argv: Sequence[str]
    environment: Mapping[str, str]
    spare: bool = False

    def check(self) -> None:
        """Raise StackFailed with the end of the log when the process is gone."""
        code = self.process.poll()
        if code is not None:
            raise StackFailed(
                f"{self.name} stopped by itself (exit status {code}); log: {self.log}", tail(self.log)
            )


@dataclass
class Family:
    """
    The components of one stack, in the order they were started.

    Attributes:
        members: the running components.
        guarded: process id, creation time and signal of everything that ends with the stack.
        changed: called when ``guarded`` has grown.
    """

    members: list[Component] = field(default_factory=list)
    guarded: list[tuple[int, float, int]] = field(default_factory=list)
    changed: Callable[[], None] = lambda: None
    _reaper: subprocess.Popen[bytes] | None = None

    def start(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        environment: Mapping[str, str],
        *,
        spare: bool = False,
    ) -> Component:
        """Start a component; its output replaces that of the last time, which is kept as ``<log>.1``."""
        if log.exists():
            log.replace(log.with_name(log.name + ".1"))
        with log.open("wb") as sink:
            process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(environment),
                cwd=CHECKOUT,
                start_new_session=True,
            )
        component = Component(name, log, process, argv, environment, spare)
        self.members.append(component)
        self.guard(process.pid)
        return component

    def guard(self, pid: int, sign: signal.Signals = signal.SIGTERM) -> None:
        """Have the reaper end this process, with this signal, should the stack be killed."""
        if self._reaper is None:
            self._reaper = subprocess.Popen(
                [sys.executable, str(Path(reaper.__file__))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        assert self._reaper.stdin is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            born = psutil.Process(pid).create_time()
            self.guarded.append((pid, born, int(sign)))
            self.changed()
            self._reaper.stdin.write(f"{pid} {born} {int(sign)}\n".encode())
            self._reaper.stdin.flush()

    def check(self) -> None:
        """Raise StackFailed when a component died, or the last of those that are spare."""
        spare = [component for component in self.members if component.spare]
        if any(component.process.poll() is None for component in spare):
            spare = []
        for component in (*(each for each in self.members if not each.spare), *spare):
            component.check()

    def revive(self) -> list[str]:
        """Start every component again that has ended, as a supervisor would; gives their names."""
        dead = [component for component in self.members if component.process.poll() is not None]
        for each in dead:
            self.members.remove(each)
            self.start(each.name, each.argv, each.log, each.environment, spare=each.spare)
        return [each.name for each in dead]

    def stop(self) -> None:
        """End every component and leave no descendant behind."""
        reaper.end_trees({component.process.pid: signal.SIGTERM for component in self.members})
        for component in self.members:
            component.process.wait()
        self.members.clear()

    def release(self) -> None:
        """Send the reaper away; call when nothing is left to guard."""
        if self._reaper is not None:
            assert self._reaper.stdin is not None
            self._reaper.stdin.write(b"bye\n")
            self._reaper.stdin.close()
            self._reaper.wait()
            self._reaper = None


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a log file; empty when there is none."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    return ""
