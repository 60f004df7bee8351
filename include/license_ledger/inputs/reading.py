"""
A file that people keep, CSV or Parquet, read into declared columns. May import schemas, errors and staging.

Everything is first text and then judged, so that a wrong value is told with file, line and column, whichever
format it comes in. CSV is UTF-8 with a header; columns are separated by commas, or by semicolons when the
header has them. Rows are judged by Arrow; a line is looked for only when something is wrong with it.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from license_ledger.errors import InputRefused
from license_ledger.inputs.tables import MONEY
from license_ledger.schemas import Column
from license_ledger.staging.storage import Storage

_CHUNK = 1 << 20
_AMOUNT, _WHOLE = r"^[0-9]{1,12}(\.[0-9]{1,6})?$", r"^[0-9]{1,15}$"
_FLAGS = {"true": True, "1": True, "false": False, "0": False}

Rename = Callable[[str], str]


@dataclass(frozen=True)
class InputFile:
    """
    Where a file is, and what it is called in messages.

    Attributes:
        title: such as ``price list``.
        storage: of its directory.
        name: of the file.
        is_personal: whether its values are people's; then no message repeats one.
    """

    title: str
    storage: Storage
    name: str
    is_personal: bool = False

    @property
    def is_parquet(self) -> bool:
        """Whether the name says Parquet; everything else is CSV."""
        return self.name.lower().endswith((".parquet", ".pq"))

    def refuse(
        self, got: str, *, row: int | None = None, column: str = "", value: str | None = None
    ) -> NoReturn:
        """
        Stop because of the file.

        Args:
            got: what is wrong, in words.
            row: which row, counted from 0; the message gives the line.
            column: by name.
            value: what is there; repeated unless the file is about people.

        Raises:
            InputRefused: always.
        """
        asked = f"{self.title} {self.name}"
        if row is not None:
            asked += f", {self._place(row)}"
        if column:
            asked += f", column {column}"
        shown = f"{value!r} " if value is not None and not self.is_personal else ""
        raise InputRefused(asked, f"{shown}{got}", "correct the file and clear the task; nothing was loaded")

    def open(self) -> pa.NativeFile:
        """
        Open the file.

        Raises:
            InputRefused: it is not there.
        """
        try:
            return self.storage.open_input(self.name)
        except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
            raise InputRefused(
                f"{self.title} {self.storage.url}/{self.name}",
                "cannot be opened" if isinstance(error, PermissionError) else "is not there",
                "put it there, or correct the setting that names it; nothing was loaded",
            ) from None

    def sha256(self) -> str:
        """Fingerprint of the file's bytes. Raises as :meth:`open`."""
        digest = hashlib.sha256()
        with self.open() as source:
            while piece := source.read(_CHUNK):
                digest.update(piece)
        return digest.hexdigest()

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """The lines of a CSV file that are not blank, the header first, each with its number. Slow."""
        with self.open() as source, io.TextIOWrapper(source, "utf-8-sig", newline="") as text:
            header = text.readline()
            text.seek(0)
            reader, line = csv.reader(text, delimiter=_delimiter(header)), 1
            for record in reader:
                if record:
                    yield line, record
                line = reader.line_num + 1

    def _place(self, row: int) -> str:
        if self.is_parquet:
            return f"row {row + 1}"
        return next(f"line {line}" for at, (line, _) in enumerate(self.records()) if at == row + 1)


def read_columns(
    file: InputFile, columns: Sequence[Column], *, rename: Rename = str.strip, ignores_others: bool = False
) -> pa.Table:
    """
    Read a file.

    Args:
        file: to read.
        columns: those that are wanted; one that may be empty may also be absent.
        rename: from a name in the file to a declared one.
        ignores_others: whether columns that are not declared are passed over, and not even read.

    Returns:
        A table of exactly these columns in their types, rows in the order of the file. Blank texts are null.

    Raises:
        InputRefused: the file is not there or not readable; a column is missing or not known; a value is
            missing or wrong; naming line and column.
    """
    texts = (_parquet if file.is_parquet else _csv)(file, columns, rename, ignores_others)
    made = [_typed(file, column, texts[column.name]) for column in columns]
    return pa.table(made, schema=pa.schema([(column.name, column.type) for column in columns]))


def _csv(
    file: InputFile, columns: Sequence[Column], rename: Rename, ignores_others: bool
) -> dict[str, pa.Array]:
    header, delimiter = _header(file)
    chosen = _chosen(file, header, columns, rename, ignores_others)
    if len(list(islice(file.records(), 2))) == 1:
        return _by_name(pa.table({name: pa.array([], pa.string()) for name in chosen}), chosen, columns)
    ragged: list[pacsv.InvalidRow] = []

    def note(row: pacsv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    try:
        with file.open() as source:
            read = pacsv.read_csv(
                source,
                pacsv.ReadOptions(use_threads=False),
                pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=note),
                pacsv.ConvertOptions(
                    include_columns=list(chosen),
                    column_types=dict.fromkeys(chosen, pa.string()),
                    strings_can_be_null=False,
                ),
            )
    except pa.ArrowInvalid as error:
        file.refuse("is not UTF-8" if "UTF8" in str(error) else "is not CSV that can be read")
    if ragged:
        _refuse_ragged(file, len(header))
    return _by_name(read, chosen, columns)


def _header(file: InputFile) -> tuple[list[str], str]:
    try:
        first = next(file.records(), None)
    except UnicodeDecodeError:
        file.refuse("is not UTF-8")
    if first is None:
        file.refuse("is empty; its first line names the columns")
    with file.open() as source, io.TextIOWrapper(source, "utf-8-sig", newline="") as text:
        return first[1], _delimiter(text.readline())


def _delimiter(header: str) -> str:
    return ";" if header.count(";") > header.count(",") else ","


def _refuse_ragged(file: InputFile, width: int) -> None:
    for at, (_, record) in enumerate(file.records()):
        if len(record) != width:
            file.refuse(f"has {len(record)} values, and the header names {width} columns", row=at - 1)


def _parquet(
    file: InputFile, columns: Sequence[Column], rename: Rename, ignores_others: bool
) -> dict[str, pa.Array]:
    try:
        with file.open() as source:
            parquet = pq.ParquetFile(source)
            chosen = _chosen(file, parquet.schema_arrow.names, columns, rename, ignores_others)
            read = parquet.read(columns=list(chosen))
    except pa.ArrowException:
        file.refuse("is not a Parquet file that can be read")
    return _by_name(pa.table([_text(c) for c in read.columns], names=read.column_names), chosen, columns)


def _text(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return pc.binary_join(array.cast(pa.list_(pa.string())), " ")
    return array.cast(pa.string())


def _chosen(
    file: InputFile, names: Sequence[str], columns: Sequence[Column], rename: Rename, ignores_others: bool
) -> dict[str, str]:
    """Names in the file to declared ones."""
    declared = {column.name for column in columns}
    chosen: dict[str, str] = {}
    for name in names:
        meant = rename(name)
        if meant in declared and meant not in chosen.values():
            chosen[name] = meant
        elif meant in declared:
            file.refuse("is there twice", column=meant)
        elif not ignores_others:
            file.refuse(f"is not known; known are {', '.join(c.name for c in columns)}", column=name.strip())
    for column in columns:
        if not column.nullable and column.name not in chosen.values():
            file.refuse("is missing", column=column.name)
    return chosen


def _by_name(read: pa.Table, chosen: Mapping[str, str], columns: Sequence[Column]) -> dict[str, pa.Array]:
    blank = pa.nulls(read.num_rows, pa.string())
    found = {meant: read[name].combine_chunks() for name, meant in chosen.items()}
    texts = {}
    for column in columns:
        text = pc.utf8_trim_whitespace(found.get(column.name, blank))
        texts[column.name] = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
    return texts


def _typed(file: InputFile, column: Column, text: pa.Array) -> pa.Array:
    if not column.nullable:
        _require(file, column, text, pc.is_valid(text), "is missing")
    if column.values:
        known = pc.is_in(text, value_set=pa.array(column.values))
        _require(file, column, text, known, f"is none of {', '.join(column.values)}")
    return _TYPES[column.type](file, column, text)


def _require(file: InputFile, column: Column, text: pa.Array, holds: pa.Array, otherwise: str) -> None:
    """Refuse the file at the first row where something does not hold; null texts are let pass."""
    if not otherwise.endswith("missing"):
        holds = pc.or_kleene(holds, pc.is_null(text))
    wrong = pc.index(holds, pa.scalar(False)).as_py()
    if wrong >= 0:
        file.refuse(otherwise, row=wrong, column=column.name, value=text[wrong].as_py())


def _amount(file: InputFile, column: Column, text: pa.Array) -> pa.Array:
    shaped = pc.match_substring_regex(text, _AMOUNT)
    _require(
        file, column, text, shaped, "is no amount such as 150 or 12.50, at most six digits after the point"
    )
    return text.cast(MONEY)


def _whole(file: InputFile, column: Column, text: pa.Array) -> pa.Array:
    _require(file, column, text, pc.match_substring_regex(text, _WHOLE), "is no whole number")
    return text.cast(pa.int64())


def _day(file: InputFile, column: Column, text: pa.Array) -> pa.Array:
    days = text.dictionary_encode()
    known = pa.array([_is_day(value) for value in days.dictionary.to_pylist()], pa.bool_())
    _require(file, column, text, known.take(days.indices), "is no day such as 2026-01-31")
    return text.cast(pa.date32())


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _flag(file: InputFile, column: Column, text: pa.Array) -> pa.Array:
    found = pc.index_in(pc.utf8_lower(text), value_set=pa.array(list(_FLAGS)))
    _require(file, column, text, pc.is_valid(found), "is neither true nor false")
    return pa.array(list(_FLAGS.values())).take(found)


_TYPES: Mapping[pa.DataType, Callable[[InputFile, Column, pa.Array], pa.Array]] = {
    pa.string(): lambda file, column, text: text,
    pa.int64(): _whole,
    pa.date32(): _day,
    pa.bool_(): _flag,
    MONEY: _amount,
}
