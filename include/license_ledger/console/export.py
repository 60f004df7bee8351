"""
Lists as CSV for people, in the vocabulary of license management, safe to open in a spreadsheet.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-``, ``@`` or a control character for a formula;
where characters are full-width their full-width forms too, and some programs pass over white space and
invisible characters before them. Such a text gets an apostrophe in front, which spreadsheets show as text.
Numbers are left as they are.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from license_ledger.console.pages.lists import NUMBERS, TITLES, Shown, cell
from license_ledger.questions import Session

# What a program may pass over before the sign: white space, controls, and invisible characters of format.
_PASSED_OVER = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_SIGNS = frozenset("=+-@\u2212")
_CONTROLS = frozenset("\t\r\n")
HIDDEN = "hidden"
"""What stands for a value that the viewer may not see."""


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    if text[:1].isalnum() and text[:1].isascii():
        return text
    # Compatibility forms (full-width, small, superscript) count as the sign they stand for.
    for character in unicodedata.normalize("NFKC", text):
        if character in _SIGNS or character in _CONTROLS:
            return f"'{text}"
        if unicodedata.category(character) not in _PASSED_OVER:
            break
    return text


def lines(listed: Shown, session: Session, about: Sequence[tuple[str, str]] = ()) -> Iterator[str]:
    """
    The whole list, piece by piece.

    Args:
        listed: the list, its filters and order.
        session: to ask; it stays open until the last piece is taken.
        about: columns that say the same in every row, such as the org and the day.
    """
    head = [title for title, _ in about] + [TITLES[column] for column in listed.columns]
    same = [harmless(value) for _, value in about]
    yield "\ufeff" + _written([head])
    for piece in listed.stream(session):
        yield _written(
            same + [_cell(listed, c, v) for c, v in zip(listed.columns, row, strict=True)] for row in piece
        )


def _cell(listed: Shown, column: str, value: object) -> str:
    if listed.is_hidden(column):
        return HIDDEN
    text = cell(column, value)
    return text if column in NUMBERS else harmless(text)


def _written(rows: Iterable[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()
