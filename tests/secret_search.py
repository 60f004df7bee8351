"""Looks for secrets in whatever a run has left: in clear, encoded as programs do it, and inside of files."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import duckdb
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

_SHORTEST = 16
"""Characters below which a part of a secret is not looked for by itself."""


def forms(secret: str) -> frozenset[bytes]:
    """
    Every way in which a secret may have been written down.

    Returns:
        The text; for addresses, JSON, XML, and Python source; in hexadecimal, in UTF-16, and in Base64 at
        each of the three places in which it may begin; its middle half, as when a log cuts it short.
    """
    plain = secret.encode()
    texts = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}
    texts |= {json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/"), repr(secret)[1:-1]}
    texts |= {"".join(f"\\u{ord(one):04x}" if not one.isalnum() else one for one in secret)}
    found = {text.encode() for text in texts} | {secret.encode("utf-16-le")}
    found |= {plain.hex().encode(), plain.hex().upper().encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # What lies across the edges depends on the neighbors.
        found |= {part for part in (encoded[4:-4], encoded[4:-4].translate(bytes.maketrans(b"+/", b"-_")))}
    if len(secret) >= 2 * _SHORTEST:
        found.add(plain[len(plain) // 4 : -(len(plain) // 4)])
    return frozenset(one for one in found if len(one) >= min(_SHORTEST, len(plain)))


class Search:
    """
    A search for some secrets.

    Args:
        secrets: by a name that may be shown.
    """

    def __init__(self, secrets: Mapping[str, str]) -> None:
        self._forms = {name: forms(secret) for name, secret in secrets.items()}

    def within(self, content: bytes | str) -> set[str]:
        """Names of the secrets that a text or the bytes of a file hold."""
        content = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
        return {name for name, ways in self._forms.items() if any(way in content for way in ways)}

    def below(self, folders: Iterable[Path], leaving_out: Iterable[Path] = ()) -> set[tuple[str, str]]:
        """Paths of files with the names of the secrets in them, as they are or unpacked."""
        spared = [path.resolve() for path in leaving_out]
        found = set()
        for folder in folders:
            for path in folder.rglob("*"):
                if path.is_file() and not any(one in path.resolve().parents for one in spared):
                    found |= {(str(path), name) for piece in contents(path) for name in self.within(piece)}
        return found

    def in_database(self, connection: psycopg.Connection[Any]) -> set[tuple[str, str]]:
        """Tables of a Postgres database with the names of the secrets in their rows."""
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        found = set()
        for (table,) in tables:
            # As text, and as JSON, in which columns of bytes and of JSON look otherwise.
            rows = connection.execute(f'select t::text, to_jsonb(t)::text from "{table}" t').fetchall()
            found |= {(table, name) for row in rows for name in self.within("\n".join(row))}
        return found


def contents(path: Path) -> Iterator[bytes]:
    """A file's bytes; then what they unpack to: the texts of Parquet and DuckDB files, and of gzip."""
    content = path.read_bytes()
    yield from unpacked(content)
    if content[8:12] == b"DUCK":
        try:
            yield from _stored(path)
        except duckdb.Error:  # a copy that was never finished
            return


def unpacked(content: bytes) -> Iterator[bytes]:
    """Bytes; then what they unpack to: the texts of a Parquet file, and of gzip."""
    yield content
    if content[:4] == content[-4:] == b"PAR1":
        table = pq.read_table(io.BytesIO(content))
        yield from _texts(table)
        notes = {name.decode(): text.decode() for name, text in (table.schema.metadata or {}).items()}
        yield json.dumps(notes).encode()
    elif content[:2] == b"\x1f\x8b":
        try:
            yield gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return


def _texts(table: pa.Table) -> Iterator[bytes]:
    for column in table.columns:
        if pa.types.is_string(column.type):
            yield "\n".join(text for text in column.unique().to_pylist() if text).encode()


def _stored(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as connection:
        columns = connection.execute(
            "SELECT schema_name, table_name, column_name FROM duckdb_columns() "
            "WHERE data_type = 'VARCHAR' AND NOT internal"
        ).fetchall()
        for schema, table, column in columns:
            rows = connection.execute(f'SELECT DISTINCT "{column}" FROM "{schema}"."{table}"').fetchall()
            yield "\n".join(str(text) for (text,) in rows if text).encode()
