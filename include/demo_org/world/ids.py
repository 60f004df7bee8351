"""
Salesforce record ids: 15 characters that count, and 3 that make them safe where case is lost.

An id is key prefix (3) + pod (2) + `0` + counter (9 digits of base 62) + checksum (3). The checksum has one
character for each five of the fifteen: bit *n* says whether character *n* is an upper-case letter. Ids of
one object sort, byte by byte, in the order of their counters.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CHECKSUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
WIDTH = 18

_DIGITS = np.frombuffer(DIGITS.encode(), dtype=np.uint8)
_CHECKSUM = np.frombuffer(CHECKSUM.encode(), dtype=np.uint8)
_WEIGHTS = np.array([1, 2, 4, 8, 16], dtype=np.uint8)
_BLOCK = 1_000_000


def checksum(id15: str) -> str:
    """Return the three characters which make a 15-character id one of 18 characters."""
    parts = (id15[0:5], id15[5:10], id15[10:15])
    return "".join(CHECKSUM[sum(1 << n for n, c in enumerate(part) if c.isupper())] for part in parts)


def is_valid(id18: str) -> bool:
    """Say whether a text has the shape of an 18-character id and the checksum of its first fifteen."""
    shaped = len(id18) == WIDTH and all(c in DIGITS for c in id18[:15])
    return shaped and checksum(id18[:15]) == id18[15:]


def _characters(prefix: str, pod: str, counters: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    out = np.empty((counters.size, WIDTH), dtype=np.uint8)
    out[:, :6] = np.frombuffer((prefix + pod + "0").encode(), dtype=np.uint8)
    rest = counters.astype(np.int64, copy=True)
    for position in range(14, 5, -1):
        rest, digit = np.divmod(rest, 62)
        out[:, position] = _DIGITS[digit]
    for group in range(3):
        part = out[:, group * 5 : group * 5 + 5]
        upper = ((part >= 65) & (part <= 90)).astype(np.uint8)
        out[:, 15 + group] = _CHECKSUM[upper @ _WEIGHTS]
    return out


def encode(prefix: str, pod: str, counters: npt.NDArray[np.int64]) -> pa.StringArray:
    """
    Make the 18-character ids of many records at once.

    Args:
        prefix: Key prefix of the object, three characters.
        pod: Two characters that all ids of an org share.
        counters: One non-negative number a record, below 62 ** 9.

    Returns:
        Ids in the order of the counters, without nulls; empty for no counters.
    """
    size = int(counters.size)
    text = np.empty((size, WIDTH), dtype=np.uint8)
    for start in range(0, size, _BLOCK):
        text[start : start + _BLOCK] = _characters(prefix, pod, counters[start : start + _BLOCK])
    offsets = np.arange(0, (size + 1) * WIDTH, WIDTH, dtype=np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(text))


def encode_one(prefix: str, pod: str, counter: int) -> str:
    """Make one 18-character id, by the same rule as `encode`."""
    return str(encode(prefix, pod, np.array([counter], dtype=np.int64))[0].as_py())
