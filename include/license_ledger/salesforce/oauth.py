"""
Sessions from a refresh token, safe against rotation, crashes and concurrency. May import tokens and below.

With refresh-token rotation a refresh kills the token it was made with, and using a dead one kills the
grant. So:

* a session is used until Salesforce refuses it, which makes refreshes rare;
* refreshes are single-flight: under the lock the store is read again, because somebody may have renewed
  already;
* before the request the store says that one is *pending*, so that whoever comes next knows what may have
  happened if nobody lives to record the end;
* the new refresh token is stored, in one write, before its access token is used; termination waits for that;
* a request whose end is unknown is not repeated here. The next run tries the old token once, and says so if
  it is dead.

What remains is the moment between Salesforce's answer and the store's commit. A kill there loses the grant;
the standby grant of the connection, if there is one, takes over.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

import tenacity

from license_ledger.errors import GrantLost, LedgerError, StoreBusy, TransientError
from license_ledger.salesforce.credentials import Credentials
from license_ledger.salesforce.shield import shielded
from license_ledger.salesforce.token_endpoint import ASKED, TokenAnswer, exchange
from license_ledger.salesforce.token_refusals import Outcome
from license_ledger.salesforce.tokens import Grant, Holding, Session, Sessions, StoredToken, TokenStore
from license_ledger.salesforce.transport import Timeouts

__all__ = ["RefreshTokenSessions", "Session", "Sessions", "StoredToken", "TokenStore"]

log = logging.getLogger(__name__)

_TRIES = 4
_STORE_TRIES = 5
# A refresh takes well under a second. One that hangs holds termination back, so it is cut before long.
_TIMEOUTS = Timeouts(connect=10, read=60)


class _Untouched(Exception):
    """Salesforce did not act: the same token may be tried again. Carries the error for the last time."""

    def __init__(self, error: LedgerError) -> None:
        super().__init__(error)
        self.error = error


class RefreshTokenSessions:
    """
    Sessions of one org, by refresh token.

    Args:
        credentials: of the connection; must have a refresh token.
        store: where tokens are kept between runs.
        lock: makes refreshes of this org single-flight across workers; may raise StoreBusy.
        clock: the present, with a time zone; for what is recorded, never for deciding.
        sleep: how to pause between tries.
        timeouts: of the token request.
    """

    def __init__(
        self,
        credentials: Credentials,
        store: TokenStore,
        lock: Callable[[], AbstractContextManager[None]],
        clock: Callable[[], datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
        timeouts: Timeouts = _TIMEOUTS,
    ) -> None:
        if credentials.refresh_token is None:
            raise ValueError("the connection has no refresh token")
        self._credentials = credentials
        self._store = store
        self._lock = lock
        self._clock = clock
        self._sleep = sleep
        self._timeouts = timeouts
        self.alert: str | None = None
        """What an administrator should be told although the run goes on, or None."""

    def current(self) -> Session:
        """
        The stored session, or a new one when there is none.

        Raises:
            LedgerError: what :meth:`renew` raises.
        """
        return self._read().stored.session or self._renew(None)

    def renew(self, stale: Session) -> Session:
        """
        A session other than the one that was refused: somebody else's renewal, or a refresh.

        Raises:
            AuthRevoked: Salesforce does not accept the grant any more.
            GrantLost: it does not, because a refresh was begun earlier and its answer was never stored.
            RefreshOutcomeUnknown: the answer did not arrive; run again.
            SalesforceUnavailable, RateLimited: Salesforce did not act on the request.
            AccessDenied, ConfigError, UnsafeHost: with what to correct.
            StoreBusy: another worker is refreshing.
        """
        return self._renew(stale)

    def _renew(self, stale: Session | None) -> Session:
        tries = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_random_exponential(multiplier=0.5, max=8),
            retry=tenacity.retry_if_exception_type(_Untouched),
            sleep=self._sleep,
            reraise=True,
        )
        with self._lock():
            try:
                return tries(self._try, stale)
            except _Untouched as end:
                raise end.error from None

    def _try(self, stale: Session | None) -> Session:
        holding = self._read()
        stored = holding.stored.session
        if stored is not None and (stale is None or stored.access_token != stale.access_token):
            return stored
        with shielded():
            before = holding.grant
            holding = self._mark_pending(holding)
            answer = exchange(self._credentials, holding.grant.refresh_token, self._timeouts)
            session = self._settle(holding, before, answer)
        return session or self._try(None)

    def _read(self) -> Holding:
        holding = Holding.of(self._credentials, self._store.read())
        if holding.on_standby and self.alert is None:
            self.alert = (
                f"the first grant was lost on {holding.stored.grants[holding.first].lost_since}; the standby "
                "grant has taken over. Authorize the app again and enter the new token as refresh_token."
            )
            log.warning("Salesforce token: %s", self.alert)
        return holding

    def _mark_pending(self, holding: Holding) -> Holding:
        """Record that a refresh begins, and see that nobody else has begun one meanwhile."""
        grant = holding.grant
        marked = holding.with_grant(
            Grant(
                grant.refresh_token,
                # The oldest unknown end is the one that explains a loss.
                pending_since=grant.pending_since or self._clock().isoformat(timespec="seconds"),
                attempt=uuid.uuid4().hex,
                lost_since=grant.lost_since,
            )
        )
        self._store.write(marked.stored)
        if self._store.read() != marked.stored:
            raise StoreBusy(ASKED, "another worker has begun to refresh as well", "run again")
        return marked

    def _settle(self, holding: Holding, before: Grant, answer: TokenAnswer) -> Session | None:
        """Record what came of the request; None when another grant is to be tried at once."""
        if answer.outcome is Outcome.GRANTED:
            return self._settle_granted(holding, answer)
        error = answer.error
        if error is None:
            raise AssertionError("an answer without session has an error")
        if answer.outcome is Outcome.UNKNOWN:
            raise error
        if answer.outcome is Outcome.DEAD:
            self._settle_dead(holding, before, error)
            return None
        self._write_back(holding.with_grant(before))
        if isinstance(error, TransientError):
            raise _Untouched(error)
        raise error

    def _settle_granted(self, holding: Holding, answer: TokenAnswer) -> Session:
        live = answer.refresh_token or holding.grant.refresh_token
        rotated = live != holding.grant.refresh_token
        granted = holding.with_grant(Grant(live), answer.session)
        try:
            self._commit(granted.stored)
        except Exception as failure:
            if rotated:
                raise GrantLost(
                    "storing the new refresh token",
                    f"the token store failed {_STORE_TRIES} times ({type(failure).__name__})",
                    "repair the store, authorize the app again and enter the new token in the connection",
                ) from failure
            log.warning("Salesforce token: the new session could not be stored; it is used by this task only")
        if answer.session is None:
            raise answer.error or AssertionError("a grant without session has an error")
        log.info("Salesforce token: refreshed%s", ", rotated" if rotated else "")
        return answer.session

    def _commit(self, token: StoredToken) -> None:
        """Write with a few tries, quick enough to finish between a SIGTERM and the SIGKILL after it."""
        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_STORE_TRIES),
            wait=tenacity.wait_exponential(multiplier=0.1, max=1),
            retry=tenacity.retry_if_exception_type(Exception),
            sleep=self._sleep,
            reraise=True,
        )(self._store.write, token)

    def _settle_dead(self, holding: Holding, before: Grant, error: LedgerError) -> None:
        lost_since = before.lost_since or self._clock().isoformat(timespec="seconds")
        lost = Grant(before.refresh_token, before.pending_since, before.attempt, lost_since)
        after = holding.with_grant(lost)
        self._write_back(after)
        if after.in_use != holding.in_use:
            log.warning("Salesforce token: the first grant is lost (%s)", error.got)
            return
        which = "standby grant" if holding.on_standby else "grant"
        if before.pending_since is None:
            raise type(error)(f"{ASKED} with the {which}", error.got, error.remedy)
        raise GrantLost(
            f"{ASKED} with the {which}",
            f"{error.got}. A refresh begun at {before.pending_since} never recorded its end: its worker was "
            "killed or the answer was lost, and the refresh token that Salesforce issued with it is gone",
            "authorize the app again and enter the new refresh token in the connection; a "
            "standby_refresh_token there lets such a run go on by itself",
        )

    def _write_back(self, holding: Holding) -> None:
        """Record what is not worth failing for: without it the next run only knows less."""
        try:
            self._store.write(holding.stored)
        except Exception as failure:
            log.warning("Salesforce token: the store could not be updated (%s)", type(failure).__name__)
