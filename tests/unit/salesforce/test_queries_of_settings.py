"""No query is made of anything but declared names: neither a setting nor a connection gets into one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "include" / "license_ledger"
ASKING = sorted(
    [*PACKAGE.glob("salesforce/*.py"), *PACKAGE.glob("airflow/*.py"), *PACKAGE.glob("history/*.py")]
    + [PACKAGE / name for name in ("extraction.py", "pipeline.py", "run.py", "source.py")]
)
SOQL = re.compile(r"\b(SELECT|FROM|WHERE|LIMIT|ORDER BY)\b")
FILLED_IN = {
    # Names that salesforce/objects.py declares, and a condition on an instant.
    ("capabilities.py", "declared.newest_by"),
    ("capabilities.py", "declared.name"),
    ("capabilities.py", "declared.where"),
    ("capabilities.py", "condition"),
    # Fields of the inspection, each held against the form of a field name; the object is looked up.
    ("inspection.py", "', '.join(names)"),
    ("inspection.py", "object_named(object_name).name"),
    ("inspection.py", "query"),
    ("inspection.py", "plan['where']"),
    # The id that Salesforce itself gave, of 18 letters and digits.
    ("verdict.py", "user_id"),
}
"""Everything that is ever filled into the text of a query, by module."""
FORBIDDEN = {"company_names", "legal_entities", "external_users", "service_accounts"}


def _relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _filled_in(tree: ast.AST) -> Iterator[str]:
    """What is put into texts that are SOQL, by f-string, by format, by percent or by plus."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and any(map(_is_soql, node.values)):
            yield from (
                ast.unparse(part.value) for part in node.values if isinstance(part, ast.FormattedValue)
            )
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod | ast.Add) and _is_soql(node.left):
            yield ast.unparse(node.right)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_soql(node.func.value):
            yield from (ast.unparse(each) for each in node.args)


def _is_soql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(SOQL.search(node.value))


def test_only_declared_names_are_filled_into_queries() -> None:
    """What the texts of queries are put together from is this table and nothing else."""
    found = {(path.name, text) for path in ASKING for text in _filled_in(ast.parse(path.read_text("utf-8")))}

    assert found <= FILLED_IN, found - FILLED_IN
    assert ("inspection.py", "object_named(object_name).name") in found


@pytest.mark.parametrize("path", [path for path in ASKING if path.parent.name == "salesforce"], ids=_relative)
def test_who_asks_salesforce_does_not_know_the_filter(path: Path) -> None:
    """The Salesforce package imports no settings, and reads the company names only to hand them on."""
    tree = ast.parse(path.read_text("utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & FORBIDDEN

    assert "license_ledger.settings" not in imported
    # The verdict on a connection repeats the filter to the person who tests it.
    assert not read or path.name == "verdict.py"


@pytest.mark.parametrize(
    "source",
    [
        "f\"SELECT Id FROM User WHERE CompanyName = '{settings.company}'\"",
        "\"SELECT Id FROM User WHERE Name = '%s'\" % name",
        '"SELECT Id FROM User WHERE Name = " + name',
        '"SELECT Id FROM {}".format(name)',
    ],
)
def test_the_rule_sees_every_way_to_fill_in(source: str) -> None:
    """The counter-proof: each way to put a text into a query is found."""
    assert list(_filled_in(ast.parse(source)))
