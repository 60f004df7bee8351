"""What is extracted, and the plan that describe leads to."""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from license_ledger import schemas
from license_ledger.errors import CorruptAnswer, SchemaDrift
from license_ledger.salesforce.declarations import ARROW_TYPES, SalesforceObject, kind_of
from license_ledger.salesforce.extract import complete
from license_ledger.salesforce.inspection import Inspection, arrow_schema, extracted_schema, soql, units_of
from license_ledger.salesforce.objects import OBJECTS, PROFILE, USER, USER_LOGIN, object_named
from license_ledger.salesforce.plans import plan_of

TYPES = {
    "string": "string",
    "boolean": "boolean",
    "int": "int",
    "double": "double",
    "date": "date",
    "datetime": "datetime",
}


REMEMBERED = {"LoginHistory.LoginTime"}
"""Sources of reconstructed days alone, of which the daily extract knows nothing."""


def describe(declared: SalesforceObject, *, without: tuple[str, ...] = (), **other: str) -> dict[str, Any]:
    """What describe says when everything is offered but some fields, or fields of other types."""
    fields = [{"name": f.name, "type": TYPES[f.kind]} for f in declared.fields if f.name not in without]
    fields = [{**f, "type": other.pop(f["name"], f["type"])} for f in fields]
    return {"queryable": True, "fields": fields + [{"name": n, "type": t} for n, t in other.items()]}


def inspected(declared: SalesforceObject, **changes: Any) -> Inspection:
    plan, _ = plan_of(declared, describe(declared, **changes))
    return {"objects": {declared.name: plan}}  # type: ignore[typeddict-item]


def test_every_source_of_a_published_column_is_extracted() -> None:
    """Whatever Salesforce field a published column names as its source is a declared one or of history."""
    fields = {f"{o.name}.{f.name}" for o in OBJECTS for f in o.fields} | REMEMBERED
    named = {
        source
        for table in schemas.TABLES
        for column in table.columns
        for source in re.findall(r"\b[A-Z]\w+\.[A-Z]\w+", column.source)
    }

    assert named
    assert named <= fields


@pytest.mark.parametrize("declared", OBJECTS, ids=lambda declared: declared.name)
def test_declarations_are_complete(declared: SalesforceObject) -> None:
    """Every object has an Id, no field twice, and says what it costs not to see it."""
    names = [field.name for field in declared.fields]

    assert names[0] == "Id"
    assert declared.fields[0].required
    assert len(set(names)) == len(names)
    assert declared.permission
    assert declared.costs
    assert declared.unlocks
    assert object_named(declared.name) is declared


def test_an_object_that_is_not_declared_is_unknown() -> None:
    """There is no query for anything else."""
    with pytest.raises(KeyError):
        object_named("Account")


@pytest.mark.parametrize("declared", OBJECTS, ids=lambda declared: declared.name)
def test_a_full_describe_leads_to_all_columns(declared: SalesforceObject) -> None:
    """When everything is offered, the query asks for everything and nothing is missing."""
    plan, missing = plan_of(declared, describe(declared))
    inspection = inspected(declared)

    assert plan["available"]
    assert missing == []
    assert plan["missing_fields"] == []
    assert arrow_schema(inspection, declared.name) == extracted_schema(inspection, declared.name)
    assert soql(inspection, declared.name).startswith("SELECT Id, ")
    assert json.loads(json.dumps(plan)) == plan


def test_feature_flags_are_as_many_as_the_org_offers() -> None:
    """Every UserPermissions flag is asked for, but for the one that is a preference, and nothing alike."""
    inspection = inspected(
        USER,
        UserPermissionsMarketingUser="boolean",
        UserPermissionsNewThing="boolean",
        UserPermissionsCallCenterAutoLogin="boolean",
        UserPermissionsText="string",
        UserPreferencesX="boolean",
    )
    flags = arrow_schema(inspection, "User").names[len(USER.fields) :]

    assert flags == ["UserPermissionsMarketingUser", "UserPermissionsNewThing"]
    assert "UserPermissionsNewThing FROM User" in soql(inspection, "User")


def test_an_optional_field_that_is_not_offered_is_a_null_column_and_a_capability() -> None:
    """It is not asked for, keeps its type in landing, and the report says what it costs."""
    plan, missing = plan_of(USER, describe(USER, without=("LastLoginDate", "Alias")))
    inspection: Inspection = {"objects": {"User": plan}}  # type: ignore[typeddict-item]

    assert plan["missing_fields"] == ["Alias", "LastLoginDate"]
    assert "LastLoginDate" not in soql(inspection, "User")
    assert arrow_schema(inspection, "User").field("LastLoginDate").type == schemas.TIMESTAMP
    assert [(gap["object"], gap["field"]) for gap in missing] == [("User", "LastLoginDate")]
    assert "activity" in missing[0]["costs"]


@pytest.mark.parametrize("name", [field.name for field in USER.fields if field.required])
def test_a_required_field_that_is_not_offered_stops_the_run(name: str) -> None:
    """The error names the field and a permission."""
    with pytest.raises(SchemaDrift, match=f"User.{name}") as caught:
        plan_of(USER, describe(USER, without=(name,)))

    assert "permission" in caught.value.remedy


def test_an_optional_object_without_its_key_fields_is_not_extracted() -> None:
    """Half an object is worse than none: it is left out, with the reason."""
    plan, missing = plan_of(USER_LOGIN, describe(USER_LOGIN, without=("IsFrozen",)))

    assert not plan["available"]
    assert "IsFrozen" in plan["reason"]
    assert missing[0]["field"] == "IsFrozen"


def test_an_object_that_cannot_be_queried_is_not_extracted() -> None:
    """Describe may show an object and say that it is not queryable."""
    plan, missing = plan_of(USER_LOGIN, {**describe(USER_LOGIN), "queryable": False})

    assert not plan["available"]
    assert missing[0]["missing_permission"] == "Manage Users"


@pytest.mark.parametrize(
    ("name", "described"),
    [("IsActive", "string"), ("CreatedDate", "date"), ("Title", "boolean"), ("LastLoginDate", "string")],
)
def test_a_field_of_another_type_stops_the_run(name: str, described: str) -> None:
    """A changed type is drift, also of an optional field."""
    with pytest.raises(SchemaDrift, match=f"User.{name}"):
        plan_of(USER, describe(USER, **{name: described}))


@pytest.mark.parametrize(
    "described", ["string", "picklist", "email", "textarea", "reference", "id", "url", "combobox"]
)
def test_all_texts_are_texts(described: str) -> None:
    """Every textual type of describe is a string in landing."""
    assert kind_of(described) == "string"
    assert plan_of(USER, describe(USER, Title=described))[0]["available"]


@pytest.mark.parametrize("kind", ["int", "double"])
def test_numbers_may_change_their_width(kind: str) -> None:
    """A count that an org describes as double keeps its declared type and is checked when it is read."""
    license_ = object_named("UserLicense")

    assert plan_of(license_, describe(license_, TotalLicenses=kind))[0]["available"]


@pytest.mark.parametrize("answer", [None, [], {}, {"fields": None}, {"fields": "x"}])
def test_what_is_no_describe_is_corrupt(answer: Any) -> None:
    """An answer without fields does not mean that there are none."""
    with pytest.raises(CorruptAnswer):
        plan_of(PROFILE, answer)


def test_small_objects_are_few_units_and_large_ones_one_each() -> None:
    """Bulk objects come first and alone; the rest is one unit of people and one of licenses."""
    plans = {o.name: plan_of(o, describe(o))[0] for o in OBJECTS}
    plans["User"]["api"] = "bulk"
    plans["UserLogin"]["available"] = False
    units = units_of(plans)

    assert [unit["label"] for unit in units] == ["User", "people", "licenses"]
    assert units[1]["objects"] == ["Profile", "UserRole"]
    assert sorted(name for unit in units for name in unit["objects"]) == sorted(set(plans) - {"UserLogin"})


@given(st.text(max_size=40))
def test_no_other_text_gets_into_a_query(text: str) -> None:
    """Property: a name or condition that is none of ours makes no query, so no setting ever can."""
    inspection = inspected(PROFILE)
    plan = inspection["objects"]["Profile"]
    known = {name for name, _ in plan["fields"]}
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)?", text) is None:
        with pytest.raises(ValueError, match="Profile"):
            soql(
                {"objects": {"Profile": {**plan, "fields": [["Id", "string"], [text, "string"]]}}}, "Profile"
            )  # type: ignore[typeddict-item]
    if text and text not in known:
        with pytest.raises(ValueError, match="condition"):
            soql({"objects": {"Profile": {**plan, "where": text}}}, "Profile")  # type: ignore[typeddict-item]


def test_a_table_is_completed_in_the_order_of_the_schema() -> None:
    """Columns that were not asked for are null, with their type."""
    schema = pa.schema([("Id", pa.string()), ("Gone", pa.int64()), ("Name", pa.string())])
    table = complete(pa.table({"Name": ["a"], "Id": ["1"]}), schema)

    assert table.schema == schema
    assert table.to_pylist() == [{"Id": "1", "Gone": None, "Name": "a"}]


def test_every_kind_has_an_arrow_type() -> None:
    """No declared field is of a kind that landing does not know."""
    assert {field.kind for o in OBJECTS for field in o.fields} <= ARROW_TYPES.keys()
