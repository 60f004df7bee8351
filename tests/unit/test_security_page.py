"""The threat model names proofs that exist, and the checks that it promises are made."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from licenses import ALLOWED, is_allowed, license_of, packages  # noqa: E402

PAGES = ("security.md", "testing.md", "privacy.md")
NAMED = re.compile(r"`((?:tests|scripts)/[\w/.]+)`")


def page(name: str) -> str:
    """A page of the documentation."""
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_test_that_a_page_names_exists(name: str) -> None:
    """Tests and scripts that are named as proof are there, and hold tests."""
    for path in NAMED.findall(page(name)):
        found = ROOT / path
        assert found.exists(), path
        if found.name.startswith("test_"):
            assert "def test_" in found.read_text(encoding="utf-8"), path


def test_every_threat_has_a_proof() -> None:
    """Each row of a table of threats names a test in its last cell."""
    threats = page("security.md").partition("## Threats")[2].partition("## What we do not")[0]
    rows = [line for line in threats.splitlines() if line.startswith("| ") and "proof" not in line]

    assert len(rows) > 25
    assert [row for row in rows if not NAMED.search(row.rstrip(" |").rpartition("|")[2])] == []


def test_the_checks_look_for_credentials_and_licenses() -> None:
    """What the page promises of ``make check`` is in the script, and a license page that drifted fails."""
    script = (ROOT / "scripts" / "check.sh").read_text(encoding="utf-8")

    assert "scripts/scan_secrets.py" in script
    assert "scripts/licenses.py --check" in script


def test_a_credential_is_found(tmp_path: Path) -> None:
    """The scan names the line of a token in a file, and passes over a line that is allowed to have one."""
    token = "5Aep861" + "x" * 40
    path = tmp_path / "notes.py"
    path.write_text(f"a = '{token}'\nb = '{token}'  # pragma: allowlist" + " secret\n", encoding="utf-8")
    code = "import sys, pathlib, scan_secrets as s\nprint(s.places(pathlib.Path(sys.argv[1])))"

    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=ROOT / "scripts",
        capture_output=True,
        text=True,
        check=True,
    )

    assert "notes.py:1: Salesforce token" in done.stdout
    assert "notes.py:2" not in done.stdout


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("MIT AND Apache-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND AGPL-3.0-only", False),
        ("Proprietary", False),
        ("", False),
    ],
)
def test_what_is_joined_by_and_must_all_be_allowed(expression: str, allowed: bool) -> None:
    """Of what is joined by OR one is enough; what says nothing is not allowed."""
    assert is_allowed(expression) is allowed


def test_every_package_of_the_lock_is_listed_with_an_allowed_license() -> None:
    """The list is the lock's, and every license on it is one of those allowed."""
    listed = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", page("licenses.md"), re.MULTILINE)[1:])

    assert list(listed) == packages()
    assert all(license_of(name) == what and is_allowed(what) for name, what in listed.items())
    assert "GPL-3.0-only" not in ALLOWED
