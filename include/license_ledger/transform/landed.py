"""
Landed fields as single arrays. May import errors only.

Landing columns carry Salesforce's API names. A field that the org does not offer is an all-null column, or is
not there at all; both read the same here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.errors import CorruptAnswer, SchemaDrift

Flags = npt.NDArray[np.bool_]

CERTAINTY = "LedgerCertainty"
"""Column of reconstructed objects: how sure the row is. Extracted objects have none and are sure."""

LOGIN_KNOWN = "LedgerLoginKnown"
"""Column of reconstructed users: whether ``LastLoginDate`` is what it was, null meaning never."""

EMAIL_KNOWN = "LedgerEmailKnown"
"""
Column of reconstructed users: whether ``Email`` is what it was. Where it is not known, the company filter
judges the user by the address of today, and neither it nor its domain is published.
"""

FROZEN_KNOWN = "LedgerFrozenKnown"
"""Column of reconstructed users: whether it is known if their login was blocked."""

USED_AS_OF = "LedgerUsedAsOf"
"""Column of reconstructed licenses and metrics: when their counter was taken."""

DOUBTS = "LedgerDoubt"
"""
Landed with a reconstruction: ``license_layer, license_id, certainty`` of every license that is not sure,
whoever holds it: somebody may have held it then of whom nothing tells today.
"""


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """One array of a column, without a copy when it is in one piece already."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def field(landed: pa.Table | pa.RecordBatch, name: str, kind: pa.DataType) -> pa.Array:
    """
    Read one landed field.

    Args:
        landed: rows of one object.
        name: API name of the field.
        kind: the type it is wanted in.

    Returns:
        As many values as there are rows; all null when the org does not offer the field.
    """
    if name not in landed.schema.names:
        return pa.nulls(landed.num_rows, kind)
    column = whole(landed.column(name))
    return column if column.type == kind else column.cast(kind)


def filled(landed: pa.Table | pa.RecordBatch, object_name: str, name: str, kind: pa.DataType) -> pa.Array:
    """
    Read one landed field that has a value in every row.

    Raises:
        SchemaDrift: the field is not there.
        CorruptAnswer: rows without a value.
    """
    require(landed, object_name, (name,))
    column = field(landed, name, kind)
    if column.null_count:
        raise CorruptAnswer(
            f"field {object_name}.{name}",
            f"{column.null_count} of {len(column)} rows have no value",
            "extract the object again",
        )
    return column


def require(landed: pa.Table | pa.RecordBatch, object_name: str, names: Sequence[str]) -> None:
    """
    Make sure that fields the ledger cannot do without were landed.

    Raises:
        SchemaDrift: naming the first one that is missing.
    """
    for name in names:
        if name not in landed.schema.names:
            raise SchemaDrift(
                f"field {object_name}.{name}",
                "was not landed",
                "let the integration user read it, see the capability report",
            )


def flags(column: pa.Array) -> Flags:
    """Truth values of a boolean array; null counts as false."""
    result: Flags = column.fill_null(False).to_numpy(zero_copy_only=False)
    return result


def coded(codes: npt.NDArray[Any], words: Sequence[str], is_known: Flags | None = None) -> pa.DictionaryArray:
    """
    Words by their position in a closed vocabulary.

    Args:
        codes: positions in ``words``, all valid where they are known.
        words: the vocabulary, at most 127 words.
        is_known: where there is a word at all, else null; everywhere when None.

    Returns:
        A dictionary array with the vocabulary as it is, so that arrays of different batches share it.
    """
    unknown = None if is_known is None else ~is_known
    indices = pa.array(codes.astype(np.int8, copy=False), mask=unknown)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words))


def spelled(codes: npt.NDArray[Any], words: Sequence[str]) -> pa.Array:
    """The same as plain strings."""
    return pa.array(words, pa.string()).take(pa.array(codes))
