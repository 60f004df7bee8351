"""The authorization-code grant: the address, and the code in whatever people paste."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger.errors import AccessDenied, ConfigError
from license_ledger.salesforce.authorization import Authorization, copy_page
from license_ledger.salesforce.credentials import Credentials

LOGIN = "https://login.salesforce.com"
SECRET = "client-secret-of-a-test"  # pragma: allowlist secret
CODE = "aPrxInvented.code_for-tests00000000000=="
CODES = st.text("ABCdef019._-", min_size=20, max_size=120).map(lambda text: f"{text}==")


@pytest.fixture
def attempt() -> Authorization:
    """One attempt over the page to copy from."""
    credentials = Credentials(LOGIN, consumer_key="client-id", consumer_secret=SECRET)
    return Authorization(credentials, copy_page(LOGIN))


def address(attempt: Authorization, code: str) -> str:
    """The address that the browser ends on."""
    return f"{attempt.redirect_uri}?{urlencode({'code': code, 'state': attempt.state})}"


def test_the_address_asks_for_a_code_with_the_least_scopes_and_pkce(attempt: Authorization) -> None:
    """It goes to the login host, asks for api and refresh_token, and its challenge is the verifier's."""
    parts = urlsplit(attempt.url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}

    assert (parts.scheme, parts.netloc, parts.path) == (
        "https",
        "login.salesforce.com",
        "/services/oauth2/authorize",
    )
    assert query["response_type"] == "code"
    assert query["scope"] == "api refresh_token"
    assert query["redirect_uri"] == attempt.redirect_uri
    digest = hashlib.sha256(attempt.verifier.encode()).digest()
    assert query["code_challenge"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert query["code_challenge_method"] == "S256"
    assert 43 <= len(attempt.verifier) <= 128


def test_the_address_and_the_text_of_an_attempt_hold_no_secret(attempt: Authorization) -> None:
    """Neither client secret nor verifier is in what may be printed."""
    for shown in (attempt.url, repr(attempt)):
        assert SECRET not in shown
        assert attempt.verifier not in shown
    assert attempt.state not in repr(attempt)


def test_every_attempt_has_secrets_of_its_own() -> None:
    """State and verifier never repeat."""
    made = [Authorization(Credentials(LOGIN, consumer_key="client-id"), copy_page(LOGIN)) for _ in range(20)]

    assert len({one.state for one in made}) == len({one.verifier for one in made}) == 20


@pytest.mark.parametrize(
    "form",
    [
        "{code}",
        "{quoted}",
        "  {code}\n",
        "'{code}'",
        "<{quoted}>",
        "{page}?code={quoted}&state={state}",
        "{page}?code={code}&state={state}",
        "{page}?state={state}&code={quoted}",
        "{page}?state={state}&code={quoted}&sfdc_community_url=https%3A%2F%2Facme.my.site.com",
        "http://localhost:1717/callback?code={quoted}&state={state}",
        "?code={quoted}&state={state}",
        "code={quoted}&state={state}",
        "GET /callback?code={quoted}&state={state}",
    ],
)
def test_the_code_is_found_however_it_is_pasted(attempt: Authorization, form: str) -> None:
    """The whole address, a part of it or the code alone, encoded or decoded, give the decoded code."""
    text = form.format(code=CODE, quoted=quote(CODE), state=attempt.state, page=attempt.redirect_uri)

    assert attempt.code_of(text) == CODE


@given(code=CODES, cut=st.integers(1, 60))
def test_an_address_wrapped_over_lines_gives_its_code(code: str, cut: int) -> None:
    """Terminals wrap what is copied out of them."""
    attempt = Authorization(Credentials(LOGIN, consumer_key="client-id"), copy_page(LOGIN))
    text = address(attempt, code)

    assert attempt.code_of("\r\n".join(text[at : at + cut] for at in range(0, len(text), cut))) == code


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", ConfigError, "no authorization code"),
        ("hello", ConfigError, "no authorization code"),
        (f"{LOGIN}/services/oauth2/success", ConfigError, "no authorization code"),
        (f"{LOGIN}/services/oauth2/success?code=", ConfigError, "no authorization code"),
        (
            f"{LOGIN}/services/oauth2/success#access_token=00D!x&refresh_token=5Aep",
            ConfigError,
            "another flow",
        ),
        (f"{LOGIN}/services/oauth2/success?code={quote(CODE)}&state=foreign", ConfigError, "another attempt"),
        (f"{LOGIN}/services/oauth2/success?code={quote(CODE)}", ConfigError, "another attempt"),
        (
            "http://localhost:1717/callback?error=access_denied&error_description=end-user+denied+authorization",
            AccessDenied,
            "end-user denied authorization",
        ),
        ("?error=access-denied", AccessDenied, "approve the user"),
        ("?error=redirect_uri_mismatch&error_description=x", ConfigError, "callback address"),
        ("?error=OAUTH_APPROVAL_ERROR_GENERIC", ConfigError, "install the app"),
        ("?error=something_new&error_description=of%20next%20year", ConfigError, "of next year"),
    ],
)
def test_what_has_no_code_for_this_attempt_is_refused_in_words(
    attempt: Authorization, text: str, error: type[Exception], words: str
) -> None:
    """The reason is named and what to do; nothing of what was pasted that could be a token is repeated."""
    with pytest.raises(error, match=words) as refused:
        attempt.code_of(text)

    assert CODE not in str(refused.value)
    assert "5Aep" not in str(refused.value)
    assert "00D!" not in str(refused.value)


@given(st.text(max_size=300))
def test_any_text_gives_a_code_or_an_error_of_the_ledger(text: str) -> None:
    """Nothing that can be pasted breaks the command."""
    attempt = Authorization(Credentials(LOGIN, consumer_key="client-id"), copy_page(LOGIN))
    with contextlib.suppress(ConfigError, AccessDenied):
        assert len(attempt.code_of(text)) >= 16
