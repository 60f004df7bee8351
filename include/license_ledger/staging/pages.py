"""
An object that is landed page by page, by several tasks on several machines. May import its own package.

::

    <Object>/part-00012-<mark>.parquet …      a page, under a name that follows from its number
    <Object>/_share-2-<mark>.json …           what a task has landed, once that is all of its pages
    <Object>/_landed.json                     all pages, once all tasks are done

The mark names the result that the pages belong to: pages of different results never mix. A page that is there
is whole, because files appear whole; landing it again puts the same rows in the same place.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypedDict

import pyarrow as pa

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging.landing import ObjectReceipt, RunFolder

FOLLOWING = "next_locator"
"""Key of a page's metadata: where the next page begins, in results that are read one page after another."""

_ID = "Id"
_MARK = re.compile(r"[0-9A-Za-z]+")


class PageReceipt(TypedDict):
    """
    What was landed of a page.

    Attributes:
        rows: number of rows.
        bytes: size of the file.
        ends: digests of the ids of its first and last row; none where it has no rows, or no ids.
    """

    rows: int
    bytes: int
    ends: list[str]


class Pages:
    """
    The pages of one result in a run folder.

    Args:
        folder: the run folder.
        object_name: Salesforce API name.
        mark: names the result; letters and digits.
    """

    def __init__(self, folder: RunFolder, object_name: str, mark: str) -> None:
        if not _MARK.fullmatch(mark):
            raise ValueError(f"mark {mark!r} cannot be part of a file name")
        self._folder, self._object, self._mark = folder, object_name, mark

    def there(self) -> set[int]:
        """Numbers of the pages that are landed."""
        part = re.compile(rf"part-(\d+)-{self._mark}\.parquet")
        names = (part.fullmatch(name) for name in self._folder.storage.list(self._object))
        return {int(name[1]) for name in names if name}

    def land(
        self, number: int, schema: pa.Schema, tables: Iterable[pa.Table], *, following: str = ""
    ) -> PageReceipt:
        """
        Land a page.

        Args:
            number: of the page, from 0.
            schema: of every table.
            tables: its rows; consumed once.
            following: where the page after it begins, when nothing else tells.

        Raises:
            StagingUnwritable: naming the path.
            SchemaDrift: a table does not fit the schema. What raises while tables are made comes out
                unchanged; the page then is as it was before.
        """
        metadata = {FOLLOWING: following} if following else {}
        ends = _Ends()
        with self._folder.storage.parquet_writer(self._path(number), schema, metadata, landing=True) as sink:
            for table in tables:
                ends.see(table)
                sink.write(table)
        return PageReceipt(rows=sink.receipt["rows"], bytes=sink.receipt["bytes"], ends=ends.digests())

    def kept(self, number: int) -> tuple[PageReceipt, str]:
        """
        Read what an earlier try has landed.

        Returns:
            The receipt, and where the next page begins; empty when that is not said.

        Raises:
            CorruptSnapshot: the page is torn, or gone.
        """
        path, ends = self._path(number), _Ends()
        try:
            footer = self._folder.storage.parquet_footer(path)
            if _ID in footer.schema.names:
                for batch in self._folder.storage.parquet_batches(path, [_ID]):
                    ends.see(batch)
        except FileNotFoundError:
            raise CorruptSnapshot(f"file {path}", "is not there", "run the extract again") from None
        receipt = PageReceipt(rows=footer.rows, bytes=footer.bytes, ends=ends.digests())
        return receipt, footer.metadata.get(FOLLOWING, "")

    def finish(self, share: int, pages: Mapping[int, PageReceipt]) -> None:
        """Say that all pages of a task are landed. Nothing is landed of the object by that."""
        written = {str(number): page for number, page in pages.items()}
        self._folder.storage.write_json(self._share(share), {"pages": written})

    def finished(self, shares: Iterable[int]) -> dict[int, PageReceipt] | None:
        """All pages of these tasks by number, in order; None while one of them has not finished."""
        found: dict[int, PageReceipt] = {}
        for share in shares:
            try:
                pages = self._folder.storage.read_json(self._share(share))["pages"]
            except FileNotFoundError:
                return None
            found |= {int(number): page for number, page in pages.items()}
        return dict(sorted(found.items()))

    def commit(self, pages: Mapping[int, PageReceipt]) -> ObjectReceipt:
        """Land the object: these pages and nothing else. May be done twice, and by two at once."""
        receipt = ObjectReceipt(
            object=self._object,
            rows=sum(page["rows"] for page in pages.values()),
            parts=[self._path(number) for number in sorted(pages)],
            bytes=sum(page["bytes"] for page in pages.values()),
        )
        return self._folder.switch(receipt)

    def is_landed(self) -> bool:
        """Whether the object is landed, by this result."""
        landed = self._folder.landed(self._object)
        return landed is not None and all(part.endswith(f"-{self._mark}.parquet") for part in landed["parts"])

    def forget(self) -> None:
        """Delete every page and every word about them, so that another try begins anew."""
        for name in self._folder.storage.list(self._object):
            if f"-{self._mark}." in name:
                self._folder.storage.delete(self._object, name)

    def _path(self, number: int) -> str:
        return f"{self._object}/part-{number:05d}-{self._mark}.parquet"

    def _share(self, share: int) -> str:
        return f"{self._object}/_share-{share}-{self._mark}.json"


class _Ends:
    """The first and the last id of rows that pass."""

    def __init__(self) -> None:
        self._first: str | None = None
        self._last: str | None = None

    def see(self, rows: pa.Table | pa.RecordBatch) -> None:
        """Look at some rows."""
        if rows.num_rows and _ID in rows.schema.names:
            ids = rows.column(_ID)
            self._first = self._first or ids[0].as_py()
            self._last = ids[-1].as_py()

    def digests(self) -> list[str]:
        """Of both, once each; ids themselves do not belong into a file that no erasure looks into."""
        return list(dict.fromkeys(self._hashed()))

    def _hashed(self) -> Iterator[str]:
        for each in (self._first, self._last):
            if each:
                yield hashlib.sha256(each.encode()).hexdigest()[:24]
