"""The documentation says what the code says."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import duckdb
import pytest

from license_ledger import errors
from license_ledger.schemas import SCHEMA_VERSION, TABLES, Table
from license_ledger.settings import PREFIX, Settings, load_settings
from license_ledger.warehouse import ddl
from license_ledger.warehouse.statements import Statement, checks, views

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GENERATED = ("docs/dags.md", "docs/errors.md", "docs/settings.md", "docs/tables.md")
PARTS = ("What it means", "What the ledger did", "What to do", "How to confirm")


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script that writes the pages."""
    command = [sys.executable, str(ROOT / "scripts" / "generate_docs.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def text(name: str) -> str:
    """A page of the documentation."""
    return (DOCS / name).read_text(encoding="utf-8")


def sections(page: str, level: str = "##") -> dict[str, str]:
    """The parts of a page under its headings of one level."""
    found = re.split(rf"^{level} (.+)$", page, flags=re.MULTILINE)
    return dict(zip(found[1::2], found[2::2], strict=True))


def test_generated_pages_are_what_their_sources_say() -> None:
    """The committed pages are what the script would write."""
    result = generate("--check")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_the_script_writes_a_page_once_and_finds_drift(tmp_path: Path) -> None:
    """It writes what is missing, is content with it, and fails on a change until it has written again."""
    only = ("docs/tables.md", "--root", str(tmp_path))
    assert generate(*only).stdout == "wrote docs/tables.md\n"
    assert (generate("--check", *only).returncode, generate(*only).stdout) == (0, "")
    page = tmp_path / "docs" / "tables.md"
    page.write_text(page.read_text().replace("Login name", "Shoe size"))

    drift = generate("--check", *only)

    assert drift.returncode == 1
    assert re.search(r"^-.*Shoe size", drift.stdout, re.MULTILINE)
    assert re.search(r"^\+.*Login name", drift.stdout, re.MULTILINE)
    assert "Shoe size" in page.read_text()
    assert generate(*only).returncode == 0
    assert page.read_text() == text("tables.md")


def test_an_unknown_page_is_refused() -> None:
    """A page that nothing makes is an error that names those there are."""
    result = generate("docs/shoes.md")

    assert result.returncode == 2
    assert all(name in result.stderr for name in ("docs/shoes.md", *GENERATED))


def test_the_runbook_has_a_heading_for_every_error_in_the_order_of_the_tree() -> None:
    """Every error class has its heading, in the order of the module, and there are no others."""
    classes = [
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, errors.LedgerError)
    ]

    assert list(sections(text("runbook.md"))) == classes
    assert set(classes) == set(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_a_heading_of_the_runbook_is_complete(name: str) -> None:
    """An error's heading says what it means, what was done, what to do and how to see that it is over."""
    section = sections(text("runbook.md"))[name]

    assert re.findall(r"^\*\*(.+?)\.\*\* \S", section, re.MULTILINE) == list(PARTS)


def test_settings_that_the_runbook_names_exist() -> None:
    """What the runbook tells to set can be set."""
    page = text("runbook.md")
    settings = set(Settings.model_fields)
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)(?: = \w+)?`", page))

    tables = {table.name for table in TABLES} | {view.name for view in views()}
    columns = {column.name for table in TABLES for column in table.columns}
    tasks = {"inspect_org", "load_warehouse"}

    assert named - tables - columns - tasks <= settings
    assert {"shrink_tolerance", "mismatch_tolerance", "bulk_timeout_minutes"} <= named


def test_links_between_pages_lead_somewhere() -> None:
    """A link to another page, or to a heading, has a page and a heading at its end."""
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            linked = page if not name else (page.parent / name).resolve()
            assert linked.exists(), f"{page.name}: {target}"
            text_of = linked.read_text(encoding="utf-8") if anchor else ""
            headings = re.findall(r"^#+ (.+)$", text_of, re.MULTILINE)
            assert not anchor or anchor in {
                re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings
            }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_column_of_a_table_is_documented(table: Table) -> None:
    """A table's section tells its grain and key, and every column with type, source and class."""
    section = sections(text("tables.md"))[table.name].replace("\\|", "|")
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]

    assert f"One row is {table.grain}, per org and day." in section
    assert [row[0] for row in rows] == [f"| `{column.name}`" for column in table.columns]
    for row, column in zip(rows, table.columns, strict=True):
        assert row[2] == ("yes" if column.nullable else "no")
        assert row[4] == column.personal
        assert row[5].startswith(column.description)
        assert row[6] == f"{column.source} |"


@pytest.mark.parametrize("view", views(), ids=lambda view: view.name)
def test_every_column_of_a_view_is_explained_once(view: Statement) -> None:
    """A view's column is explained by its file, or by the schema under the same name, not by both."""
    declared = {column.name for table in ddl.WAREHOUSE_TABLES for column in ddl.columns(table)}
    with duckdb.connect() as connection:
        for table in ddl.WAREHOUSE_TABLES:
            connection.execute(ddl.create_table(table, ddl.DUCKDB))
        for each in views():
            for statement in ddl.create_view(each):
                connection.execute(statement)
        found = connection.execute(f"DESCRIBE {view.name}").fetchall()
        names = {name for name, *_ in found}

    assert names <= declared | set(view.columns)
    assert set(view.columns) <= names
    assert not set(view.columns) & (declared - {"unexplained_count"})


def test_the_changelog_of_the_contract_knows_the_version() -> None:
    """The version that is published has an entry."""
    assert SCHEMA_VERSION in sections(text("tables.md"), "###")


def test_every_setting_is_documented() -> None:
    """Each setting is in the table with its variable."""
    page = text("settings.md")

    for name in Settings.model_fields:
        assert f"| `{name}` | `{PREFIX}{name.upper()}` |" in page


def test_the_example_of_a_settings_file_works(tmp_path: Path) -> None:
    """The file that the page shows is accepted as it is."""
    [example] = re.findall(r"```toml\n(.+?)```", text("settings.md"), re.DOTALL)
    file = tmp_path / "license-ledger.toml"
    file.write_text(example)

    settings = load_settings({f"{PREFIX}CONFIG": str(file)})

    assert settings.legal_entities[0].domains == ("acme.de", "*.acme.de")
    assert set(tomllib.loads(example)) <= set(Settings.model_fields)


def test_no_page_names_a_check_that_is_not_there() -> None:
    """Checks that are mentioned by name exist."""
    names = {check.name for check in checks()}

    for page in DOCS.glob("*.md"):
        assert set(re.findall(r"sql/checks/(\w+)\.sql", page.read_text(encoding="utf-8"))) <= names
