"""
Who holds a lease, and whether the holder is provably dead. Standard library only.

A process is known by the boot of its machine, its pid namespace, its pid and its start time, so that a later
process with the same pid, or the same pid in another container, is never taken for it. Where the system
does not tell these things nobody is ever provably dead, and leases end by time alone.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """
    A holder of a lease.

    Attributes:
        nonce: one holding, never repeated.
        host: name of the machine or container, for messages.
        boot: boot and pid namespace, empty when the system does not tell.
        pid: process id in that namespace.
        started: start time of the process, in clock ticks since the boot.
    """

    nonce: str
    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Owner:
        """This process, about to hold something."""
        pid = os.getpid()
        return cls(uuid.uuid4().hex, socket.gethostname(), _boot(), pid, _started(pid) or "")

    def is_gone(self) -> bool:
        """Whether the process lived here and lives no longer; False when that cannot be known."""
        if not self.boot or self.boot != _boot() or not self.started:
            return False
        return _started(self.pid) != self.started

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str | None:
    """Start time of a living process; None when there is none, or only its corpse."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in ("Z", "X") else fields[19]
