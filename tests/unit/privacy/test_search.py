"""The search: rows that lie in two files are decoded once, and nothing is passed over for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from license_ledger.privacy.person import Person
from license_ledger.privacy.search import Findings, Search
from license_ledger.staging.storage import Storage

ORG = "00D000000000001AAA"
WANTED = "005000000000001AAA"
PERSON = Person(ORG, (WANTED,), {"ann.bell@acme.com": "e-mail address", "Ann Bell": "name"})
DAY = f"org_id={ORG}/snapshot_date=2026-11-24"
OTHERS = [f"005{number:012}AAA" for number in range(2, 40)]


@pytest.fixture
def root(tmp_path: Path) -> Storage:
    return Storage.from_url(str(tmp_path))


def _write(storage: Storage, path: str, ids: list[str], **metadata: str) -> None:
    rows = pa.table({"user_id": ids, "department": ["Sales"] * len(ids)})
    with storage.parquet_writer(path, rows.schema, metadata) as sink:
        sink.write(rows)


def _found(root: Storage) -> Findings:
    with ThreadPoolExecutor(2) as pool:
        return Search(PERSON).staged(root.child("_landing"), root, pool)


def test_every_file_is_counted_though_its_rows_are_decoded_once(root: Storage) -> None:
    """A work file and the table that was published of it: two files, nothing left."""
    _write(root, f"_landing/{DAY}/run=a/_work/users.parquet", OTHERS, file="one")
    _write(root, f"users/{DAY}/users.parquet", OTHERS, file="two")

    assert _found(root).files == {"landing": 1, "staging": 1}
    assert _found(root).left == {}


def test_a_row_in_one_of_two_files_is_found_there(root: Storage) -> None:
    """Two tables that differ by one id of the same length are two tables."""
    _write(root, f"_landing/{DAY}/run=a/_work/users.parquet", OTHERS)
    _write(root, f"users/{DAY}/users.parquet", [*OTHERS[:-1], WANTED])

    assert _found(root).left == {"staging: column user_id of users": 1}


def test_a_row_in_both_is_found_in_both(root: Storage) -> None:
    """What is found in the first is told of the second as well."""
    for path in (f"_landing/{DAY}/run=a/_work/users.parquet", f"users/{DAY}/users.parquet"):
        _write(root, path, [*OTHERS, WANTED])

    assert _found(root).left == {
        "landing: column user_id of users": 1,
        "staging: column user_id of users": 1,
    }


def test_what_a_file_says_beside_its_rows_is_looked_at_in_every_file(root: Storage) -> None:
    """The same rows do not speak for the other bytes of a file."""
    _write(root, f"_landing/{DAY}/run=a/_work/users.parquet", OTHERS)
    _write(root, f"users/{DAY}/users.parquet", OTHERS, note="asked for by Ann.Bell@acme.com")

    assert _found(root).left == {"staging: bytes": 1}


def _write_texts(storage: Storage, path: str, name: str, texts: list[str]) -> None:
    key = "user_id" if path.endswith("users.parquet") else "Id"
    rows = pa.table({key: OTHERS[: len(texts)], name: texts})
    with storage.parquet_writer(path, rows.schema, {}) as sink:
        sink.write(rows)


@pytest.mark.parametrize(
    ("place", "column"),
    [
        ("_landing/{day}/run=a/Profile/part-0.parquet", "Name"),
        ("_landing/{day}/run=a/UserRole/part-0.parquet", "Name"),
        ("_landing/{day}/run=a/User/part-0.parquet", "Department"),
        ("_landing/{day}/run=a/_work/licenses-uncounted.parquet", "license_name"),
        ("users/{day}/users.parquet", "profile_name"),
    ],
)
def test_a_name_that_is_that_of_a_license_or_a_role_is_told_of_and_stays(
    root: Storage, place: str, column: str
) -> None:
    """Nobody can be erased from it, so it does not keep an erasure from ending; an address there does."""
    path = place.format(day=DAY)
    kind = path.split("/")[-2] if "part-0" in path else path.split("/")[-1].removesuffix(".parquet")
    _write_texts(root, path, column, ["Team of Ann Bell"])

    assert _found(root).left == {}
    assert _found(root).labels == {f"column {column} of {kind}"}

    root.remove(path)
    _write_texts(root, path, column, ["Team of ann.bell@acme.com"])
    assert list(_found(root).left.values()) == [1]


def test_a_name_in_free_text_is_left(root: Storage) -> None:
    """Set-up changes name people, and so may an object that nobody has declared."""
    for kind in ("SetupAuditTrail", "Unheard__c"):
        _write_texts(root, f"_landing/{DAY}/run=a/{kind}/part-0.parquet", "Display", ["Froze user Ann Bell"])

    assert _found(root).left == {
        "landing: column Display of SetupAuditTrail": 1,
        "landing: column Display of Unheard__c": 1,
    }


def test_parts_of_the_name_of_somebody_else_are_their_own(root: Storage) -> None:
    """A user whose last name is the whole name of the erased one keeps it."""
    _write_texts(root, f"_landing/{DAY}/run=a/User/part-0.parquet", "LastName", ["Ann Bell"])

    assert (_found(root).left, _found(root).labels) == ({}, set())
