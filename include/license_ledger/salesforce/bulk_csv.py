"""
One result page of a bulk job: bytes to Arrow, accepted only whole. May import errors of the network only.

The bytes go from the socket into Arrow's CSV reader, block by block, with the types known beforehand; no
row is ever a Python object. A page is accepted when its header is the expected one, it ends with a row, its
quotation marks are balanced, and it has as many rows as Salesforce announced. Everything else is a
:class:`BrokenPage`: the caller asks for the page again.
"""

from __future__ import annotations

import csv
import http.client
import io
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from urllib3.exceptions import HTTPError

__all__ = ["BrokenPage", "PageReader"]

_BLOCK = 1 << 19
_LARGEST_BLOCK = 128 << 20
_WIDEN = 8
_LONGEST_HEADER = 1 << 20
_QUOTE = ord('"')


class Body(Protocol):
    """Bytes of an answer, as ``urllib3`` reads them."""

    def read(self, amt: int) -> bytes:
        """At most so many bytes; none at the end."""


class BrokenPage(Exception):
    """
    A page that must be asked for again. Never leaves the package.

    The text says what is wrong, without any value of the page.
    """


class PageReader:
    """
    Reads pages of one result. Learns from a page what the next ones may hold as well.

    Args:
        schema: columns to expect, in the order to return them; types are those of landing.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._block = _BLOCK
        self._counts_as_text = False

    def read(self, body: Body, announced: int | None) -> pa.Table:
        """
        Read one page.

        The empty cell is null, as Salesforce means it; the texts ``NA`` and ``NULL`` are texts; a whole
        number may be written as ``1.0``.

        Args:
            body: the CSV, header first.
            announced: rows that Salesforce says the page has, or None when it does not say.

        Returns:
            A table of the schema, complete.

        Raises:
            BrokenPage: it is not whole, or not what was asked.
        """
        source = _Source(body)
        try:
            names = source.header()
            if names:
                self._require_columns(names)
            else:
                source.require_empty()
            table = self._parse(source) if names else pa.Table.from_batches([], self._schema)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise BrokenPage(f"it broke off ({type(error).__name__})") from None
        except pa.ArrowException as error:
            raise BrokenPage(self._learn(str(error))) from None
        source.require_whole()
        if announced is not None and table.num_rows != announced:
            raise BrokenPage(f"{table.num_rows} rows arrived where {announced} were announced")
        return table

    def _parse(self, source: _Source) -> pa.Table:
        as_text = {field.name for field in self._schema if self._counts_as_text and _is_count(field)}
        options = pa_csv.ConvertOptions(
            column_types={f.name: pa.string() if f.name in as_text else f.type for f in self._schema},
            include_columns=self._schema.names,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            true_values=["true"],
            false_values=["false"],
            timestamp_parsers=[pa_csv.ISO8601],
        )
        reader = pa_csv.open_csv(
            source,
            pa_csv.ReadOptions(block_size=self._block),
            pa_csv.ParseOptions(newlines_in_values=True),
            options,
        )
        table = pa.Table.from_batches(list(reader), reader.schema)
        for name in as_text:
            place = table.column_names.index(name)
            table = table.set_column(place, name, _counts(table[name]))
        return table.cast(self._schema)

    def _require_columns(self, names: list[str]) -> None:
        wanted = self._schema.names
        if sorted(names) == sorted(wanted):
            return
        lacking = [name for name in wanted if name not in names]
        surplus = len([name for name in names if name not in wanted])
        detail = (
            f"lacks {', '.join(lacking[:3])}" if lacking else f"has {surplus or 'repeated'} columns too many"
        )
        raise BrokenPage(f"its header {detail}")

    def _learn(self, message: str) -> str:
        """Say what is wrong without Arrow's words, which quote the row; get ready for another try."""
        if "block size" in message and self._block < _LARGEST_BLOCK:
            self._block *= _WIDEN
            return "a row is longer than a block"
        if "conversion error to int" in message and not self._counts_as_text:
            self._counts_as_text = True
            return "a whole number is written with a fraction"
        if "UTF8" in message:
            return "it is not UTF-8"
        if "conversion error" in message:
            return "a value is not of the type that describe says"
        return "it is no well-formed CSV"


class _Source(io.RawIOBase):
    """The body as a file for Arrow, keeping an eye on what passes."""

    def __init__(self, body: Body) -> None:
        super().__init__()
        self._body = body
        self._ahead = b""
        self._quotes = 0
        self._last = b"\n"

    def readable(self) -> bool:
        """Yes."""
        return True

    def header(self) -> list[str]:
        """The column names; none when the body is empty. What was read for them is kept for Arrow."""
        while b"\n" not in self._ahead and len(self._ahead) < _LONGEST_HEADER:
            more = self._take(1 << 16)
            if not more:
                break
            self._ahead += more
        line = self._ahead.partition(b"\n")[0].decode("utf-8-sig", "replace").strip("\r")
        try:
            names = next(csv.reader([line]), []) if line else []
        except csv.Error:
            raise BrokenPage("its header is no well-formed CSV") from None
        if names and b"\n" not in self._ahead:
            # Arrow cannot read a header that is all there is.
            self._ahead += b"\n"
            self._last = b"\n"
        return names

    def read(self, size: int = -1) -> bytes:
        """As many bytes as asked for, unless it is the end: Arrow cuts its blocks by what one call gives."""
        wanted = size if size > 0 else _BLOCK
        pieces, have = [self._ahead[:wanted]], len(self._ahead[:wanted])
        self._ahead = self._ahead[wanted:]
        while have < wanted and (piece := self._take(wanted - have)):
            pieces.append(piece)
            have += len(piece)
        return b"".join(piece for piece in pieces if piece)

    def require_empty(self) -> None:
        """See that nothing but line breaks is there: a page without a first line is no page without rows."""
        piece = self._ahead
        while piece:
            if piece.strip(b"\r\n"):
                raise BrokenPage("it begins with an empty line")
            piece = self._take(1 << 16)

    def require_whole(self) -> None:
        """See that the body ended after a row."""
        if self._last != b"\n" or self._quotes % 2:
            raise BrokenPage("it ends in the middle of a row")

    def _take(self, size: int) -> bytes:
        piece = self._body.read(size)
        if piece:
            self._quotes += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == _QUOTE))
            self._last = piece[-1:]
        return piece


def _is_count(field: pa.Field) -> bool:
    return bool(pa.types.is_integer(field.type))


def _counts(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers however they are written, through decimals so that none is rounded."""
    return pc.cast(pc.cast(texts, pa.decimal128(38, 6)), pa.int64())
