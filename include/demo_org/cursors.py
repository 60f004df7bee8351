"""Open query cursors: the rest of a result that was too long for one page."""

from __future__ import annotations

import secrets
import string
import threading
import time
from dataclasses import dataclass

from demo_org.catalog import to18
from demo_org.errors import ApiError, session_expired
from demo_org.soql.executor import RecordSet

_ALPHABET = string.ascii_letters + string.digits


@dataclass
class Cursor:
    """
    A result that is read page by page.

    Attributes:
        id: 18 characters.
        session: digest of the session that opened it; no other may use it.
        user: who counts against the number of cursors.
        result: the whole result.
        page_rows: records in a page.
        used: last use, on the monotonic clock.
        severed: whether a fault has cut it off from every session.
    """

    id: str
    session: str
    user: str
    result: RecordSet
    page_rows: int
    used: float
    severed: bool = False


class Cursors:
    """All open cursors of the org."""

    def __init__(self) -> None:
        self._open: dict[str, Cursor] = {}
        self._lock = threading.Lock()

    def open(self, session: str, user: str, result: RecordSet, page_rows: int, most: int) -> Cursor:
        """
        Keep a result; the oldest cursor of the user goes when there are too many.

        Args:
            session: digest of the session.
            user: id of the user.
            result: the whole result.
            page_rows: records in a page.
            most: open cursors per user.

        Returns:
            The cursor.
        """
        name = str(to18("0r8" + "".join(secrets.choice(_ALPHABET) for _ in range(12))))
        cursor = Cursor(name, session, user, result, page_rows, time.monotonic())
        with self._lock:
            mine = [one for one in self._open.values() if one.user == user]
            for old in sorted(mine, key=lambda one: one.used)[: max(0, len(mine) - most + 1)]:
                del self._open[old.id]
            self._open[name] = cursor
        return cursor

    def find(self, name: str, session: str, idle: float) -> Cursor:
        """
        Find a cursor for its next page.

        Args:
            name: id.
            session: digest of the session that asks.
            idle: seconds after which an unused cursor is gone.

        Returns:
            The cursor.

        Raises:
            ApiError: ``INVALID_QUERY_LOCATOR`` if it is gone, ``INVALID_SESSION_ID`` if it belongs to
                another session.
        """
        now = time.monotonic()
        with self._lock:
            cursor = self._open.get(name)
            if cursor is None or now - cursor.used > idle:
                self._open.pop(name, None)
                raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
            if cursor.severed or cursor.session != session:
                raise session_expired()
            cursor.used = now
            return cursor

    def sever(self, name: str) -> None:
        """Cut a cursor off from every session."""
        with self._lock:
            if name in self._open:
                self._open[name].severed = True

    def results(self) -> list[RecordSet]:
        """List the results that are open."""
        with self._lock:
            return [cursor.result for cursor in self._open.values()]
