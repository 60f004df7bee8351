"""The SQL files of the warehouse are single, harmless, explained queries."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from license_ledger.warehouse import statements
from license_ledger.warehouse.statements import (
    VIEWS,
    Statement,
    checks,
    console_query,
    history_checks,
    query,
    views,
)

FOLDER = Path(statements.__file__).parent / "sql"
QUERIES = ("pairs_between",)
ALL = [*views(), *checks(), *history_checks(), *map(query, QUERIES)]


def test_every_file_is_of_one_kind() -> None:
    """No SQL file lies in the package unused, and every view that is named has a file."""
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    asked = {name for name in files if name.startswith("console/")}

    assert files - asked == {
        *(f"views/{name}.sql" for name in VIEWS),
        *(f"checks/{check.name}.sql" for check in checks()),
        *(f"history_checks/{check.name}.sql" for check in history_checks()),
        *(f"queries/{name}.sql" for name in QUERIES),
    }
    assert all(console_query(Path(name).stem).text for name in asked)
    assert len(VIEWS) == len(set(VIEWS)) == 27


@pytest.mark.parametrize("statement", ALL, ids=lambda statement: statement.name)
def test_a_file_is_one_query_that_changes_nothing(statement: Statement) -> None:
    """A file holds one SELECT, and none of the words that change, open or fetch something."""
    text = re.sub(r"'[^']*'", "''", statement.text)

    assert re.match(r"(SELECT|WITH)\s", text)
    assert ";" not in text
    forbidden = (
        r"\b(DROP|ATTACH|DETACH|INSTALL|LOAD|CREATE|ALTER|INSERT|UPDATE|DELETE|TRUNCATE|COPY|PRAGMA|SET)\b"
    )
    assert re.findall(forbidden, text, re.IGNORECASE) == []


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_a_view_says_what_it_answers_and_its_grain(view: Statement) -> None:
    """A view begins with a question, and a line that says what one row is."""
    assert "?" in view.purpose
    assert re.match(r"an? \w", view.grain)
    assert re.search(r"\b(of an org|that is an org)\b", view.grain)


@pytest.mark.parametrize("check", [*checks(), *history_checks()], ids=lambda check: check.name)
def test_a_check_says_its_rule(check: Statement) -> None:
    """A check begins with its rule as a sentence, and selects a subject."""
    assert check.purpose.endswith(".")
    assert check.grain == ""
    assert re.search(r"\bAS subject\b", check.text)


def test_a_view_comes_after_the_views_it_reads() -> None:
    """The order in which views are made is one in which they can be made."""
    for place, view in enumerate(views()):
        reads = {name for name in VIEWS if re.search(rf"\b(FROM|JOIN) {name}\b", view.text)}

        assert reads <= set(VIEWS[:place])
