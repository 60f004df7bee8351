"""
Hold back signals while something must not be interrupted. May import nothing of the package.

Between Salesforce's answer with a new refresh token and the store's commit, a termination loses the grant.
Inside the shield such a signal is only noted; when the shield ends the former handlers are put back and the
signal is delivered again, to them. SIGKILL cannot be held back: see :mod:`license_ledger.salesforce.oauth`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

__all__ = ["HELD_BACK", "shielded"]

HELD_BACK = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM)
"""SIGALRM is how Airflow ends a task that exceeds its execution time."""


@contextmanager
def shielded() -> Iterator[None]:
    """
    Hold back termination while the body runs.

    Outside the main thread this does nothing, because Python delivers signals to the main thread only. A
    handler that was not installed from Python cannot be put back and is therefore left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        noted.append(number)

    def deliver() -> None:
        for number in dict.fromkeys(noted):
            signal.raise_signal(number)

    # The stack puts every handler back even when one that is already back raises.
    with ExitStack() as stack:
        stack.callback(deliver)
        for number in HELD_BACK:
            handler = signal.getsignal(number)
            if handler is not None:
                stack.callback(signal.signal, number, handler)
                signal.signal(number, note)
        yield
