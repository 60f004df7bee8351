"""
Names that occur in a sentence of an unknown wording. Pure; may import nothing of the package.

A sentence is cut into words, and every run of words may be somebody's name; in scripts without blanks every
character counts as a word. Which runs are names is found by looking all of them up among the org's names at
once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

MOST_WORDS = 7
"""Longest name, in words."""
MOST_CHARACTERS = 16
"""Longest name in a script without blanks, in characters."""

_UNSPACED = r"\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}](?:[^\s\"“”„«»()\[\]:;,!?{_UNSPACED}]*[^\W{_UNSPACED}])?")
_SINGLE = re.compile(rf"[{_UNSPACED}]")


class Span(NamedTuple):
    """
    A piece of a sentence.

    Attributes:
        sentence: position of the sentence.
        start: first character.
        end: one past the last character.
        text: the characters between.
    """

    sentence: int
    start: int
    end: int
    text: str


def runs(sentences: Sequence[str]) -> list[Span]:
    """
    Cut sentences into everything that might be a name.

    Args:
        sentences: distinct sentences; the work grows with their words.

    Returns:
        The runs of up to :data:`MOST_WORDS` words of each sentence, a trailing full stop also taken off.
    """
    found = []
    for number, sentence in enumerate(sentences):
        words = [match.span() for match in _WORD.finditer(sentence)]
        for first, (start, _) in enumerate(words):
            most = MOST_CHARACTERS if _SINGLE.match(sentence, start) else MOST_WORDS
            for _, end in words[first : first + most]:
                found.append(Span(number, start, end, sentence[start:end]))
    return found


def longest(spans: Iterable[Span]) -> list[Span]:
    """
    Leave out what is only a part of a longer name in the same sentence.

    Args:
        spans: runs that are names of something.

    Returns:
        Those that lie inside no other of them, by sentence and place.
    """
    kept: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.sentence, each.start, -each.end)):
        if not kept or kept[-1].sentence != span.sentence or span.end > kept[-1].end:
            kept.append(span)
    return kept


def by_sentence(spans: Iterable[Span]) -> Mapping[int, list[str]]:
    """The texts of spans per sentence, each once, in their order."""
    found: dict[int, list[str]] = {}
    for span in spans:
        texts = found.setdefault(span.sentence, [])
        if span.text not in texts:
            texts.append(span.text)
    return found
