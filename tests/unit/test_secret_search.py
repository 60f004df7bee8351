"""The search for secrets finds what it is there to find."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.secret_search import Search

SECRET = 'p@ss/w0rd+"=<&>~ä!q7fT_z9LmXw.K2'  # pragma: allowlist secret
WAYS: dict[str, Callable[[str], str]] = {
    "in clear": lambda text: text,
    "in an address": lambda text: quote(text, safe=""),
    "in a form": quote_plus,
    "in JSON": json.dumps,
    "in JSON of others": lambda text: json.dumps(text).replace("/", "\\/"),
    "in HTML": html.escape,
    "in hexadecimal": lambda text: text.encode().hex(),
    "in Python": repr,
    "in Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in Base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "after a user name in Base64": lambda text: base64.b64encode(f"ann:{text}".encode()).decode(),
    "after two more": lambda text: base64.b64encode(f"anna:{text}:".encode()).decode(),
    "cut short": lambda text: text[4:-4],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_secret_is_found_however_it_was_written(way: str) -> None:
    """Between other texts, in every encoding that programs use."""
    assert Search({"it": SECRET}).within(f"before {WAYS[way](SECRET)} after") == {"it"}


@given(st.text(max_size=200))
def test_nothing_is_found_where_nothing_is(text: str) -> None:
    """Property: a text without the secret is not accused."""
    assert Search({"it": SECRET}).within(text) == set()


@pytest.mark.parametrize("kind", ["parquet", "metadata", "duckdb", "gz", "txt"])
def test_a_secret_is_found_inside_of_files(tmp_path: Path, kind: str) -> None:
    """Compressed columns, their metadata, a database, an archive and plain text."""
    path = tmp_path / "folder" / f"x.{kind}"
    path.parent.mkdir()
    table = pa.table({"a": ["nothing"] * 1000 + [SECRET if kind == "parquet" else "none"]})
    if kind in ("parquet", "metadata"):
        pq.write_table(
            table.replace_schema_metadata({"note": SECRET} if kind == "metadata" else {}),
            path,
            compression="zstd",
        )
    elif kind == "duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute("CREATE TABLE t AS SELECT ? AS a FROM range(5000)", [SECRET])
    elif kind == "gz":
        path.write_bytes(gzip.compress(SECRET.encode()))
    else:
        path.write_text(SECRET, encoding="utf-8")

    assert Search({"it": SECRET}).below([tmp_path]) == {(str(path), "it")}
    assert Search({"it": SECRET}).below([tmp_path], leaving_out=[path.parent]) == set()
