"""A Parquet file in an object store as Arrow's dataset, for engines that scan it. May import its package."""

from __future__ import annotations

import pyarrow as pa
from pyarrow.dataset import Dataset
from pyarrow.dataset import dataset as dataset_of
from pyarrow.fs import FSSpecHandler, PyFileSystem

from license_ledger.staging.storage import Storage


class _Files(FSSpecHandler):  # type: ignore[misc]
    """Arrow's own handler takes a store that refuses or is silent for a file that is not there."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage.fs)
        self._storage = storage

    def open_input_file(self, path: str) -> pa.NativeFile:
        return self._storage.open_input(path)


def dataset(storage: Storage, path: str) -> Dataset:
    """
    The dataset of one file.

    Args:
        storage: where it lies.
        path: of the file.

    Returns:
        What can be scanned several times. A file that is not there raises FileNotFoundError.
    """
    return dataset_of(storage.path(path), filesystem=PyFileSystem(_Files(storage)), format="parquet")
