"""Cuts a query into tokens. Every token knows its offset, for the caret in error texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from demo_org.errors import malformed

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<operator><=|>=|!=|<>|[=<>(),.:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """
    A piece of a query.

    Attributes:
        kind: ``name``, ``string``, ``number``, ``date``, ``datetime``, ``operator`` or ``end``.
        text: as typed; of a string, the text between the quotes with its escapes.
        position: offset in the query.
    """

    kind: str
    text: str
    position: int

    @property
    def word(self) -> str:
        """The text in upper case if this is a name, else nothing."""
        return self.text.upper() if self.kind == "name" else ""


def tokenize(query: str) -> list[Token]:
    """
    Cut a query into tokens.

    Args:
        query: SOQL.

    Returns:
        The tokens, the last one of kind ``end``.

    Raises:
        ApiError: ``MALFORMED_QUERY`` at the first character that starts no token.
    """
    tokens = []
    position = 0
    while position < len(query):
        match = _PATTERN.match(query, position)
        if match is None:
            raise _unreadable(query, position)
        kind = str(match.lastgroup)
        if kind == "string":
            tokens.append(Token(kind, match.group()[1:-1], position))
        elif kind != "space":
            tokens.append(Token(kind, match.group(), position))
        position = match.end()
    tokens.append(Token("end", "<EOF>", len(query)))
    return tokens


def unescape(raw: str) -> str:
    r"""
    Resolve the escapes of a string literal.

    Args:
        raw: the text between the quotes.

    Returns:
        The value that it stands for; ``\\%`` and ``\\_`` are the bare characters.
    """
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1].lower(), found[1]), raw, flags=re.DOTALL)


def like_pattern(raw: str) -> str:
    """
    Resolve the escapes of a LIKE pattern, except those of its two wildcards.

    Args:
        raw: the text between the quotes.

    Returns:
        A pattern in which ``%`` and ``_`` are wildcards and a backslash protects them.
    """

    def resolve(found: re.Match[str]) -> str:
        char = found[1]
        return found[0] if char in "%_\\" else _ESCAPES.get(char.lower(), char)

    return re.sub(r"\\(.)", resolve, raw, flags=re.DOTALL)


def _unreadable(query: str, position: int) -> Exception:
    if query[position] == "'":
        return malformed(query, position, "line 1:0 mismatched character '<EOF>' expecting '''")
    return malformed(query, position, f"unexpected token: '{query[position]}'")
