"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from license_ledger import errors, schemas

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "include"
MODULES = sorted(PACKAGE.glob("*/**/*.py"))


def _relative(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_modules_stay_readable(path: Path) -> None:
    """A module has at most 400 lines: beyond that it is split by noun. The table of tables is exempt."""
    lines = path.read_text(encoding="utf-8").count("\n")

    assert lines <= 400 or path.name == "schemas.py", f"{path.name} has {lines} lines"


@pytest.mark.parametrize("path", MODULES, ids=_relative)
def test_no_module_is_named_after_nothing(path: Path) -> None:
    """No module is called after a pattern instead of a noun of the domain."""
    assert path.stem not in {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data"}


def test_the_error_tree_in_the_docstring_is_the_tree() -> None:
    """Every class of the error tree is drawn in the module's docstring and exported, and no other."""
    classes = {
        name
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, errors.LedgerError)
    }
    drawn = set(re.findall(r"\w+", errors.__doc__ or "")) & classes

    assert classes == drawn == set(errors.__all__)


def test_every_error_has_one_of_the_three_bases() -> None:
    """Airflow's answer to an error follows from exactly one base class."""
    bases = (errors.TransientError, errors.PermanentError, errors.DataError)
    for name in errors.__all__:
        error = getattr(errors, name)
        if error is errors.LedgerError:
            continue

        assert sum(issubclass(error, base) for base in bases) == 1, name


def test_a_message_has_its_three_parts() -> None:
    """An error says what was asked, what came back and what to do, in that order."""
    error = errors.ConfigError("setting login_url", "is blank", "fill it in")

    assert str(error) == "setting login_url: is blank → fill it in"


@pytest.mark.parametrize("table", schemas.TABLES, ids=lambda table: table.name)
def test_tables_follow_the_column_grammar(table: schemas.Table) -> None:
    """Names end as the vocabulary says for their type, descriptions are sentences, keys are columns."""
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert set(table.key) <= set(names)
    for column in table.columns:
        assert column.description.endswith("."), column.name
        assert column.source, column.name
        if column.name.endswith("_at") or column.name == "used_as_of":
            assert column.type == schemas.TIMESTAMP, column.name
        if column.name.endswith("_count"):
            assert str(column.type) == "int64", column.name
        if column.name.startswith(("is_", "has_")):
            assert str(column.type) == "bool", column.name


def test_the_same_name_is_the_same_thing() -> None:
    """A column name that occurs in several tables has one type everywhere."""
    seen: dict[str, object] = {}
    for table in schemas.TABLES:
        for column in table.columns:
            assert seen.setdefault(column.name, column.type) == column.type, column.name


def test_the_ledger_spells_license_the_american_way() -> None:
    """No tracked text of ours has the British noun."""
    names = subprocess.run(
        ["git", "ls-files", "*.py", "*.md", "*.sql", "*.yaml", "Makefile"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    word = "licen" + "ce"
    offenders = [name for name in names if word in (ROOT / name).read_text(encoding="utf-8").lower()]

    assert offenders == []


LEDGER_MODULES = [path for path in MODULES if "license_ledger" in path.parts]


@pytest.mark.parametrize("path", LEDGER_MODULES, ids=_relative)
def test_what_is_public_says_what_it_does(path: Path) -> None:
    """Every public function, class and method of a public class of the ledger has a docstring."""
    bare = [name for name, node in _public(ast.parse(path.read_text("utf-8"))) if not ast.get_docstring(node)]

    assert bare == []


_Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def _public(tree: ast.Module | ast.ClassDef) -> Iterator[tuple[str, _Documented]]:
    for node in tree.body:
        if isinstance(node, _Documented) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)
