"""
Ends the processes of a stack that was killed. Run as a script; imports nothing of the package.

Reads lines ``<pid> <creation time> <signal>`` from standard input. A line ``bye`` means that all went well.
The end of the input without it means that the stack died: the processes are ended, with everything below
them.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping, Sequence

import psutil

PATIENCE = 8.0


def end_trees(roots: Mapping[int, int], patience: float = PATIENCE) -> None:
    """
    End processes and everything below them, all at the same time.

    Every root is asked first and may end its children itself; what is left after half the patience is asked
    directly, what is left after all of it is killed.

    Args:
        roots: process id to the signal that asks it to end; ids of no process are skipped.
        patience: seconds.
    """
    found: list[psutil.Process] = []
    for pid, sign in roots.items():
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(pid)
            found += [root, *root.children(recursive=True)]
            root.send_signal(sign)
    _, alive = psutil.wait_procs(found, patience / 2)
    alive = _with_children(alive)
    for process in alive:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(alive, patience / 2)
    for process in _with_children(alive):
        with contextlib.suppress(psutil.Error):
            process.kill()


def end_guarded(guarded: Sequence[tuple[int, float, int]]) -> None:
    """End those of the guarded processes, given as id, creation time and signal, that still run."""
    roots: dict[int, int] = {}
    for pid, born, sign in guarded:
        with contextlib.suppress(psutil.Error):
            if abs(psutil.Process(pid).create_time() - born) < 1:
                roots[pid] = sign
    end_trees(roots)


def _with_children(processes: list[psutil.Process]) -> list[psutil.Process]:
    found = {process.pid: process for process in processes}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            found |= {child.pid: child for child in process.children(recursive=True)}
    return list(found.values())


def main() -> None:
    """Wait for the stack to end, and end what it left when it did not say goodbye."""
    guarded: list[tuple[int, float, int]] = []
    for line in sys.stdin:
        words = line.split()
        if words == ["bye"]:
            return
        guarded.append((int(words[0]), float(words[1]), int(words[2])))
    end_guarded(guarded)


if __name__ == "__main__":
    main()
