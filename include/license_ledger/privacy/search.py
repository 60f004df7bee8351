"""
The proof: is there anything left of a person in any byte? Reads everything, writes nothing. May import
staging, the warehouse and its package.

A Parquet file is searched twice: every text value of every column, decoded, and every byte as it lies on the
disk. What takes the place of a replaced file must be zeros where it carried the old one's bytes. A warehouse
is asked for every text of every table; the bytes of a DuckDB file are searched as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from license_ledger.privacy.files import digest
from license_ledger.privacy.identifiers import TOMBSTONE_HEAD
from license_ledger.privacy.person import IDENTIFYING, Person, pattern
from license_ledger.privacy.places import can_name_people, everything
from license_ledger.privacy.rules import OWNED, is_reference
from license_ledger.salesforce.objects import object_named
from license_ledger.schemas import TABLES
from license_ledger.staging.parquet import corruption, open_parquet
from license_ledger.staging.storage import Storage
from license_ledger.warehouse.contract import Texts, Warehouse
from license_ledger.warehouse.ddl import WAREHOUSE_TABLES, literal, quoted

_TEXT = pa.string()
_CHUNK = 64 << 20
_OVERLAP = 1 << 10
_PAGE = 1 << 12
_DAY = re.compile(r"/snapshot_date=[^/]+/")
_LANDED = re.compile(r"/run=[^/]+/(?!_work/)[^/]+/[^/]+$")
_OWN = {
    **IDENTIFYING,
    "User": tuple(each.name for each in object_named("User").fields if each.personal == "identity"),
}
"""Columns that say who somebody is, by what they are in."""
_File = tuple[str, Storage, str]
"""Layer, storage and full path."""
_Rows = tuple[str, bytes]
"""The kind of a file, and a digest of its rows."""
_FEW = 2_000
"""Below so many rows it does not pay to read distinct values only."""


@dataclass
class Findings:
    """
    What a search found.

    Attributes:
        files: number of files read, per layer.
        bytes: number of bytes read.
        left: where something of the person is left: layer, and what kind of place; with the number of files,
            or of rows in a warehouse.
        labels: columns in which the person's name is that of something else, or a part of it.
    """

    files: dict[str, int] = field(default_factory=dict)
    bytes: int = 0
    left: dict[str, int] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)

    def add(self, other: Findings) -> None:
        """Add the findings of other files."""
        for layer, number in other.files.items():
            self.files[layer] = self.files.get(layer, 0) + number
        for where, number in other.left.items():
            self.left[where] = self.left.get(where, 0) + number
        self.bytes += other.bytes
        self.labels |= other.labels


@dataclass
class _Told:
    """What rows have: the column that something is left in, blank for none; and :attr:`Findings.labels`."""

    left: str = ""
    labels: set[str] = field(default_factory=set)


class Search:
    """
    A search for one person.

    Args:
        person: with every id and value that is known.
    """

    def __init__(self, person: Person) -> None:
        self.person = person
        self._ids = pattern(person.short_ids, bounded=False)
        self._raw = self._pattern(person.telling, bounded=False)
        self._quick = self._pattern(person.wanted, bounded=False)
        self._exact = self._pattern(person.wanted, bounded=True)
        self._firm = self._pattern(person.firm, bounded=True)

    def _pattern(self, values: Sequence[str], *, bounded: bool) -> str:
        rest = f"|(?i:{pattern(values, bounded=bounded)})" if values else ""
        return f"{self._ids}{rest}"

    def staged(self, landing: Storage, staging: Storage, pool: Executor) -> Findings:
        """
        Search every file of landing and staging.

        Args:
            landing: the landing root.
            staging: the staging root.
            pool: threads or processes.

        Raises:
            CorruptSnapshot: a Parquet file cannot be read, so that nothing can be said about it.
        """
        found = Findings()
        days: dict[str, list[_File]] = {}
        for file in everything(landing, staging, self.person.org_id):
            day = _DAY.search(file[-1])
            days.setdefault(day[0] if day else "", []).append(file)
        for one in pool.map(self._files, days.values()):
            found.add(one)
        return found

    def _files(self, files: Sequence[_File]) -> Findings:
        """Search files of one day: rows that lie in two of them byte by byte are decoded once."""
        found, seen = Findings(), dict[_Rows, _Told]()
        for layer, storage, path in files:
            found.add(self._file(layer, storage, path, seen))
        return found

    def _file(self, layer: str, storage: Storage, path: str, seen: dict[_Rows, _Told]) -> Findings:
        try:
            content = storage.read_bytes(path)
        except FileNotFoundError:
            return Findings()
        found, where = Findings(files={layer: 1}, bytes=len(content)), ""
        if path.endswith((".parquet", ".kept")):
            file = open_parquet(pa.BufferReader(content), path)
            with corruption(path):
                rows = (_kind(path), digest(file, pa.BufferReader(content)))
            if rows not in seen:
                seen[rows] = self._parquet(path, file, content)
            where = seen[rows].left
            found.labels |= seen[rows].labels
        if not where and _in_bytes(_without_zeros(content), self._raw):
            where = "bytes"
        if where:
            found.left[f"{layer}: {where}"] = 1
        return found

    def _parquet(self, path: str, file: pq.ParquetFile, content: bytes) -> _Told:
        """The column that something is left in."""
        kind, told = _kind(path), _Told()
        labels = told.labels if _has_labels(path, kind) else None
        texts = [each.name for each in file.schema_arrow if each.type == _TEXT]
        coded = _with_dictionary(file, texts)
        if coded and file.metadata.num_rows > _FEW:
            file = pq.ParquetFile(
                pa.BufferReader(content),
                metadata=file.metadata,
                read_dictionary=coded,
                page_checksum_verification=True,
            )
        for number in range(file.metadata.num_row_groups):
            with corruption(path):
                group = file.read_row_group(number, columns=texts, use_threads=False)
            where = self._group(kind, group, texts, labels)
            if where:
                told.left = f"column {where} of {kind}"
                break
        return told

    def _group(self, kind: str, group: pa.Table, texts: Sequence[str], labels: set[str] | None) -> str:
        """
        The column of a row group that something is left in; blank for none.

        What says who somebody is, is looked at in rows of the erased alone: in all others it is their own.
        Where there are labels, nobody is named in free text: a name there is that of a license or a role.
        """
        own = _OWN.get(kind, ())
        pieces = {name: _distinct(group.column(name)) for name in texts if name not in own}
        for name in [name for name in pieces if is_reference(name) or name.endswith("_id")]:
            if any(pc.any(self.person.among(piece)).as_py() for piece in pieces.pop(name)):
                return name
        if _in_any([piece for each in pieces.values() for piece in each], self._quick):
            telling = self._exact if labels is None else self._firm
            for name, each in pieces.items():
                if any(self._has_value(piece, telling) for piece in each):
                    return name
                if labels is not None and any(self._has_value(piece, self._exact) for piece in each):
                    labels.add(f"column {name} of {kind}")
        if own:
            ids = group.column("Id" if kind == "User" else "user_id")
            erased = group.select([name for name in own if name in texts]).filter(
                pc.starts_with(ids.cast(_TEXT), TOMBSTONE_HEAD)
            )
            for name in erased.column_names:
                if self._has_value(erased.column(name).cast(_TEXT), self._exact):
                    return str(name)
        return ""

    def _has_value(self, texts: pa.Array | pa.ChunkedArray, exact: str) -> bool:
        """Whether a value stands by itself in any of the texts."""
        near = texts.filter(pc.match_substring_regex(texts, self._quick))
        return bool(len(near) and pc.any(pc.match_substring_regex(near, exact)).as_py())

    def warehouse(self, warehouse: Warehouse) -> Findings:
        """
        Search a warehouse: all texts of all its tables, then the bytes of its file where it is one.

        Raises:
            ConfigError: it is no warehouse that this version can read.
        """
        found = Findings()
        with warehouse.texts() as texts:
            if texts is None:
                return found
            found.files["warehouse"] = 1
            for table, columns in texts.columns().items():
                for name, number in self._table(texts, table, columns):
                    found.left[f"warehouse: column {name} of {table}"] = number
            if warehouse.file is not None:
                self._file_of_warehouse(texts, warehouse.file, found)
        return found

    def _file_of_warehouse(self, texts: Texts, path: Path, found: Findings) -> None:
        hits: set[str] = set()
        for piece in _pieces(path):
            found.bytes += len(piece)
            if _in_bytes(piece, self._raw):
                needles = [*self.person.telling, *self.person.short_ids]
                hits |= {each for each in needles if each.lower().encode() in piece.lower()}
        for hit in hits:
            if not _is_within_others(texts, hit):
                found.left["warehouse: bytes"] = found.left.get("warehouse: bytes", 0) + 1

    def _table(self, texts: Texts, table: str, columns: Sequence[str]) -> Iterator[tuple[str, int]]:
        """
        Columns with a value or an id, and in how many rows.

        In a table of people, what says who somebody is, is looked at in rows of the erased alone; elsewhere
        in tables of the ledger a name is that of a license or a role. Ids within longer texts are looked for
        in the other tables, whose rows are few.
        """
        is_about_people = "user_id" in columns
        own = [name for name in columns if name in IDENTIFYING.get(table, ())]
        erased = f"WHERE starts_with(user_id, {literal(TOMBSTONE_HEAD)})"
        for names, where in (([name for name in columns if name not in own], ""), (own, erased)):
            if not names:
                continue
            given = _Parameters()
            within = not is_about_people or bool(where)
            is_ours = any(table == each.name for each in WAREHOUSE_TABLES)
            wanted = self.person.firm if is_ours and not where else self.person.wanted
            tests = [
                f"count(*) FILTER (WHERE {self._test(given, name, wanted, within=within)})" for name in names
            ]
            query = f"SELECT {', '.join(tests)} FROM {quoted(table)} {where}"  # noqa: S608
            [row] = texts.ask(query, given.values)
            yield from ((name, number) for name, number in zip(names, row, strict=True) if number)

    def _test(self, given: _Parameters, name: str, wanted: Sequence[str], *, within: bool) -> str:
        """A condition on a column; what it compares with is added to the parameters."""
        column, ids = quoted(name), [*self.person.ids, *self.person.short_ids]
        if name.endswith("_id") and name not in IDENTIFYING["users"]:
            return f"{column} IN ({given.listed(ids)})"
        values = sorted({form for each in wanted for form in (each, each.lower())})
        test = f"{column} IN ({given.listed([*ids, *values])})"
        if not within:
            return test
        parts = [f"strpos(lower({column}), {given.place(each.lower())}) > 0" for each in values]
        held = [f"strpos({column}, {given.place(each)}) > 0" for each in self.person.short_ids]
        return " OR ".join((test, *held, *parts))


@dataclass
class _Parameters:
    """Values of a query, each once, by their places."""

    values: list[str] = field(default_factory=list)

    def place(self, value: str) -> str:
        """Where the value is, as SQL."""
        if value not in self.values:
            self.values.append(value)
        return f"CAST(${self.values.index(value) + 1} AS VARCHAR)"

    def listed(self, values: Sequence[str]) -> str:
        """Where the values are, as the inside of a list in SQL."""
        return ", ".join(map(self.place, values))


def carried_bytes(storage: Storage, path: str, live: Sequence[tuple[int, int]]) -> bool:
    """
    Whether a published file still has bytes of files that it replaced.

    Raises:
        FileNotFoundError: there is no such file.
    """
    with storage.open_input(path) as file:
        size, at = file.size(), len(b"PAR1")
        for start, end in [*live, (size, size)]:
            while at < start:
                file.seek(at)
                piece = file.read(min(start - at, _CHUNK))
                if not piece:
                    break
                if np.frombuffer(piece, np.uint8).any():
                    return True
                at += len(piece)
            at = max(at, end)
    return False


def _has_labels(path: str, kind: str) -> bool:
    """Whether nobody is named in free text: in tables of the ledger, in rows of people's own, in lists."""
    if _LANDED.search(path):
        return kind in OWNED or not can_name_people(kind)
    return "/_work/" in path or any(kind == each.name for each in TABLES)


def _distinct(column: pa.ChunkedArray) -> list[pa.Array]:
    """The texts of a column: the distinct ones, where it is stored by them."""
    return [chunk.dictionary if pa.types.is_dictionary(chunk.type) else chunk for chunk in column.chunks]


def _in_any(pieces: Sequence[pa.Array], found: str) -> bool:
    """Whether anything is found in any of the texts, or across two of them: one pass over their bytes."""
    contents = []
    for texts in pieces:
        _, offsets, content = texts.buffers()
        if content is not None and len(texts):
            bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
            contents.append(content.slice(int(bounds[0]), int(bounds[-1]) - int(bounds[0])))
    return _in_bytes(b"\0".join(memoryview(content) for content in contents), found)


def _is_within_others(texts: Texts, value: str) -> bool:
    """Whether a value in the bytes of a file is part of a longer one that somebody else has."""
    for table, columns in texts.columns().items():
        held = " OR ".join(f"strpos(lower({quoted(name)}), $1) > 0" for name in columns)
        query = f"SELECT count(*) FROM {quoted(table)} WHERE {held}"  # noqa: S608
        [(rows,)] = texts.ask(query, [value.lower()])
        if rows:
            return True
    return False


def _without_zeros(content: bytes) -> bytes:
    """The content without whole pages of zeros, which is what replaced files leave in their successors."""
    whole = len(content) // _PAGE * _PAGE
    pages = np.frombuffer(content, np.uint8, count=whole).reshape(-1, _PAGE)
    written = pages.any(axis=1)
    return content if written.all() else pages[written].tobytes() + content[whole:]


def _in_bytes(content: bytes | pa.Buffer, found: str) -> bool:
    size = len(content) if isinstance(content, bytes) else content.size
    offsets = np.array([0, size], np.int64)
    whole = pa.Array.from_buffers(
        pa.large_binary(), 1, [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(content)]
    )
    return bool(pc.match_substring_regex(whole, found)[0].as_py())


def _with_dictionary(file: pq.ParquetFile, texts: Sequence[str]) -> list[str]:
    """Text columns that are stored by their distinct values."""
    if not file.metadata.num_row_groups:
        return []
    group, names = file.metadata.row_group(0), file.schema_arrow.names
    return [name for name in texts if group.column(names.index(name)).has_dictionary_page]


def _kind(path: str) -> str:
    """API name of a landed object, or name of a table, by the path of its file."""
    folder, _, name = path.rpartition("/")
    if name.endswith(".kept"):
        return name.partition("-")[0]
    return folder.rpartition("/")[2] if name.startswith("part-") else name.removesuffix(".parquet")


def _pieces(path: Path) -> Iterator[bytes]:
    """A file in pieces that overlap, so that nothing is cut in two."""
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece
            if len(piece) == _CHUNK:
                file.seek(-_OVERLAP, 1)
