"""Every fault by its name does what the table says, where it says, as often as it says."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests
from tests.demo_org_fixtures import ApiSession, RunningOrg, StartOrg

from demo_org.control import ControlError
from demo_org.fault_table import BY_NAME, FAULTS, TRAITS

SOQL = "SELECT Id, Name FROM User"
JOB = {"operation": "query", "query": SOQL}


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An org whose faults are switched off after each test."""
    from tests.demo_org_fixtures import TODAY

    from demo_org.options import OrgOptions
    from demo_org.server import DemoOrg
    from demo_org.world import World

    options = OrgOptions(bulk_seconds=0.0, rest_page_rows=9)
    server = DemoOrg(World(today=TODAY), options, tmp_path_factory.mktemp("faults"))
    with server:
        yield RunningOrg(server)


@pytest.fixture
def api(org: RunningOrg) -> Any:
    """A session of that org."""
    yield org.login()
    org.control.no_fault()


def _call(kind: str, org: RunningOrg, api: ApiSession) -> Callable[[], requests.Response]:
    """Prepare a call of a kind, so that only the call itself meets the fault."""
    if kind == "token":
        return org.token
    if kind == "rest":
        return lambda: api.get("limits")
    if kind == "query":
        return lambda: api.get("query", q=SOQL)
    if kind == "page":
        url = api.query(SOQL)["nextRecordsUrl"]
        return lambda: api.get(url)
    if kind == "describe":
        return lambda: api.get("sobjects/User/describe")
    if kind == "jobs":
        return lambda: api.call("POST", "jobs/query", json=JOB)
    job = api.bulk(SOQL)["id"]
    path = f"jobs/query/{job}/results" if kind == "results" else f"jobs/query/{job}"
    return lambda: api.call("DELETE" if kind == "delete" else "GET", path)


ANSWERS = {
    "token_being_processed": ("token", 400, '"error_description":"token request is already being processed"'),
    "token_old_race_text": ("token", 400, '"error_description":"expired authorization code"'),
    "invalid_grant_expired": (
        "token",
        400,
        '"error_description":"expired access/refresh token"',
    ),
    "invalid_grant_inactive_user": ("token", 400, '"error_description":"inactive user"'),
    "invalid_grant_inactive_org": ("token", 400, '"error_description":"inactive organization"'),
    "invalid_grant_not_approved": ("token", 400, '"error_description":"user hasn\'t approved this consumer"'),
    "invalid_grant_ip_restricted": ("token", 400, '"error_description":"ip restricted"'),
    "invalid_grant_token_validity": ("token", 400, '"error_description":"token validity expired"'),
    "app_not_found": ("token", 400, '"error":"app_not_found"'),
    "app_not_approved": ("token", 400, "user is not admin approved to access this app"),
    "token_request_limit": ("token", 403, "REQUEST_LIMIT_EXCEEDED"),
    "token_outage_html": ("token", 503, "<html>"),
    "token_503": ("token", 503, ""),
    "token_rate_limit": ("token", 400, "login rate exceeded"),
    "session_expires": ("rest", 401, "INVALID_SESSION_ID"),
    "session_expires_mid_query": ("page", 401, "INVALID_SESSION_ID"),
    "cursor_dies_with_session": ("page", 401, "INVALID_SESSION_ID"),
    "policy_401": ("rest", 401, "This session is not valid for use with the REST API"),
    "cursor_gone": ("page", 400, "INVALID_QUERY_LOCATOR"),
    "query_timeout": ("query", 400, "Your query request was running for too long."),
    "daily_limit": ("rest", 403, "TotalRequests Limit exceeded."),
    "concurrent_limit": ("rest", 403, "ConcurrentPerOrgLongTxn Limit exceeded."),
    "concurrent_requests_limit": ("rest", 403, "ConcurrentRequests Limit exceeded."),
    "empty_406": ("rest", 406, ""),
    "edge_420": ("rest", 420, "We are setting things up"),
    "too_many_429": ("rest", 429, ""),
    "server_500": ("rest", 500, "UNKNOWN_EXCEPTION"),
    "server_502": ("rest", 502, "<html>"),
    "server_503": ("rest", 503, "Server too busy"),
    "html_maintenance": ("rest", 200, "<html>"),
    "cdn_page": ("rest", 503, "AkamaiNetStorage"),
    "error_object": ("rest", 400, '{"error":"invalid_request"'),
    "error_xml": ("rest", 500, "<?xml"),
    "error_empty": ("rest", 400, "[]"),
    "error_several": ("rest", 400, "MALFORMED_QUERY"),
    "insufficient_access": ("rest", 403, "INSUFFICIENT_ACCESS"),
    "api_disabled": ("rest", 403, "API_DISABLED_FOR_ORG"),
    "not_found": ("rest", 404, "The requested resource does not exist"),
    "transaction_security": ("query", 400, "TXN_SECURITY_METERING_ERROR"),
    "bulk_refuses_object": ("jobs", 400, "INVALIDENTITY"),
    "bulk_restriction": ("jobs", 400, "Implementation restriction"),
    "bulk_jobs_limit": ("jobs", 400, "Max bulk v2 query jobs (10000) per 24 hrs has been reached"),
    "bulk_storage_limit": ("jobs", 400, "result size stored (1000000000) kb per 24 hrs has been exceeded"),
    "bulk_forbidden": ("jobs", 403, "INSUFFICIENT_ACCESS"),
    "bulk_poll_fails": ("job", 503, "SERVER_UNAVAILABLE"),
    "page_fails_once": ("results", 503, "SERVER_UNAVAILABLE"),
    "delete_fails": ("delete", 500, "UNKNOWN_EXCEPTION"),
    "job_gone": ("job", 404, "NOT_FOUND"),
    "describe_406_once": ("describe", 406, ""),
}
"""Faults that take the place of an answer: call that meets them, status, and a part of the body."""

_ENDS_SESSION = {"session_expires", "session_expires_mid_query", "cursor_dies_with_session"}


@pytest.mark.parametrize("name", list(ANSWERS))
def test_faults_that_replace_an_answer(org: RunningOrg, api: ApiSession, name: str) -> None:
    """The call meets the fault, as often as the table says, and is answered as ever afterwards."""
    kind, status, text = ANSWERS[name]
    call = _call(kind, org, api)
    org.control.fault(name)

    answer = call()

    assert (answer.status_code, org.control.hits(name)) == (status, 1)
    assert text in answer.text
    assert text or not answer.content
    if BY_NAME[name].count == 1 and name not in _ENDS_SESSION:
        assert call().status_code < 300
    elif BY_NAME[name].count is None:
        assert call().status_code == status


def test_a_fault_concerns_only_its_calls(org: RunningOrg, api: ApiSession) -> None:
    """Path, number and count of the struck calls can be chosen."""
    org.control.fault("server_503", path="/query", nth=2, count=2)

    assert api.get("limits").status_code == 200
    assert [api.get("query", q=SOQL).status_code for _ in range(4)] == [200, 503, 503, 200]
    state = org.control.faults()["server_503"]
    assert (state["seen"], state["hits"]) == (4, 2)
    assert org.control.no_fault("server_503") == []


def test_a_fault_strikes_every_address_once(org: RunningOrg, api: ApiSession) -> None:
    """With ``each_path`` the first call to an address is struck, and its repetition is not."""
    org.control.fault("server_503", count=None, each_path=True)

    assert [api.get(path).status_code for path in ("limits", "limits", "query", "limits", "query")] == [
        503,
        200,
        503,
        200,
        400,
    ]
    assert org.control.faults()["server_503"]["struck"] == [f"{api.base}/limits", f"{api.base}/query"]


def test_a_part_of_a_composite_call_is_struck_on_demand(org: RunningOrg, api: ApiSession) -> None:
    """Faults leave parts alone unless told otherwise."""
    part = {"method": "GET", "url": f"{api.base}/query?q={SOQL}", "referenceId": "one"}

    def status() -> int:
        answer = api.call("POST", "composite", json={"compositeRequest": [part]}).json()
        return int(answer["compositeResponse"][0]["httpStatusCode"])

    org.control.fault("query_timeout")
    assert status() == 200
    org.control.fault("query_timeout", parts=True)
    assert (status(), status()) == (400, 200)


def test_unknown_faults_and_options_are_refused(org: RunningOrg) -> None:
    """A misspelled fault or option is an error and not a silent nothing."""
    with pytest.raises(ControlError, match="no_such_fault"):
        org.control.fault("no_such_fault")
    with pytest.raises(ControlError, match=r"stall\.minutes"):
        org.control.fault("stall", minutes=5)


# What follows changes an answer, or what stands behind it, instead of replacing it.


def _lost_answer(org: RunningOrg, api: ApiSession) -> None:
    org.control.options(rotation=True)
    token = org.control.new_refresh_token()
    try:
        with pytest.raises(requests.ConnectionError):
            org.token(token)
        state = org.control.grant(token)
        assert (state["alive"], state["rotations"], state["answer_delivered"]) == (True, 1, False)
        assert org.token(token).status_code == 400
        assert not org.control.grant(token)["alive"]
    finally:
        org.control.options(rotation=False)


def _truncated_answer(org: RunningOrg, api: ApiSession) -> None:
    with pytest.raises(requests.RequestException):
        org.token()
    assert org.control.grant(org.refresh_token)["answer_delivered"] is False


def _no_api_scope(org: RunningOrg, api: ApiSession) -> None:
    body = org.token().json()
    assert body["scope"] == "refresh_token id"
    answer = org.login_with(body["access_token"]).get("limits")
    assert answer.status_code == 401
    assert "not valid for use with the REST API" in answer.text


def _foreign_url(org: RunningOrg, api: ApiSession) -> None:
    assert org.token().json()["instance_url"] == "https://attacker.example"


def _moved_url(org: RunningOrg, api: ApiSession) -> None:
    moved = org.token().json()["instance_url"]
    assert moved == org.https_url.replace("localhost", "127.0.0.1")
    assert org.browser().get(f"{moved}/services/data/").status_code == 200


def _reset(org: RunningOrg, api: ApiSession) -> None:
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        api.get("sobjects/User/describe")
    assert api.get("sobjects/User/describe").status_code == 200


def _truncated(org: RunningOrg, api: ApiSession) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("sobjects/User/describe")
    org.control.fault("truncate_body", framing="length")
    with pytest.raises(requests.exceptions.RequestException):
        api.get("sobjects/User/describe")


def _silently(org: RunningOrg, api: ApiSession) -> None:
    answer = api.call("GET", "limits", headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        answer.json()


def _half_gzip(org: RunningOrg, api: ApiSession) -> None:
    answer = api.call("GET", "sobjects/User/describe", stream=True)
    raw = answer.raw.read(decode_content=False)
    unpacked = zlib.decompressobj(31)
    unpacked.decompress(raw)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert not unpacked.eof


def _stalls(org: RunningOrg, api: ApiSession) -> None:
    org.control.fault("stall", seconds=1.0)
    began = time.monotonic()
    assert api.get("limits").status_code == 200
    assert time.monotonic() - began >= 1.0
    org.control.fault("stall", seconds=60.0)
    over = threading.Timer(0.5, org.control.no_fault)
    over.start()
    assert api.get("limits").status_code == 200
    assert time.monotonic() - began < 50.0  # switched off, it ends
    over.join()


def _drips(org: RunningOrg, api: ApiSession) -> None:
    org.control.fault("slow_drip", bytes=256, pause=0.02)
    began = time.monotonic()
    assert len(api.get("limits").json()) == 71
    assert time.monotonic() - began >= 0.06


def _reset_at_once(org: RunningOrg, api: ApiSession) -> None:
    with pytest.raises(requests.ConnectionError):
        api.get("limits")
    assert api.get("limits").status_code == 200


def _miscounted(org: RunningOrg, api: ApiSession) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("sobjects/User/describe")
    org.control.fault("wrong_length", by=-16)
    with pytest.raises(ValueError, match=r"delimiter|Unterminated|Expecting"):
        api.call("GET", "limits", headers={"Accept-Encoding": "identity"}).json()


def _skewed(org: RunningOrg, api: ApiSession) -> None:
    def seconds(answer: requests.Response) -> float:
        return parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()

    answer = org.token()
    assert 5300 < seconds(answer) < 5500
    assert 5300 < int(answer.json()["issued_at"]) / 1000 - time.time() < 5500
    assert 5300 < seconds(api.get("limits")) < 5500
    org.control.no_fault()
    assert abs(seconds(api.get("limits"))) < 100


def _rest_pages(api: ApiSession, number: int) -> list[list[str]]:
    page = api.query(SOQL)
    pages = [page]
    while len(pages) < number:
        page = api.get(page["nextRecordsUrl"]).json()
        pages.append(page)
    return [[row["Id"] for row in each["records"]] for each in pages]


def _duplicate_rest(org: RunningOrg, api: ApiSession) -> None:
    one, two, three = _rest_pages(api, 3)
    assert one == two != three


def _reordered_rest(org: RunningOrg, api: ApiSession) -> None:
    one, two, three = _rest_pages(api, 3)
    assert _rest_pages(api, 3) == [one, three, two]


def _hidden_field(org: RunningOrg, api: ApiSession) -> None:
    assert "Department" in {field["name"] for field in api.get("sobjects/User/describe").json()["fields"]}
    assert api.error("SELECT Id, Department FROM User")["errorCode"] == "INVALID_FIELD"
    assert (
        api.call("POST", "jobs/query", json={**JOB, "query": "SELECT Department FROM User"}).status_code
        == 400
    )


def _hidden_object(org: RunningOrg, api: ApiSession) -> None:
    assert api.get("sobjects/UserLogin/describe").status_code == 200
    assert api.error("SELECT Id FROM UserLogin")["errorCode"] == "INVALID_TYPE"


def _short_uri(org: RunningOrg, api: ApiSession) -> None:
    assert api.get("query", q="SELECT " + ",".join(["Id"] * 1400) + " FROM User").status_code == 414
    assert api.get("limits").status_code == 200


def _no_limit_info(org: RunningOrg, api: ApiSession) -> None:
    assert "Sforce-Limit-Info" not in api.get("limits").headers


def _app_limit_info(org: RunningOrg, api: ApiSession) -> None:
    assert "; per-app-api-usage=" in api.get("limits").headers["Sforce-Limit-Info"]


def _garbled_limit_info(org: RunningOrg, api: ApiSession) -> None:
    assert api.get("limits").headers["Sforce-Limit-Info"] == "api-usage=unknown"


def _job_fails(org: RunningOrg, api: ApiSession) -> None:
    job = api.bulk(SOQL)
    assert (job["state"], job["errorMessage"]) == ("Failed", "InternalServerError: Retry your request")
    assert api.get(f"jobs/query/{job['id']}/results").status_code == 400


def _job_fails_silently(org: RunningOrg, api: ApiSession) -> None:
    job = api.bulk(SOQL)
    assert job["state"] == "Failed"
    assert "errorMessage" not in job


def _job_aborted(org: RunningOrg, api: ApiSession) -> None:
    assert api.bulk(SOQL)["state"] == "Aborted"


def _job_stuck(org: RunningOrg, api: ApiSession) -> None:
    job = api.call("POST", "jobs/query", json=JOB).json()
    time.sleep(0.2)
    assert api.get(f"jobs/query/{job['id']}").json()["state"] == "InProgress"


def _results(api: ApiSession, **parameters: Any) -> requests.Response:
    return api.get(f"jobs/query/{api.bulk(SOQL)['id']}/results", **parameters)


def _parsed(answer: requests.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.text, newline="")))


def _no_locator(org: RunningOrg, api: ApiSession) -> None:
    assert "Sforce-Locator" not in _results(api).headers
    assert "Sforce-Locator" in _results(api, maxRecords=5).headers


def _empty_locator(org: RunningOrg, api: ApiSession) -> None:
    assert _results(api).headers["Sforce-Locator"] == ""


def _no_record_count(org: RunningOrg, api: ApiSession) -> None:
    assert "Sforce-NumberOfRecords" not in _results(api).headers


def _wrong_record_count(org: RunningOrg, api: ApiSession) -> None:
    answer = _results(api)
    assert int(answer.headers["Sforce-NumberOfRecords"]) == len(_parsed(answer))


def _wrong_total(org: RunningOrg, api: ApiSession) -> None:
    job = api.bulk(SOQL)
    assert job["numberRecordsProcessed"] == api.query("SELECT COUNT() FROM User")["totalSize"] + 1


def _no_total(org: RunningOrg, api: ApiSession) -> None:
    assert "numberRecordsProcessed" not in api.bulk(SOQL)


def _duplicate(org: RunningOrg, api: ApiSession) -> None:
    path = f"jobs/query/{api.bulk(SOQL)['id']}/results"
    first = api.get(path, maxRecords=10)
    second = api.get(path, maxRecords=10, locator=first.headers["Sforce-Locator"])
    again = api.get(path, maxRecords=10, locator=first.headers["Sforce-Locator"])
    assert second.text == first.text != again.text


def _reordered(org: RunningOrg, api: ApiSession) -> None:
    path = f"jobs/query/{api.bulk(SOQL)['id']}/results"
    first = api.get(path, maxRecords=10)
    second = api.get(path, maxRecords=10, locator=first.headers["Sforce-Locator"])
    org.control.no_fault()
    assert api.get(path, maxRecords=10).text == second.text
    assert api.get(path, maxRecords=10, locator=first.headers["Sforce-Locator"]).text == first.text


def _missing_row(org: RunningOrg, api: ApiSession) -> None:
    answer = _results(api)
    assert int(answer.headers["Sforce-NumberOfRecords"]) == len(_parsed(answer))


def _open_quote(org: RunningOrg, api: ApiSession) -> None:
    assert _results(api).text.count('"') % 2 == 1


def _extra_cell(org: RunningOrg, api: ApiSession) -> None:
    assert [len(row) for row in _parsed(_results(api))][:3] == [2, 3, 2]


def _nul(org: RunningOrg, api: ApiSession) -> None:
    content = _results(api).content
    assert content.count(b"\x00") == 1
    assert content.split(b"\n")[1].count(b"\x00") == 1


def _long_cell(org: RunningOrg, api: ApiSession) -> None:
    answer = _results(api)
    assert [len(line) > 131_072 for line in answer.text.splitlines()[:3]] == [False, True, False]
    with pytest.raises(csv.Error, match="field limit"):
        _parsed(answer)


def _no_charset(org: RunningOrg, api: ApiSession) -> None:
    assert _results(api).headers["Content-Type"] == "text/csv"


def _empty(org: RunningOrg, api: ApiSession) -> None:
    assert api.query(SOQL)["totalSize"] == 0
    assert api.bulk(SOQL)["numberRecordsProcessed"] == 0
    assert api.query("SELECT COUNT() FROM Profile")["totalSize"] > 0


def _shrunken(org: RunningOrg, api: ApiSession) -> None:
    org.control.no_fault()
    whole = api.query(SOQL)["totalSize"]
    org.control.fault("shrunken_object", object="User", fraction=0.25)
    assert api.query(SOQL)["totalSize"] == int(whole * 0.25)


def _dummy_ids(org: RunningOrg, api: ApiSession) -> None:
    org.control.fault("dummy_ids", object="Profile")
    assert {row["Id"] for row in api.rows("SELECT Id FROM Profile")} == {"000000000000000AAA"}
    assert _parsed(api.get(f"jobs/query/{api.bulk('SELECT Id FROM Profile')['id']}/results"))[1] == [
        "000000000000000AAA"
    ]


EFFECTS: dict[str, Callable[[RunningOrg, ApiSession], None]] = {
    "token_answer_lost": _lost_answer,
    "token_answer_truncated": _truncated_answer,
    "token_without_api_scope": _no_api_scope,
    "foreign_instance_url": _foreign_url,
    "moved_instance_url": _moved_url,
    "reset_mid_body": _reset,
    "truncate_body": _truncated,
    "truncate_silently": _silently,
    "truncate_gzip": _half_gzip,
    "stall": _stalls,
    "slow_drip": _drips,
    "reset_before_answer": _reset_at_once,
    "wrong_length": _miscounted,
    "clock_skew": _skewed,
    "duplicate_rest_page": _duplicate_rest,
    "reordered_rest_pages": _reordered_rest,
    "reordered_pages": _reordered,
    "long_cell": _long_cell,
    "invalid_field_between_describe_and_query": _hidden_field,
    "object_vanishes": _hidden_object,
    "uri_limit": _short_uri,
    "limit_info_missing": _no_limit_info,
    "limit_info_per_app": _app_limit_info,
    "limit_info_garbled": _garbled_limit_info,
    "bulk_job_fails": _job_fails,
    "bulk_job_fails_without_message": _job_fails_silently,
    "bulk_aborted": _job_aborted,
    "bulk_stuck": _job_stuck,
    "locator_missing": _no_locator,
    "locator_empty": _empty_locator,
    "record_count_header_missing": _no_record_count,
    "record_count_wrong": _wrong_record_count,
    "job_total_wrong": _wrong_total,
    "job_total_missing": _no_total,
    "duplicate_page": _duplicate,
    "missing_rows": _missing_row,
    "malformed_csv": _open_quote,
    "extra_cell": _extra_cell,
    "nul_bytes": _nul,
    "no_csv_charset": _no_charset,
    "empty_object": _empty,
    "shrunken_object": _shrunken,
    "dummy_ids": _dummy_ids,
}


@pytest.mark.parametrize("name", list(EFFECTS))
def test_faults_that_change_an_answer(org: RunningOrg, api: ApiSession, name: str) -> None:
    """The fault shows as the table says, and only while it is on."""
    org.control.fault(name)

    EFFECTS[name](org, api)


def test_every_fault_is_tested() -> None:
    """The tables of this module name every fault, and no other."""
    assert set(ANSWERS) | set(EFFECTS) == {kind.name for kind in FAULTS}


def test_every_behavior_is_covered() -> None:
    """Each of the forty behaviors is a fault that can be switched on, or a trait that the org always has."""
    covered = {number for kind in FAULTS for number in kind.behaviors} | {number for number, _ in TRAITS}

    assert covered == set(range(1, 41))


def test_a_cursor_that_died_stays_dead(start_demo_org: StartOrg) -> None:
    """After the fault, the page fails with a new session as well: only starting the query anew helps."""
    org = start_demo_org(rest_page_rows=9)
    api = org.login()
    url = api.query(SOQL)["nextRecordsUrl"]
    org.control.fault("cursor_dies_with_session")

    assert api.get(url).status_code == 401
    assert api.get(url).status_code == 401
    assert org.login().get(url).status_code == 401
    assert api.get(api.query(SOQL)["nextRecordsUrl"]).status_code == 200


def test_the_table_can_be_printed() -> None:
    """The command line prints every fault and trait as Markdown, without loading the server."""
    code = "import sys, demo_org.__main__ as it; it.main(['faults']); assert 'pyarrow' not in sys.modules"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert all(f"| `{kind.name}` |" in printed for kind in FAULTS)
    assert printed.count("\n| ") >= len(FAULTS) + len(TRAITS)
