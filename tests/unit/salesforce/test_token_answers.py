"""What the answers of the token service mean."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger import errors
from license_ledger.salesforce.credentials import Credentials, parse
from license_ledger.salesforce.token_endpoint import TokenAnswer, read_answer
from license_ledger.salesforce.token_refusals import RULES, Outcome

CONNECTION = parse({"consumer_key": "key", "consumer_secret": "secret", "refresh_token": "5Aep861first"})
LOCAL = parse({"consumer_key": "key", "refresh_token": "5Aep861first", "login_url": "https://localhost:8443"})
GRANTED = {
    "access_token": "00Dx0000000BV7z!AR8AQAxo9UfVkh8",
    "instance_url": "https://acme.my.salesforce.com",
    "id": "https://login.salesforce.com/id/00Dx0000000BV7zEAG/005x00000012Q9PAAU",
    "token_type": "Bearer",
    "issued_at": "1278448832702",
    "signature": "0CmxinZir53Yex7nE0TD+zMpvIWYGb/bdJh6XfOH6EQ=",
    "scope": "refresh_token api",
}


def read(status: int, body: Any, *, whole: bool = True, credentials: Credentials = CONNECTION) -> TokenAnswer:
    text = body if isinstance(body, str) else json.dumps(body)
    return read_answer(status, text, whole=whole, credentials=credentials)


def test_a_grant_becomes_a_session() -> None:
    """Token, instance, org, user and time are read; no new refresh token is made up."""
    answer = read(200, GRANTED)

    assert answer.outcome is Outcome.GRANTED
    assert answer.error is None
    assert answer.refresh_token is None
    assert answer.session is not None
    assert answer.session.instance_url == "https://acme.my.salesforce.com"
    assert answer.session.org_id == "00Dx0000000BV7zEAG"
    assert answer.session.user_id == "005x00000012Q9PAAU"
    assert answer.session.issued_at == datetime(2010, 7, 6, 20, 40, 32, 702000, UTC)
    assert "AR8AQAxo9UfVkh8" not in repr(answer)


def test_a_rotated_token_is_handed_on() -> None:
    """A refresh token in the answer is there for the store, and not in the representation."""
    answer = read(200, {**GRANTED, "refresh_token": "5Aep861second"})

    assert answer.refresh_token == "5Aep861second"
    assert "5Aep861second" not in repr(answer)


@pytest.mark.parametrize(
    "body",
    [
        "<OAuth>" + "".join(f"<{k}>{v}</{k}>" for k, v in GRANTED.items()) + "</OAuth>",
        "&".join(f"{k}={v}" for k, v in GRANTED.items()),
        "\ufeff\n" + json.dumps(GRANTED),
    ],
)
def test_other_formats_of_a_success_are_read(body: str) -> None:
    """XML, a form and a byte order mark do not lose a grant."""
    answer = read(200, body)

    assert answer.session is not None
    assert answer.session.org_id == "00Dx0000000BV7zEAG"


def test_fifteen_character_ids_are_made_case_safe() -> None:
    """Short ids in the identity address become long ones."""
    answer = read(200, {**GRANTED, "id": "https://login.salesforce.com/id/00Dx0000000BV7z/005x00000012Q9P"})

    assert answer.session is not None
    assert (answer.session.org_id, answer.session.user_id) == ("00Dx0000000BV7zEAG", "005x00000012Q9PAAU")


def test_the_org_is_in_the_token_when_the_identity_is_missing() -> None:
    """Without an identity address the org comes from the token's beginning."""
    answer = read(200, {**GRANTED, "id": None})

    assert answer.session is not None
    assert (answer.session.org_id, answer.session.user_id) == ("00Dx0000000BV7zEAG", "")


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        ({"scope": "refresh_token id"}, errors.AccessDenied, "scope api"),
        ({"instance_url": "https://evil.example"}, errors.UnsafeHost, "instance_url"),
        ({"instance_url": "http://acme.my.salesforce.com"}, errors.UnsafeHost, "instance_url"),
        ({"instance_url": "https://localhost:8443"}, errors.UnsafeHost, "this machine"),
        ({"instance_url": None}, errors.UnsafeHost, "instance_url"),
        ({"issued_at": None}, errors.CorruptAnswer, "issued_at"),
        ({"id": None, "access_token": "opaque"}, errors.CorruptAnswer, "which org"),
    ],
)
def test_an_unusable_grant_still_hands_on_its_refresh_token(
    change: dict[str, Any], kind: type[errors.LedgerError], word: str
) -> None:
    """Whatever is wrong with a grant, the new refresh token is kept, and the reason is said."""
    answer = read(200, {**GRANTED, "refresh_token": "5Aep861second", **change})

    assert answer.outcome is Outcome.GRANTED
    assert answer.session is None
    assert answer.refresh_token == "5Aep861second"
    assert type(answer.error) is kind
    assert word in str(answer.error)


def test_an_org_on_this_machine_may_answer_this_machine() -> None:
    """Loopback is a good instance only for a login host that is loopback itself."""
    answer = read(200, {**GRANTED, "instance_url": "https://localhost:8443"}, credentials=LOCAL)

    assert answer.session is not None
    assert answer.session.instance_url == "https://localhost:8443"


@pytest.mark.parametrize("scope", ["api", "full", "id api refresh_token", "", None])
def test_a_scope_with_the_api_is_enough(scope: str | None) -> None:
    """The api scope, full access, or no statement at all is accepted."""
    assert read(200, {**GRANTED, "scope": scope}).session is not None


@pytest.mark.parametrize("cut", range(1, 200, 7))
def test_half_an_answer_keeps_the_new_token_when_it_is_in_it(cut: int) -> None:
    """A truncated answer either yields the whole new token, or is of unknown outcome; never half a token."""
    text = json.dumps({"refresh_token": "5Aep861second", **GRANTED})[:cut]
    answer = read(200, text, whole=False)

    if '"5Aep861second"' in text:
        assert (answer.outcome, answer.refresh_token) == (Outcome.GRANTED, "5Aep861second")
        assert isinstance(answer.error, errors.TransientError)
    else:
        assert answer.outcome is Outcome.UNKNOWN
        assert type(answer.error) is errors.RefreshOutcomeUnknown
    assert answer.session is None


REFUSALS = [
    (
        "invalid_grant",
        "token request is already being processed",
        Outcome.UNTOUCHED,
        errors.SalesforceUnavailable,
    ),
    ("invalid_grant", "expired authorization code", Outcome.UNTOUCHED, errors.SalesforceUnavailable),
    ("invalid_grant", "expired access/refresh token", Outcome.DEAD, errors.AuthRevoked),
    ("invalid_grant", "token validity expired", Outcome.DEAD, errors.AuthRevoked),
    ("invalid_grant", "something new", Outcome.DEAD, errors.AuthRevoked),
    ("invalid_grant", "inactive user", Outcome.REFUSED, errors.AuthRevoked),
    ("invalid_grant", "inactive organization", Outcome.REFUSED, errors.AuthRevoked),
    ("invalid_grant", "ip restricted", Outcome.REFUSED, errors.AuthRevoked),
    ("invalid_grant", "user hasn't approved this consumer", Outcome.REFUSED, errors.AuthRevoked),
    ("invalid_grant", "authentication failure - Invalid Password", Outcome.REFUSED, errors.AuthRevoked),
    ("invalid_grant", "Audience validation failed", Outcome.REFUSED, errors.ConfigError),
    ("invalid_grant", "no client credentials user enabled", Outcome.REFUSED, errors.ConfigError),
    ("invalid_request", "no client credentials user enabled", Outcome.REFUSED, errors.ConfigError),
    ("invalid_request", "grant type is missing", Outcome.REFUSED, errors.ConfigError),
    (
        "invalid_app_access",
        "user is not admin approved to access this app",
        Outcome.REFUSED,
        errors.AccessDenied,
    ),
    ("invalid_client_id", "client identifier invalid", Outcome.REFUSED, errors.ConfigError),
    ("invalid_client", "invalid client credentials", Outcome.REFUSED, errors.ConfigError),
    ("invalid_client", "app must be installed into org", Outcome.REFUSED, errors.AccessDenied),
    ("app_not_found", "External client app is not installed", Outcome.REFUSED, errors.AccessDenied),
    ("OAUTH_APP_BLOCKED", "", Outcome.REFUSED, errors.AccessDenied),
    ("unsupported_grant_type", "grant type not supported", Outcome.REFUSED, errors.ConfigError),
    ("inactive_org", "organization locked", Outcome.REFUSED, errors.AuthRevoked),
    ("rate_limit_exceeded", "login rate exceeded", Outcome.UNTOUCHED, errors.RateLimited),
]


@pytest.mark.parametrize(("code", "words", "outcome", "kind"), REFUSALS)
@pytest.mark.parametrize("status", [400, 401, 200])
def test_every_refusal_says_what_to_do(
    status: int, code: str, words: str, outcome: Outcome, kind: type[errors.LedgerError]
) -> None:
    """Each text of the token service has its outcome, its error and advice, whatever the status."""
    answer = read(status, {"error": code, "error_description": words})

    assert answer.outcome is outcome
    assert type(answer.error) is kind
    assert answer.error.remedy
    assert code in answer.error.got


def test_the_table_has_no_rule_that_can_never_apply() -> None:
    """A rule without words ends its code: none of the same code follows it."""
    ended: set[str] = set()
    for rule in RULES:
        assert rule.code not in ended
        if not rule.words:
            ended.add(rule.code)


@pytest.mark.parametrize(
    ("status", "body", "outcome", "kind"),
    [
        (503, "", Outcome.UNTOUCHED, errors.SalesforceUnavailable),
        (503, "<html><title>Maintenance</title></html>", Outcome.UNTOUCHED, errors.SalesforceUnavailable),
        (429, "", Outcome.UNTOUCHED, errors.RateLimited),
        (420, "<html></html>", Outcome.UNTOUCHED, errors.SalesforceUnavailable),
        (403, "<html>blocked</html>", Outcome.UNTOUCHED, errors.SalesforceUnavailable),
        (
            403,
            '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"ConcurrentRequests Limit exceeded."}]',
            Outcome.UNTOUCHED,
            errors.RateLimited,
        ),
        (
            403,
            '[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]',
            Outcome.REFUSED,
            errors.QuotaExhausted,
        ),
        (404, "", Outcome.REFUSED, errors.ConfigError),
        (302, "", Outcome.REFUSED, errors.UnsafeHost),
        (500, "", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
        (502, "<html></html>", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
        (504, "", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
        (
            500,
            '{"error":"server_error","error_description":"x"}',
            Outcome.UNKNOWN,
            errors.RefreshOutcomeUnknown,
        ),
        (
            200,
            "<html><title>Log in to the proxy</title></html>",
            Outcome.UNKNOWN,
            errors.RefreshOutcomeUnknown,
        ),
        (200, "", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
        (200, "[]", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
        (200, "null", Outcome.UNKNOWN, errors.RefreshOutcomeUnknown),
    ],
)
def test_answers_that_are_none_of_the_token_service(
    status: int, body: str, outcome: Outcome, kind: type[errors.LedgerError]
) -> None:
    """Only what Salesforce surely did not act upon may be repeated; the rest is unknown."""
    answer = read(status, body)

    assert answer.outcome is outcome
    assert type(answer.error) is kind


@given(st.integers(200, 599), st.text(max_size=200), st.booleans())
def test_no_answer_is_too_strange(status: int, body: str, whole: bool) -> None:
    """Property: any answer is judged, has an error unless it is a session, and never crashes."""
    answer = read(status, body, whole=whole)

    assert (answer.error is None) == (answer.session is not None)
