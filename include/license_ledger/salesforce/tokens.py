"""
What is remembered of a grant, and the protocols of those who remember. May import credentials and hosts.

A *grant* is one authorization of the app by the integration user. With refresh-token rotation its token
changes with every refresh, so that the connection only holds the first one; the live one is in the token
store. Grants are found again by the fingerprint of the token that was typed into the connection: a new token
typed there is a new grant, the same token in another field is still the same grant.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from license_ledger.salesforce import hosts
from license_ledger.salesforce.credentials import Credentials

__all__ = ["Grant", "Holding", "Session", "Sessions", "StoredToken", "TokenStore", "case_safe_id"]

_KEPT_GRANTS = 6


@dataclass(frozen=True)
class Session:
    """
    An access token and where it is good.

    Attributes:
        access_token: never shown.
        instance_url: base address of the org, checked by the host rule.
        org_id: 18 characters.
        user_id: 18 characters, the integration user; empty when the answer did not say.
        issued_at: when Salesforce issued it (UTC).
    """

    access_token: str = field(repr=False)
    instance_url: str
    org_id: str
    user_id: str
    issued_at: datetime


class Sessions(Protocol):
    """Where a client gets its session from."""

    def current(self) -> Session:
        """The session in use; obtained when there is none."""

    def renew(self, stale: Session) -> Session:
        """Another session than the one that Salesforce has just refused."""


@dataclass(frozen=True)
class Grant:
    """
    One grant's live token.

    Attributes:
        refresh_token: the token to use next; never shown.
        pending_since: when a refresh was begun whose end is not recorded (ISO, UTC).
        attempt: identifies that refresh.
        lost_since: when Salesforce was first seen to refuse the grant for good (ISO, UTC).
    """

    refresh_token: str = field(repr=False)
    pending_since: str | None = None
    attempt: str | None = None
    lost_since: str | None = None


@dataclass(frozen=True)
class StoredToken:
    """
    The content of a token store.

    Attributes:
        salt: of the fingerprints, hexadecimal.
        login_url: where the session was obtained.
        grants: by fingerprint, the oldest first.
        session: the last session obtained, or None.
        session_grant: fingerprint of the grant it was obtained with.
    """

    salt: str
    login_url: str
    grants: Mapping[str, Grant] = field(default_factory=dict)
    session: Session | None = None
    session_grant: str = ""

    @classmethod
    def empty(cls, login_url: str) -> StoredToken:
        """A store that knows nothing, with a salt of its own."""
        return cls(secrets.token_hex(16), login_url)

    def fingerprint(self, client_id: str, typed_token: str) -> str:
        """How a token that was typed into a connection is recognized without being kept."""
        text = "\0".join((self.salt, client_id, typed_token))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def with_grant(self, fingerprint: str, grant: Grant) -> StoredToken:
        """The same, with one grant put last; the oldest ones are forgotten."""
        kept = {key: old for key, old in self.grants.items() if key != fingerprint}
        kept = dict(list(kept.items())[-(_KEPT_GRANTS - 1) :])
        return replace(self, grants=kept | {fingerprint: grant})

    def to_dict(self) -> dict[str, Any]:
        """
        Plain values for JSON.

        The inner names ``refresh_token`` and ``access_token`` are those that Airflow's masker knows.
        """
        session = self.session
        return {
            "salt": self.salt,
            "login_url": self.login_url,
            "grants": {
                key: {
                    "refresh_token": grant.refresh_token,
                    "pending_since": grant.pending_since,
                    "attempt": grant.attempt,
                    "lost_since": grant.lost_since,
                }
                for key, grant in self.grants.items()
            },
            "session": session
            and {
                "access_token": session.access_token,
                "instance_url": session.instance_url,
                "org_id": session.org_id,
                "user_id": session.user_id,
                "issued_at": session.issued_at.isoformat(),
            },
            "session_grant": self.session_grant,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StoredToken:
        """
        The reverse of :meth:`to_dict`.

        Raises:
            ValueError: the values are not those of a token store.
        """
        try:
            session = values["session"]
            return cls(
                salt=str(values["salt"]),
                login_url=str(values["login_url"]),
                grants={str(key): Grant(**grant) for key, grant in values["grants"].items()},
                session=session
                and Session(**(session | {"issued_at": datetime.fromisoformat(session["issued_at"])})),
                session_grant=str(values["session_grant"]),
            )
        except (KeyError, TypeError, AttributeError, ValueError):
            # Not chained: the exception would show the values.
            raise ValueError("these are not the values of a token store") from None


class TokenStore(Protocol):
    """
    Where tokens are kept between runs, encrypted.

    ``read`` must see what any other worker has written, and ``write`` must replace everything at once.
    """

    def read(self) -> StoredToken | None:
        """What is stored, or None."""

    def write(self, token: StoredToken) -> None:
        """Replace what is stored; returns only when it is committed."""


@dataclass(frozen=True)
class Holding:
    """
    What a connection's grants are, in the light of the store.

    Attributes:
        stored: the store's content, or an empty one.
        first: fingerprint of the connection's grant.
        standby: fingerprint of its standby grant, or None.
    """

    stored: StoredToken
    first: str
    standby: str | None

    @classmethod
    def of(cls, credentials: Credentials, stored: StoredToken | None) -> Holding:
        """
        Bring connection and store together.

        A token typed into the connection that the store does not know is a new grant. The session is dropped
        when it was obtained elsewhere or with a grant that is no longer in use, or leads to no address of
        Salesforce.
        """
        known = stored or StoredToken.empty(credentials.login_url)
        marks: list[str] = []
        for token in filter(None, (credentials.refresh_token, credentials.standby_refresh_token)):
            mark = known.fingerprint(credentials.consumer_key, token)
            # Put last also when it is known: what the connection names is never the oldest.
            known = known.with_grant(mark, known.grants.get(mark) or Grant(token))
            marks.append(mark)
        holding = cls(known, marks[0], marks[1] if len(marks) > 1 else None)
        is_current = known.login_url == credentials.login_url and known.session_grant == holding.in_use
        if not is_current or not _is_safe(known.session, credentials):
            known = replace(known, login_url=credentials.login_url, session=None, session_grant="")
        return replace(holding, stored=known)

    @property
    def in_use(self) -> str:
        """The first grant while it lives; then the standby, if there is one."""
        lost = self.stored.grants[self.first].lost_since is not None
        return self.standby if lost and self.standby is not None else self.first

    @property
    def grant(self) -> Grant:
        """The grant in use."""
        return self.stored.grants[self.in_use]

    @property
    def on_standby(self) -> bool:
        """Whether the standby grant has taken over."""
        return self.in_use == self.standby

    def with_grant(self, grant: Grant, session: Session | None = None) -> Holding:
        """The same, with the grant in use replaced, and the session that came with it."""
        stored = self.stored.with_grant(self.in_use, grant)
        stored = replace(stored, session=session, session_grant=self.in_use if session else "")
        return replace(self, stored=stored)


def _is_safe(session: Session | None, credentials: Credentials) -> bool:
    try:
        return session is None or bool(
            hosts.base_url(session.instance_url, allow_loopback=credentials.on_loopback)
        )
    except ValueError:
        return False


def case_safe_id(record_id: str) -> str:
    """
    The 18-character form of a record id.

    The last three characters say which of the fifteen before are capitals, five at a time.

    Raises:
        ValueError: it is no record id.
    """
    if not (record_id.isascii() and record_id.isalnum() and len(record_id) in (15, 18)):
        raise ValueError("not a Salesforce record id")
    if len(record_id) == 18:
        return record_id
    marks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    fives = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        marks[sum(1 << place for place, letter in enumerate(five) if letter.isupper())] for five in fives
    )
