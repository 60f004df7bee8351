"""A file that others read is replaced whole, by one writer at a time."""

from __future__ import annotations

import multiprocessing
import os
import stat
from pathlib import Path

import pytest

from license_ledger.errors import StagingUnwritable, StoreBusy
from license_ledger.warehouse.swap import exclusive, successor


def names(directory: Path) -> set[str]:
    """What lies in the directory."""
    return {path.name for path in directory.iterdir()}


def test_the_first_version_is_built_from_nothing(tmp_path: Path) -> None:
    """Where there is no file the builder starts without one, and its directory is made."""
    path = tmp_path / "deep" / "book"
    with exclusive(path, 0), successor(path) as building:
        assert not building.exists()
        building.write_text("one")

    assert path.read_text() == "one"
    assert names(path.parent) == {"book", "book.lock"}


def test_the_next_version_is_built_from_a_copy(tmp_path: Path) -> None:
    """The builder works on a copy; readers see the old file until the end, and keep it if it is open."""
    path = tmp_path / "book"
    path.write_text("one")
    path.chmod(0o640)
    with path.open() as reader, exclusive(path, 0):
        with successor(path) as building:
            assert building.read_text() == "one"
            building.write_text("two")
            assert path.read_text() == "one"

        assert path.read_text() == "two"
        assert reader.read() == "one"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_a_copy_is_the_same_to_the_last_byte(tmp_path: Path, size: int) -> None:
    """Files of any size arrive unchanged at the builder."""
    path = tmp_path / "book"
    path.write_bytes(os.urandom(size))

    with exclusive(path, 0), successor(path) as building:
        assert building.read_bytes() == path.read_bytes()


def test_a_build_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    """An error in the body comes out, and neither the file nor its directory has changed."""
    path = tmp_path / "book"
    path.write_text("one")

    def build_half() -> None:
        with exclusive(path, 0), successor(path) as building:
            building.write_text("half")
            Path(f"{building}.wal").write_text("log")
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        build_half()

    assert path.read_text() == "one"
    assert names(tmp_path) == {"book", "book.lock"}


def test_leftovers_of_the_dead_are_swept(tmp_path: Path) -> None:
    """The next writer removes builds that were never finished, of this file and of no other."""
    path = tmp_path / "book"
    (tmp_path / ".book.building-1").write_text("half")
    (tmp_path / ".book.building-1.tmp").mkdir()
    (tmp_path / ".book.building-1.tmp" / "spilled").write_text("…")
    (tmp_path / ".bookshelf.building-1").write_text("somebody else's")

    with exclusive(path, 0):
        assert names(tmp_path) == {"book.lock", ".bookshelf.building-1"}


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """A second writer waits as long as it is told, then says who is in the way; afterwards it gets in."""
    path = tmp_path / "book"
    with exclusive(path, 0), pytest.raises(StoreBusy, match=f"lock of {path}"), exclusive(path, 0.1):
        raise AssertionError("two writers at once")

    with exclusive(path, 0):
        pass


def _hold_for_ever(path: Path, held: multiprocessing.synchronize.Event) -> None:
    with exclusive(path, 0):
        held.set()
        multiprocessing.Event().wait()


def test_the_lock_dies_with_its_holder(tmp_path: Path) -> None:
    """A writer that is killed does not keep the others out."""
    path = tmp_path / "book"
    held = multiprocessing.get_context("spawn").Event()
    holder = multiprocessing.get_context("spawn").Process(target=_hold_for_ever, args=(path, held))
    holder.start()
    assert held.wait(30)
    with pytest.raises(StoreBusy), exclusive(path, 0):
        raise AssertionError("two writers at once")

    holder.kill()
    holder.join()

    with exclusive(path, 5):
        pass


@pytest.mark.parametrize("where", ["a file in the way", "a directory in the way"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, where: str) -> None:
    """What stands in the way is StagingUnwritable, naming the path."""
    if where == "a file in the way":
        (tmp_path / "shelf").write_text("not a directory")
        path = tmp_path / "shelf" / "book"
    else:
        path = tmp_path / "book"
        (path / "page").mkdir(parents=True)

    with pytest.raises(StagingUnwritable, match=str(path)), exclusive(path, 0), successor(path):
        raise AssertionError("nothing can be built there")
