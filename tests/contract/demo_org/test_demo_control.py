"""The control API moves the org, and tells what is so."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.demo_org_fixtures import RunningOrg, StartOrg

from demo_org.calls import Call
from demo_org.control import ControlError
from demo_org.truth import Truth
from demo_org.world import World, WorldOptions


def test_the_world_is_what_the_api_shows(shared_demo_org: RunningOrg) -> None:
    """What the control API says about the org is what the org says about itself."""
    told = shared_demo_org.control.world()
    api = shared_demo_org.login()
    [organization] = api.rows("SELECT Id, Name, InstanceName, IsSandbox FROM Organization")

    assert organization == {
        "Id": told["org_id"],
        "Name": told["org_name"],
        "InstanceName": told["instance_name"],
        "IsSandbox": told["is_sandbox"],
    }
    assert told["integration_username"] == shared_demo_org.username
    assert told["users"] == api.query("SELECT COUNT() FROM User")["totalSize"]


def test_the_clock_moves_the_records(demo_org: RunningOrg) -> None:
    """The org lives on when its clock is set, and TODAY moves along."""
    api = demo_org.login()
    before = api.rows("SELECT Id, LastLoginDate FROM User WHERE LastLoginDate != null ORDER BY Id")

    told = demo_org.control.set_clock(dt.datetime(2026, 12, 24, 18, tzinfo=dt.UTC))

    assert told["now"] == "2026-12-24T18:00:00+00:00"
    after = api.rows("SELECT Id, LastLoginDate FROM User WHERE LastLoginDate != null ORDER BY Id")
    assert after != before
    assert max(row["LastLoginDate"] for row in after) > max(row["LastLoginDate"] for row in before)
    tomorrow = api.query("SELECT COUNT() FROM User WHERE LastLoginDate > TODAY")["totalSize"]
    assert tomorrow == 0


@pytest.mark.parametrize("companies", [["*"], ["acme.com"], ["acme.com", "globex.com"]])
def test_the_truth_is_that_of_the_world(demo_org: RunningOrg, companies: list[str]) -> None:
    """The right answers over HTTP are those of the world behind the server."""
    told = demo_org.control.truth(company_names=companies)
    expected = Truth(demo_org.server.org.world).expected(company_names=companies)

    assert set(told) == set(expected)
    for name, frame in expected.items():
        assert len(told[name]) == len(frame)
        assert set(told[name][0]) == set(frame.columns)


def test_switches_turn_while_it_runs(demo_org: RunningOrg) -> None:
    """Rotation goes on and off; a misspelled switch is refused."""
    assert "refresh_token" not in demo_org.token().json()
    assert demo_org.control.options(rotation=True)["rotation"] is True
    renewed = demo_org.token().json()["refresh_token"]
    demo_org.control.options(rotation=False)

    assert "refresh_token" not in demo_org.token(renewed).json()
    with pytest.raises(ControlError, match="rotatoin"):
        demo_org.control.options(rotatoin=True)


def test_grants_are_listed_and_revoked(demo_org: RunningOrg) -> None:
    """A grant can be revoked with a reason; what is listed holds no token."""
    token = demo_org.control.new_refresh_token()
    assert [grant["alive"] for grant in demo_org.control.grants()] == [True, True]

    demo_org.control.revoke(token, "left the company")

    assert demo_org.token(token).json()["error_description"] == "expired access/refresh token"
    assert demo_org.control.grant(token)["revoked"] == "left the company"
    assert demo_org.token().status_code == 200
    assert token not in str(demo_org.control.grants())


def test_expiring_sessions_leaves_grants(demo_org: RunningOrg) -> None:
    """All sessions end at once, and a refresh opens a new one."""
    api = demo_org.login()

    assert demo_org.control.expire_sessions() == 1
    assert api.get("limits").status_code == 401
    assert demo_org.login().get("limits").status_code == 200


def test_calls_are_counted(demo_org: RunningOrg) -> None:
    """Calls are counted by method, path and status; attempts to write are counted apart."""
    api = demo_org.login()
    demo_org.control.clear_requests()
    api.get("limits")
    api.get("limits")
    api.call("DELETE", "sobjects/User/005000000000000AAA")

    counts = {(item["method"], item["status"]): item["count"] for item in demo_org.control.counts()}
    assert counts == {("GET", 200): 2, ("DELETE", 403): 1}
    assert demo_org.control.usage()["writes_refused"] == 1


def test_strangers_may_not_steer(shared_demo_org: RunningOrg) -> None:
    """The control API answers to the loopback interface only."""
    call = Call("POST", "/_demo/world", peer="192.0.2.7")

    assert shared_demo_org.server.service.answer(call).status == 403


def test_unknown_calls_are_refused(shared_demo_org: RunningOrg) -> None:
    """A misspelled call is an error."""
    with pytest.raises(ControlError, match="404"):
        shared_demo_org.control.ask("nonsense")


def test_sandboxes(start_demo_org: StartOrg) -> None:
    """A sandbox says that it is one, and makes e-mails undeliverable."""
    world = World(today=dt.date(2026, 11, 24), options=WorldOptions(sandbox=True))
    org = start_demo_org(world)

    assert org.control.world()["is_sandbox"] is True
    assert org.login().query("SELECT COUNT() FROM User WHERE Email LIKE '%.invalid'")["totalSize"] > 0
