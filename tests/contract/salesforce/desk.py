"""A client of the demo org, with memories that a test can look into."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from tests.demo_org_fixtures import RunningOrg

from license_ledger.salesforce.credentials import Credentials, parse
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.rest import RestClient
from license_ledger.salesforce.tokens import StoredToken
from license_ledger.salesforce.transport import Timeouts

NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
QUICK = Timeouts(connect=5, read=5)


class Tokens:
    """A token store in memory that keeps what a JSON Variable would, and counts its writes."""

    def __init__(self) -> None:
        self.content: dict[str, Any] | None = None
        self.history: list[dict[str, Any]] = []
        self.failures = 0
        self.on_write: Callable[[StoredToken], None] = lambda token: None

    def read(self) -> StoredToken | None:
        """What is stored, or None."""
        return None if self.content is None else StoredToken.from_dict(self.content)

    def write(self, token: StoredToken) -> None:
        """Replace it, or fail as often as told."""
        self.on_write(token)
        if self.failures:
            self.failures -= 1
            raise RuntimeError("the store is down")
        self.content = token.to_dict()
        self.history.append(self.content)


class Job:
    """The memory of a bulk job."""

    def __init__(self, note: str | None = None) -> None:
        self.note = note
        self.history: list[str | None] = []

    def get(self) -> str | None:
        """What was set, or None."""
        return self.note

    def set(self, note: str) -> None:
        """Remember."""
        self.note = note
        self.history.append(note)

    def delete(self) -> None:
        """Forget."""
        self.note = None
        self.history.append(None)


class Desk:
    """
    All that is needed to talk to one org.

    Attributes:
        org: the demo org.
        tokens: its token store.
        pauses: seconds that were slept between tries; none of them really are.
    """

    def __init__(self, org: RunningOrg, **extra: Any) -> None:
        self.org = org
        self.extra = {**org.connection()["extra"], **extra}
        self.tokens = Tokens()
        self.pauses: list[float] = []
        self._mutex = threading.Lock()

    @property
    def credentials(self) -> Credentials:
        """The connection, parsed."""
        return parse(self.extra)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """One refresh at a time."""
        with self._mutex:
            yield

    def sessions(self, timeouts: Timeouts = QUICK) -> RefreshTokenSessions:
        """Sessions of a new worker."""
        return RefreshTokenSessions(
            self.credentials, self.tokens, self.lock, lambda: NOW, sleep=self.pauses.append, timeouts=timeouts
        )

    def client(self, timeouts: Timeouts = QUICK, **options: Any) -> RestClient:
        """A client of a new worker."""
        return RestClient(
            self.sessions(),
            ca_bundle=self.credentials.ca_bundle,
            timeouts=timeouts,
            sleep=self.pauses.append,
            **options,
        )

    def calls(self, part: str) -> int:
        """How many requests had this in their path."""
        return sum(row["count"] for row in self.org.control.counts() if part in row["path"])
