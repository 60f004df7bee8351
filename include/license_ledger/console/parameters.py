"""
What a request asks for, taken with suspicion: every parameter is looked at once, here.

A parameter that means nothing is refused by name; what it held is only ever shown escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date

_ORG_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_LICENSE = re.compile(r"([a-z_]{1,20}):([0-9A-Za-z_.:-]{1,100})")
LONGEST = 200
"""Characters that a text has at most."""
LAST_PAGE = 20_000


class Refused(Exception):
    """
    A request that cannot be answered.

    Args:
        status: 400 when it makes no sense, 404 when there is no such thing.
        title: in a few words.
        text: what is wrong and what would be right.
    """

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


class Parameters:
    """
    The query parameters of a request.

    Args:
        values: by name; the last one counts where a name is repeated.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str) -> str | None:
        """A short text without control characters; None when it is not given or blank."""
        value = self._values.get(name, "").strip()
        if len(value) > LONGEST or any(not character.isprintable() for character in value):
            raise self._bad(name, f"takes a text of up to {LONGEST} printable characters")
        return value or None

    def one_of(self, name: str, choices: Iterable[str]) -> str | None:
        """One of some words; None when it is not given."""
        value = self.text(name)
        if value is not None and value not in (known := list(choices)):
            raise self._bad(name, f"is one of: {', '.join(known)}")
        return value

    def number(self, name: str, default: int, highest: int) -> int:
        """A whole number from 1."""
        value = self.text(name)
        if value is None:
            return default
        if not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII) or not 1 <= int(value) <= highest:
            raise self._bad(name, f"is a whole number from 1 to {highest}")
        return int(value)

    def day(self, name: str) -> date | None:
        """A day as YYYY-MM-DD; None when it is not given."""
        value = self.text(name)
        if value is None:
            return None
        try:
            if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
                raise ValueError
            return date.fromisoformat(value)
        except ValueError:
            raise self._bad(name, "is a day, written as YYYY-MM-DD") from None

    def org(self, name: str = "org") -> str | None:
        """The Salesforce id of an org; None when it is not given."""
        value = self.text(name)
        if value is not None and not _ORG_ID.fullmatch(value):
            raise self._bad(name, "is the id of an org, 18 letters and digits")
        return value

    def license(self, name: str = "license") -> tuple[str, str] | None:
        """Layer and id of a license, written ``layer:id``; None when it is not given."""
        value = self.text(name)
        if value is None:
            return None
        found = _LICENSE.fullmatch(value)
        if not found:
            raise self._bad(name, "is the layer and the id of a license, with a colon between them")
        return found[1], found[2]

    @staticmethod
    def _bad(name: str, rule: str) -> Refused:
        return Refused(400, "This address cannot be read", f"The parameter {name} {rule}.")
