"""What refusals of every shape mean."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPResponse

from license_ledger import errors
from license_ledger.salesforce.answers import Refusal, classify, clean, is_html, parse_body, read_refusal


def answer(status: int, body: bytes = b"", **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def one(code: str, message: str = "words") -> bytes:
    return json.dumps([{"errorCode": code, "message": message}]).encode()


@pytest.mark.parametrize(
    ("body", "codes", "message"),
    [
        (
            one("INVALID_FIELD", "\nSELECT x\n   ^\nERROR at Row:1"),
            ("INVALID_FIELD",),
            "SELECT x ^ ERROR at Row:1",
        ),
        (b'[{"errorCode":"A","message":"a"},{"errorCode":"B","message":"b"}]', ("A", "B"), "a / b"),
        (
            b'{"error":"invalid_grant","error_description":"inactive user"}',
            ("invalid_grant",),
            "inactive user",
        ),
        (b'{"errorCode":"A","message":"a"}', ("A",), "a"),
        (b"[]", (), ""),
        (b"", (), ""),
        (b"[null, 3]", (), ""),
        (b'\xef\xbb\xbf[{"errorCode":"A","message":"a"}]', ("A",), "a"),
        (b'[{"errorCode":"A","mess', (), "an answer that is no valid JSON"),
        (
            b"<?xml version='1.0'?><Errors><Error><errorCode>INVALID_SESSION_ID</errorCode>"
            b"<message>Session expired or invalid</message></Error></Errors>",
            ("INVALID_SESSION_ID",),
            "Session expired or invalid",
        ),
        (b"<!DOCTYPE html><html><head><title>Down</title></head>", (), "a web page, 'Down'"),
        (b"<html><body>We are setting things up</body></html>", (), "a web page"),
        (b"Service Not Available", (), "Service Not Available"),
        (b"\xff\xfe", (), "\ufffd\ufffd"),
    ],
)
def test_a_body_of_any_shape_is_read(body: bytes, codes: tuple[str, ...], message: str) -> None:
    """Lists, objects, XML, pages, texts and nothing give their codes and words on one line."""
    refusal = read_refusal(answer(500, body))

    assert (refusal.codes, refusal.message) == (codes, message)


@given(
    st.one_of(
        st.binary(max_size=400),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["error", "message", "errorCode"]), inner)
            ),
            max_leaves=8,
        ).map(lambda value: json.dumps(value).encode()),
    )
)
def test_no_body_is_too_strange(body: bytes) -> None:
    """Property: whatever the body, a refusal comes out and can be classified."""
    refusal = read_refusal(answer(502, body))

    assert isinstance(classify(refusal, "asked"), errors.LedgerError)
    assert "\n" not in refusal.message
    assert len(refusal.message) <= 300


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, one("INVALID_SESSION_ID", "Session expired or invalid"), errors.AccessDenied),
        (
            401,
            one("INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
            errors.AccessDenied,
        ),
        (403, one("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), errors.QuotaExhausted),
        (403, one("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."), errors.RateLimited),
        (403, one("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), errors.RateLimited),
        (
            400,
            one("LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"),
            errors.QuotaExhausted,
        ),
        (400, one("ExceededQuota"), errors.QuotaExhausted),
        (403, one("API_DISABLED_FOR_ORG"), errors.AccessDenied),
        (403, one("API_CURRENTLY_DISABLED"), errors.AccessDenied),
        (403, one("INSUFFICIENT_ACCESS"), errors.AccessDenied),
        (400, one("INSUFFICIENT_ACCESS_OR_READONLY"), errors.AccessDenied),
        (403, one("FUNCTIONALITY_NOT_ENABLED"), errors.AccessDenied),
        (400, one("TXN_SECURITY_METERING_ERROR"), errors.AccessDenied),
        (403, b"", errors.AccessDenied),
        (400, one("INVALID_FIELD"), errors.SchemaDrift),
        (400, one("INVALID_TYPE"), errors.SchemaDrift),
        (404, one("NOT_FOUND"), errors.SchemaDrift),
        (404, b"", errors.SchemaDrift),
        (400, one("MALFORMED_QUERY"), errors.BadQuery),
        (400, one("INVALID_QUERY_FILTER_OPERATOR"), errors.BadQuery),
        (400, one("EXCEEDED_ID_LIMIT"), errors.BadQuery),
        (400, one("OPERATION_TOO_LARGE"), errors.BadQuery),
        (400, b"[]", errors.BadQuery),
        (400, one("SOMETHING_NEW"), errors.BadQuery),
        (405, b"", errors.BadQuery),
        (414, b"", errors.BadQuery),
        (431, b"", errors.BadQuery),
        (410, one("UNSUPPORTED_API_VERSION"), errors.ConfigError),
        (400, one("QUERY_TIMEOUT"), errors.SalesforceUnavailable),
        (406, b"", errors.SalesforceUnavailable),
        (420, b"<html><body>We are setting things up</body></html>", errors.SalesforceUnavailable),
        (429, b"", errors.RateLimited),
        (500, one("UNKNOWN_EXCEPTION"), errors.SalesforceUnavailable),
        (502, b"<html></html>", errors.SalesforceUnavailable),
        (503, one("SERVER_UNAVAILABLE", "Server too busy"), errors.SalesforceUnavailable),
        (302, b"", errors.UnsafeHost),
    ],
)
def test_every_code_and_status_has_its_error(
    status: int, body: bytes, kind: type[errors.LedgerError]
) -> None:
    """The table of codes and statuses leads to the right branch of the error tree, with words of advice."""
    error = classify(read_refusal(answer(status, body)), "query of User")

    assert type(error) is kind
    assert error.asked == "query of User"
    assert error.got
    assert error.remedy


@pytest.mark.parametrize(
    ("status", "code", "message", "passing"),
    [
        (503, "SERVER_UNAVAILABLE", "", True),
        (500, "", "", True),
        (406, "", "", True),
        (420, "", "", True),
        (429, "", "", True),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded.", True),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", False),
        (400, "QUERY_TIMEOUT", "Your query request was running for too long.", False),
        (500, "QUERY_TIMEOUT", "", False),
        (400, "INVALID_FIELD", "", False),
        (401, "INVALID_SESSION_ID", "", False),
        (404, "NOT_FOUND", "", False),
    ],
)
def test_only_what_may_pass_is_tried_again(status: int, code: str, message: str, passing: bool) -> None:
    """Daily limits, refusals and slow queries are not repeated within seconds."""
    assert Refusal(status, (code,) if code else (), message).is_passing is passing


@pytest.mark.parametrize(
    ("message", "renewable"),
    [
        ("Session expired or invalid", True),
        ("INVALID_HEADER_TYPE", True),
        ("This session is not valid for use with the REST API", False),
        ("Connected app is not attached to Agent", False),
    ],
)
def test_policy_refusals_are_not_answered_with_a_refresh(message: str, renewable: bool) -> None:
    """A 401 leads to a new session unless its text says that no session will do."""
    assert Refusal(401, ("INVALID_SESSION_ID",), message).is_expired_session is renewable


def test_tokens_and_addresses_never_reach_a_message() -> None:
    """Access tokens, refresh tokens and e-mail addresses are taken out of what Salesforce says."""
    said = clean(
        "token 00Dx0000000BV7z!AR8AQAxo9.UfVkh8 and 5Aep861TSESvWeug of joe@acme.example\nfailed " + "x" * 400
    )

    assert said.startswith("token [token] and [token] of [address] failed")
    assert len(said) == 300


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", None), (None, None)]
)
def test_the_server_can_ask_to_wait(value: str | None, seconds: float | None) -> None:
    """Retry-After counts when it is a number of seconds."""
    headers: dict[str, Any] = {} if value is None else {"Retry_After": value}

    assert read_refusal(answer(429, **headers)).retry_after == seconds


def test_a_redirect_names_the_host_it_leads_to_and_nothing_else() -> None:
    """The target's path, which may hold a token, is not repeated."""
    error = classify(read_refusal(answer(302, Location="https://evil.example/steal?sid=00Dsecret")), "asked")

    assert "evil.example" in str(error)
    assert "steal" not in str(error)


def test_a_broken_body_is_no_error_of_its_own() -> None:
    """When the body of a refusal cannot be read, the status alone is classified."""

    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise ConnectionResetError

    response = answer(503)
    response.raw = HTTPResponse(Broken(), preload_content=False)

    assert read_refusal(response) == Refusal(503)


@pytest.mark.parametrize(
    ("kind", "page"), [("text/html", True), ("text/HTML; charset=utf-8", True), ("application/json", False)]
)
def test_a_page_for_people_is_known_by_its_type(kind: str, page: bool) -> None:
    """The content type decides, not the status."""
    assert is_html(answer(200, b"", Content_Type=kind)) is page


def test_parts_of_composite_answers_are_read_alike() -> None:
    """What is JSON already is read as if it were text."""
    assert parse_body([{"errorCode": "INVALID_TYPE", "message": "m"}]) == (("INVALID_TYPE",), "m")
