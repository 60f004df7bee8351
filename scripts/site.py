"""
Build the documentation as a site: `make site` writes it into var/site.

The pages are those of the repository, README first; `docs/index.md` says what there is and in which order.
A dead link, to a page or to a heading, is an error, and so is a page that the index does not name.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")
"""Of the repository's first level, where they exist; the first one becomes the site's first page."""
INDEX = Path("docs", "index.md")
DECISIONS = Path("docs", "decisions")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)


def main() -> int:
    """Build it. Returns the exit status of Sphinx."""
    parser = argparse.ArgumentParser(prog="make site", description="Build the documentation as a site.")
    parser.add_argument("--output", type=Path, default=HERE / "var" / "site", help="default: var/site")
    parser.add_argument("--root", type=Path, default=HERE, help="of the repository; default: this one")
    options = parser.parse_args()
    output = options.output.resolve()
    with tempfile.TemporaryDirectory(prefix="ledger-site-") as directory:
        source = Path(directory)
        Source(options.root.resolve(), source).lay_out()
        shutil.rmtree(output, ignore_errors=True)
        strict = ("-W", "--keep-going", "-q", "-b", "html", "-c", str(HERE / "docs" / "site"))
        status = subprocess.call([sys.executable, "-m", "sphinx", *strict, str(source), str(output)])
    if not status:
        print(output / "index.html")
    return status


@dataclass(frozen=True)
class Source:
    """
    What the site is built from.

    Attributes:
        root: of the repository.
        folder: receives the pages, and the files they lead to.
    """

    root: Path
    folder: Path

    def lay_out(self) -> None:
        """Copy the pages, with a first page that begins as the README does and names all others."""
        shutil.copytree(self.root / "docs", self.folder / "docs", ignore=shutil.ignore_patterns("site"))
        names = [name for name in PAGES if (self.root / name).exists()]
        for name in names:
            shutil.copy(self.root / name, self.folder / name)
        index = (self.folder / INDEX).read_text("utf-8")
        (self.folder / INDEX).unlink()
        for page in list(self.folder.rglob("*.md")):
            self._lead(page)
        readme, *others = names
        first = self.folder / readme
        contents = "\n".join([*self._contents(index), *_table("Project", map(Path, others))])
        (self.folder / "index.md").write_text(f"{first.read_text('utf-8')}\n{contents}", "utf-8")
        first.unlink()

    def _contents(self, index: str) -> Iterator[str]:
        """The tables of contents that Sphinx wants, one per section of the index."""
        parts = _SECTION.split(index)
        for caption, text in zip(parts[1::2], parts[2::2], strict=True):
            pages = [Path("docs", target.partition("#")[0]) for _, target in _LINK.findall(text)]
            yield from _table(caption, [page for page in pages if page.parent != DECISIONS])
        decisions = sorted((self.folder / DECISIONS).glob("*.md"))
        yield from _table("Decisions", [path.relative_to(self.folder) for path in decisions])

    def _lead(self, page: Path) -> None:
        """Make the links of a page such as the site can follow."""
        up = "../" * (len(page.relative_to(self.folder).parts) - 1)

        def led(link: re.Match[str]) -> str:
            words, target = link[1], link[2].partition("#")[0]
            if target in (f"{up}{PAGES[0]}", f"{up}{INDEX}", INDEX.name):
                return f"[{words}]({up}index.md)"
            if not target or "://" in target or target.endswith(".md"):
                return link[0]
            return self._brought(link[0], words, (page.parent / target).resolve())

        page.write_text(_LINK.sub(led, page.read_text("utf-8")), "utf-8")

    def _brought(self, link: str, words: str, place: Path) -> str:
        """Files of the repository come along; a folder is named and not linked."""
        original = self.root / place.relative_to(self.folder.resolve())
        if original.is_dir():
            return words
        if original.exists() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(original, place)
        return link


def _table(caption: str, pages: Iterator[Path] | list[Path]) -> Iterator[str]:
    yield f"```{{toctree}}\n:hidden:\n:caption: {caption}\n"
    yield from dict.fromkeys(page.with_suffix("").as_posix() for page in pages)
    yield "```\n"


if __name__ == "__main__":
    sys.exit(main())
