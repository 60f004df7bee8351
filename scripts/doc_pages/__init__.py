"""
Pages of documentation that are written from code.

Each module makes one page. To add one, write a module with a function that returns the page's text, and name
it in :func:`pages`; `make docs` writes it and `make check` holds it to its source from then on.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable

NOTE = "<!-- Written by `make docs`. Change its source, not this file. -->"


def prose(text: str, indent: str = "") -> list[str]:
    """A paragraph, as lines and an empty one; with an indent, an item of a list without the empty one."""
    lines = textwrap.wrap(text, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return lines if indent else [*lines, ""]


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table, as lines."""
    titles = list(head)
    return [_row(titles), _row(["---"] * len(titles)), *map(_row, rows)]


def pages() -> dict[str, Callable[[], str]]:
    """The pages by path. Imported late, so that a page whose source does not import hides no other."""
    from dag_docs import dags_markdown
    from doc_pages.errors import errors_page
    from doc_pages.faults import faults_page
    from doc_pages.load import load_pages
    from doc_pages.observability import observability_page
    from doc_pages.performance import performance_pages
    from doc_pages.settings import settings_page
    from doc_pages.tables import tables_page

    return {
        "docs/tables.md": tables_page,
        "docs/settings.md": settings_page,
        "docs/errors.md": errors_page,
        "docs/faults.md": faults_page,
        "docs/observability.md": observability_page,
        "docs/dags.md": dags_markdown,
        **load_pages(),
        **performance_pages(),
    }


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
