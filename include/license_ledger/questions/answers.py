"""
Answers that were given, kept for whoever asks the same of the same data. Pure.

Only answers with few rows are kept, and none with people in it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

KEPT = 64
"""Answers that are kept: about a screenful of rows each."""


class Answers:
    """The answers given last; safe to use from several threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept, self._lock = kept, threading.Lock()
        self._answers: OrderedDict[Hashable, list[dict[str, Any]]] = OrderedDict()

    def get(self, key: Hashable, ask: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
        """The answer that is kept under the key; else the one that ``ask`` gives. Not to be changed."""
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
        answer = ask()
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > self._kept:
                self._answers.popitem(last=False)
        return answer
