"""
Random numbers without a sequence: each is a pure function of seed, stream and row.

A world asks for the numbers of any rows at any time and gets the same ones, so nothing has to be generated
in order or kept. The mixing function is SplitMix64's finalizer, on whole columns.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1


def _mix(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values ^= values >> np.uint64(30)
    values *= np.uint64(0xBF58476D1CE4E5B9)
    values ^= values >> np.uint64(27)
    values *= np.uint64(0x94D049BB133111EB)
    values ^= values >> np.uint64(31)
    return values


class Draws:
    """
    The random numbers of one world.

    Args:
        seed: Any integer; another seed gives unrelated numbers in every stream.
    """

    def __init__(self, seed: int) -> None:
        self._key = _mix(np.array([(seed * _GOLDEN + 1) & _MASK], dtype=np.uint64))[0]

    def bits(self, stream: str, rows: Ints) -> npt.NDArray[np.uint64]:
        """Return 64 random bits for each row of a named stream."""
        name = np.uint64((zlib.crc32(stream.encode()) * _GOLDEN) & _MASK)
        values = rows.astype(np.uint64)
        values *= np.uint64(_GOLDEN)
        values += self._key ^ name
        return _mix(values)

    def unit(self, stream: str, rows: Ints) -> Floats:
        """Return a number in [0, 1) for each row."""
        bits = self.bits(stream, rows)
        bits >>= np.uint64(11)
        return bits.astype(np.float64) * 2.0**-53

    def below(self, stream: str, rows: Ints, limit: int) -> Ints:
        """Return an integer in [0, limit) for each row."""
        return (self.unit(stream, rows) * limit).astype(np.int64)

    def chance(self, stream: str, rows: Ints, probability: float | Floats) -> npt.NDArray[np.bool_]:
        """Return true with the given probability for each row."""
        return self.unit(stream, rows) < probability

    def pick(self, stream: str, rows: Ints, weights: Floats) -> Ints:
        """Return, for each row, the index of one of the weights, which need not add up to one."""
        edges = np.cumsum(weights) / weights.sum()
        edges[-1] = 1.0
        return np.searchsorted(edges, self.unit(stream, rows), side="right")

    def one(self, stream: str, limit: int, row: int = 0) -> int:
        """Return a single integer in [0, limit)."""
        return int(self.below(stream, np.array([row], dtype=np.int64), limit)[0])
