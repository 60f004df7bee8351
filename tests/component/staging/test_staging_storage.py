"""Places to keep files: named by URL, written atomically, refusing clearly."""

from __future__ import annotations

import os
import resource
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from made_generations import DAY, ORG, files, joined, made
from s3fs import S3FileSystem

from license_ledger.errors import ConfigError, CorruptSnapshot, SchemaDrift, StagingUnwritable, StoreBusy
from license_ledger.staging.layout import Day
from license_ledger.staging.storage import Storage

SCHEMA = pa.schema([pa.field("id", pa.int64(), False), pa.field("text", pa.string())])
ROWS = pa.table({"id": [1, 2, 3], "text": ["a", None, "c"]}, SCHEMA)


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("file:///var/lib/staging", "/var/lib/staging"),
        ("/var/lib/staging/", "/var/lib/staging"),
        ("memory://a/b", "/a/b"),
        ("s3://bucket/prefix/", "bucket/prefix"),
        ("s3://bucket", "bucket"),
    ],
)
def test_a_url_is_a_root(url: str, root: str) -> None:
    """Protocols and trailing slashes are understood."""
    assert Storage.from_url(url).root == root


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process stands later does not matter."""
    monkeypatch.chdir(tmp_path)

    assert Storage.from_url("var/staging").root == str(tmp_path / "var" / "staging")


def test_a_connection_in_the_url_needs_its_file_system() -> None:
    """An Airflow connection id is resolved by Airflow, which hands over the file system."""
    with pytest.raises(ConfigError, match="connection 'aws_default'"):
        Storage.from_url("s3://aws_default@bucket/prefix")

    ready_made = S3FileSystem(anon=True)
    found = Storage.from_url("s3://aws_default@bucket/prefix", filesystem=ready_made)
    assert found.root == "bucket/prefix"
    assert found.fs is ready_made
    assert found.url == "s3://bucket/prefix"


@pytest.mark.parametrize("url", ["", "  ", "gopher://a/b", "s3://"])
def test_a_url_that_is_none(url: str) -> None:
    """A blank or unknown URL, or one that names no place, is a ConfigError."""
    with pytest.raises(ConfigError, match="storage URL"):
        Storage.from_url(url)


def test_paths_are_relative_or_full(staging: Storage) -> None:
    """A path that a storage has given is taken as it is, by itself and by its children."""
    child = staging.child("a", "b=1")

    assert child.path("c", "d") == f"{staging.root}/a/b=1/c/d"
    assert child.path(child.path("c")) == child.path("c")
    assert staging.path() == staging.root
    assert child.url == f"{staging.url}/a/b=1"


def test_small_files(staging: Storage) -> None:
    """They are there when written, replaced by writing, listed, and gone when deleted, again and again."""
    assert staging.list() == []
    staging.write_json("a/x.json", {"b": [1, None], "a": "ä"})
    staging.write_bytes("a/y", b"1")
    staging.write_bytes("a/y", b"2")
    staging.write_bytes("a/b/z", b"3")

    assert staging.read_json("a/x.json") == {"b": [1, None], "a": "ä"}
    assert staging.read_bytes("a", "y") == b"2"
    assert staging.list("a") == ["b", "x.json", "y"]
    assert staging.exists("a/y")
    assert not staging.exists("a/n")
    paths = [staging.path("a/n"), staging.path("a/y"), staging.path("a/b/z")]
    assert staging.read_all(paths) == {paths[1]: b"2", paths[2]: b"3"}
    assert staging.read_all([]) == {}
    with pytest.raises(FileNotFoundError):
        staging.read_bytes("a/n")
    for _ in range(2):
        staging.remove("a/y")
        staging.delete("a/b")
    assert staging.list("a") == ["x.json"]
    staging.delete("a")
    staging.delete("a")
    assert files(staging) == set()


def test_a_parquet_file_appears_whole(staging: Storage) -> None:
    """Nothing is seen while it is written; then its receipt is true, and rows and metadata are there."""
    with staging.parquet_writer("t/x.parquet", SCHEMA, {"k": "v"}) as sink:
        sink.write(ROWS)
        sink.write(ROWS.to_batches()[0])
        assert not staging.exists("t/x.parquet")
    receipt = sink.receipt
    content = staging.read_bytes("t/x.parquet")

    assert receipt["path"] == staging.path("t/x.parquet")
    assert receipt["rows"] == 6
    assert receipt["bytes"] == len(content)
    found = staging.parquet_footer(receipt["path"])
    assert found.metadata["k"] == "v"
    assert found.file_id == receipt["file_id"]
    assert found.bytes == len(content)
    rows = pa.Table.from_batches(list(staging.parquet_batches("t/x.parquet")))
    assert rows.to_pylist() == 2 * ROWS.to_pylist()
    only = pa.Table.from_batches(list(staging.parquet_batches("t/x.parquet", ["text"])))
    assert only.column_names == ["text"]
    with pytest.raises(SchemaDrift, match="column shoe_size"):
        list(staging.parquet_batches("t/x.parquet", ["shoe_size"]))


def test_a_file_that_fails_leaves_what_was_there(staging: Storage) -> None:
    """Whatever raises inside comes out unchanged, and the old file stays, alone."""
    with staging.parquet_writer("x.parquet", SCHEMA) as sink:
        sink.write(ROWS)
    before = staging.read_bytes("x.parquet")

    def break_off() -> None:
        with staging.parquet_writer("x.parquet", SCHEMA) as sink:
            sink.write(pa.table({"id": range(300_000), "text": ["x"] * 300_000}, SCHEMA))
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        break_off()

    assert staging.read_bytes("x.parquet") == before
    assert files(staging) == {"x.parquet"}


def test_an_empty_file_has_its_schema(staging: Storage) -> None:
    """A table without rows is a file without rows."""
    with staging.parquet_writer("x.parquet", SCHEMA) as sink:
        pass

    assert sink.receipt["rows"] == 0
    assert staging.parquet_footer("x.parquet").schema.equals(SCHEMA)
    assert list(staging.parquet_batches("x.parquet")) == []


def test_torn_and_missing_files(staging: Storage) -> None:
    """A torn file is named; a missing one is not there."""
    staging.write_bytes("torn.parquet", b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(CorruptSnapshot, match=r"torn\.parquet"):
        list(staging.parquet_batches("torn.parquet"))
    with pytest.raises(FileNotFoundError):
        list(staging.parquet_batches("missing.parquet"))


def test_large_objects_go_up_in_parts_and_are_put_in_place_by_the_store(s3: Storage) -> None:
    """Beyond one request's size an object is copied on the server, on condition that the old one is there."""
    noise = np.random.default_rng(1).bytes(40 << 20)
    with s3.medium.sink(s3.path("new")) as stream:
        stream.write(noise)
    s3.write_bytes("old", b"old")
    version = s3.version("old")

    assert not s3.medium.place(s3.path("new"), s3.path("old"), None)
    assert not s3.medium.place(s3.path("new"), s3.path("old"), '"strange"')
    assert s3.read_bytes("old") == b"old"
    assert s3.medium.place(s3.path("new"), s3.path("old"), version)
    assert s3.read_bytes("old") == noise
    assert not s3.medium.place(s3.path("new"), s3.path("old"), version)


def test_a_writable_place_is_left_as_it_was(staging: Storage) -> None:
    """The probe leaves nothing behind."""
    staging.check_writable()

    assert files(staging) == set()


def _in_a_child(work: Callable[[], object], *, as_nobody: bool = False) -> str:
    """Work done in a child, without the rights of root if wanted; what it raised."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            if as_nobody and os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            work()
            told = "nothing"
        except StagingUnwritable as error:
            told = f"StagingUnwritable {error}"
        except BaseException:
            told = traceback.format_exc()
        os.write(writing, told.encode()[:4000])
        os._exit(0)
    os.close(writing)
    os.waitpid(pid, 0)
    with os.fdopen(reading, "rb") as stream:
        return stream.read().decode()


def test_a_read_only_directory(tmp_path: Path) -> None:
    """A staging area that may not be written is named before anything is published."""
    for directory in (tmp_path, *tmp_path.parents[:2]):
        directory.chmod(0o755)
    root = tmp_path / "staging"
    root.mkdir(mode=0o555)
    told = _in_a_child(Storage.from_url(str(root)).check_writable, as_nobody=True)

    assert told.startswith("StagingUnwritable")
    assert str(root) in told
    assert "Permission denied" in told


def test_a_place_below_a_file(tmp_path: Path) -> None:
    """A directory that cannot exist is named."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StagingUnwritable, match="file/staging"):
        Storage.from_url(str(tmp_path / "file" / "staging")).check_writable()


def test_a_bucket_that_does_not_exist(s3: Storage) -> None:
    """The missing bucket is named."""
    elsewhere = Storage.from_url("s3://nobody-made-this-bucket/staging")
    with pytest.raises(StagingUnwritable, match="nobody-made-this-bucket"):
        elsewhere.check_writable()


def test_a_store_that_does_not_answer() -> None:
    """An object store that is down may be up again later."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    client = S3FileSystem(
        key="a",
        secret="b",
        endpoint_url=f"http://127.0.0.1:{port}",
        config_kwargs={"retries": {"max_attempts": 1}, "connect_timeout": 1},
        skip_instance_cache=True,
    )
    client.retries = 1
    with pytest.raises(StoreBusy, match="does not answer"):
        Storage.from_url("s3://bucket/staging", filesystem=client).check_writable()


def _with_little_room(bytes_: int, work: Callable[[], object]) -> str:
    """Work in a child that can write no file larger than so many bytes."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_, bytes_))
        work()

    return _in_a_child(limited)


def test_a_full_disk_while_a_file_is_written(tmp_path: Path) -> None:
    """The path is named, the error is StagingUnwritable, and nothing is left."""
    storage = Storage.from_url(str(tmp_path))
    noise = np.random.default_rng(1).integers(0, 2**62, 200_000)

    def work() -> None:
        with storage.parquet_writer("big.parquet", SCHEMA) as sink:
            for _ in range(4):
                sink.write(pa.table({"id": noise, "text": pa.nulls(len(noise), pa.string())}, SCHEMA))

    told = _with_little_room(100_000, work)

    assert told.startswith("StagingUnwritable")
    assert "big.parquet" in told
    assert "File too large" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [10, 15_000, 40_000])
def test_a_full_disk_while_a_day_is_published_again(tmp_path: Path, source: Storage, room: int) -> None:
    """Wherever the room ends, the day that was published stays whole, for a plain glob too."""
    staging = Storage.from_url(str(tmp_path / "staging"))
    made(source, 1).publish(staging)
    generation = made(source, 2)
    told = _with_little_room(room, lambda: generation.publish(staging))

    assert told.startswith("StagingUnwritable"), told
    assert "File too large" in told
    assert joined(staging) == 1
    rows = pq.read_table(staging.path(Day(ORG, DAY).canonical("users")), partitioning=None)
    assert rows["email"][0].as_py().startswith("000001")
