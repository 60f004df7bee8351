"""What a person types at the terminal, secrets without echo."""

from __future__ import annotations

import getpass
import queue
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from license_ledger.errors import ConfigError

__all__ = ["answers_typed", "ask", "ask_secret"]


def ask(prompt: str) -> str:
    """
    Ask for a line.

    Raises:
        ConfigError: nobody is there to answer.
    """
    if not sys.stdin.isatty():
        raise _nobody(prompt)
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline().strip()


def ask_secret(prompt: str) -> str:
    """Ask for a line without showing what is typed. Raises what :func:`ask` raises."""
    if not sys.stdin.isatty():
        raise _nobody(prompt)
    return getpass.getpass(prompt, stream=sys.stderr).strip()


@contextmanager
def answers_typed(answers: queue.Queue[str]) -> Iterator[None]:
    """Put every line that is typed, or piped in, into the queue meanwhile; a terminal shows none of it."""
    with _without_echo():
        threading.Thread(target=_read_on, args=(answers,), daemon=True).start()
        yield


def _read_on(answers: queue.Queue[str]) -> None:
    for line in sys.stdin:
        answers.put(line)


@contextmanager
def _without_echo() -> Iterator[None]:
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    silent = termios.tcgetattr(descriptor)
    silent[3] &= ~termios.ECHO
    try:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, silent)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _nobody(prompt: str) -> ConfigError:
    return ConfigError(
        prompt.rstrip(": "), "is needed, and there is no terminal to ask at", "give it as an option"
    )
