"""What is wrong with a landing, in words a person can act upon, and fields that have more than one source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from tests.unit.transform.made_org import AT, TIMESTAMP

from license_ledger.errors import CorruptAnswer, LedgerError, SchemaDrift
from license_ledger.transform.activity import instant, microseconds
from license_ledger.transform.landed import USED_AS_OF, filled, require
from license_ledger.transform.licenses import licenses
from license_ledger.transform.lookups import frozen_users
from license_ledger.transform.person_index import PersonIndex
from license_ledger.transform.record_keys import RecordKeys, RecordSet

TAKEN = datetime(2026, 2, 28, tzinfo=UTC)
NULLS = pa.table({"Id": pa.array([None, None, "x"], pa.string())})
MISSING = "was not landed"
READ_IT = "let the integration user read it, see the capability report"


def _error(call: Callable[[], Any]) -> tuple[type[LedgerError], str, str, str]:
    with pytest.raises(LedgerError) as caught:
        call()
    error = caught.value
    return type(error), error.asked, error.got, error.remedy


def test_a_field_without_values_says_how_many_rows() -> None:
    """The field is named with its object, the rows are counted, and the remedy is to extract again."""
    assert _error(lambda: filled(NULLS, "User", "Id", pa.string())) == (
        CorruptAnswer,
        "field User.Id",
        "2 of 3 rows have no value",
        "extract the object again",
    )


def test_a_field_that_is_not_there_is_named() -> None:
    """The first missing field is named, with what unlocks it."""
    expected = (SchemaDrift, "field User.Name", MISSING, READ_IT)

    assert _error(lambda: require(NULLS, "User", ("Id", "Name", "Email"))) == expected
    assert _error(lambda: filled(NULLS, "User", "Name", pa.string())) == expected


@pytest.mark.parametrize(
    ("argument", "object_name", "columns"),
    [
        ("permission_set_licenses", "PermissionSetLicense", {"PermissionSetLicenseKey": ["K"]}),
        ("package_licenses", "PackageLicense", {"NamespacePrefix": ["n"]}),
        ("usage_entitlements", "TenantUsageEntitlement", {}),
    ],
)
def test_a_license_without_id_names_its_object(
    argument: str, object_name: str, columns: dict[str, Any]
) -> None:
    """Every kind of license says by its own object's name that its id was not landed."""
    landed = pa.table({"Status": ["Active"], "DeveloperName": ["D"], "MasterLabel": ["M"], **columns})

    assert _error(lambda: licenses(AT, **{argument: landed}))[:3] == (
        SchemaDrift,
        f"field {object_name}.Id",
        MISSING,
    )


def test_a_frozen_login_without_value_names_its_object() -> None:
    """The object of frozen logins is named when its check box is empty."""
    logins = pa.table({"UserId": ["005000000000001AAA"], "IsFrozen": pa.array([None], pa.bool_())})

    assert _error(lambda: frozen_users(logins))[1] == "field UserLogin.IsFrozen"


def test_permission_set_licenses_have_status_stamp_and_the_best_name() -> None:
    """The label is the name, else the developer name, else the key; status and stamp are Salesforce's."""
    landed = pa.table(
        {
            "Id": ["a", "b", "c"],
            "MasterLabel": ["Label", None, None],
            "DeveloperName": ["Dev", "Dev", None],
            "PermissionSetLicenseKey": ["K1", "K2", "K3"],
            "Status": ["Active", "Disabled", "Active"],
            "TotalLicenses": [1, 2, 3],
            "UsedLicenses": [1, 1, 1],
            USED_AS_OF: pa.array([TAKEN] * 3, TIMESTAMP),
        }
    )

    rows = licenses(AT, permission_set_licenses=landed).to_pylist()

    assert [row["license_name"] for row in rows] == ["Label", "Dev", "K3"]
    assert [row["status"] for row in rows] == ["Active", "Disabled", "Active"]
    assert {row["used_as_of"] for row in rows} == {TAKEN}


def test_package_licenses_were_counted_when_they_were_read() -> None:
    """Packages have a counter without a stamp: it is that of the capture."""
    landed = pa.table({"Id": ["a"], "NamespacePrefix": ["n"], "UsedLicenses": [3], "AllowedLicenses": [-1]})

    (row,) = licenses(AT, package_licenses=landed).to_pylist()

    assert row["used_as_of"] == AT


NOT_IDS = (CorruptAnswer, "user ids", "1 are not ids of 18 characters", "extract the object again")


@pytest.mark.parametrize("wrong", ["00500000000000-AAA", "005000000000001"])
def test_what_is_no_id_is_counted(wrong: str) -> None:
    """Ids of another length, or with other characters, are counted and not shown."""
    assert _error(lambda: RecordSet(pa.array(["005000000000001AAA", wrong]))) == NOT_IDS


def test_ids_of_too_many_beginnings_are_no_ids_of_one_org() -> None:
    """An org's ids begin in a few ways; thousands mean that the column holds something else."""
    ids = pa.array([f"{at:06d}000000000AAA" for at in range(70_000)])

    kind, asked, got, _ = _error(lambda: RecordKeys().learn(ids))

    assert (kind, asked) == (CorruptAnswer, "user ids")
    assert got == "begin in too many different ways to be ids of one org"


def test_neighboring_ids_of_several_beginnings_are_told_apart() -> None:
    """Ids that differ in one place, in the beginning or in the tail, are different records."""
    heads, tails = ("005000", "005001", "0050zz"), ("0000001", "0000009", "000000A", "000000z", "0000010")
    ids = [f"{head}{tail.rjust(9, '0')}AAA" for head in heads for tail in tails]
    kept = RecordSet(pa.array(ids[::2]))

    assert kept.has(pa.array(ids)).tolist() == [at % 2 == 0 for at in range(len(ids))]
    assert RecordSet(pa.array([], pa.string())).has(pa.array(ids)).tolist() == [False] * len(ids)


def test_a_slice_of_ids_is_read_where_it_begins() -> None:
    """An array that is part of another has its own rows and no neighbor's."""
    ids = pa.array([f"005000000000{at:03d}AAA" for at in range(6)])

    assert RecordSet(ids[2:4]).has(ids).tolist() == [False, False, True, True, False, False]


def test_nobody_is_found_in_an_empty_index() -> None:
    """An index without people finds nobody, in the type and with the number of the full one."""
    nobody = PersonIndex([])

    found = nobody.find(pa.array(["005000000000001AAA", "005000000000002AAA"]))

    assert found.tolist() == [-1, -1]
    assert found.dtype == np.int64


def test_instants_are_microseconds_in_utc() -> None:
    """Instants of any unit and zone become the same whole numbers; a null is 0."""
    seconds = pa.array([TAKEN, None], pa.timestamp("s", tz="UTC"))

    assert microseconds(seconds).tolist() == [int(TAKEN.timestamp()) * 1_000_000, 0]
    assert instant(TAKEN) == int(TAKEN.timestamp()) * 1_000_000
