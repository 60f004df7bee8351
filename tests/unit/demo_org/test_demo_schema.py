"""Objects and fields, as the two describe calls tell them."""

from __future__ import annotations

import pytest

from demo_org.schema import OBJECTS, FieldDef
from demo_org.schema.definitions import satisfied
from demo_org.world import World

KEY_PREFIXES = {
    "User": "005",
    "UserRole": "00E",
    "Profile": "00e",
    "UserLicense": "100",
    "UserLogin": "0Yw",
    "PermissionSet": "0PS",
    "PermissionSetAssignment": "0Pa",
    "PermissionSetGroup": "0PG",
    "PermissionSetLicense": "0PL",
    "PermissionSetLicenseAssign": "2LA",
    "PackageLicense": "050",
    "UserPackageLicense": "051",
    "TenantUsageEntitlement": "0UT",
    "LoginHistory": "0Ya",
    "SetupAuditTrail": "0Ym",
    "Organization": "00D",
    "ActiveProfileMetric": "5H0",
    "ActivePermSetLicenseMetric": "5H1",
    "ActiveFeatureLicenseMetric": "5H2",
    "OauthToken": "0CQ",
    "Account": "001",
    "Contact": "003",
}


def field(name: str, item: str) -> FieldDef:
    found = OBJECTS[name].field(item)
    assert found is not None
    return found


@pytest.mark.parametrize(("name", "prefix"), KEY_PREFIXES.items())
def test_objects_have_the_key_prefixes_of_real_orgs(name: str, prefix: str) -> None:
    """Every object has Salesforce's own key prefix, and its records' ids begin with it."""
    assert OBJECTS[name].key_prefix == prefix


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_record_id_begins_with_the_key_prefix(name: str, small_world: World) -> None:
    """The ids of all stored records begin with their object's key prefix, in ascending order."""
    ids = small_world.table(name)["Id"].to_pylist()
    assert all(id_.startswith(str(OBJECTS[name].key_prefix)) for id_ in ids)
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_stored_columns_are_described_with_a_fitting_type(name: str, large_world: World) -> None:
    """Each stored column is a field of the object, in the physical type its describe type asks for."""
    physical = {
        "boolean": "bool",
        "int": "int64",
        "double": "double",
        "percent": "double",
        "date": "date32[day]",
        "datetime": "timestamp[ms, tz=UTC]",
    }
    for column in large_world.table(name).schema:
        described = OBJECTS[name].field(column.name)
        assert described is not None, column.name
        assert str(column.type) == physical.get(described.type, "string"), column.name


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_text_fits_into_the_length_describe_tells(name: str, large_world: World) -> None:
    """No stored text is longer than its field, and no field that cannot be null is null."""
    nullable_in_life = {("User", "Email")}
    table = large_world.table(name)
    for column in table.column_names:
        described = OBJECTS[name].field(column)
        assert described is not None
        values = table[column].to_pylist()
        if described.length:
            assert max((len(v) for v in values if v is not None), default=0) <= described.length, column
        if not described.nillable and (name, column) not in nullable_in_life:
            assert None not in values, column


def test_feature_flags_can_be_filtered_only() -> None:
    """A feature license's check box can be filtered, but neither grouped nor sorted, as in real describes."""
    flag = field("User", "UserPermissionsSFContentUser")
    assert (flag.filterable, flag.groupable, flag.sortable) == (True, False, False)


@pytest.mark.parametrize(
    ("name", "item"),
    [
        ("UserLicense", "MonthlyLoginsUsed"),
        ("SetupAuditTrail", "Display"),
        ("SetupAuditTrail", "Section"),
        ("LoginHistory", "Status"),
        ("LoginHistory", "Application"),
        ("TenantUsageEntitlement", "MasterLabel"),
        ("User", "AboutMe"),
    ],
)
def test_some_fields_cannot_be_filtered(name: str, item: str) -> None:
    """Fields which Salesforce does not filter are not filterable here either."""
    assert not field(name, item).filterable


def test_login_history_does_not_lead_to_the_user() -> None:
    """`LoginHistory.UserId` has no relationship name: SOQL cannot walk it."""
    assert field("LoginHistory", "UserId").relationship_name is None
    assert field("PermissionSetLicenseAssign", "AssigneeId").relationship_name == "Assignee"


def test_fields_come_and_go_with_permissions_and_features() -> None:
    """A field with a requirement is described only to those who meet it, and alternatives count."""
    licenses = OBJECTS["UserLicense"]
    plain = {item.name for item in licenses.visible_fields({"ViewSetup"})}
    communities = {item.name for item in licenses.visible_fields({"ViewSetup", "DigitalExperiences"})}
    assert communities - plain == {"MonthlyLoginsUsed", "MonthlyLoginsEntitlement"}
    assert OBJECTS["PermissionSetLicenseAssign"].visible_to({"AssignPermissionSets"})
    assert not OBJECTS["PermissionSetLicenseAssign"].visible_to({"ViewAllUsers"})
    assert satisfied(None, ())
    assert OBJECTS["LoginHistory"].all_rows_visible_to({"ManageUsers"})
    assert not OBJECTS["LoginHistory"].all_rows_visible_to({"ViewSetup"})


def test_permission_set_license_has_hundreds_of_columns_that_store_nothing(small_world: World) -> None:
    """Its MaximumPermissions fields are described, and false by default rather than stored."""
    names = [
        f.name for f in OBJECTS["PermissionSetLicense"].fields if f.name.startswith("MaximumPermissions")
    ]
    stored = set(small_world.stored_columns("PermissionSetLicense"))
    assert len(names) > 300
    assert len(stored & set(names)) < 5
    assert all(field("PermissionSetLicense", name).default is False for name in names)


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_describe_bodies_are_complete(name: str) -> None:
    """The describe answer names every visible field once, with types, lengths and parents that agree."""
    body = OBJECTS[name].describe("/services/data/v59.0", frozenset())
    names = [item["name"] for item in body["fields"]]
    assert names == [item.name for item in OBJECTS[name].visible_fields(())]
    assert len(names) == len(set(names))
    for item in body["fields"]:
        assert (item["type"] == "reference") == bool(item["referenceTo"])
        assert (item["soapType"] == "tns:ID") == (item["type"] in ("id", "reference"))
    assert body["urls"]["describe"].endswith(f"/sobjects/{name}/describe")


def test_no_license_object_can_be_followed_by_replication() -> None:
    """License and history objects are not replicateable, User is, and nobody can delete a user."""
    for name in ("UserLicense", "PermissionSetLicense", "PackageLicense", "LoginHistory", "SetupAuditTrail"):
        assert not OBJECTS[name].replicateable
    assert OBJECTS["User"].replicateable
    assert not OBJECTS["User"].deletable
