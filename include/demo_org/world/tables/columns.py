"""What every table is made of: a number of rows, and one function for each stored column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from demo_org.world.draws import Ints

MOMENT = pa.timestamp("ms", "UTC")
SLICE = 500_000
"""Rows made at a time, so that what a column is made from stays small."""

Maker = Callable[[Ints], pa.Array]


@dataclass(frozen=True)
class Source:
    """
    The rows of one object at one moment, before any column is made.

    Attributes:
        keys: Whatever the makers need to know of each row (a position, a row of people), in id order.
        makers: Column name to the function which makes it for some of the keys.
    """

    keys: Ints
    makers: Mapping[str, Maker]

    def column(self, name: str) -> pa.ChunkedArray:
        """Make one column, slice by slice. Raises KeyError for a column which is not stored."""
        make = self.makers[name]
        slices = [self.keys[start : start + SLICE] for start in range(0, self.keys.size, SLICE)]
        return pa.chunked_array([make(keys) for keys in slices] or [make(self.keys)])


def chosen(values: Sequence[str | None], index: Ints) -> pa.Array:
    """Return one of the values for each index, as text."""
    return pa.array(values, type=pa.string()).take(pa.array(index))


def constant(value: object, kind: pa.DataType) -> Maker:
    """Return a maker which repeats one value."""
    return lambda keys: pa.repeat(pa.scalar(value, kind), keys.size)


def listed(values: Sequence[object], kind: pa.DataType) -> Maker:
    """Return a maker for keys which are positions in a list."""
    whole = pa.array(values, type=kind)
    return lambda keys: whole.take(pa.array(keys))


def small(columns: Mapping[str, tuple[Sequence[object], pa.DataType]]) -> Source:
    """Return the source of a small table whose columns are written out as equally long lists."""
    size = len(next(iter(columns.values()))[0])
    return Source(np.arange(size), {name: listed(values, kind) for name, (values, kind) in columns.items()})
