"""ORDER BY: text without regard to case, nulls where the query wants them."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from demo_org.soql.ast import Ordering


def sort_order(keys: list[tuple[pa.Array, Ordering, bool]]) -> pa.Array:
    """
    Sort by several keys.

    Args:
        keys: values, direction, and whether their case does not matter (it does for ids); most significant
            first, all of the same length.

    Returns:
        Positions in sorted order. The sort is stable.
    """
    columns: dict[str, pa.Array] = {}
    directions: list[tuple[str, str]] = []
    for number, (values, ordering, folds) in enumerate(keys):
        folded = pc.utf8_lower(values) if folds else values
        if pa.types.is_boolean(folded.type):
            folded = folded.cast(pa.int8())
        # Whether nulls come first is a key of its own, because Arrow places them alike for all keys.
        empty = pc.is_null(folded).cast(pa.int8())
        columns[f"empty{number}"], columns[f"key{number}"] = empty, folded
        directions.append((f"empty{number}", "descending" if ordering.nulls_first else "ascending"))
        directions.append((f"key{number}", "descending" if ordering.descending else "ascending"))
    return pc.sort_indices(pa.table(columns), sort_keys=directions)
