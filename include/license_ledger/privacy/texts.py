"""
People named in free text: set-up changes, and the small JSON files of a run. May import its package and the
rules.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.privacy.files import Group
from license_ledger.privacy.person import Person, pattern
from license_ledger.privacy.rules import NOWHERE, OWNED, is_reference

UNKNOWN = "(erased)"
"""Takes the place of a name that somebody else has too, so that nobody can be told by it any more."""

_TWICE = 2
"""Two values next to each other share the character between them; the second is found the second time."""
_TEXT = pa.string()


@dataclass
class Wording:
    """
    What is written instead of a person's values.

    Attributes:
        person: with every value that is known.
        tombstone: the id that takes the person's place.
        ambiguous: values that other people have as well.
    """

    person: Person
    tombstone: str
    ambiguous: frozenset[str] = frozenset()

    @cached_property
    def _quick(self) -> str:
        person = self.person
        return f"(?i){pattern([*person.short_ids, *person.wanted], bounded=False)}"

    def may_be_in(self, content: bytes) -> bool:
        """Whether any value is anywhere in the content, if only as a part of something else."""
        return bool(pc.match_substring_regex(pa.array([content], pa.large_binary()), self._quick)[0].as_py())

    @cached_property
    def replacements(self) -> list[tuple[str, str]]:
        """Patterns with a group before and one behind, and what comes between them."""
        names, addresses, unclear = [], [], []
        for value in self.person.wanted:
            if value in self.ambiguous:
                unclear.append(value)
            elif "@" in value:
                addresses.append(value)
            else:
                names.append(value)
        found = [(pattern(self.person.short_ids, bounded=False, grouped=True, checksum=True), self.tombstone)]
        for values, word in (
            (addresses, f"{self.tombstone}@{NOWHERE}"),
            (names, self.tombstone),
            (unclear, UNKNOWN),
        ):
            if values:
                found.append((f"(?i){pattern(values, grouped=True)}", word))
        return found

    def replaced(self, texts: pa.Array) -> pa.Array:
        """The texts with every value replaced; the same array when there is none."""
        result = texts
        for found, word in self.replacements:
            for _ in range(_TWICE):
                if not pc.any(pc.match_substring_regex(result, found)).as_py():
                    break
                result = pc.replace_substring_regex(result, found, rf"\1{word}\2")
        return result


def mentions(kind: str, group: Group, wording: Wording) -> dict[str, pa.Array]:
    """
    Replace a person's values in the free texts of a landed object that has no rows of the person's own.

    Args:
        kind: API name of the object.
        group: a row group of it.
        wording: what is written instead.

    Returns:
        The columns that change, whole.
    """
    if kind in OWNED:
        return {}
    changed = {}
    for each in group.schema:
        if each.type == _TEXT and not is_reference(each.name):
            texts = group.column(each.name)
            coded = texts.dictionary_encode()
            words = wording.replaced(coded.dictionary)
            if not words.equals(coded.dictionary):
                changed[each.name] = words.take(coded.indices)
    return changed


def names_of_others(names: Collection[str], column: pa.Array, own: pa.Array) -> set[str]:
    """Which of the names somebody else has, too."""
    others = column.filter(pc.invert(own))
    found = others.filter(pc.is_in(others, value_set=pa.array(sorted(names), _TEXT)))
    return {str(name) for name in found.unique().to_pylist()}


def replaced_text(content: bytes, wording: Wording) -> bytes:
    """The text of a JSON file with every value replaced."""
    if not wording.may_be_in(content):
        return content
    texts = pa.array([content.decode()])
    return str(wording.replaced(texts)[0].as_py()).encode()
