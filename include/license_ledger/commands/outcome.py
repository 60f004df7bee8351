"""How a command ends that has more to say than its text."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Outcome"]


@dataclass(frozen=True)
class Outcome:
    """
    The end of a command.

    Attributes:
        text: for standard output; nothing is written when it is empty.
        status: of the process; 1 says that what was asked is not as it should be.
    """

    text: str
    status: int = 0
