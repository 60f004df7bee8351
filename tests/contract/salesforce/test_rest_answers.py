"""One call, answered or explained: every way an org can answer."""

from __future__ import annotations

from typing import Any

import pytest
from tests.contract.salesforce.desk import Desk

from license_ledger import errors
from license_ledger.salesforce.rest import LimitInfo, RestClient
from license_ledger.salesforce.transport import Timeouts

ORGANIZATION = "SELECT Id, Name FROM Organization"


def ask(client: RestClient) -> str:
    return str(client.get("query", q=ORGANIZATION)["records"][0]["Id"])


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        ("session_expires", {}),
        ("concurrent_limit", {}),
        ("concurrent_requests_limit", {}),
        ("empty_406", {}),
        ("edge_420", {}),
        ("too_many_429", {}),
        ("server_500", {}),
        ("server_502", {}),
        ("server_503", {}),
        ("html_maintenance", {}),
        ("html_maintenance", {"status": 503}),
        ("cdn_page", {}),
        ("reset_mid_body", {}),
        ("truncate_body", {}),
        ("truncate_body", {"framing": "length"}),
        ("truncate_silently", {}),
        ("truncate_gzip", {}),
        ("error_xml", {}),
        ("slow_drip", {"bytes": 64, "pause": 0.001}),
    ],
)
def test_what_passes_is_survived(desk: Desk, fault: str, options: dict[str, Any]) -> None:
    """Ended sessions, outages, broken bodies and full moments are not noticed by the caller."""
    client = desk.client()
    client.session  # noqa: B018 - the fault is meant for the call, not for the log-in
    desk.org.control.fault(fault, **options)

    assert ask(client) == client.org_id
    assert desk.org.control.hits(fault) >= 1


def test_a_stalled_answer_is_given_up_and_asked_for_again(desk: Desk) -> None:
    """When nothing more arrives the call is repeated."""
    client = desk.client(Timeouts(connect=5, read=0.3))
    desk.org.control.fault("stall", seconds=2.0)

    assert ask(client) == client.org_id


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("server_503", {}, errors.SalesforceUnavailable),
        ("empty_406", {}, errors.SalesforceUnavailable),
        ("too_many_429", {}, errors.RateLimited),
        ("concurrent_limit", {}, errors.RateLimited),
        ("html_maintenance", {}, errors.SalesforceUnavailable),
        ("reset_mid_body", {}, errors.SalesforceUnavailable),
        ("truncate_silently", {}, errors.CorruptAnswer),
    ],
)
def test_what_does_not_pass_is_told_after_a_few_tries(
    desk: Desk, fault: str, options: dict[str, Any], kind: type[errors.LedgerError]
) -> None:
    """Five calls with growing pauses, then an error that names what was asked."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault(fault, count=None, **options)

    with pytest.raises(kind, match="query of Organization") as caught:
        ask(client)

    assert type(caught.value) is kind
    assert desk.calls("/query") == 5
    assert len(desk.pauses) == 4
    assert desk.pauses[-1] > desk.pauses[0]


@pytest.mark.parametrize(
    ("fault", "options", "kind"),
    [
        ("daily_limit", {}, errors.QuotaExhausted),
        ("api_disabled", {}, errors.AccessDenied),
        ("insufficient_access", {}, errors.AccessDenied),
        ("transaction_security", {}, errors.AccessDenied),
        ("policy_401", {}, errors.AccessDenied),
        ("policy_401", {"text": "Connected app is not attached to Agent"}, errors.AccessDenied),
        ("query_timeout", {}, errors.SalesforceUnavailable),
        ("error_object", {}, errors.BadQuery),
        ("error_empty", {}, errors.BadQuery),
        ("error_several", {}, errors.SchemaDrift),
    ],
)
def test_what_will_not_pass_is_told_at_once(
    desk: Desk, fault: str, options: dict[str, Any], kind: type[errors.LedgerError]
) -> None:
    """One call, no pause, no refresh, the right error."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault(fault, **options)

    with pytest.raises(kind) as caught:
        ask(client)

    assert type(caught.value) is kind
    assert caught.value.remedy
    assert desk.calls("/query") == 1
    assert desk.calls("/oauth2/token") == 1
    assert desk.pauses == []


def test_a_session_that_ends_is_renewed_once_and_the_call_replayed(desk: Desk) -> None:
    """One refresh, one replay; the caller sees nothing of it."""
    client = desk.client()
    ask(client)
    desk.org.control.expire_sessions()

    assert ask(client) == client.org_id
    assert desk.calls("/oauth2/token") == 2
    assert desk.calls("/query") == 3


def test_a_session_that_always_ends_is_no_endless_loop(desk: Desk) -> None:
    """Two renewals, then an error that points to the session's policies."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault("session_expires", count=None)

    with pytest.raises(errors.AccessDenied, match="session policies"):
        ask(client)
    assert desk.calls("/oauth2/token") == 3


@pytest.mark.parametrize(
    ("soql", "kind", "word"),
    [
        ("SELECT Id, Nonsense FROM User", errors.SchemaDrift, "Nonsense"),
        ("SELECT Id FROM Nonsense", errors.SchemaDrift, "Nonsense"),
        ("SELECT FROM User", errors.BadQuery, "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_salesforce_does_not_understand(
    reading_desk: Desk, soql: str, kind: type[errors.LedgerError], word: str
) -> None:
    """Unknown fields and objects are drift, nonsense is a bug; the words of Salesforce are on one line."""
    with pytest.raises(kind, match=word) as caught:
        reading_desk.client().get("query", q=soql)

    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_drift(reading_desk: Desk) -> None:
    """A path that does not exist names itself."""
    with pytest.raises(errors.SchemaDrift, match="sobjects/Nonsense/describe"):
        reading_desk.client().get("sobjects/Nonsense/describe")


def test_an_address_that_is_too_long_is_not_sent(reading_desk: Desk) -> None:
    """Beyond what Salesforce accepts the error comes before the call."""
    client = reading_desk.client()

    with pytest.raises(errors.BadQuery, match="bytes"):
        client.get("query", q="SELECT " + ", ".join(f"Field{n}__c" for n in range(2000)) + " FROM User")
    assert client.api_calls == 0


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/services/data/v66.0/query",
        "/services/apexrest/x",
        "//evil.example/x",
        "/etc/passwd",
    ],
)
def test_a_path_never_leads_away_from_the_org(reading_desk: Desk, path: str) -> None:
    """An address out of an answer that points elsewhere gets no token."""
    with pytest.raises(errors.UnsafeHost):
        reading_desk.client().get(path)


def test_the_client_cannot_write(reading_desk: Desk) -> None:
    """A request that might change data is refused here, and reaches no org."""
    client = reading_desk.client()

    with pytest.raises(ValueError, match="only reads"):
        client.post("sobjects/User", {"LastName": "x"})
    assert reading_desk.org.control.usage()["writes_refused"] == 0


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (None, True),
        ("limit_info_missing", False),
        ("limit_info_per_app", True),
        ("limit_info_garbled", False),
    ],
)
def test_the_allocation_is_read_from_the_headers(desk: Desk, fault: str | None, expected: bool) -> None:
    """With or without the app's own part; a header that cannot be read is no error."""
    client = desk.client()
    if fault:
        desk.org.control.fault(fault)
    ask(client)

    assert isinstance(client.limit_info, LimitInfo) is expected
    if client.limit_info:
        assert client.limit_info.allowed == 115_000


def test_calls_are_counted_as_the_org_counts_them(desk: Desk) -> None:
    """Tries count, the list of versions does not."""
    client = desk.client()
    client.negotiate()
    desk.org.control.fault("server_503")
    ask(client)

    assert client.api_calls == 2


@pytest.mark.parametrize(
    ("wanted", "used", "warned"),
    [("66.0", "66.0", False), ("67.0", "67.0", False), ("99.0", "67.0", True), ("52.0", "52.0", False)],
)
def test_the_version_is_lowered_to_what_the_org_offers(
    reading_desk: Desk, wanted: str, used: str, warned: bool
) -> None:
    """A version from the future becomes the newest one on offer, with a warning; calls then use it."""
    client = reading_desk.client(api_version=wanted)

    assert bool(client.negotiate()) is warned
    assert client.api_version == used
    assert ask(client) == client.org_id
    assert f"/v{used}/" in client.salesforce.base_url


def test_a_version_that_is_retired_is_an_error(reading_desk: Desk) -> None:
    """A version below everything on offer cannot be lowered."""
    with pytest.raises(errors.ConfigError, match=r"API version 20\.0"):
        reading_desk.client(api_version="20.0").negotiate()


def test_the_librarys_client_is_ready(reading_desk: Desk) -> None:
    """What is not asked here can be asked through simple_salesforce, on the same session and certificates."""
    client = reading_desk.client()

    assert client.salesforce.query(ORGANIZATION)["records"][0]["Id"] == client.org_id
    assert client.salesforce is client.salesforce


def test_a_stream_is_read_by_the_caller(desk: Desk) -> None:
    """An answer that is not JSON is handed over unread, after the same retries and renewals."""
    client = desk.client()
    client.session  # noqa: B018
    desk.org.control.fault("session_expires")
    with client.stream("query", {"Accept": "application/json"}, {"q": ORGANIZATION}) as response:
        assert b'"totalSize"' in response.raw.read(1 << 20, decode_content=True)
    desk.org.control.fault("server_503")
    client.stream("query", params={"q": ORGANIZATION}).close()

    with pytest.raises(errors.SchemaDrift):
        client.stream("nonsense")


def test_a_client_closes_its_connections(reading_desk: Desk) -> None:
    """As a context manager, and it can be used again afterwards."""
    with reading_desk.client() as client:
        ask(client)

    assert ask(client) == client.org_id


def test_a_moved_instance_is_followed_by_a_new_session(desk: Desk) -> None:
    """The instance of each token answer is used, here another name of the same machine."""
    other = desk.org.https_url.replace("localhost", "127.0.0.1")
    desk.org.control.options(instance_url=other)
    client = desk.client()

    assert ask(client) == client.org_id
    assert client.session.instance_url == other
