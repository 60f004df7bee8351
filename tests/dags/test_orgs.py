"""The list of orgs, the only setting that is read while Airflow parses."""

from __future__ import annotations

from pathlib import Path

import pytest

from license_ledger.airflow.orgs import configured_orgs, dag_id
from license_ledger.errors import ConfigError
from license_ledger.settings import load_settings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("salesforce_default", ("salesforce_default",)),
        ("emea, apac", ("emea", "apac")),
        ("emea\n\tapac  us.prod", ("emea", "apac", "us.prod")),
    ],
)
def test_orgs_come_from_the_environment(
    text: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list is read as the settings model reads it."""
    monkeypatch.setenv("LICENSE_LEDGER_ORGS", text)

    assert configured_orgs() == expected
    assert load_settings().orgs == expected


def test_orgs_come_from_the_file_unless_the_environment_names_them(tmp_path: Path) -> None:
    """The TOML file is read, and the environment wins over it."""
    file = tmp_path / "ledger.toml"
    file.write_text('orgs = ["emea", "apac"]\nmismatch_tolerance = 2\n', encoding="utf-8")
    environ = {"LICENSE_LEDGER_CONFIG": str(file)}

    assert configured_orgs(environ) == ("emea", "apac")
    assert configured_orgs({**environ, "LICENSE_LEDGER_ORGS": "us"}) == ("us",)


def test_the_default_org() -> None:
    """Without a setting there is one org, and its DAG has no suffix."""
    assert [dag_id(org) for org in configured_orgs({})] == ["salesforce_license_snapshot"]
    assert dag_id("emea") == "salesforce_license_snapshot__emea"


def test_an_org_named_twice_has_one_dag() -> None:
    """Naming a connection twice does not make two DAGs of the same id."""
    assert configured_orgs({"LICENSE_LEDGER_ORGS": "emea,emea"}) == ("emea",)


@pytest.mark.parametrize(
    "environ",
    [
        {"LICENSE_LEDGER_ORGS": " , "},
        {"LICENSE_LEDGER_ORGS": "sales force;x"},
        {"LICENSE_LEDGER_ORGS": "a/b"},
        {"LICENSE_LEDGER_CONFIG": "/nowhere/ledger.toml"},
    ],
)
def test_a_bad_list_is_an_error_that_names_it(environ: dict[str, str]) -> None:
    """A list without ids, ids that no DAG can be named after and unreadable files are refused by name."""
    with pytest.raises(ConfigError, match=next(iter(environ))):
        configured_orgs(environ)
