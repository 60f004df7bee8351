"""The documentation as a site: every page is in it, and no link leads nowhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A copy of everything that pages are made of and lead to."""
    copy = tmp_path / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "*.md", "docs", "examples"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    return copy


def build(repository: Path, output: Path) -> subprocess.CompletedProcess[str]:
    """Build the site of a repository."""
    argv = [
        sys.executable,
        str(ROOT / "scripts" / "site.py"),
        "--root",
        str(repository),
        "--output",
        str(output),
    ]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_every_page_is_in_the_site(repository: Path, tmp_path: Path) -> None:
    """The site has a page for every page of docs/, and its first page shows README and picture."""
    done = build(repository, tmp_path / "site")
    pages = {path.relative_to(repository / "docs") for path in (repository / "docs").rglob("*.md")}
    built = {
        path.relative_to(tmp_path / "site" / "docs") for path in (tmp_path / "site" / "docs").rglob("*.html")
    }
    first = (tmp_path / "site" / "index.html").read_text("utf-8")

    assert (done.returncode, done.stderr) == (0, "")
    assert {page.with_suffix(".html") for page in pages} - built == {Path("index.html")}
    assert "Point it at your org" in first
    assert "_images/position.png" in first


def test_what_leads_nowhere_is_an_error(repository: Path, tmp_path: Path) -> None:
    """A dead link, to a page, a heading or a file, and a page that nothing leads to, are named."""
    for page, text in (
        ("docs/operations.md", "[a page](nowhere.md), [a heading](settings.md#no-such-heading)"),
        ("README.md", "[a file](docs/nothing.py)"),
        ("docs/forgotten.md", "# A page that the index does not name"),
    ):
        with (repository / page).open("a", encoding="utf-8") as sink:
            sink.write(f"\n{text}\n")
    done = build(repository, tmp_path / "site")

    assert done.returncode != 0
    for complaint in ("nowhere.md", "no-such-heading", "docs/nothing.py", "forgotten.md"):
        assert complaint in done.stderr
