"""
Trying again within seconds: what may pass by itself. May import errors and answers only.

Minutes-scale retries are Airflow's; here are only those that would be a waste to start a task again for.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import tenacity

from license_ledger.errors import LedgerError
from license_ledger.salesforce.answers import Refusal, classify

__all__ = ["RENEWALS", "TRIES", "CursorLost", "Passing", "Refused", "patiently", "pause"]

TRIES = 5
RENEWALS = 2
"""New sessions for one call: the first may be what another worker has stored, which may be stale as well."""
_LONGEST_PAUSE = 60.0


class Refused(Exception):
    """
    Salesforce refused, and will again. Never leaves the package: :attr:`error` is what callers get.

    Attributes:
        refusal: what it said.
        asked: what was asked.
    """

    def __init__(self, refusal: Refusal, asked: str) -> None:
        super().__init__(asked, refusal.words)
        self.refusal, self.asked = refusal, asked

    @property
    def error(self) -> LedgerError:
        """The refusal as an error of the tree."""
        return classify(self.refusal, self.asked)


class Passing(Exception):
    """
    A failure that may pass within seconds. Never leaves the package.

    Attributes:
        error: what to raise when it does not pass.
        pause: seconds the server asks to wait, or None.
    """

    def __init__(self, error: LedgerError, pause: float | None = None) -> None:
        super().__init__(error)
        self.error, self.pause = error, pause


class CursorLost(Exception):
    """The cursor of a REST query is gone, or belongs to a dead session: ask the whole query again."""


def pause(tries: int, asked_for: float | None = None) -> float:
    """
    How long to wait before another try.

    Args:
        tries: made so far, at least one.
        asked_for: seconds that the server asks to wait, if it does.

    Returns:
        Seconds: half a second, doubled with each try, with jitter so that workers do not come in step; what
            the server asks for when that is longer, at most a minute.
    """
    growing: float = 0.5 * 2 ** (tries - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return min(max(growing, asked_for or 0.0), _LONGEST_PAUSE)


def patiently(sleep: Callable[[float], None], tries: int = TRIES) -> tenacity.Retrying:
    """
    A retrying call: ``patiently(sleep)(function, *args)``.

    Args:
        sleep: how to pause.
        tries: at most so many calls.
    """

    def wait(state: tenacity.RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        return pause(state.attempt_number, failure.pause if isinstance(failure, Passing) else None)

    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(tries),
        wait=wait,
        retry=tenacity.retry_if_exception_type(Passing),
        sleep=sleep,
        reraise=True,
    )
