"""Who gets what: every route, for nobody and for every kind of login, over HTTP from a real API server."""

from __future__ import annotations

import csv
import io
import re

import httpx
import pytest

from license_ledger.console.app import create_app
from license_ledger.console.static import ASSETS
from license_ledger.console.viewer import Viewer
from tests.console.airflow_server import USERS, AirflowServer
from tests.console.two_orgs import OBSERVED, RECONSTRUCTED, Orgs

PAGES = ("position", "mismatch", "reclaim", "people", "history", "trust")
EXPORTS = ("reclaim.csv", "people.csv", "history.csv", "mismatch.csv?cause=in_scope")
RUN = "run?dag_id=salesforce_license_snapshot&run_id=scheduled__2026-11-24"
ROUTES = ("", *PAGES, *EXPORTS, RUN, ASSETS["console.css"], ASSETS["charts.js"])
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
USER_ID = re.compile(r"\b005[0-9A-Za-z]{12,15}\b")


def _no_source() -> None:
    raise AssertionError("nothing is asked")


def test_every_route_is_tried_here() -> None:
    """The console has no route that these tests do not know."""
    app = create_app(_no_source, lambda: Viewer(lambda org: True))  # type: ignore[arg-type]
    known = {f"/{route.partition('?')[0]}" for route in ROUTES if not route.startswith("static/")}

    found = {route.path for route in app.routes}  # type: ignore[attr-defined]

    assert found == known | {"/static/{name}", "/{anything:path}"}
    assert all(route.dependant.dependencies for route in app.routes)  # type: ignore[attr-defined]


@pytest.mark.parametrize("route", [*ROUTES, "nothing", "docs", "redoc", "openapi.json", "static/console.css"])
@pytest.mark.parametrize(("user", "status"), [(None, 401), ("stranger", 403)])
def test_nobody_gets_anything_without_permission(
    server: AirflowServer, route: str, user: str | None, status: int
) -> None:
    """Who is not logged in gets 401 and who may not read our DAGs 403, on any address."""
    answer = server.client(user).get(f"/{route}")

    assert answer.status_code == status
    assert "Acme" not in answer.text


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("user", ["admin", "viewer", "named", "emea"])
def test_whoever_may_read_the_dag_gets_every_route(server: AirflowServer, route: str, user: str) -> None:
    """Logins that may read the runs of one of our DAGs get pages, exports and files."""
    answer = server.client(user).get(f"/{route}")

    refused = user == "emea" and route == RUN
    assert answer.status_code == (404 if refused else 307 if route in ("", RUN) else 200), answer.text[-800:]


@pytest.mark.parametrize("route", ["nothing", "docs", "redoc", "openapi.json", "static/console.css"])
@pytest.mark.parametrize("path", ["static/../app.py", "static/%2e%2e%2fapp.py", "%2e%2e/%2e%2e/etc/passwd"])
def test_no_address_reaches_a_file_or_a_description(server: AirflowServer, route: str, path: str) -> None:
    """There is no description of the interface, and no way from an address to a file."""
    client = server.client("admin")

    assert client.get(f"/{route}").status_code == 404
    answer = client.get(f"/{path}")
    assert answer.status_code == 404
    assert "import" not in answer.text
    assert "root:" not in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_console_only_reads(server: AirflowServer, method: str) -> None:
    """No method that could change something is answered."""
    for page in PAGES:
        assert server.client("admin").request(method, f"/{page}").status_code == 405


@pytest.mark.parametrize("route", [*PAGES, "reclaim.csv", "nothing", "position?day=1", ASSETS["console.css"]])
def test_answers_are_locked_down(server: AirflowServer, route: str) -> None:
    """Every answer, errors too, forbids foreign content, inline code, framing by others, sniffing."""
    headers = server.client("admin").get(f"/{route}").headers
    policy = headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == (
        "private, max-age=31536000, immutable" if route.startswith("static/") else "no-store"
    )


def test_pages_have_nothing_inline(server: AirflowServer) -> None:
    """No page has inline styles, inline scripts or handlers, which the policy would forbid."""
    for page in (*PAGES, "people?tab=domains", "mismatch?cause=in_scope"):
        text = server.client("named").get(f"/{page}").text
        assert not re.search(r"<[^>]+\s(style|on\w+)=", text)
        assert not re.search(r"<style|<script(?![^>]*(src=|application/json))", text)
        assert not re.search(r"(src|href)=\"(https?:)?//", text)


@pytest.mark.parametrize(
    "route",
    [
        *("reclaim", "people?tab=contractors", "mismatch?cause=in_scope", "history", "trust", "position"),
        *("reclaim.csv", "people.csv?tab=contractors", "mismatch.csv?cause=in_scope", "history.csv"),
    ],
)
def test_names_are_kept_from_those_who_may_not_see_them(
    server: AirflowServer, orgs: Orgs, route: str
) -> None:
    """Without the permission for names, no page and no export shows a name, an address or a user id."""
    for day in (OBSERVED[-1], OBSERVED[2], OBSERVED[3]):
        mark = "&" if "?" in route else "?"
        answer = server.client("viewer").get(f"/{route}{mark}org={orgs.org_id}&day={day}")

        assert answer.status_code == 200
        assert not ADDRESS.search(answer.text)
        assert not USER_ID.search(answer.text)
        assert "Weber" not in answer.text


def test_names_are_shown_to_those_who_may_see_them(server: AirflowServer, orgs: Orgs) -> None:
    """With the permission for names, pages and exports show who people are."""
    client = server.client("named")
    for route in ("reclaim", "reclaim.csv", "mismatch?cause=in_scope"):
        mark = "&" if "?" in route else "?"
        text = client.get(f"/{route}{mark}org={orgs.org_id}").text
        assert ADDRESS.search(text), route
    assert "Jonas Weber" in client.get(f"/reclaim?org={orgs.org_id}").text


@pytest.mark.parametrize(
    "asked", ["sort=name", "sort=email", "sort=user_id", "sort=last_login_at", "q=weber"]
)
def test_what_is_hidden_cannot_be_found_out_by_sorting_or_searching(
    server: AirflowServer, asked: str
) -> None:
    """Sorting or searching by what is hidden is refused, on the page and in the export."""
    for route in ("reclaim", "reclaim.csv"):
        assert server.client("viewer").get(f"/{route}?{asked}").status_code == 400
        assert server.client("named").get(f"/{route}?{asked}").status_code == 200


@pytest.mark.parametrize("route", [*PAGES, *EXPORTS])
def test_another_org_is_as_good_as_none(server: AirflowServer, orgs: Orgs, route: str) -> None:
    """An org that one may not see answers exactly as an org that does not exist, and is in no list."""
    mark = "&" if "?" in route else "?"
    client = server.client("emea")

    foreign = client.get(f"/{route}{mark}org={orgs.org_id}")
    unknown = client.get(f"/{route}{mark}org=00D000000000000AAA")
    own = client.get(f"/{route}{mark}org={orgs.other_id}")

    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text == unknown.text
    assert own.status_code == 200
    assert orgs.org_id not in own.text


def test_the_tab_of_a_run_leads_to_its_day(server: AirflowServer, orgs: Orgs) -> None:
    """The tab that Airflow shows on a run of our DAG opens that run's org and day, and no other run's."""
    client = server.client("viewer")

    answer = client.get(f"/{RUN}")

    assert answer.headers["location"] == f"mismatch?org={orgs.org_id}&day=2026-11-24"
    assert client.get("/run?dag_id=somebody_elses&run_id=x").status_code == 404
    assert client.get("/run?dag_id=salesforce_license_snapshot&run_id=x").status_code == 404


@pytest.mark.parametrize("user", USERS)
def test_airflow_offers_the_console_where_plugins_may_be_seen(server: AirflowServer, user: str) -> None:
    """Airflow knows the plugin without an error, with an entry in the navigation and a tab on DAG runs."""
    client = httpx.Client(base_url=server.url, cookies={"_token": server.tokens[user]}, timeout=60)

    answer = client.get("/api/v2/plugins")

    if user == "stranger":
        assert answer.status_code == 403
        return
    [plugin] = [p for p in answer.json()["plugins"] if p["name"] == "license_ledger_console"]
    assert {view["destination"] for view in plugin["external_views"]} == {"nav", "dag_run"}
    errors = server.client("admin").get(f"{server.url}/api/v2/plugins/importErrors").json()
    assert errors["import_errors"] == []


def test_exports_hold_what_pages_say_in_full(server: AirflowServer, orgs: Orgs) -> None:
    """An export names org, day and provenance in every row, and says of hidden values that they are."""
    for user, hidden in (("named", False), ("viewer", True)):
        answer = server.client(user).get(f"/reclaim.csv?org={orgs.org_id}&day={RECONSTRUCTED}")
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        assert rows
        assert {row["Provenance"] for row in rows} == {"reconstructed"}
        assert {row["Org ID"] for row in rows} == {orgs.org_id}
        assert all((row["E-mail"] == "hidden") == hidden for row in rows)
