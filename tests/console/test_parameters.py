"""Whatever is asked for: a page, a refusal that says why, never a failure and never another org's data."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from license_ledger.console.parameters import Parameters, Refused
from tests.console.airflow_server import AirflowServer
from tests.console.two_orgs import TODAY, Orgs

ROUTES = (
    *("position", "mismatch", "reclaim", "people", "history", "trust", "run"),
    *("reclaim.csv", "people.csv", "history.csv", "mismatch.csv"),
)
NAMES = (
    *("org", "day", "layer", "flag", "q", "license", "cause", "waste", "state", "account", "domain"),
    *("department", "tab", "span", "kind", "sort", "dir", "page", "dag_id", "run_id"),
)
NASTY = (
    *("", " ", "'", '"', "<script>alert(1)</script>", "' OR 1=1 --", "$org_id", "%s", "{{7*7}}", "../../etc"),
    *("\x00", "\ud7ff", "NaN", "-1", "0", "1e9", "9" * 400, "٣", "2026-13-01", "2026-11-24T00:00", "None"),
    *("user:", "user:1", ":x", "usage:0", "permission_set:' OR 1", "salesforce_license_snapshot", "name"),
)
MEANT = (
    *(
        "user",
        "package",
        "over",
        "in_scope",
        "deactivated_holder",
        "frozen",
        "Ready",
        "external",
        "contractors",
    ),
    *("domains", "30", "joiner", "name", "idle_days", "asc", "desc", "1", "2", "20000", "acme.com"),
    *(TODAY.isoformat(), (TODAY - timedelta(days=4)).isoformat()),
)
VALUES = st.one_of(
    st.sampled_from(NASTY),
    st.sampled_from(MEANT),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.dates(date(2026, 11, 10), date(2026, 11, 30)).map(date.isoformat),
)


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(route=st.sampled_from(ROUTES), asked=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5))
def test_no_parameter_makes_the_console_fail(
    server: AirflowServer, orgs: Orgs, route: str, asked: dict[str, str]
) -> None:
    """Any parameters get a page or a clear refusal with the input escaped, and nothing of the other org."""
    answer = server.client("emea").get(f"/{route}?{urlencode(asked)}")

    assert answer.status_code in (200, 307, 400, 404), answer.text
    assert orgs.org_id not in answer.text
    assert "<script>alert" not in answer.text


@pytest.mark.parametrize(
    ("route", "status", "said"),
    [
        ("position?org=abc", 400, "The parameter org is the id of an org"),
        ("position?day=yesterday", 400, "The parameter day is a day, written as YYYY-MM-DD"),
        ("position?day=2026-11-18", 404, "the nearest are of 2026-11-17 and 2026-11-20"),
        ("position?day=2030-01-01", 404, "the nearest are of 2026-11-24"),
        (
            "position?flag=red",
            400,
            "The parameter flag is one of: over, nearly, expiring, unexplained, waste",
        ),
        ("mismatch?license=user:000", 404, "The org has no such license on this day."),
        ("mismatch?license=nonsense", 400, "The parameter license is the layer and the id of a license"),
        ("reclaim?page=0", 400, "The parameter page is a whole number from 1 to 20000"),
        ("reclaim?sort=password", 400, "The parameter sort is one of: candidate_state, waste_class"),
        ("history?span=7", 400, "The parameter span is one of: 30, 90, 180, 365, 730"),
    ],
)
def test_refusals_say_what_would_be_right(
    server: AirflowServer, orgs: Orgs, route: str, status: int, said: str
) -> None:
    """A bad parameter is named, with what it takes; a day without a snapshot, with the nearest ones."""
    answer = server.client("viewer").get(f"/{route}{'' if 'org=' in route else f'&org={orgs.org_id}'}")

    assert answer.status_code == status
    assert said in answer.text


def test_orgs_are_told_apart_by_their_whole_id(server: AirflowServer, orgs: Orgs) -> None:
    """A part of an org's id, or the id in other letters, is another org's."""
    client = server.client("viewer")
    for wrong in (orgs.org_id[:15], orgs.org_id.swapcase()):
        assert client.get(f"/position?org={wrong}").status_code == 404
    assert client.get(f"/position?org={orgs.org_id}").status_code == httpx.codes.OK


@given(st.text())
def test_texts_are_short_and_printable(text: str) -> None:
    """A text is accepted when it is short and has no control characters, and refused by name otherwise."""
    stripped = text.strip()
    if len(stripped) <= 200 and stripped.isprintable():
        assert Parameters({"q": text}).text("q") == (stripped or None)
    else:
        with pytest.raises(Refused) as refused:
            Parameters({"q": text}).text("q")
        assert refused.value.status == 400
        assert "The parameter q" in refused.value.text


@given(st.dates())
def test_every_day_can_be_asked_for(day: date) -> None:
    """A day is read back from its ISO form."""
    assert Parameters({"day": day.isoformat()}).day("day") == day
