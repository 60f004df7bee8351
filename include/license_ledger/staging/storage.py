"""
A place to keep files: a root on a local disk or in an object store. May import errors and its own package.

Every path that a method takes is either relative to the root or a full path as :meth:`Storage.path` gives it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from license_ledger.errors import ConfigError, StagingUnwritable
from license_ledger.staging.disk import Disk
from license_ledger.staging.medium import Medium, refusals
from license_ledger.staging.objects import ObjectStore
from license_ledger.staging.parquet import (
    ROW_GROUP_ROWS,
    Footer,
    ParquetSink,
    batches_of,
    footer,
    open_parquet,
)

PROBE = "_probe-"
"""What :meth:`Storage.check_writable` writes is called so, for a moment."""
_WITH_CONNECTION = ("s3", "s3a", "gs", "gcs")
"""Protocols whose URL has no other use for user information than Airflow's connection id."""


@dataclass(frozen=True)
class Storage:
    """
    A root directory or prefix, and what can be done below it.

    Attributes:
        fs: the fsspec file system.
        root: full path of the root on it, without protocol or trailing slash.
        medium: atomic operations of the disk or the object store.
    """

    fs: AbstractFileSystem
    root: str
    medium: Medium = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        local = isinstance(self.fs, LocalFileSystem)
        object.__setattr__(self, "medium", Disk() if local else ObjectStore(self.fs))

    @classmethod
    def from_url(cls, url: str, *, filesystem: AbstractFileSystem | None = None) -> Storage:
        """
        The storage at a URL or local path.

        Args:
            url: ``file:///…``, a path, ``s3://bucket/prefix``, ``memory://…`` or what fsspec knows besides.
            filesystem: ready-made for the URL, for credentials that do not come from the environment; an
                Airflow connection id in the URL (``s3://conn_id@bucket/prefix``) is then passed over.

        Raises:
            ConfigError: the URL is blank, its protocol is unknown or not installed, or it names a connection
                that nobody has resolved.
        """
        if not url.strip():
            raise ConfigError("storage URL", "is blank", "give a path or a URL such as s3://bucket/prefix")
        bare, connection = _without_connection(url)
        if connection and filesystem is None:
            raise ConfigError(
                f"storage URL {bare}",
                f"names the Airflow connection {connection!r}, which only Airflow can resolve",
                "run it in Airflow, or leave the id out and set credentials in the environment",
            )
        try:
            options = {"use_listings_cache": False} if bare.startswith("s3") else {}
            fs = filesystem or url_to_fs(bare, **options)[0]
        except (ImportError, ValueError) as error:
            raise ConfigError(
                f"storage URL {bare}", str(error), "correct the URL, or install the extra for it"
            ) from error
        root = str(fs._strip_protocol(bare)).rstrip("/")
        if not root:
            raise ConfigError(f"storage URL {url}", "names no place", "add the bucket or directory")
        return cls(fs, str(Path(root).absolute()) if isinstance(fs, LocalFileSystem) else root)

    @property
    def is_local(self) -> bool:
        """Whether full paths are paths on this machine's disk."""
        return isinstance(self.medium, Disk)

    @property
    def url(self) -> str:
        """The root with its protocol, as other programs take it; without credentials."""
        return str(self.fs.unstrip_protocol(self.root))

    def fleeting(self) -> Storage:
        """
        The same place, for files that nobody misses after a power cut: a local disk need not be waited for.

        What is published out of it is flushed when it is published.
        """
        return self._at(self.root, Disk(flushes=False)) if self.is_local else self

    def child(self, *parts: str) -> Storage:
        """The storage whose root is a directory below this one."""
        return self._at(self.path(*parts), self.medium)

    def _at(self, root: str, medium: Medium) -> Storage:
        storage = Storage(self.fs, root)
        object.__setattr__(storage, "medium", medium)
        return storage

    def path(self, *parts: str) -> str:
        """The full path of what lies below the root; a full path is given back as it is."""
        joined = "/".join(
            part.strip("/") if at else part.rstrip("/") for at, part in enumerate(parts) if part
        )
        if joined == self.root or joined.startswith(f"{self.root}/"):
            return joined
        return f"{self.root}/{joined.lstrip('/')}" if joined else self.root

    def exists(self, *parts: str) -> bool:
        """Whether there is a file of that name."""
        return self.medium.stat(self.path(*parts)) is not None

    def list(self, *parts: str) -> list[str]:
        """Names directly below a directory, sorted; empty when there is no directory."""
        return self.medium.names(self.path(*parts))

    def version(self, *parts: str) -> str | None:
        """A token that changes with every replacement of a file; None when there is none."""
        found = self.medium.stat(self.path(*parts))
        return None if found is None else found.version

    def remove(self, *parts: str) -> None:
        """Remove a file; nothing when there is none."""
        with refusals(self.path(*parts)):
            self.medium.remove(self.path(*parts))

    def delete(self, *parts: str) -> None:
        """Remove a file or a tree; nothing when there is none."""
        with refusals(self.path(*parts)):
            self.medium.delete(self.path(*parts))

    def read_bytes(self, *parts: str) -> bytes:
        """A whole small file. Raises FileNotFoundError."""
        return self.medium.read(self.path(*parts))

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Many small files by full path, in the order given; those that are not there are left out."""
        return self.medium.read_all([self.path(path) for path in paths])

    def write_bytes(self, path: str, content: bytes) -> None:
        """
        Put a small file in place in one step.

        Raises:
            StagingUnwritable: naming the path.
        """
        with refusals(self.path(path)):
            self.medium.write(self.path(path), content)

    def read_json(self, path: str) -> Any:
        """What :meth:`write_json` wrote. Raises FileNotFoundError."""
        return json.loads(self.read_bytes(path))

    def write_json(self, path: str, content: Any) -> None:
        """Put a small JSON file in place in one step, keys sorted."""
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
        self.write_bytes(path, f"{text}\n".encode())

    def open_input(self, path: str) -> pa.NativeFile:
        """Random access to one writing of a file; see :meth:`Medium.open`. Raises FileNotFoundError."""
        return self.medium.open(self.path(path))

    @contextmanager
    def parquet_writer(
        self,
        path: str,
        schema: pa.Schema,
        metadata: Mapping[str, str] | None = None,
        *,
        row_group_rows: int = ROW_GROUP_ROWS,
        landing: bool = False,
    ) -> Iterator[ParquetSink]:
        """
        Stream a Parquet file; it appears when the block ends well, and not at all when it raises.

        Args:
            path: of the file; parents are made.
            schema: every written piece must have exactly this one.
            metadata: key-value metadata of the file.
            row_group_rows: rows per row group, about half of what is held in memory.
            landing: it is landed: flushed to the disk before it appears, which publishing does itself, and
                made for quick writing.

        Yields:
            The sink; its ``receipt`` is there when the block has ended.

        Raises:
            StagingUnwritable: naming the path.
            SchemaDrift: from the sink, naming the column.
        """
        full = self.path(path)
        with ExitStack() as stack:
            with refusals(full):
                stream = stack.enter_context(self.medium.sink(full, durable=landing))
            sink = ParquetSink(stream, full, schema, metadata or {}, row_group_rows, landing=landing)
            stack.push(sink.abandon_on_error)
            yield sink
            with refusals(full):
                sink.finish()
                stack.close()

    def parquet_footer(self, path: str) -> Footer:
        """Rows, schema and metadata of a Parquet file. Raises FileNotFoundError and CorruptSnapshot."""
        with self.open_input(path) as source:
            return footer(open_parquet(source, self.path(path)), source.size())

    def parquet_batches(self, path: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """
        Stream the rows of a Parquet file, one row group in memory at a time.

        Raises:
            FileNotFoundError: there is no such file.
            CorruptSnapshot: it is torn.
            SchemaDrift: a column is not there.
        """
        with self.open_input(path) as source:
            yield from batches_of(open_parquet(source, self.path(path)), columns, self.path(path))

    def check_writable(self) -> None:
        """
        Write, read back and remove a small file.

        Raises:
            StagingUnwritable: naming the root.
            StoreBusy: the object store does not answer.
        """
        probe, content = self.path(f"{PROBE}{uuid.uuid4().hex}"), b"license-ledger"
        with refusals(self.root):
            self.medium.write(probe, content)
            try:
                found = self.medium.read(probe)
            finally:
                self.medium.remove(probe)
        if found != content:
            raise StagingUnwritable(
                f"writing to {self.root}", "what was written does not read back", "check the store"
            )


def _without_connection(url: str) -> tuple[str, str]:
    """The URL without user information, and the user, which is an Airflow connection id."""
    parts = urlsplit(url)
    if parts.scheme not in _WITH_CONNECTION or not parts.username:
        return url, ""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), parts.username
