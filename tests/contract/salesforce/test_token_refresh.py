"""Refreshing against a real token service: rotation, faults, crashes, many workers."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import FrameType
from typing import Any

import pytest
from tests.contract.salesforce.desk import NOW, QUICK, Desk

from license_ledger import errors
from license_ledger.salesforce.oauth import RefreshTokenSessions
from license_ledger.salesforce.tokens import Grant, Holding, Session, StoredToken
from license_ledger.salesforce.transport import Timeouts

TOKEN = "/services/oauth2/token"


def alive(desk: Desk, token: str | None = None) -> bool:
    """Whether the org still accepts the grant behind the connection's token."""
    return bool(desk.org.control.grant(token or desk.extra["refresh_token"])["alive"])


def live_token(desk: Desk) -> str:
    return Holding.of(desk.credentials, desk.tokens.read()).grant.refresh_token


def test_a_session_names_its_org_and_works(rotating: Desk) -> None:
    """The first session comes from a refresh, names org and user, and is good for a call."""
    client = rotating.client()

    record = client.get("query", q="SELECT Id, IsSandbox FROM Organization")["records"][0]

    assert record["Id"] == client.org_id
    assert client.session.user_id.startswith("005")
    assert client.session.instance_url == rotating.org.https_url


def test_a_session_is_used_again_by_the_next_worker(rotating: Desk) -> None:
    """Refreshes are rare: a hundred workers one after the other need one."""
    sessions = [rotating.sessions().current() for _ in range(100)]

    assert len({session.access_token for session in sessions}) == 1
    assert rotating.calls(TOKEN) == 1


def test_the_new_token_is_stored_before_its_session_is_handed_out(rotating: Desk) -> None:
    """With rotation the store holds the new refresh token, and that in the same write as the session."""
    session = rotating.sessions().current()
    last = rotating.tokens.history[-1]

    assert live_token(rotating) != rotating.extra["refresh_token"]
    assert last["session"]["access_token"] == session.access_token
    assert len(rotating.tokens.history) == 2
    assert rotating.tokens.history[0]["session"] is None


def test_a_hundred_refreshes_keep_the_grant(rotating: Desk) -> None:
    """Each refresh uses the token of the one before; none is used twice."""
    sessions = rotating.sessions()
    session = sessions.current()
    for _ in range(30):
        session = sessions.renew(session)

    assert alive(rotating)
    assert rotating.org.control.grant(live_token(rotating))["rotations"] == 31


def test_without_rotation_the_typed_token_stays(desk: Desk) -> None:
    """No new refresh token is made up where none comes."""
    desk.sessions().current()

    assert live_token(desk) == desk.extra["refresh_token"]


def test_eight_workers_at_once_refresh_once(rotating: Desk) -> None:
    """Whoever comes second finds what the first has stored, also when all saw the same dead session."""
    first = rotating.sessions().current()
    with ThreadPoolExecutor(8) as pool:
        renewed = list(pool.map(lambda _: rotating.sessions().renew(first), range(8)))

    assert len({session.access_token for session in renewed}) == 1
    assert rotating.calls(TOKEN) == 2
    assert alive(rotating)


def test_somebody_elses_renewal_is_taken(rotating: Desk) -> None:
    """A stale session is answered with the stored one when that is another."""
    sessions = rotating.sessions()
    stale = sessions.current()
    newer = rotating.sessions().renew(stale)

    assert sessions.renew(stale) == newer
    assert rotating.calls(TOKEN) == 2


@pytest.mark.parametrize(
    ("fault", "kind", "word"),
    [
        ("invalid_grant_expired", errors.AuthRevoked, "authorize the app again"),
        ("invalid_grant_token_validity", errors.AuthRevoked, "authorize the app again"),
        ("invalid_grant_inactive_user", errors.AuthRevoked, "activate the integration user"),
        ("invalid_grant_inactive_org", errors.AuthRevoked, "suspended"),
        ("invalid_grant_not_approved", errors.AuthRevoked, "pre-auth|approve"),
        ("invalid_grant_ip_restricted", errors.AuthRevoked, "addresses of this machine"),
        ("app_not_found", errors.AccessDenied, "install the app"),
        ("app_not_approved", errors.AccessDenied, "approve the integration user"),
        ("token_without_api_scope", errors.AccessDenied, "scopes api refresh_token"),
        ("foreign_instance_url", errors.UnsafeHost, "instance_url"),
        ("token_request_limit", errors.QuotaExhausted, "24 hours"),
    ],
)
def test_a_permanent_error_is_not_repeated(
    desk: Desk, fault: str, kind: type[errors.LedgerError], word: str
) -> None:
    """The first answer decides: one request, the right error, and what to do."""
    desk.org.control.fault(fault)

    with pytest.raises(kind, match=word) as caught:
        desk.sessions().current()

    assert type(caught.value) is kind
    assert desk.calls(TOKEN) == 1
    assert desk.pauses == []


@pytest.mark.parametrize(
    "fault",
    ["token_being_processed", "token_old_race_text", "token_outage_html", "token_503", "token_rate_limit"],
)
def test_what_salesforce_did_not_act_upon_is_tried_again(rotating: Desk, fault: str) -> None:
    """Races, outages and full moments pass within seconds, and the grant lives."""
    rotating.org.control.fault(fault, count=2)

    session = rotating.sessions().current()

    assert session.access_token
    assert rotating.calls(TOKEN) == 3
    assert len(rotating.pauses) == 2
    assert alive(rotating)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("token_being_processed", errors.SalesforceUnavailable),
        ("token_503", errors.SalesforceUnavailable),
        ("token_rate_limit", errors.RateLimited),
    ],
)
def test_what_does_not_pass_is_left_to_the_next_run(
    desk: Desk, fault: str, kind: type[errors.LedgerError]
) -> None:
    """After a few tries the error is transient, nothing is pending, and the next run succeeds."""
    desk.org.control.fault(fault, count=None)
    with pytest.raises(kind):
        desk.sessions().current()
    assert desk.calls(TOKEN) == 4
    assert Holding.of(desk.credentials, desk.tokens.read()).grant.pending_since is None

    desk.org.control.no_fault()

    assert desk.sessions().current()


def test_a_server_that_is_down_was_never_asked(start_demo_org: Any) -> None:
    """Where nothing listens nothing is pending afterwards."""
    org = start_demo_org(rotation=True)
    desk = Desk(org)
    org.server.stop()

    with pytest.raises(errors.SalesforceUnavailable):
        desk.sessions().current()

    assert Holding.of(desk.credentials, desk.tokens.read()).grant.pending_since is None


def test_a_lost_answer_is_not_asked_for_again(rotating: Desk) -> None:
    """The connection drops after the refresh was carried out: one request, and the store says pending."""
    rotating.org.control.fault("token_answer_lost")

    with pytest.raises(errors.RefreshOutcomeUnknown):
        rotating.sessions().current()

    assert rotating.calls(TOKEN) == 1
    assert Holding.of(rotating.credentials, rotating.tokens.read()).grant.pending_since == NOW.isoformat()


def test_the_run_after_a_lost_answer_says_what_happened(rotating: Desk) -> None:
    """The old token is tried once; since it is dead, the error tells when, why, and what to do."""
    rotating.org.control.fault("token_answer_lost")
    with pytest.raises(errors.RefreshOutcomeUnknown):
        rotating.sessions().current()

    for _ in range(2):
        with pytest.raises(errors.GrantLost) as caught:
            rotating.sessions().current()

        assert NOW.isoformat() in caught.value.got
        assert "standby_refresh_token" in caught.value.remedy
    assert rotating.calls(TOKEN) == 3


def test_a_lost_answer_without_rotation_costs_nothing(desk: Desk) -> None:
    """The old token still works, and the pending mark goes."""
    desk.org.control.fault("token_answer_lost")
    with pytest.raises(errors.RefreshOutcomeUnknown):
        desk.sessions().current()

    assert desk.sessions().current()
    assert Holding.of(desk.credentials, desk.tokens.read()).grant == Grant(desk.extra["refresh_token"])


def test_an_answer_that_takes_too_long_is_of_unknown_outcome(start_demo_org: Any) -> None:
    """A read time-out is no reason to send the same token once more."""
    desk = Desk(start_demo_org(rotation=True, token_seconds=1.0))

    with pytest.raises(errors.RefreshOutcomeUnknown):
        desk.sessions(Timeouts(connect=5, read=0.2)).current()

    assert Holding.of(desk.credentials, desk.tokens.read()).grant.pending_since


def test_half_an_answer_keeps_the_grant_or_says_that_it_is_unknown(rotating: Desk) -> None:
    """If the new token is in the half that came, the grant goes on; else nothing is repeated blindly."""
    rotating.org.control.fault("token_answer_truncated")

    with pytest.raises(errors.TransientError) as caught:
        rotating.sessions().current()

    if isinstance(caught.value, errors.RefreshOutcomeUnknown):
        with pytest.raises(errors.GrantLost):
            rotating.sessions().current()
    else:
        assert rotating.sessions().current()
        assert alive(rotating)


def test_a_revoked_grant_is_no_lost_one(rotating: Desk) -> None:
    """When nothing was pending, the administrator's revocation is told as such."""
    rotating.sessions().current()
    rotating.org.control.revoke(live_token(rotating))
    stale = rotating.sessions().current()

    with pytest.raises(errors.AuthRevoked) as caught:
        rotating.sessions().renew(stale)

    assert type(caught.value) is errors.AuthRevoked


def test_the_standby_takes_over_when_the_first_is_lost(
    rotating: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The run goes on with the second grant at once, warns, and keeps to it in later runs."""
    rotating.extra["standby_refresh_token"] = rotating.org.control.new_refresh_token()
    rotating.sessions().current()
    rotating.org.control.revoke(live_token(rotating))
    rotating.org.control.expire_sessions()
    sessions = rotating.sessions()

    session = sessions.renew(sessions.current())
    later = rotating.sessions()

    assert later.current() == session
    assert later.renew(session) != session
    assert sessions.alert is not None
    assert "refresh_token" in sessions.alert
    assert later.alert is not None
    assert "standby grant has taken over" in caplog.text
    assert alive(rotating, rotating.extra["standby_refresh_token"])


def test_the_standby_takes_over_after_a_lost_answer(rotating: Desk) -> None:
    """A grant that died with a worker is replaced without a person."""
    rotating.extra["standby_refresh_token"] = rotating.org.control.new_refresh_token()
    rotating.org.control.fault("token_answer_lost")
    with pytest.raises(errors.RefreshOutcomeUnknown):
        rotating.sessions().current()

    assert rotating.sessions().current()
    assert alive(rotating, rotating.extra["standby_refresh_token"])


def test_the_standby_is_never_used_while_the_first_lives(rotating: Desk) -> None:
    """Not at the start, not at a renewal, not when the service is busy."""
    standby = rotating.extra["standby_refresh_token"] = rotating.org.control.new_refresh_token()
    sessions = rotating.sessions()
    session = sessions.current()
    rotating.org.control.fault("token_being_processed")
    sessions.renew(session)

    assert rotating.org.control.grant(standby)["refreshes"] == 0
    assert sessions.alert is None


@pytest.mark.parametrize(
    "fault", ["invalid_grant_inactive_user", "app_not_approved", "invalid_grant_ip_restricted"]
)
def test_a_refusal_that_concerns_both_grants_spares_the_standby(rotating: Desk, fault: str) -> None:
    """When user or app are refused, the second grant would be refused as well and is left alone."""
    standby = rotating.extra["standby_refresh_token"] = rotating.org.control.new_refresh_token()
    rotating.org.control.fault(fault)
    with pytest.raises(errors.PermanentError):
        rotating.sessions().current()
    rotating.org.control.no_fault()

    assert not Holding.of(rotating.credentials, rotating.tokens.read()).on_standby
    assert rotating.org.control.grant(standby)["refreshes"] == 0


def test_both_grants_lost_is_an_error_of_the_standby(rotating: Desk) -> None:
    """When the last grant is gone, the error says so."""
    rotating.extra["standby_refresh_token"] = rotating.org.control.new_refresh_token()
    for token in (rotating.extra["refresh_token"], rotating.extra["standby_refresh_token"]):
        rotating.org.control.revoke(token)

    with pytest.raises(errors.AuthRevoked, match="standby grant"):
        rotating.sessions().current()


def test_a_token_typed_anew_supersedes_the_store(rotating: Desk) -> None:
    """After an authorization the new token is used, although the store holds a live session of the old."""
    old = rotating.sessions().current()
    rotating.extra["refresh_token"] = rotating.org.control.new_refresh_token()

    assert rotating.sessions().current().access_token != old.access_token


def test_a_second_refresh_outside_the_lock_is_noticed(rotating: Desk) -> None:
    """If another worker's mark is in the store when the request is due, nothing is sent."""
    store = rotating.tokens
    sessions = rotating.sessions()

    def intrude(token: StoredToken) -> None:
        store.on_write = lambda token: None
        mark = Holding.of(rotating.credentials, token)
        other = mark.with_grant(replace(mark.grant, attempt="other", pending_since="earlier"))
        threading.Thread(target=store.write, args=(other.stored,)).start()

    class Slow:
        read = staticmethod(store.read)

        @staticmethod
        def write(token: StoredToken) -> None:
            store.write(token)
            intrude(token)
            while (store.content or {})["grants"] == token.to_dict()["grants"]:
                pass

    sessions = RefreshTokenSessions(rotating.credentials, Slow, rotating.lock, lambda: NOW, timeouts=QUICK)
    with pytest.raises(errors.StoreBusy):
        sessions.current()

    assert rotating.calls(TOKEN) == 0


def test_a_store_that_fails_for_a_moment_loses_nothing(rotating: Desk) -> None:
    """The write of the new token is tried again at once."""
    sent: list[StoredToken] = []

    def fail_after_the_mark(token: StoredToken) -> None:
        sent.append(token)
        if token.session is not None and len(sent) == 2:
            rotating.tokens.failures = 3

    rotating.tokens.on_write = fail_after_the_mark
    session = rotating.sessions().current()

    assert rotating.tokens.content is not None
    assert rotating.tokens.content["session"]["access_token"] == session.access_token
    assert len(sent) == 5


def test_a_store_that_stays_down_loses_the_grant_and_says_so(rotating: Desk) -> None:
    """A rotated token that nobody keeps is an error before its session is used."""

    def fail(token: StoredToken) -> None:
        rotating.tokens.failures = 1 if token.session is not None else 0

    rotating.tokens.on_write = fail
    with pytest.raises(errors.GrantLost, match="storing the new refresh token"):
        rotating.sessions().current()


def test_a_store_that_stays_down_does_not_matter_without_rotation(desk: Desk) -> None:
    """The refresh token is still the same, so the session is used by this worker alone."""

    def fail(token: StoredToken) -> None:
        desk.tokens.failures = 1 if token.session is not None else 0

    desk.tokens.on_write = fail

    assert desk.sessions().current()


def test_nothing_is_sent_when_the_mark_cannot_be_stored(rotating: Desk) -> None:
    """Without the pending mark a loss could not be recognized: no request then."""
    rotating.tokens.failures = 1

    with pytest.raises(RuntimeError):
        rotating.sessions().current()
    assert rotating.calls(TOKEN) == 0


class Terminated(Exception):
    """What the handler raises, as Airflow's does."""


def test_a_termination_in_the_middle_of_a_refresh_waits(start_demo_org: Any) -> None:
    """SIGTERM between request and answer: the new token is stored, then the signal is delivered."""
    desk = Desk(start_demo_org(rotation=True, token_seconds=0.3))

    def handler(number: int, frame: FrameType | None) -> None:
        raise Terminated

    former = signal.signal(signal.SIGTERM, handler)
    try:
        timer = threading.Timer(0.15, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        with pytest.raises(Terminated):
            desk.sessions().current()
        timer.join()

        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, former)
    assert Holding.of(desk.credentials, desk.tokens.read()).stored.session is not None
    assert alive(desk)
    assert desk.sessions().current()
    assert desk.calls(TOKEN) == 1


def test_a_wrong_secret_and_a_wrong_client_name_their_field(desk: Desk) -> None:
    """The fields of the connection are told apart."""
    desk.extra["consumer_secret"] = "wrong"
    with pytest.raises(errors.ConfigError, match="consumer_secret"):
        desk.sessions().current()
    desk.extra["consumer_key"] = "wrong"
    with pytest.raises(errors.ConfigError, match="consumer_key"):
        desk.sessions().current()


def test_an_unknown_certificate_stops_before_anything_is_sent(desk: Desk) -> None:
    """Without the org's own authority the server is not trusted, and the error says which field helps."""
    del desk.extra["ca_bundle"]

    with pytest.raises(errors.UnsafeHost, match="ca_bundle"):
        desk.sessions().current()
    assert desk.calls(TOKEN) == 0


def test_no_secret_is_in_the_log(rotating: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Refreshing, renewing and failing write no token and no secret."""
    caplog.set_level("DEBUG", "license_ledger")
    sessions = rotating.sessions()
    session: Session = sessions.renew(sessions.current())
    rotating.org.control.fault("invalid_grant_expired")
    with pytest.raises(errors.AuthRevoked) as caught:
        sessions.renew(session)

    said = caplog.text + str(caught.value) + repr(caught.value)
    for secret in (session.access_token, rotating.extra["consumer_secret"], live_token(rotating)):
        assert secret not in said
