"""
The most memory this process ever held.

``getrusage`` does not tell it on Linux: a program that was started by a large process inherits that
process's peak. The kernel's high-water mark belongs to the program's own memory.
"""

from __future__ import annotations

from pathlib import Path


def peak_mib() -> float:
    """Peak of resident memory in MiB, of this program alone."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("/proc/self/status has no VmHWM")
