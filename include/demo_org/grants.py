"""
Grants and sessions: who may call, and for how long.

A *grant* is one approval of an app by a user; it owns the refresh token. A *session* is an access token.
Tokens are kept as SHA-256 digests only, so that the state file holds nothing worth stealing.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import string
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_MOST_SESSIONS = 5000
"""Sessions that are kept in mind; more than any test opens at once."""

_ALPHABET = string.ascii_letters + string.digits + "._"


@dataclass
class Grant:
    """
    One approval.

    Attributes:
        id: name of the grant, no secret.
        app: consumer key of the app.
        user: id of the user.
        scope: scopes, separated by spaces.
        current: digest of the refresh token that is valid now.
        spent: digests of tokens that rotation has used up.
        created: seconds since the epoch.
        revoked: why the grant is dead; empty while it lives.
        refreshes: refreshes that were granted.
        refreshed: when the last one was, seconds since the epoch.
        answer_delivered: whether the answer of the last refresh was written whole to an open connection;
            None before the first refresh and while the answer is under way.
        answer_used: whether the access token of the last refresh has been used in a call since.
    """

    id: str
    app: str
    user: str
    scope: str
    current: str
    created: float
    spent: list[str] = field(default_factory=list)
    revoked: str = ""
    refreshes: int = 0
    refreshed: float = 0.0
    answer_delivered: bool | None = None
    answer_used: bool = False


@dataclass
class Session:
    """
    One access token.

    Attributes:
        digest: of the token.
        grant: id of the grant that it was issued under; empty for flows without one.
        app: consumer key, empty for a SOAP login.
        user: id of the user.
        scope: scopes, separated by spaces.
        issued: seconds since the epoch.
        used: last use, seconds since the epoch.
    """

    digest: str
    grant: str
    app: str
    user: str
    scope: str
    issued: float
    used: float


def digest(token: str) -> str:
    """Give the digest under which a token is known."""
    return hashlib.sha256(token.encode()).hexdigest()


class Grants:
    """
    All grants and sessions of the org, kept in a file if there is one.

    Args:
        org_id: 18-character id, the start of every access token.
        path: state file; None keeps everything in memory.
        timeout: gives the session timeout in seconds.
        keeps: tells whether issued tokens are remembered in clear, for who wants to search for them.

    Attributes:
        issued: tokens in clear, in memory only, while ``keeps`` says so.
    """

    def __init__(
        self,
        org_id: str,
        path: Path | None,
        timeout: Callable[[], float],
        keeps: Callable[[], bool] = lambda: False,
    ) -> None:
        self._org = org_id[:15]
        self._path = path
        self._timeout = timeout
        self._keeps = keeps
        self.issued: list[str] = []
        self._lock = threading.RLock()
        self.grants: dict[str, Grant] = {}
        self.sessions: dict[str, Session] = {}
        self._refreshing: set[str] = set()
        self._load()

    def authorize(self, app: str, user: str, scope: str, most: int) -> tuple[Grant, str]:
        """
        Make a new grant; one more than ``most`` of a user and app revokes the oldest.

        Returns:
            The grant and its refresh token.
        """
        token = self._noted(_refresh_token())
        with self._lock:
            living = [
                one for one in self.grants.values() if (one.app, one.user, one.revoked) == (app, user, "")
            ]
            for old in sorted(living, key=lambda one: one.created)[: max(0, len(living) - most + 1)]:
                self._revoke(old, "a newer approval took its place")
            grant = Grant(f"grant-{secrets.token_hex(6)}", app, user, scope, digest(token), time.time())
            self.grants[grant.id] = grant
            self._save()
        return grant, token

    def find(self, token: str) -> tuple[Grant | None, bool]:
        """
        Find the grant of a refresh token.

        Returns:
            The grant, None if the token was never issued; and whether rotation has used the token up.
        """
        wanted = digest(token)
        with self._lock:
            for grant in self.grants.values():
                if grant.current == wanted:
                    return grant, False
                if wanted in grant.spent:
                    return grant, True
        return None, False

    def begin_refresh(self, grant: Grant) -> bool:
        """Reserve a grant for one refresh; False if another one is under way."""
        with self._lock:
            if grant.id in self._refreshing:
                return False
            self._refreshing.add(grant.id)
            return True

    def end_refresh(self, grant: Grant) -> None:
        """Free a grant for the next refresh."""
        with self._lock:
            self._refreshing.discard(grant.id)

    def refresh(self, grant: Grant, *, rotate: bool) -> tuple[str, str | None]:
        """
        Carry out a refresh; it is on disk before this returns.

        Returns:
            Access token, and the new refresh token if the old one was rotated out.
        """
        with self._lock:
            renewed = None
            if rotate:
                renewed = self._noted(_refresh_token())
                grant.spent.append(grant.current)
                grant.current = digest(renewed)
            grant.refreshes += 1
            grant.refreshed = time.time()
            grant.answer_delivered, grant.answer_used = None, False
            access = self.open_session(grant.app, grant.user, grant.scope, grant.id)
        return access, renewed

    def delivered(self, grant: Grant, *, whole: bool) -> None:
        """Note whether the answer of the last refresh got out."""
        with self._lock:
            grant.answer_delivered = whole
            self._save()

    def open_session(self, app: str, user: str, scope: str, grant: str = "") -> str:
        """Issue an access token."""
        token = self._noted(f"{self._org}!AQ{_random(94)}")
        with self._lock:
            now = time.time()
            session = Session(digest(token), grant, app, user, scope, now, now)
            self.sessions[session.digest] = session
            self._forget_old(now)
            self._save()
        return token

    def session(self, token: str, *, touch: bool = True) -> Session | None:
        """
        Find a living session.

        Args:
            token: access token.
            touch: whether this is a use, which keeps the session alive.

        Returns:
            The session; None if it never was, was ended, or was not used for too long.
        """
        now = time.time()
        with self._lock:
            session = self.sessions.get(digest(token))
            if session is None or now - session.used > self._timeout():
                return None
            if touch:
                session.used = now
                grant = self.grants.get(session.grant)
                if grant is not None and session.issued >= grant.refreshed:
                    grant.answer_used = True
            return session

    def expire_sessions(self, user: str | None = None) -> int:
        """End every session, or those of one user; grants live on. Gives their number."""
        with self._lock:
            ended = [key for key, one in self.sessions.items() if user in (None, one.user)]
            for key in ended:
                del self.sessions[key]
            self._save()
        return len(ended)

    def revoke(self, grant: Grant, reason: str) -> None:
        """End a grant and all its sessions."""
        with self._lock:
            self._revoke(grant, reason)
            self._save()

    def end_session(self, session: Session) -> None:
        """End one session."""
        with self._lock:
            self.sessions.pop(session.digest, None)
            self._save()

    def _noted(self, token: str) -> str:
        if self._keeps():
            self.issued.append(token)
        return token

    def _revoke(self, grant: Grant, reason: str) -> None:
        grant.revoked = grant.revoked or reason
        self.sessions = {key: one for key, one in self.sessions.items() if one.grant != grant.id}

    def _forget_old(self, now: float) -> None:
        longest = max(self._timeout(), 3600.0)
        recent = [(key, one) for key, one in self.sessions.items() if now - one.used <= longest]
        self.sessions = dict(recent[-_MOST_SESSIONS:])

    def _load(self) -> None:
        if self._path is None or not self._path.exists():
            return
        state = json.loads(self._path.read_text("utf-8"))
        self.grants = {item["id"]: Grant(**item) for item in state["grants"]}
        self.sessions = {item["digest"]: Session(**item) for item in state["sessions"]}

    def _save(self) -> None:
        if self._path is None:
            return
        state: dict[str, Any] = {
            "grants": [asdict(one) for one in self.grants.values()],
            "sessions": [asdict(one) for one in self.sessions.values()],
        }
        write_private(self._path, json.dumps(state))


def write_private(path: Path, text: str) -> None:
    """
    Write a file that only its owner may read, whole or not at all.

    Args:
        path: where.
        text: contents.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    beside.replace(path)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _refresh_token() -> str:
    return "5Aep861" + _random(80)
