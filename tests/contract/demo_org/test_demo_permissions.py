"""What the integration user may not see does not exist for it, and what it may not do is refused."""

from __future__ import annotations

import pytest
from tests.demo_org_fixtures import RunningOrg


def _described(org: RunningOrg) -> set[str]:
    return {item["name"] for item in org.login().get("sobjects").json()["sobjects"]}


@pytest.mark.parametrize(
    ("withdrawn", "hidden"),
    [
        (["ViewRoles"], ["UserRole"]),
        (["ManageUsers"], ["UserLogin"]),
        (["ViewSetup"], ["UserLicense", "TenantUsageEntitlement", "ActiveProfileMetric", "SetupAuditTrail"]),
        (["ViewSetup", "AssignPermissionSets"], ["PermissionSetLicenseAssign"]),
    ],
)
def test_objects_need_permissions(demo_org: RunningOrg, withdrawn: list[str], hidden: list[str]) -> None:
    """Without its permission an object is gone from describe and answers queries as if misspelled."""
    assert set(hidden) <= _described(demo_org)

    demo_org.control.permissions(withdraw=withdrawn)
    api = demo_org.login()

    assert not set(hidden) & _described(demo_org)
    for name in hidden:
        assert api.get(f"sobjects/{name}/describe").status_code == 404
        error = api.error(f"SELECT Id FROM {name}")
        assert error["errorCode"] == "INVALID_TYPE"
        assert f"sObject type '{name}' is not supported." in error["message"]
        job = api.call("POST", "jobs/query", json={"operation": "query", "query": f"SELECT Id FROM {name}"})
        assert job.json()[0]["errorCode"] == "INVALID_TYPE"


def test_one_of_two_permissions_is_enough(demo_org: RunningOrg) -> None:
    """Permission set license assignments are seen with View Setup or with Assign Permission Sets."""
    demo_org.control.permissions(withdraw=["ViewSetup"])

    assert "PermissionSetLicenseAssign" in _described(demo_org)


def test_fields_need_permissions(demo_org: RunningOrg) -> None:
    """Without its permission a field is gone from describe, and queries deny that it exists."""
    api = demo_org.login()
    assert "NumberOfFailedLogins" in {f["name"] for f in api.get("sobjects/User/describe").json()["fields"]}

    demo_org.control.permissions(withdraw=["ManageUsers"])

    assert "NumberOfFailedLogins" not in {
        f["name"] for f in api.get("sobjects/User/describe").json()["fields"]
    }
    error = api.error("SELECT Id, NumberOfFailedLogins FROM User")
    assert error["errorCode"] == "INVALID_FIELD"
    assert "No such column 'NumberOfFailedLogins' on entity 'User'" in error["message"]


def test_fields_can_be_hidden_one_by_one(demo_org: RunningOrg) -> None:
    """Field-level security hides a field from SELECT, WHERE and ORDER BY."""
    demo_org.control.hide("User.Department")
    api = demo_org.login()

    for soql in ("SELECT Department FROM User", "SELECT Id FROM User WHERE Department = 'x'"):
        assert api.error(soql)["errorCode"] == "INVALID_FIELD"
    demo_org.control.hide()
    assert api.get("query", q="SELECT Department FROM User").status_code == 200


def test_rows_vanish_silently(demo_org: RunningOrg) -> None:
    """Without View All Users some users are missing, without a word."""
    api = demo_org.login()
    everyone = api.query("SELECT COUNT() FROM User")["totalSize"]

    demo_org.control.permissions(withdraw=["ViewAllUsers"])
    seen = api.query("SELECT COUNT() FROM User")["totalSize"]

    assert 0 < seen < everyone
    assert len(api.rows("SELECT Id FROM User")) == seen
    assert api.bulk("SELECT Id FROM User")["numberRecordsProcessed"] == seen


def test_login_history_of_others(demo_org: RunningOrg) -> None:
    """Without Manage Users only one's own logins are left."""
    api = demo_org.login()
    others = api.query("SELECT COUNT() FROM LoginHistory")["totalSize"]

    demo_org.control.permissions(withdraw=["ManageUsers"])
    mine = api.rows("SELECT UserId FROM LoginHistory")

    assert len(mine) < others
    user_id = demo_org.control.world()["integration_user_id"]
    assert {row["UserId"] for row in mine} <= {user_id}


def test_limits_need_view_setup(demo_org: RunningOrg) -> None:
    """Limits and record counts are refused without View Setup, and storage is blank without Manage Users."""
    api = demo_org.login()
    demo_org.control.permissions(withdraw=["ManageUsers"])
    assert api.get("limits").json()["DataStorageMB"]["Remaining"] == 0

    demo_org.control.permissions(withdraw=["ViewSetup"])

    for path in ("limits", "limits/recordCount"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")


def test_a_user_without_the_api(demo_org: RunningOrg) -> None:
    """Without API Enabled a session is good for nothing."""
    api = demo_org.login()
    demo_org.control.permissions(withdraw=["ApiEnabled"])

    answer = api.get("query", q="SELECT Id FROM User")

    assert answer.status_code == 403
    assert answer.json() == [
        {"message": "API is disabled for this User", "errorCode": "API_CURRENTLY_DISABLED"}
    ]


def test_permissions_come_back(demo_org: RunningOrg) -> None:
    """Granting again restores everything."""
    before = demo_org.control.permissions()
    demo_org.control.permissions(set=["ApiEnabled"])

    assert demo_org.control.permissions(set=before) == before
    assert "UserLicense" in _described(demo_org)
