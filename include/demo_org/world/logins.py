"""
Who logs in when.

A user who logs in every *n* days does so exactly once in each window of *n* days, at an hour the window
decides. So the latest login before any moment is found without walking through the ones before it, and no
two logins of a user fall on one day. Nobody logs in before the account exists, while it is deactivated or
frozen, or after he has stopped.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from demo_org.world.draws import Draws, Ints
from demo_org.world.timelines import BLOCK, DAY, Mask, Timelines, Times

ROUNDS = 12
"""More steps back than there are gaps in an account's life."""


class Logins:
    """The logins of everybody, as functions of the moment asked for."""

    def __init__(self, timelines: Timelines, draws: Draws) -> None:
        self._lines = timelines
        self._draws = draws

    def latest(self, moment: int, rows: Ints) -> Times:
        """Return each row's last successful login at or before a moment, in seconds; 0 is never."""
        found = np.zeros(rows.size, dtype=np.uint32)
        for start in range(0, rows.size, BLOCK):
            part = rows[start : start + BLOCK]
            found[start : start + BLOCK] = self._latest(moment, part)
        return found

    def recent(self, moment: int, since: int, rows: Ints, limit: int) -> Iterator[tuple[Ints, Ints, Times]]:
        """
        Walk back through the logins of the rows.

        Args:
            moment: Logins after it do not exist yet.
            since: Logins before it are not wanted.
            rows: Whose logins.
            limit: Steps back per user at most.

        Yields:
            Rows, windows and seconds of one login each, the latest of everybody first, then the ones before.
        """
        last = self.latest(moment, rows)
        rows, last = rows[last >= since], last[last >= since]
        window = self._window(last.astype(np.int64), rows)
        for _ in range(limit):
            if not rows.size:
                return
            times = self._time(window, rows)
            begun = (times >= since) & (times >= self._lines.created[rows])
            good = begun & self._enabled(times, rows)
            yield rows[good], window[good], times[good].astype(np.uint32)
            rows, window = rows[begun], window[begun] - 1

    def _every(self, rows: Ints) -> Ints:
        return np.maximum(self._lines.every[rows], 1).astype(np.int64)

    def _phase(self, rows: Ints) -> Ints:
        return (self._draws.bits("login phase", rows) >> np.uint64(33)).astype(np.int64) % self._every(rows)

    def _window(self, seconds: Ints, rows: Ints) -> Ints:
        return (seconds // DAY + self._phase(rows)) // self._every(rows)

    def _time(self, window: Ints, rows: Ints) -> Ints:
        every = self._every(rows)
        bits = self._draws.bits("login", (rows << 16) + window)
        day = window * every - self._phase(rows) + (bits >> np.uint64(40)).astype(np.int64) % every
        return day * DAY + 6 * 3600 + (bits & np.uint64(0xFFFFFFFF)).astype(np.int64) % (12 * 3600)

    def _before(self, seconds: Ints, rows: Ints) -> Ints:
        window = self._window(seconds, rows)
        times = self._time(window, rows)
        late = np.flatnonzero(times > seconds)
        times[late] = self._time(window[late] - 1, rows[late])
        return times

    def _enabled(self, seconds: Ints, rows: Ints) -> Mask:
        lines = self._lines
        away = (lines.left[rows] <= seconds) & (seconds < lines.back[rows])
        blocked = (lines.frozen[rows] <= seconds) & (seconds < lines.thawed[rows])
        return ~(away | blocked) & (seconds < lines.left_again[rows])

    def _pull_back(self, seconds: Ints, rows: Ints) -> Ints:
        """Return the latest moment at or before another outside at least one gap that it lies in."""
        lines = self._lines
        seconds = np.minimum(seconds, lines.left_again[rows].astype(np.int64) - 1)
        away = (lines.left[rows] <= seconds) & (seconds < lines.back[rows])
        seconds = np.where(away, lines.left[rows].astype(np.int64) - 1, seconds)
        blocked = (lines.frozen[rows] <= seconds) & (seconds < lines.thawed[rows])
        return np.where(blocked, lines.frozen[rows].astype(np.int64) - 1, seconds)

    def _latest(self, moment: int, rows: Ints) -> Times:
        lines = self._lines
        found = np.zeros(rows.size, dtype=np.uint32)
        pending = np.flatnonzero(lines.every[rows] > 0)
        seconds = np.minimum(np.int64(moment), lines.stopped[rows[pending]].astype(np.int64) - 1)
        for _ in range(ROUNDS):
            if not pending.size:
                break
            who = rows[pending]
            times = self._before(self._pull_back(seconds, who), who)
            born = times >= lines.created[who]
            good = born & self._enabled(times, who)
            found[pending[good]] = times[good]
            again = born & ~good
            pending, seconds = pending[again], times[again]
        return found
