"""docs/load/<dialect>/*.sql, as `license-ledger statements` writes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from license_ledger.warehouse.elsewhere.dialects import DIALECTS, dialect
from license_ledger.warehouse.elsewhere.files import NAMES, files


def load_pages() -> dict[str, Callable[[], str]]:
    """The files by path; nothing is translated until one is asked for."""
    return {
        f"docs/load/{to.name}/{name}": partial(_page, to.name, name)
        for to in DIALECTS
        for name in NAMES
        if not (to.is_external and name == "02_load_day.sql")
    }


def _page(dialect_name: str, name: str) -> str:
    return _files(dialect_name)[name]


@cache
def _files(dialect_name: str) -> dict[str, str]:
    return files(dialect(dialect_name))
