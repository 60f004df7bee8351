"""
What entries are about, by their own words: attributes, states before and after, names. May import its
neighbors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.chains import UNKNOWN
from license_ledger.history.mentions import Span, by_sentence, longest, runs
from license_ledger.history.suspects import SECOND, Wanted
from license_ledger.history.vocabulary import FIXED, Vocabulary
from license_ledger.history.wording import LAYERS, RECORD
from license_ledger.transform.landed import flags, whole

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_TEXT = pa.string()
_NAMED = ("profile", "role")


class Reading:
    """
    The entries, with the names that occur in sentences of unknown wording.

    Args:
        entries: rows of ``ENTRIES_SCHEMA``.
        vocabulary: of the org.
    """

    def __init__(self, entries: pa.Table, vocabulary: Vocabulary) -> None:
        self.entries, self.vocabulary = entries, vocabulary
        self.at: Ints = entries["at"].to_numpy()
        self.kinds: list[str] = entries["attribute"].to_pylist()
        self.is_record: Mask = _isin(entries["attribute"], sorted(RECORD))
        self.names_user: Mask = flags(whole(entries["names_user"]))
        untold = flags(whole(entries["who"].is_null())) & ~flags(whole(entries["is_english"]))
        foreign = untold & self.names_user
        self.foreign: Ints = np.flatnonzero(foreign)
        sentences = whole(entries["display"]).take(pa.array(self.foreign)).dictionary_encode()
        self._sentence: Ints = sentences.indices.to_numpy().astype(np.int64)
        self._spans: list[Span] = runs(sentences.dictionary.to_pylist())
        self.mentioned: dict[int, list[str]] = {}
        self._naming: dict[int, list[str]] = {}

    def wanted(self) -> Wanted:
        """Whom to look for among the users."""
        told = whole(self.entries["who"]).drop_null()
        spans = pa.array(sorted({span.text for span in self._spans}), _TEXT)
        return Wanted(
            names=pc.unique(pa.concat_arrays([told, spans])),
            ids15=pc.unique(whole(self.entries["user_id15"]).drop_null()),
            seconds=np.unique(self.at[self.is_record] // SECOND),
        )

    def learn_names(self, known: set[str]) -> None:
        """Say which of the wanted names users bear; settles what sentences of unknown wording mention."""
        words = {word for names in self.vocabulary.names.values() for word in names}
        found = by_sentence(longest(span for span in self._spans if span.text in known or span.text in words))
        for entry, sentence in zip(self.foreign.tolist(), self._sentence.tolist(), strict=True):
            if sentence in found:
                self.mentioned[entry] = list(found[sentence])
                self._naming[entry] = [text for text in found[sentence] if text in known]
        self._spans = []

    def nameless(self) -> Mask:
        """
        Entries about frozen logins in a wording that is not known to name anybody.

        A sentence that differs from another of its kind only in the name names somebody as well, and if
        nobody bears that name, somebody who has been renamed since. Of any other sentence nothing is known.
        """
        display, turns = self.entries["display"].to_pylist(), self.entries["turns"].to_pylist()
        frozen = [entry for entry in self.foreign.tolist() if self.kinds[entry] == "frozen"]
        frames = {
            (turns[entry], *_frame(display[entry], name))
            for entry in frozen
            for name in self._naming.get(entry, ())
        }
        result: Mask = np.zeros(len(self.kinds), np.bool_)
        result[[entry for entry in frozen if not _fits(display[entry], turns[entry], frames)]] = True
        return result

    def attributes(self, learned: Mapping[tuple[str, str], int]) -> list[list[int]]:
        """
        Per entry the attributes it may be about; empty where the sentence does not tell.

        Args:
            learned: attribute by layer and label, for labels that are no names of licenses.
        """
        columns = (
            self.entries[name].to_pylist() for name in ("attribute", "feature", "license", "license_id15")
        )
        paired = self._paired()
        known: dict[tuple[str, str, str | None, str | None], list[int]] = {}
        result = []
        for entry, (kind, word, label, id15) in enumerate(zip(*columns, strict=True)):
            key = (kind, word, label, id15 or paired.get(entry))
            if key[3] is None and kind in LAYERS and entry in self.mentioned:
                texts = self.mentioned[entry]
                result.append(
                    [a for text in texts for a in self._attributes_of((kind, "", text, None), learned)]
                )
                continue
            if key not in known:
                known[key] = self._attributes_of(key, learned)
            result.append(known[key])
        return result

    def _attributes_of(
        self, key: tuple[str, str, str | None, str | None], learned: Mapping[tuple[str, str], int]
    ) -> list[int]:
        kind, word, label, id15 = key
        if kind in FIXED:
            return [FIXED.index(kind)]
        if kind == "feature":
            return self.vocabulary.features_of(word, label)
        found = self.vocabulary.licenses_of(kind, label, id15)
        return found or ([learned[kind, label]] if label and (kind, label) in learned else [])

    def _paired(self) -> dict[int, str]:
        """
        License ids for package entries that tell none.

        Salesforce writes two entries for one grant: one names the user, the other, in the same second, the
        package.
        """
        ids, turns = self.entries["license_id15"].to_pylist(), self.entries["turns"].to_pylist()
        there: dict[tuple[int, int], set[str]] = {}
        for entry in np.flatnonzero(~self.names_user).tolist():
            if ids[entry]:
                there.setdefault((int(self.at[entry]) // SECOND, turns[entry]), set()).add(ids[entry])
        found = {}
        for entry, kind in enumerate(self.kinds if there else ()):
            names = there.get((int(self.at[entry]) // SECOND, turns[entry]), set())
            if kind == "package" and not ids[entry] and len(names) == 1:
                found[entry] = next(iter(names))
        return found

    def states(self, column: str) -> Ints:
        """
        Per entry the state ``before`` or ``after`` it, UNKNOWN where it is not told.

        Args:
            column: which of the two.
        """
        turns: Ints = whole(self.entries["turns"]).to_numpy().astype(np.int64)
        states = np.where(turns == UNKNOWN, UNKNOWN, turns if column == "after" else 1 - turns)
        texts = whole(self.entries[column]).dictionary_encode()
        codes = texts.indices.fill_null(-1).to_numpy()
        for kind in _NAMED:
            found = [self.vocabulary.states_of(kind, text) for text in texts.dictionary.to_pylist()]
            numbers = np.array(
                [each[0] if len(each) == 1 else UNKNOWN for each in found] + [UNKNOWN], np.int64
            )
            mine = np.array([each == kind for each in self.kinds], np.bool_)
            states[mine] = numbers[codes[mine]]
        return states

    def moves(self, rows: Ints) -> Ints:
        """
        Triples of entry, state before and state after.

        Args:
            rows: entries.

        Returns:
            One triple per entry; two where a sentence of unknown wording mentions two profiles or roles,
            since it may be either way.
        """
        triples = np.column_stack([rows, self.states("before")[rows], self.states("after")[rows]])
        found = []
        for place, entry in enumerate(rows.tolist()):
            if entry in self.mentioned and self.kinds[entry] in _NAMED:
                states = [
                    state
                    for text in self.mentioned[entry]
                    for state in self.vocabulary.states_of(self.kinds[entry], text)
                ]
                if len(states) == 2:
                    triples[place, 1:] = states
                    found.append((entry, states[1], states[0]))
        return np.concatenate([triples, np.array(found, np.int64).reshape(-1, 3)])


def _frame(sentence: str, name: str) -> tuple[str, str]:
    """What stands before and after a name."""
    before, _, after = sentence.partition(name)
    return before, after


def _fits(sentence: str, turns: int, frames: set[tuple[int, str, str]]) -> bool:
    return any(
        turn == turns
        and before + after
        and len(sentence) > len(before) + len(after)
        and sentence.startswith(before)
        and sentence.endswith(after)
        for turn, before, after in frames
    )


def _isin(column: pa.ChunkedArray, words: Sequence[str]) -> Mask:
    return flags(whole(pc.is_in(column, value_set=pa.array(words, _TEXT))))
