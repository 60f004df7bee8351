"""Who is in the directory is found the way the company filter reads addresses, and nothing of it is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from license_ledger.errors import InputRefused
from license_ledger.inputs.directory import Directory
from license_ledger.inputs.given import read_inputs
from license_ledger.schemas import USERS
from license_ledger.settings import Settings

NOW = datetime(2026, 11, 24, 6, tzinfo=UTC)
HEAD = "userName,emails,externalId,employeeNumber,active,department"


def directory(tmp_path: Path, *lines: str, head: str = HEAD) -> Directory:
    """A directory with these lines."""
    path = tmp_path / "directory.csv"
    path.write_text("\n".join((head, *lines)))
    found = read_inputs(Settings(directory=str(path)), NOW).directory
    assert found is not None
    return found


def users(*rows: dict[str, Any]) -> pa.RecordBatch:
    """Users in scope; what a row leaves out is harmless."""
    full = [
        {"user_id": f"00500000000000{at}AAA", "account_class": "employee", "scope_reason": "everyone"}
        | {"is_active": True}
        | row
        for at, row in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(full, USERS.arrow_schema)


def verdict(found: Directory, **user: Any) -> tuple[str, str | None]:
    """What is said of one user, and by what the entry was found."""
    findings, _ = found.compare([users(user)])
    rows = findings.to_pylist()
    return (rows[0]["finding"], rows[0]["matched_by"]) if rows else ("present", None)


PEOPLE = (
    "Ann@Acme.com,ann.b@acme.com,E1,007,true,Sales",
    "old@acme.com,,,8,false,",
    "rehired@acme.com,,,9,false,",
    "rehired2@acme.com,rehired@acme.com;second@acme.com,,,true,",
    "noflag@acme.com,,,,,",
    "bücher@bücher.example,,,,true,",
)
CASES = [
    ({"email": "ann@acme.com"}, "present", None),
    ({"email": " ANN@ACME.COM.invalid"}, "present", None),
    ({"email": "ann=acme.com@example.com"}, "present", None),
    ({"email": "ann.b@acme.com"}, "present", None),
    ({"email": "second@acme.com"}, "present", None),
    ({"email": "bücher@xn--bcher-kva.example"}, "present", None),
    ({"federation_id": "e1", "email": "nobody@acme.com"}, "present", None),
    ({"username": "ann@acme.com", "email": "nobody@acme.com"}, "present", None),
    ({"employee_number": " 007 ", "email": "nobody@acme.com"}, "present", None),
    ({"email": "noflag@acme.com"}, "present", None),
    ({"email": "rehired@acme.com"}, "present", None),
    ({"email": "old@acme.com"}, "inactive", "email"),
    ({"federation_id": "old@acme.com", "email": "ann@acme.com"}, "inactive", "federation_id"),
    ({"employee_number": "8"}, "inactive", "employee_number"),
    ({"username": "old@acme.com"}, "inactive", "username"),
    ({"email": "nobody@acme.com"}, "missing", None),
    ({"email": "  ", "username": None}, "no_identifier", None),
    ({"email": "nobody@acme.com", "account_class": "contractor"}, "missing", None),
    ({"email": "nobody@acme.com", "account_class": "external"}, "present", None),
    ({"email": "nobody@acme.com", "account_class": "integration"}, "present", None),
]


@pytest.mark.parametrize(("user", "finding", "by"), CASES)
def test_a_user_is_found_by_the_first_name_that_hits(
    tmp_path: Path, user: dict[str, Any], finding: str, by: str | None
) -> None:
    """Federation id, address, login name, number, in this order; an active entry wins over others."""
    assert verdict(directory(tmp_path, *PEOPLE), **user) == (finding, by)


def test_everybody_who_is_compared_is_counted(tmp_path: Path) -> None:
    """Present, inactive, missing and unnamed add up to those compared; partners are not among them."""
    found = directory(tmp_path, *PEOPLE)
    findings, check = found.compare(
        [users(*(user for user, _, _ in CASES[:10])), users(*(u for u, _, _ in CASES[10:]))]
    )
    [row] = check.to_pylist()

    assert row == {
        "read_at": NOW,
        "entry_count": 6,
        "compared_count": 18,
        "present_count": 11,
        "inactive_count": 4,
        "missing_count": 2,
        "no_identifier_count": 1,
    }
    assert findings.num_rows == 7


HEADS = [
    "username,EMAILS,externalid,employeenumber,Active,x",
    "user_name,emails.value,external_id,employee_number,active,x",
    'userName,"emails[type eq ""work""].value",externalId,'
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber,active,x",
]


@pytest.mark.parametrize("head", HEADS)
def test_attributes_may_be_written_as_scim_allows(tmp_path: Path, head: str) -> None:
    """Names in any case, with sub-attributes, filters and the URN of their schema."""
    found = directory(tmp_path, "a@acme.com,b@acme.com,,42,false,", head=head)

    assert verdict(found, email="b@acme.com") == ("inactive", "email")
    assert verdict(found, employee_number="42") == ("inactive", "employee_number")


def test_parquet_may_hold_lists_and_flags(tmp_path: Path) -> None:
    """Multi-valued emails and Boolean flags come as they are."""
    pq.write_table(
        pa.table(
            {"userName": ["a", "b"], "emails": [["x@acme.com", "y@acme.com"], None], "active": [False, None]}
        ),
        tmp_path / "d.parquet",
    )
    found = read_inputs(Settings(directory=str(tmp_path / "d.parquet")), NOW).directory
    assert found is not None

    assert verdict(found, email="y@acme.com") == ("inactive", "email")
    assert verdict(found, username="b") == ("present", None)


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("secret@acme.com,,,,perhaps,", "line 3, column active: is neither true nor false"),
        (",,,,true,", "line 3, column userName: or emails, externalId or employeeNumber must be given"),
        ("secret@acme.com,", "line 3: has 2 values, and the header names 6 columns"),
    ],
)
def test_an_error_names_the_place_and_never_the_person(tmp_path: Path, line: str, place: str) -> None:
    """File, line and column are told; no value of the line is."""
    with pytest.raises(InputRefused) as error:
        directory(tmp_path, "ok@acme.com,,,,true,", line)

    assert f"directory directory.csv, {place}" in str(error.value)
    assert "secret" not in str(error.value)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    """An export that went wrong must not read as everybody having left."""
    with pytest.raises(InputRefused, match="has no entry"):
        directory(tmp_path)


@settings(max_examples=40)
@given(
    entries=st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=12),
    people=st.lists(st.integers(0, 9), max_size=8),
)
def test_somebody_is_present_when_any_entry_is_active(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[int, bool]], people: list[int]
) -> None:
    """Compared with the obvious: an active entry makes present, others inactive, none missing."""
    lines = [f"u{n}@acme.com,,,,{str(active).lower()}," for n, active in entries]
    found = directory(tmp_path_factory.getbasetemp(), *lines)
    findings, _ = found.compare([users(*({"email": f"U{n}@acme.com"} for n in people))])
    said = {row["user_id"]: row["finding"] for row in findings.to_pylist()}

    for at, n in enumerate(people):
        states = [active for number, active in entries if number == n]
        expected = None if any(states) else "inactive" if states else "missing"
        assert said.get(f"00500000000000{at}AAA") == expected
