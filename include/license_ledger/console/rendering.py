"""From what a page shows to HTML: one environment of templates, in which everything is escaped."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from license_ledger.console import wording
from license_ledger.console.pages.lists import NUMBERS, TITLES, cell
from license_ledger.console.static import ASSETS

NOTHING = "\N{EN DASH}"
"""Stands for a value that does not apply or was not told, which is not zero."""


def number(value: object) -> str:
    """A number with thousands apart; a dash when there is none."""
    return NOTHING if value is None else f"{value:,}"


def signed(value: object) -> str:
    """A number with its sign."""
    return NOTHING if value is None else f"{value:+,}" if value else "0"


def percent(value: object) -> str:
    """A share."""
    return NOTHING if value is None else f"{value:,.1f} %"


def when(value: object) -> str:
    """A day or a moment, UTC."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else NOTHING


@cache
def environment() -> Environment:
    """The templates, with what all of them use."""
    made = Environment(
        loader=PackageLoader("license_ledger.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(number=number, signed=signed, percent=percent, when=when)
    made.globals.update(w=wording, cell=cell, TITLES=TITLES, NUMBERS=NUMBERS, ASSETS=ASSETS)
    return made


def page(template: str, **values: Any) -> str:
    """A page as HTML."""
    return environment().get_template(template).render(**values)
