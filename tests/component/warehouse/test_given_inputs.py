"""What comes of files of one's own is in the warehouse with the day, and only when something changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_snapshots import CPQ, DAY, ORG, SALES, load, made_snapshot

from license_ledger.errors import InputRefused
from license_ledger.inputs.given import Inputs, read_inputs
from license_ledger.settings import Settings
from license_ledger.warehouse.contract import Replacement
from license_ledger.warehouse.duckdb import open_readonly
from license_ledger.warehouse.rebuild import forget_days, rebuild

NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
TOMBSTONE = "005ZZZZZZZZZZZZZZZ"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A price list, a crosswalk, and a directory in which user 5 is inactive and user 7 missing."""
    (tmp_path / "prices.csv").write_text(
        "product,currency,unit_price,billing_period,starts_on\nSALES,EUR,100,month,2026-01-01\n"
    )
    (tmp_path / "products.csv").write_text(
        f"license_layer,license_key,product,confidence\nuser,{SALES[2]},SALES,sure\n"
    )
    entries = [
        f"user{n:012}@{'partner.example' if n % 20 == 5 else 'acme.com'},{str(n != 5).lower()}"
        for n in range(40)
        if n != 7
    ]
    (tmp_path / "directory.csv").write_text("\n".join(("emails,active", *entries)))
    return tmp_path


def given(files: Path, now: datetime = NOW) -> Inputs:
    """The files as the pipeline reads them."""
    named = {"prices": "prices", "license_products": "products", "directory": "directory"}
    return read_inputs(Settings(**{name: str(files / f"{file}.csv") for name, file in named.items()}), now)


def asked(path: Path, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    with open_readonly(path) as connection:
        return connection.execute(query).fetchall()


FINDINGS = "SELECT right(user_id, 5), finding, matched_by FROM directory_findings ORDER BY 1"


def test_a_day_is_loaded_with_what_the_files_say(files: Path) -> None:
    """Prices make seats money, the directory tells who has left, and nothing of the directory is stored."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))

    assert asked(path, "SELECT license_id, monthly_cost FROM seat_costs WHERE price_state = 'priced'") == [
        (SALES[1], 51 * 100)
    ]
    assert asked(path, FINDINGS) == [("05AAA", "inactive", "email"), ("07AAA", "missing", None)]
    assert asked(path, "SELECT compared_count, present_count FROM directory_checks") == [(38, 36)]
    gaps = asked(path, "SELECT email, finding, held_license_count FROM directory_gaps ORDER BY email")
    assert gaps == [
        ("user000000000005@partner.example", "inactive", 3),
        ("user000000000007@acme.com", "missing", 3),
    ]
    assert asked(path, "SELECT input_name, row_count, read_at FROM input_files ORDER BY 1") == [
        ("directory", 39, NOW),
        ("license_products", 1, NOW),
        ("prices", 1, NOW),
    ]


def test_the_same_files_and_the_same_day_write_nothing(files: Path) -> None:
    """A load that changes nothing leaves the file alone; a changed file takes its place."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))
    before = path.stat().st_ino

    assert not load(path, made_snapshot(40), inputs=given(files, NOW + timedelta(hours=1)))["loaded"]
    assert path.stat().st_ino == before
    (files / "prices.csv").write_text((files / "prices.csv").read_text().replace("100", "200"))
    assert load(path, made_snapshot(40), inputs=given(files))["loaded"]
    assert asked(path, "SELECT DISTINCT monthly_unit_price FROM seat_costs WHERE currency = 'EUR'") == [
        (200,)
    ]


def test_files_that_are_not_read_stay_and_files_that_are_not_given_go(files: Path) -> None:
    """A load without inputs leaves theirs; a load with none given empties their tables."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))
    load(path, made_snapshot(40, day=DAY + timedelta(days=1)))
    assert asked(path, "SELECT count(*) FROM prices") == [(1,)]

    load(path, made_snapshot(40), inputs=Inputs())
    counted = "SELECT (SELECT count(*) FROM prices), (SELECT count(*) FROM input_files)"
    assert asked(path, counted) == [(0, 0)]
    assert asked(path, FINDINGS) == []


def test_the_directory_says_nothing_about_past_days(files: Path) -> None:
    """Only a day that was captured live is compared; another has no findings and no row that says so."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40, provenance="reconstructed"), inputs=given(files))
    load(path, made_snapshot(40, day=DAY + timedelta(days=1), provenance="replayed"), inputs=given(files))

    assert asked(path, "SELECT count(*) FROM directory_checks") == [(0,)]
    assert asked(path, FINDINGS) == []


def test_findings_go_with_their_day(files: Path) -> None:
    """Retention takes what the directory said of a day with it; prices stay."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))
    load(path, made_snapshot(40, day=DAY + timedelta(days=1)), inputs=given(files))
    forget_days(path, ORG, [DAY])

    assert asked(path, "SELECT DISTINCT snapshot_date FROM directory_findings") == [
        (DAY + timedelta(days=1),)
    ]
    assert asked(path, "SELECT count(*) FROM prices") == [(1,)]


def test_an_erased_person_is_a_tombstone_there_too(files: Path) -> None:
    """The word about the person stays for the counts, under another id and without what it was found by."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))
    user_id = "005000000000005AAA"
    forgotten = {"directory_findings": ("matched_by",), "users": ("email", "username", "name")}
    replaced = rebuild(path, Replacement(ORG, [user_id], TOMBSTONE, forgotten))

    assert replaced["directory_findings"] == 1
    assert asked(path, FINDINGS) == [("07AAA", "missing", None), ("ZZZZZ", "inactive", None)]
    assert asked(path, f"SELECT count(*) FROM directory_findings WHERE user_id = '{user_id}'") == [(0,)]
    assert asked(path, "SELECT count(*) FROM prices") == [(1,)]


def test_a_wrong_file_leaves_the_warehouse_as_it_was(files: Path) -> None:
    """Files are judged before anything is written."""
    path = files / "w.duckdb"
    load(path, made_snapshot(40), inputs=given(files))
    before = path.stat().st_ino
    (files / "directory.csv").write_text("emails,active\nx@acme.com,perhaps\n")
    with pytest.raises(InputRefused, match=r"directory\.csv, line 2, column active"):
        load(path, made_snapshot(50), inputs=given(files))

    assert path.stat().st_ino == before
    assert asked(path, "SELECT count(*) FROM users") == [(40,)]
    assert CPQ[1] in {row[0] for row in asked(path, "SELECT license_id FROM seat_costs")}
