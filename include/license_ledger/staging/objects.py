"""
An object store behind fsspec: atomic by whole-object writes, guarded by conditional requests. May import
errors.

S3 and what speaks its API are used to the full: reads pinned by ETag, exclusive creation (``If-None-Match``),
replacement only over the version that was seen (``If-Match``), copies on the server. Other object stores get
exclusive creation from fsspec's ``mode="create"``; there a replacement is guarded by the lease alone.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import structlog
from fsspec import AbstractFileSystem

from license_ledger.errors import CorruptSnapshot
from license_ledger.staging.medium import Stat

_log = structlog.get_logger(__name__)

SMALL = 32 << 20
"""
Objects up to this size are replaced by one request that carries them; larger ones are copied on the server.
"""
_COPIED_PART = 512 << 20
_UPLOAD = {"chunksize": 16 << 20, "max_concurrency": 2}
_WRITTEN = ("LastModified", "last_modified", "mtime")
"""What S3, Azure and Google's file systems call the time of an object in a listing."""
_CONFLICTS = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}


class ObjectStore:
    """
    The medium of an object store; see :class:`license_ledger.staging.medium.Medium`.

    Args:
        fs: an fsspec file system; its listing cache is never trusted.
    """

    def __init__(self, fs: AbstractFileSystem) -> None:
        self.fs = fs
        self._speaks_s3 = hasattr(fs, "call_s3")

    def stat(self, path: str) -> Stat | None:
        """The version is the ETag."""
        head = self._head(path)
        return None if head is None else Stat(str(head["ETag"]), int(head["size"]), head["LastModified"])

    def age(self, path: str) -> float | None:
        """
        Seconds since the object was written, by the store's clock alone.

        None when there is no object, or the store does not tell its own time.
        """
        head = self._head(path)
        if head is None or "Date" not in head:
            return None
        return float((head["Date"] - head["LastModified"]).total_seconds())

    def read(self, path: str) -> bytes:
        """One request, hence one writing of the object."""
        options = {"max_concurrency": 1} if self._speaks_s3 else {}
        return bytes(self.fs.cat_file(path, **options))

    def read_all(self, paths: Sequence[str]) -> dict[str, bytes]:
        """At once, as far as the client does that."""
        if not paths:
            return {}
        self.fs.invalidate_cache()
        options = {"max_concurrency": 1} if self._speaks_s3 else {}
        found = self.fs.cat(list(paths), on_error="return", **options)
        for content in found.values():
            if isinstance(content, Exception) and not isinstance(content, FileNotFoundError):
                raise content
        return {path: found[path] for path in paths if not isinstance(found[path], Exception)}

    def open(self, path: str) -> pa.NativeFile:
        """Ranged reads; on S3 each names the ETag that was there when the file was opened."""
        self.fs.invalidate_cache(path)
        return pa.PythonFile(self.fs.open(path, "rb", cache_type="none"), mode="r")

    def write(self, path: str, content: bytes) -> None:
        """One PUT."""
        self.fs.pipe_file(path, content)

    def create(self, path: str, content: bytes) -> bool:
        """Put a small object in place if there is none; False when there is one."""
        try:
            self.fs.pipe_file(path, content, mode="create")
        except OSError as error:
            if not _is_conflict(error):
                raise
            # The client repeats a request whose answer was lost, and then meets its own object.
            with suppress(FileNotFoundError):
                return self.read(path) == content
            return False
        return True

    @contextmanager
    def sink(self, path: str, *, durable: bool = True) -> Iterator[IO[bytes]]:
        """A nameless local file, uploaded at the end."""
        with _spool() as (stream, name):
            yield stream
            stream.flush()
            self.receive(name, path)

    def duplicate(self, source: str, target: str) -> None:
        """A copy made by the store."""
        if self._head(target) is None:
            self.fs.invalidate_cache(source)
            self.fs.cp_file(source, target)

    def receive(self, local: str, target: str) -> None:
        """An upload, in parts when it is large; it appears when it is complete."""
        self.fs.put_file(local, target, **(_UPLOAD if self._speaks_s3 else {}))
        self.fs.invalidate_cache(target)

    def place(self, source: str, target: str, over: str | None) -> bool:
        """
        Replace the target's object by the source's in one conditional request; the source stays.

        A store that does not know the condition is told without it, and the lease is the only guard.
        """
        if not self._speaks_s3:
            there = self.stat(target)
            if (there.version if there else None) != over:
                return False
            self.fs.cp_file(source, target)
            return True
        condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over}
        try:
            self._replace(source, target, condition)
        except OSError as error:
            if _is_conflict(error) or (over is not None and isinstance(error, FileNotFoundError)):
                return False
            if error.errno != errno.ENOSYS:
                raise
            _log.warning("store.unconditional", reason="the object store refuses conditional writes")
            self._replace(source, target, {})
        finally:
            self.fs.invalidate_cache(target)
        return True

    def remove(self, path: str) -> None:
        """One request."""
        with suppress(FileNotFoundError):
            self.fs.rm_file(path)
        self.fs.invalidate_cache(path)

    def delete(self, path: str) -> None:
        """Remove an object, and all below it."""
        self.fs.invalidate_cache(path)
        with suppress(FileNotFoundError):
            self.fs.rm(path, recursive=True)
        self.fs.invalidate_cache(path)

    def names(self, path: str) -> list[str]:
        """The next part of every key below the path."""
        self.fs.invalidate_cache(path)
        try:
            found = self.fs.ls(path, detail=False)
        except (FileNotFoundError, NotADirectoryError):
            return []
        names = {
            name.rstrip("/").rpartition("/")[2] for name in found if name.rstrip("/") != path.rstrip("/")
        }
        return sorted(names - {""})

    def entries(self, path: str) -> dict[str, datetime]:
        """By the store's clock."""
        self.fs.invalidate_cache(path)
        try:
            found = self.fs.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        return {
            entry["name"].rpartition("/")[2]: self._listed(entry).written
            for entry in found
            if entry["type"] == "file" and entry["name"].rstrip("/") != path.rstrip("/")
        }

    def entries_below(self, path: str) -> dict[str, Stat]:
        """One listing, however deep."""
        self.fs.invalidate_cache()
        return {name: self._listed(entry) for name, entry in self.fs.find(path, detail=True).items()}

    def _listed(self, entry: dict[str, Any]) -> Stat:
        """What a listing tells of an object; each file system has names of its own for it."""
        told = [entry[name] for name in _WRITTEN if isinstance(entry.get(name), datetime)]
        written = _utc(told[0] if told else self.fs.modified(entry["name"]))
        etag = entry.get("ETag") or entry.get("etag") or ""
        return Stat(f"{etag}:{written.isoformat()}:{entry['size']}", entry["size"], written)

    def sweep_uploads(self, path: str, before: datetime) -> int:
        """Abort multipart uploads that nobody has finished."""
        if not self._speaks_s3:
            return 0
        bucket, key, _ = self.fs.split_path(path)
        listed = self.fs.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=f"{key}/")
        stale = [upload for upload in listed.get("Uploads") or [] if upload["Initiated"] < before]
        for upload in stale:
            with suppress(FileNotFoundError):
                self.fs.call_s3(
                    "abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        return len(stale)

    def _head(self, path: str) -> dict[str, Any] | None:
        """ETag, LastModified, size and, where told, the store's Date; None when there is no object."""
        try:
            if not self._speaks_s3:
                self.fs.invalidate_cache(path)
                info = self.fs.info(path)
                if info["type"] != "file":
                    return None
                return {
                    "ETag": self.fs.ukey(path),
                    "LastModified": _utc(self.fs.modified(path)),
                    "size": info["size"],
                }
            bucket, key, _ = self.fs.split_path(path)
            told = self.fs.call_s3("head_object", Bucket=bucket, Key=key)
        except FileNotFoundError:
            return None
        head = {"ETag": told["ETag"], "LastModified": told["LastModified"], "size": told["ContentLength"]}
        date = told.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        return head | ({"Date": parsedate_to_datetime(date)} if date else {})

    def _replace(self, source: str, target: str, condition: dict[str, str]) -> None:
        head = self._head(source)
        if head is None:
            raise CorruptSnapshot(
                f"file {source}", "is gone before it was put in place", "publish the day again"
            )
        bucket, key, _ = self.fs.split_path(target)
        if head["size"] <= SMALL:
            self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=self.read(source), **condition)
            return
        upload = self.fs.call_s3("create_multipart_upload", Bucket=bucket, Key=key)["UploadId"]
        try:
            parts = self._copy_parts(source, head, {"Bucket": bucket, "Key": key, "UploadId": upload})
            self.fs.call_s3(
                "complete_multipart_upload",
                Bucket=bucket,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": parts},
                **condition,
            )
        except BaseException:
            with suppress(Exception):
                self.fs.call_s3("abort_multipart_upload", Bucket=bucket, Key=key, UploadId=upload)
            raise

    def _copy_parts(self, source: str, head: dict[str, Any], upload: dict[str, str]) -> list[dict[str, Any]]:
        bucket, key, _ = self.fs.split_path(source)
        parts: list[dict[str, Any]] = []
        for number, start in enumerate(range(0, head["size"], _COPIED_PART), 1):
            end = min(start + _COPIED_PART, head["size"]) - 1
            copied = self.fs.call_s3(
                "upload_part_copy",
                **upload,
                PartNumber=number,
                CopySource={"Bucket": bucket, "Key": key},
                CopySourceRange=f"bytes={start}-{end}",
            )
            parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        return parts


def _is_conflict(error: OSError) -> bool:
    """Whether the store says that the condition of a request did not hold."""
    if isinstance(error, FileExistsError):
        return True
    response = getattr(error.__cause__, "response", None) or {}
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return response.get("Error", {}).get("Code") in _CONFLICTS or status in (409, 412)


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@contextmanager
def _spool() -> Iterator[tuple[IO[bytes], str]]:
    """A temporary local file and a name to open it by; not in any directory where the system can do that."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        with tempfile.NamedTemporaryFile(prefix="license-ledger-") as named:
            yield named, named.name
        return
    nameless = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        yield nameless, os.fspath(descriptors / str(nameless.fileno()))
    finally:
        with suppress(OSError):  # a full disk refuses what is still buffered once more
            nameless.close()
