"""Searches what a run leaves behind for secrets: whole, in part, encoded, and inside of Parquet files."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

_FRAGMENT = slice(18, 42)


def needles(secrets: Iterable[str]) -> list[bytes]:
    """
    What to search for: of each secret a part of its middle, so that a shortened one is found as well.

    Args:
        secrets: passwords and tokens.

    Returns:
        Bytes, with the encodings that differ from the text.
    """
    found: dict[bytes, None] = {}
    for secret in secrets:
        part = secret[_FRAGMENT] if len(secret) >= 48 else secret
        for text in (part, quote(part, safe="")):
            found[text.encode()] = None
        for shift in range(3):
            inner = base64.b64encode(b"\0" * shift + secret.encode())[4:44]
            if len(secret) >= 48:
                found[inner] = None
    return list(found)


def found_in(content: bytes, wanted: list[bytes]) -> bool:
    """Whether any of them is in a file, in clear or in the columns of a Parquet file."""
    text = content + _columns(content)
    return any(needle in text for needle in wanted)


def _columns(content: bytes) -> bytes:
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1":
        return b""
    table = pq.read_table(io.BytesIO(content))
    texts = [
        pc.binary_join(pa.array([pc.drop_null(pc.unique(column)).to_pylist()], pa.list_(pa.string())), "\n")[
            0
        ].as_py()
        for column in table.columns
        if pa.types.is_string(column.type)
    ]
    return "\n".join(filter(None, texts)).encode()
