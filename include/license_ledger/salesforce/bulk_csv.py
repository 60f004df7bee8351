"""
One result page of a bulk job: bytes to Arrow, accepted only whole. May import errors of the network only.

A page is collected, which threads may do side by side, and then read by Arrow's CSV reader with the types
known beforehand; no row is ever a Python object. The memory of a page that was read serves a later one.

A page is accepted when its header is the expected one, it ends with a row, its quotation marks are balanced,
and it has as many rows as Salesforce announced. Everything else is a :class:`BrokenPage`: the caller asks for
the page again.
"""

from __future__ import annotations

import csv
import http.client
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from urllib3.exceptions import HTTPError

__all__ = ["BrokenPage", "Collected", "PageReader"]

_PIECE = 1 << 18
"""Small enough to be counted and copied while it is in the processor's cache."""

_BLOCK = 1 << 20
_LARGEST_BLOCK = 128 << 20
_WIDEN = 8
_LONGEST_HEADER = 1 << 20
_QUOTE, _LINE_FEED = ord('"'), ord("\n")


class Body(Protocol):
    """Bytes of an answer, as ``urllib3`` reads them."""

    def read(self, amt: int) -> bytes:
        """At most so many bytes; none at the end."""


class BrokenPage(Exception):
    """
    A page that must be asked for again. Never leaves the package.

    The text says what is wrong, without any value of the page.
    """


@dataclass
class Collected:
    """
    The bytes of a page.

    Attributes:
        content: memory, of which the page is the beginning.
        size: of the page.
        quotes: how many quotation marks it has.
    """

    content: bytearray = field(default_factory=bytearray)
    size: int = 0
    quotes: int = 0

    def add(self, piece: bytes) -> None:
        """Append a piece."""
        self.content[self.size : self.size + len(piece)] = piece
        self.size += len(piece)

    def header(self) -> list[str]:
        """The column names; none when the page is empty."""
        end = self.content.find(b"\n", 0, min(self.size, _LONGEST_HEADER))
        line = self.content[: self.size if end < 0 else end].decode("utf-8-sig", "replace").strip("\r")
        try:
            names = next(csv.reader([line]), []) if line else []
        except csv.Error:
            raise BrokenPage("its header is no well-formed CSV") from None
        if names and end < 0:
            # Arrow cannot read a header that is all there is.
            self.add(b"\n")
        return names

    def require_empty(self) -> None:
        """See that nothing but line breaks is there: a page without a first line is no page without rows."""
        if self.content[: self.size].strip(b"\r\n"):
            raise BrokenPage("it begins with an empty line")

    def require_whole(self) -> None:
        """See that it ends after a row."""
        if self.quotes % 2 or (self.size and self.content[self.size - 1] != _LINE_FEED):
            raise BrokenPage("it ends in the middle of a row")


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
        self._free: list[bytearray] = []

    def read(self, body: Body, announced: int | None) -> pa.Table:
        """Collect a page and read it. Arguments and errors are those of :meth:`collect` and :meth:`table`."""
        return self.table(self.collect(body), announced)

    def collect(self, body: Body) -> Collected:
        """
        Take the bytes of a page. May be called from several threads.

        Args:
            body: the CSV, header first.

        Raises:
            BrokenPage: it breaks off.
        """
        try:
            page = Collected(self._free.pop())
        except IndexError:
            page = Collected()
        try:
            while piece := body.read(_PIECE):
                page.quotes += int(np.count_nonzero(np.frombuffer(piece, np.uint8) == _QUOTE))
                page.add(piece)
        except (HTTPError, http.client.HTTPException, OSError) as error:
            raise BrokenPage(f"it broke off ({type(error).__name__})") from None
        return page

    def table(self, page: Collected, announced: int | None) -> pa.Table:
        """
        Read a page, whose memory then serves another one.

        The empty cell is null, as Salesforce means it; the texts ``NA`` and ``NULL`` are texts; a whole
        number may be written as ``1.0``.

        Args:
            page: as collected.
            announced: rows that Salesforce says the page has, or None when it does not say.

        Returns:
            A table of the schema, complete.

        Raises:
            BrokenPage: it is not whole, or not what was asked.
        """
        names = page.header()
        if names:
            self._require_columns(names)
        else:
            page.require_empty()
        try:
            table = self._parse(page) if names else pa.Table.from_batches([], self._schema)
        except pa.ArrowException as error:
            raise BrokenPage(self._learn(str(error))) from None
        page.require_whole()
        if announced is not None and table.num_rows != announced:
            raise BrokenPage(f"{table.num_rows} rows arrived where {announced} were announced")
        self._free.append(page.content)
        return table

    def _parse(self, page: Collected) -> pa.Table:
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
        table = pa_csv.read_csv(
            pa.BufferReader(memoryview(page.content)[: page.size]),
            # Threads would spend more than they save: other pages are on their way meanwhile.
            pa_csv.ReadOptions(block_size=self._block, use_threads=False),
            pa_csv.ParseOptions(newlines_in_values=True),
            options,
        )
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


def _is_count(field: pa.Field) -> bool:
    return bool(pa.types.is_integer(field.type))


def _counts(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers however they are written, through decimals so that none is rounded."""
    return pc.cast(pc.cast(texts, pa.decimal128(38, 6)), pa.int64())
