"""Work of a process done by several at once, in Python as well. They end when it does, however it ends."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from multiprocessing import current_process, get_context, parent_process

from license_ledger import logs
from license_ledger.errors import ProcessLost

__all__ = ["can_begin", "processes"]


def can_begin() -> bool:
    """Whether this process may have others; one that somebody else's pool began as a daemon may not."""
    return not current_process().daemon


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """
    Processes that begin with nothing of this one, neither threads nor locks, as long as the block lasts.

    What is given to them and what they give back is pickled; an error of the ledger comes back as it was
    raised. They log warnings and worse.

    Args:
        jobs: how many, at most.

    Yields:
        What takes the work.

    Raises:
        ProcessLost: one of them ended in the middle of its work.
    """
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_begin) as pool:
        try:
            yield pool
        except BrokenProcessPool as error:
            raise ProcessLost(
                f"work of {jobs} processes",
                "one of them ended in the middle: it was killed, or the machine had no more memory",
                "see that there is memory, and run it again: what is done stays done",
            ) from error


def _begin() -> None:
    """
    Make a process that reports by what it gives back; a line per step would drown what its parent says.

    Little here leaves cycles behind, and the collector takes a sixth of the time to look for them. An
    interrupt at the keyboard reaches all processes, and is the parent's to answer.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    logs.configure(logging.WARNING)
    gc.set_threshold(200_000, 50, 100)
    sys.meta_path.insert(0, _WithoutPandas())


class _WithoutPandas(MetaPathFinder):
    """
    Keeps pandas away from a process that does without it.

    Arrow looks for it when it makes its first array, which takes a quarter of a second where it is installed.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Say that there is none; nothing about other modules."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is kept away from this process", name=fullname)


def _end_with_parent() -> None:
    """Killed outright, a parent tells nobody; what is still waiting must not be done without it."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
