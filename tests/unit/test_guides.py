"""The written guides say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from license_ledger.airflow.provider import FORM_FIELDS
from license_ledger.salesforce.credentials import DEFAULT_API_VERSION, MINIMUM_API_VERSION
from license_ledger.salesforce.objects import HISTORY_OBJECTS, OBJECTS
from license_ledger.settings import Settings
from license_ledger.warehouse.statements import VIEWS

ROOT = Path(__file__).parents[2]
GUIDES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CONNECTION = (ROOT / "docs" / "connection.md").read_text("utf-8")


def _targets(path: Path) -> list[str]:
    return [
        link.partition("#")[0]
        for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8"))
        if not link.startswith(("http", "#", "mailto"))
    ]


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_dead(path: Path) -> None:
    """Every relative link of a guide leads to a file or folder of the repository."""
    assert [link for link in _targets(path) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("declared", [*OBJECTS, *HISTORY_OBJECTS], ids=lambda declared: declared.name)
def test_permissions_are_told_as_they_are_declared(declared: object) -> None:
    """The table of permissions has exactly the line that each declared object stands for."""
    required = "yes " if declared.required else ""  # type: ignore[attr-defined]
    line = f"| {declared.name} | {declared.permission} | {required}| {declared.costs} |"  # type: ignore[attr-defined]

    assert line in CONNECTION


@pytest.mark.parametrize("field", FORM_FIELDS)
def test_every_field_of_the_form_is_explained(field: str) -> None:
    """Each field of the connection form is in the guide, by the name of its extra."""
    assert f"`{field}`" in CONNECTION


def test_versions_are_told_as_they_are() -> None:
    """Default and oldest API version of the guide are those of the code."""
    assert f"`{DEFAULT_API_VERSION}`" in CONNECTION
    assert f"older than {MINIMUM_API_VERSION}" in CONNECTION


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_settings_that_are_named_exist(path: Path) -> None:
    """Every LICENSE_LEDGER_ variable that a guide names is a setting."""
    known = {f"LICENSE_LEDGER_{name.upper()}" for name in Settings.model_fields}
    known |= {"LICENSE_LEDGER_CONFIG", "LICENSE_LEDGER_HOME"}
    named = set(re.findall(r"LICENSE_LEDGER_[A-Z][A-Z_]*[A-Z]", path.read_text("utf-8")))

    assert named <= known


def test_the_readme_names_every_view() -> None:
    """The views that the README promises are those that the warehouse has."""
    readme = (ROOT / "README.md").read_text("utf-8")

    assert [view for view in VIEWS if f"`{view}`" not in readme] == []
