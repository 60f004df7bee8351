"""Where columns come from, told from the declarations, and what a step has read and written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from license_ledger import lineage, schemas
from license_ledger.salesforce.objects import HISTORY_OBJECTS, OBJECTS
from license_ledger.warehouse.checks import Failure
from tests.demo_org_fixtures import TODAY, RunningOrg
from tests.walk import Walk, noon

KEY = "k" * 40


@pytest.fixture(scope="module")
def walk(shared_demo_org: RunningOrg, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A day of the demo org, published and loaded."""
    walk = Walk(shared_demo_org.connection(), tmp_path_factory.mktemp("traced"), noon(TODAY))
    walk.run(["*"])
    return walk


def replayed(walk: Walk) -> Any:
    """The context of a replay of that day, which reads the landing there is."""
    return walk.chosen(walk.context(["*"], TODAY), only_landing=True)


def test_every_field_that_a_column_names_is_one_that_is_extracted() -> None:
    """A source that names `Object.Field` names one of the declared objects, and is found in full."""
    declared = {(each.name, one.name) for each in (*OBJECTS, *HISTORY_OBJECTS) for one in each.fields}
    for table in schemas.TABLES:
        for column in table.columns:
            named = set(re.findall(r"([A-Z]\w+)\.([A-Z]\w+)", column.source))
            assert named <= declared, f"{table.name}.{column.name}: {named - declared}"
            assert named <= set(lineage.sources(column)), f"{table.name}.{column.name}"


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("users", "email", [("User", "Email")]),
        ("users", "license_name", [("UserLicense", "MasterLabel")]),
        ("users", "scope_reason", []),
        ("licenses", "available_count", []),
        (
            "seats",
            "assigned_at",
            [("PermissionSetLicenseAssign", "CreatedDate"), ("UserPackageLicense", "CreatedDate")],
        ),
    ],
)
def test_sources_are_read_off_the_declaration(
    table: str, column: str, expected: list[tuple[str, str]]
) -> None:
    """A rule without a field has none; alternatives are all told."""
    assert list(lineage.sources(schemas.table(table).column(column))) == expected


def test_a_second_field_of_an_object_is_found() -> None:
    """`UserLicense.MasterLabel or Name` names two."""
    found = lineage.sources(schemas.table("licenses").column("license_name"))
    assert found[:2] == (("UserLicense", "MasterLabel"), ("UserLicense", "Name"))


def test_published_tables_come_of_salesforce_column_by_column(walk: Walk) -> None:
    """Inputs with their rows, outputs with schema, rows and origins; what a rule makes is no identity."""
    context = replayed(walk)
    flow = lineage.of_publish(context)
    users = flow.outputs[0]

    assert {each.name: each.rows for each in flow.inputs} == context.landed.rows()
    assert {each.namespace for each in flow.inputs} == {f"salesforce://{context.org}"}
    assert [Path(each.name).name for each in flow.outputs] == [table.name for table in schemas.TABLES]
    assert users.namespace == "file"
    assert Path(users.name) == walk.root / "staging" / "users"
    assert [name for name, *_ in users.columns][:3] == ["org_id", "snapshot_date", "user_id"]
    assert [(o.dataset, o.field, o.is_rule) for o in users.origins["email"]] == [("User", "Email", False)]
    assert users.origins["email_domain"][0].is_rule
    assert users.origins["activity_band"][0].is_rule
    assert not any(origin.is_masked for each in users.origins.values() for origin in each)
    assert (users.rows or 0) > 0


def test_pseudonyms_are_masked(shared_demo_org: RunningOrg, tmp_path: Path) -> None:
    """Without names, what says who somebody is comes masked; what describes a license does not."""
    values = {"privacy_mode": "pseudonymous", "pseudonym_key": KEY}
    walk = Walk(shared_demo_org.connection(), tmp_path, noon(TODAY), values=values)
    walk.run(["*"])
    users, licenses, *_ = lineage.of_publish(replayed(walk)).outputs

    assert all(origin.is_masked for origin in users.origins["user_id"])
    assert not any(origin.is_masked for origin in licenses.origins["license_name"])


def test_what_is_counted_and_deleted_is_told_as_well(shared_demo_org: RunningOrg, tmp_path: Path) -> None:
    """Without rows about people there are still tables, and what they were made of."""
    values = {"privacy_mode": "aggregate", "pseudonym_key": KEY}
    walk = Walk(shared_demo_org.connection(), tmp_path, noon(TODAY), values=values)
    context = walk.chosen(walk.context(["*"]))
    walk.extract(context)
    walk.settle(context)
    flow = lineage.of_publish(context)

    assert flow.outputs[0].rows == 0
    assert {each.name: each.rows for each in flow.inputs}["UserLicense"] == 35


def test_the_warehouse_has_the_columns_of_staging(walk: Walk) -> None:
    """Every column of a table is that of the published one; empty values are counted for inputs."""
    flow = lineage.of_load(replayed(walk), {"warehouse": "there"})
    staged, loaded = flow.inputs[0], flow.outputs[0]

    assert loaded.namespace == f"duckdb://{walk.root / 'warehouse.duckdb'}"
    assert loaded.name == "main.users"
    assert {name for name, *_ in loaded.columns} == set(loaded.origins)
    assert all(origin.dataset == staged.name for (origin,) in loaded.origins.values())
    assert staged.nulls["user_id"] == 0
    assert staged.nulls["federation_id"] > 0
    assert lineage.of_load(replayed(walk), {"warehouse": ""}) == lineage.Flow()


def test_a_postgres_warehouse_is_named_without_its_password() -> None:
    """Host, port, database and schema."""
    url = "postgresql://loader:secret@db.acme.example:5433/bi?schema=sales"  # pragma: allowlist secret

    assert lineage._warehouse(url) == ("postgres://db.acme.example:5433", "bi.sales")


def test_checks_are_told_with_the_tables_they_look_at(walk: Walk) -> None:
    """Those that found rows as well, with their number, and whether that only warns."""
    failures = [
        Failure("bridge_identity", "The bridge adds up.", 3, ("a license",)),
        Failure("unexplained_above_tolerance", "Everything is explained.", 2, ("another",), is_warning=True),
    ]
    inputs = {Path(each.name).name: each for each in lineage.of_check(replayed(walk), failures).inputs}
    found = {each.name: each for each in inputs["mismatches"].assertions}

    assert (found["bridge_identity"].broken, found["bridge_identity"].is_warning) == (3, False)
    assert (found["unexplained_above_tolerance"].broken, found["unexplained_above_tolerance"].is_warning) == (
        2,
        True,
    )
    assert found["vocabulary"].broken == 0
    assert "bridge_identity" not in {each.name for each in inputs["users"].assertions}
    assert all(each.assertions for each in inputs.values())
