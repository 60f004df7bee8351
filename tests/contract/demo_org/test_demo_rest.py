"""The REST API of the demo org: versions, describe, paging, limits, composite, and common headers."""

from __future__ import annotations

import re
import time

import pytest
from tests.demo_org_fixtures import ApiSession, RunningOrg, StartOrg


@pytest.fixture(scope="module")
def api(shared_demo_org: RunningOrg) -> ApiSession:
    """A session that only reads."""
    return shared_demo_org.login()


def test_versions_need_no_login(shared_demo_org: RunningOrg) -> None:
    """The list runs from 31.0 to 67.0, oldest first, and tells no API usage."""
    answer = shared_demo_org.browser().get(f"{shared_demo_org.https_url}/services/data/")
    listed = answer.json()

    assert listed[0] == {"label": "Summer '14", "url": "/services/data/v31.0", "version": "31.0"}
    assert listed[-1] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}
    assert len(listed) == 37
    assert "Spring \N{RIGHT SINGLE QUOTATION MARK}18" in {item["label"] for item in listed}
    assert "Sforce-Limit-Info" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/services/data/v30.0/query?q=x", 410, "UNSUPPORTED_API_VERSION"),
        ("/services/data/v99.0/query?q=x", 404, "NOT_FOUND"),
        ("/services/data/v59.0/nowhere", 404, "NOT_FOUND"),
        ("/services/data/v59.0/sobjects/Nothing/describe", 404, "NOT_FOUND"),
        ("/services/data/v59.0/sobjects/User/005000000000000AAA", 404, "NOT_FOUND"),
        ("/services/data/v59.0/query", 400, "MALFORMED_QUERY"),
        ("/services/data/v59.0/jobs/query/750000000000000AAA", 404, "NOT_FOUND"),
    ],
)
def test_what_is_not_there(api: ApiSession, path: str, status: int, code: str) -> None:
    """Errors are lists with one entry of message and code."""
    answer = api.get(path)

    assert answer.status_code == status
    assert answer.json()[0]["errorCode"] == code


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic eDp5", "Bearer 00D000000000000!AQ"])
def test_without_a_session(shared_demo_org: RunningOrg, authorization: str) -> None:
    """No token, or a wrong one: 401 with the words of an expired session."""
    url = f"{shared_demo_org.https_url}/services/data/v59.0/limits"
    answer = shared_demo_org.browser().get(
        url, headers={"Authorization": authorization} if authorization else {}
    )

    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_headers_of_an_answer(api: ApiSession) -> None:
    """Answers are chunked JSON in UTF-8, uncached, with a request id twice and the API usage."""
    headers = api.get("query", q="SELECT Id FROM User LIMIT 1").headers

    assert headers["Content-Type"] == "application/json;charset=UTF-8"
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["Cache-Control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
    assert headers["Server"] == "sfdcedge"
    assert headers["X-Request-Id"] == headers["X-SFDC-Request-Id"]
    assert re.fullmatch(r"api-usage=\d+/115000", headers["Sforce-Limit-Info"])


def test_gzip_when_asked(api: ApiSession) -> None:
    """Bodies are compressed if the client accepts it, and plain otherwise."""
    packed = api.call("GET", "sobjects/User/describe", headers={"Accept-Encoding": "gzip"})
    plain = api.call("GET", "sobjects/User/describe", headers={"Accept-Encoding": "identity"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_pretty_printing(api: ApiSession) -> None:
    """X-PrettyPrint gives the same value in lines, in the manner of the Java server."""
    soql = "SELECT Id, Profile.Name FROM User ORDER BY Id LIMIT 6"
    pretty = api.call("GET", "query", params={"q": soql}, headers={"X-PrettyPrint": "1"})

    assert pretty.json() == api.query(soql)
    assert pretty.text.startswith(
        '{\n  "totalSize" : 6,\n  "done" : true,\n  "records" : [ {\n    "attributes" : {\n'
    )
    assert pretty.text.endswith("\n  } ]\n}")


def test_long_requests_are_refused(api: ApiSession) -> None:
    """More than 16,384 bytes of URI are a 414, and together with headers a 431."""
    names = ",".join(["Id"] * 5400)

    assert api.get("query", q=f"SELECT {names} FROM User").status_code == 414
    assert api.call("GET", "limits", headers={"X-Padding": "x" * 16_384}).status_code == 431


def test_methods(api: ApiSession) -> None:
    """A resource names the methods that it knows; writing is beyond the rights of the integration user."""
    wrong = api.call("PUT", "query")
    write = api.call("PATCH", "sobjects/User/005000000000000AAA", json={"Title": "x"})
    load = api.call("POST", "jobs/ingest", json={"object": "User", "operation": "insert"})

    assert wrong.status_code == 405
    assert wrong.json()[0]["message"] == "HTTP Method 'PUT' not allowed. Allowed are GET,HEAD"
    assert (write.status_code, load.status_code) == (403, 403)
    assert write.json()[0]["errorCode"] == "INSUFFICIENT_ACCESS"


def test_resources(api: ApiSession) -> None:
    """The root of a version lists where to go next."""
    body = api.get("").json()

    assert body["query"] == "/services/data/v59.0/query"
    assert "/id/00D" in body["identity"]


def test_global_describe(api: ApiSession) -> None:
    """Every object of the ledger is listed, with the flags of a real org."""
    body = api.get("sobjects").json()
    listed = {item["name"]: item for item in body["sobjects"]}

    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    prefixes = {
        name: listed[name]["keyPrefix"] for name in ("User", "UserLicense", "PackageLicense", "UserLogin")
    }
    assert prefixes == {"User": "005", "UserLicense": "100", "PackageLicense": "050", "UserLogin": "0Yw"}
    assert listed["User"]["replicateable"]
    assert not listed["UserLicense"]["replicateable"]


def test_describe_can_be_cached(start_demo_org: StartOrg) -> None:
    """ETag and Last-Modified lead to 304, until what the user may see changes."""
    org = start_demo_org()
    api = org.login()
    first = api.get("sobjects/User/describe")
    tag = {"If-None-Match": first.headers["ETag"]}
    since = {"If-Modified-Since": first.headers["Last-Modified"]}

    assert api.call("GET", "sobjects/User/describe", headers=tag).status_code == 304
    assert api.call("GET", "sobjects/User/describe", headers=since).status_code == 304
    org.control.hide("User.Title")
    changed = api.call("GET", "sobjects/User/describe", headers=tag)
    assert changed.status_code == 200
    assert "Title" not in {field["name"] for field in changed.json()["fields"]}


def test_limits(api: ApiSession) -> None:
    """There are 71 limits, each a pair; the permission sets have a pair inside."""
    body = api.get("limits").json()

    assert len(body) == 71
    assert all({"Max", "Remaining"} <= set(pair) for pair in body.values())
    assert set(body["PermissionSets"]["CreateCustom"]) == {"Max", "Remaining"}
    assert body["DailyApiRequests"]["Remaining"] < body["DailyApiRequests"]["Max"] == 115_000


def test_record_count(api: ApiSession) -> None:
    """Counts of the named objects agree with COUNT()."""
    counts = {
        item["name"]: item["count"]
        for item in api.get("limits/recordCount", sObjects="User,Profile").json()["sObjects"]
    }

    assert counts == {
        "User": api.query("SELECT COUNT() FROM User")["totalSize"],
        "Profile": api.query("SELECT COUNT() FROM Profile")["totalSize"],
    }


def test_a_record_by_id(api: ApiSession) -> None:
    """One record comes with all fields that describe shows, or with those that were asked for."""
    user_id = api.rows("SELECT Id FROM User LIMIT 1")[0]["Id"]
    described = {field["name"] for field in api.get("sobjects/User/describe").json()["fields"]}

    assert set(api.get(f"sobjects/User/{user_id}").json()) == described | {"attributes"}
    assert set(api.get(f"sobjects/User/{user_id[:15]}", fields="Id,Name").json()) == {
        "attributes",
        "Id",
        "Name",
    }


def test_pages_of_a_query(start_demo_org: StartOrg) -> None:
    """Pages follow each other by nextRecordsUrl, count the whole, and give every record once."""
    org = start_demo_org(rest_page_rows=7)
    api = org.login()
    first = api.query("SELECT Id FROM User ORDER BY Id")
    assert list(first) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert re.fullmatch(r"/services/data/v59\.0/query/0r8\w{15}-7", first["nextRecordsUrl"])

    pages, page = [first], first
    while not page["done"]:
        page = api.get(page["nextRecordsUrl"]).json()
        pages.append(page)

    total = first["totalSize"]
    assert [len(page["records"]) for page in pages] == [7] * (total // 7) + ([total % 7] if total % 7 else [])
    assert {page["totalSize"] for page in pages} == {total}
    assert "nextRecordsUrl" not in pages[-1]
    ids = [row["Id"] for page in pages for row in page["records"]]
    assert ids == sorted(set(ids))


def test_queryall_pages_live_under_query(start_demo_org: StartOrg) -> None:
    """The next page of queryAll is asked for at query, as it says itself."""
    api = start_demo_org(rest_page_rows=5).login()

    assert "/query/0r8" in api.get("queryAll", q="SELECT Id FROM User").json()["nextRecordsUrl"]


def test_page_size_falls_with_width(start_demo_org: StartOrg) -> None:
    """Narrow rows come by two thousand, rows with a long text by a thousand, and batchSize asks for fewer."""
    from tests.demo_org_fixtures import TODAY

    from demo_org.world import World

    api = start_demo_org(World(users=2500, today=TODAY)).login()
    narrow = api.query("SELECT Id FROM User")
    wide = api.query("SELECT Id, AboutMe FROM User")
    asked = api.query("SELECT Id FROM User", **{"Sforce-Query-Options": "batchSize=250"})
    too_few = api.query("SELECT Id FROM User", **{"Sforce-Query-Options": "batchSize=1"})

    assert [len(page["records"]) for page in (narrow, wide, asked, too_few)] == [2000, 1000, 250, 200]


def test_a_cursor_belongs_to_its_session(start_demo_org: StartOrg) -> None:
    """Another session of the same user cannot go on with a query, the one that began it can."""
    org = start_demo_org(rest_page_rows=5)
    first, second = org.login(), org.login()
    url = first.query("SELECT Id FROM User")["nextRecordsUrl"]

    stranger = second.get(url)

    assert (stranger.status_code, stranger.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert first.get(url).status_code == 200


def test_the_eleventh_cursor_closes_the_oldest(start_demo_org: StartOrg) -> None:
    """Ten queries may be open per user; the next one makes the first fail with INVALID_QUERY_LOCATOR."""
    api = start_demo_org(rest_page_rows=5).login()
    urls = [api.query("SELECT Id FROM User")["nextRecordsUrl"] for _ in range(11)]

    oldest, second = api.get(urls[0]), api.get(urls[1])

    assert (oldest.status_code, oldest.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")
    assert second.status_code == 200


def test_cursors_do_not_wait_for_ever(start_demo_org: StartOrg) -> None:
    """A cursor that was not used for the idle time is gone."""
    api = start_demo_org(rest_page_rows=5, cursor_idle=0.05).login()
    url = api.query("SELECT Id FROM User")["nextRecordsUrl"]
    time.sleep(0.1)

    assert api.get(url).json()[0] == {
        "message": "invalid query locator",
        "errorCode": "INVALID_QUERY_LOCATOR",
    }


def test_a_cursor_keeps_the_records_of_its_moment(start_demo_org: StartOrg) -> None:
    """Moving the clock changes nothing for a query that is open."""
    import datetime as dt

    org = start_demo_org(rest_page_rows=5)
    api = org.login()
    expected = api.rows("SELECT Id, LastLoginDate FROM User ORDER BY Id")
    page = api.query("SELECT Id, LastLoginDate FROM User ORDER BY Id")
    found = list(page["records"])

    org.control.set_clock(dt.datetime(2026, 12, 24, tzinfo=dt.UTC))
    while not page["done"]:
        page = api.get(page["nextRecordsUrl"]).json()
        found += page["records"]

    assert [{"Id": row["Id"], "LastLoginDate": row["LastLoginDate"]} for row in found] == expected


def test_composite(api: ApiSession) -> None:
    """Several queries are one call; each fails by itself; later ones may refer to earlier ones."""
    base = "/services/data/v59.0"
    body = {
        "compositeRequest": [
            {
                "method": "GET",
                "url": f"{base}/query?q=SELECT+Id+FROM+User+ORDER+BY+Id+LIMIT+1",
                "referenceId": "user",
            },
            {
                "method": "GET",
                "url": f"{base}/sobjects/User/@{{user.records[0].Id}}?fields=Id",
                "referenceId": "one",
            },
            {"method": "GET", "url": f"{base}/query?q=SELECT+Id+FROM+Nothing", "referenceId": "bad"},
        ]
    }
    answer = api.call("POST", "composite", json=body)
    parts = {part["referenceId"]: part for part in answer.json()["compositeResponse"]}

    assert answer.status_code == 200
    assert [part["httpStatusCode"] for part in parts.values()] == [200, 200, 400]
    assert parts["one"]["body"]["Id"] == parts["user"]["body"]["records"][0]["Id"]
    assert parts["bad"]["body"][0]["errorCode"] == "INVALID_TYPE"


def test_composite_has_limits(api: ApiSession) -> None:
    """More than five queries, more than 25 parts, or a name used twice are refused."""
    query = {"method": "GET", "url": "/services/data/v59.0/query?q=SELECT+Id+FROM+User"}
    limits = {"method": "GET", "url": "/services/data/v59.0/limits"}
    for parts, code in [
        ([{**query, "referenceId": f"r{n}"} for n in range(6)], "LIMIT_EXCEEDED"),
        ([{**limits, "referenceId": f"r{n}"} for n in range(26)], "LIMIT_EXCEEDED"),
        ([{**limits, "referenceId": "same"}] * 2, "INVALID_INPUT"),
    ]:
        answer = api.call("POST", "composite", json={"compositeRequest": parts})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_batch(start_demo_org: StartOrg) -> None:
    """A batch counts every part, and stops at the first error if told to."""
    org = start_demo_org()
    api = org.login()
    before = org.control.usage()["calls"]
    parts = [
        {"method": "GET", "url": url}
        for url in ("v59.0/limits", "v59.0/sobjects/Nope/describe", "v59.0/limits")
    ]

    body = api.call("POST", "composite/batch", json={"batchRequests": parts, "haltOnError": True}).json()

    assert body["hasErrors"] is True
    assert [part["statusCode"] for part in body["results"]] == [200, 404, 412]
    assert body["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert org.control.usage()["calls"] - before == 3


def test_collections(api: ApiSession) -> None:
    """Records come in the order of their ids, null where there is none."""
    first, second = (row["Id"] for row in api.rows("SELECT Id FROM User ORDER BY Id LIMIT 2"))
    body = {"ids": [second, "005000000000000AAA", first], "fields": ["Name"]}

    rows = api.call("POST", "composite/sobjects/User", json=body).json()

    assert [row and row["Id"] for row in rows] == [second, None, first]


def test_the_request_log_knows_no_secrets(start_demo_org: StartOrg) -> None:
    """Calls are logged by method, path and status, without query strings."""
    org = start_demo_org()
    api = org.login()
    api.query("SELECT Id FROM User LIMIT 1")
    logged = org.control.requests()

    assert [(item["method"], item["path"], item["status"]) for item in logged] == [
        ("POST", "/services/oauth2/token", 200),
        ("GET", "/services/data/v59.0/query", 200),
    ]
    assert "SELECT" not in str(logged)
    assert org.refresh_token not in str(logged)


def test_columns_of_a_query(api: ApiSession) -> None:
    """columns=true describes the columns instead of answering the query."""
    soql = "SELECT Id, Profile.UserLicense.Name FROM User"
    body = api.get("query", q=soql, columns="true").json()

    assert (body["entityName"], body["keyPrefix"], body["idSelected"]) == ("User", "005", True)
    assert [column["columnName"] for column in body["columnMetadata"]] == ["Id", "Profile"]
    license_column = body["columnMetadata"][1]["joinColumns"][0]
    assert license_column["columnName"] == "UserLicense"
    assert license_column["joinColumns"][0]["apexType"] == "String"
