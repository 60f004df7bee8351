"""Whether what a contender wrote is what the org holds, cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_TRUE = {"true", "True", "1", "t"}
_FALSE = {"false", "False", "0", "f"}


@dataclass
class Verdict:
    """
    What was found.

    Attributes:
        rows: that arrived.
        missing_rows: ids that did not arrive.
        surplus_rows: rows that are doubles, or that nobody has.
        short_ids: ids that have not 18 characters.
        missing_columns: fields of which there is no column.
        untyped_columns: moments and flags that are kept as text.
        wrong: cells whose value differs, by kind: ``text``, ``moment``, ``flag``.
        lost_nulls: cells that are null in the org and have a value here.
        made_nulls: cells that have a value in the org and are null here.
        columns: which columns these cells are in.
    """

    rows: int = 0
    missing_rows: int = 0
    surplus_rows: int = 0
    short_ids: int = 0
    missing_columns: list[str] = field(default_factory=list)
    untyped_columns: list[str] = field(default_factory=list)
    wrong: dict[str, int] = field(default_factory=dict)
    lost_nulls: int = 0
    made_nulls: int = 0
    columns: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        """Whether every value arrived as it is; its type is another question."""
        return not (
            self.missing_rows
            or self.surplus_rows
            or self.short_ids
            or self.missing_columns
            or any(self.wrong.values())
            or self.lost_nulls
            or self.made_nulls
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the record."""
        return {**asdict(self), "is_right": self.is_right}


def judge(found: pa.Table, truth: pa.Table, kinds: dict[str, str]) -> Verdict:
    """
    Compare an output with the org.

    Args:
        found: as the contender wrote it; names may differ in case and in underscores.
        truth: the org's users, under Salesforce's names, moments in UTC; empty texts are nulls, as they are
            in every answer of Salesforce.
        kinds: ``boolean``, ``datetime`` or anything for text, by field.
    """
    verdict = Verdict(rows=found.num_rows)
    found = _renamed(found, list(kinds))
    verdict.missing_columns = [name for name in kinds if name not in found.column_names]
    if "Id" in verdict.missing_columns:
        verdict.missing_rows = truth.num_rows
        return verdict
    ids = found["Id"].cast(pa.string())
    verdict.short_ids = found.num_rows - int(pc.sum(pc.equal(pc.utf8_length(ids), 18)).as_py() or 0)
    places = pc.index_in(truth["Id"], value_set=pc.unique(ids))
    verdict.missing_rows = places.null_count
    verdict.surplus_rows = found.num_rows - (truth.num_rows - places.null_count)
    rows = pc.index_in(truth["Id"], value_set=ids.combine_chunks())
    there = pc.is_valid(rows)
    expected, rows = truth.filter(there), rows.filter(there).combine_chunks()
    for name, kind in kinds.items():
        if name in found.column_names:
            _compare(verdict, name, kind, found[name].take(rows), expected[name])
    return verdict


def _compare(verdict: Verdict, name: str, kind: str, found: pa.ChunkedArray, truth: pa.ChunkedArray) -> None:
    word, typed, spelled = _KINDS.get(kind, ("text", None, _text))
    if typed is not None and not typed(found.type):
        verdict.untyped_columns.append(name)
    values, wanted = spelled(found), spelled(truth)
    given, held = pc.is_valid(found), pc.is_valid(truth)
    lost = _count(pc.and_(given, pc.invert(held)))
    made = _count(pc.and_(pc.invert(given), held))
    both = pc.and_(given, held)
    wrong = _count(pc.and_(both, pc.invert(pc.fill_null(pc.equal(values, wanted), False))))
    verdict.lost_nulls += lost
    verdict.made_nulls += made
    verdict.wrong[word] = verdict.wrong.get(word, 0) + wrong
    if lost or made or wrong:
        verdict.columns.append(name)


def _count(flags: pa.ChunkedArray) -> int:
    return int(pc.sum(flags).as_py() or 0)


def _renamed(table: pa.Table, names: list[str]) -> pa.Table:
    known = {name.lower(): name for name in names}
    return table.rename_columns(
        [known.get(name.replace("_", "").lower(), name) for name in table.column_names]
    )


def _text(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    return values.cast(pa.string())


def _flag(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(values.type):
        return values
    texts = values.cast(pa.string())
    yes = pc.is_in(texts, value_set=pa.array(sorted(_TRUE)))
    no = pc.is_in(texts, value_set=pa.array(sorted(_FALSE)))
    return pc.if_else(yes, True, pc.if_else(no, False, pa.scalar(None, pa.bool_())))


def _moment(values: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = pa.timestamp("ms", "UTC")
    if pa.types.is_timestamp(values.type):
        return values.cast(kind, safe=False)
    if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
        return pa.chunked_array([pa.nulls(len(values), kind)])
    # Salesforce's own +0000, and what others make of it.
    texts = pc.replace_substring_regex(values.cast(pa.string()), r"(\+0000|\+00:00|Z)$", "")
    texts = pc.replace_substring(texts, "T", " ")
    shaped = pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?$")
    sound = pc.if_else(shaped, texts, pa.scalar(None, pa.string()))
    return sound.cast(pa.timestamp("us")).cast(pa.timestamp("ms"), safe=False).cast(kind)


_KINDS: dict[
    str,
    tuple[str, Callable[[pa.DataType], bool] | None, Callable[[pa.ChunkedArray], pa.ChunkedArray]],
] = {
    "boolean": ("flag", pa.types.is_boolean, _flag),
    "datetime": ("moment", pa.types.is_timestamp, _moment),
}
