"""All files that the settings name, read and judged before anything is written. May import settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa

from license_ledger.inputs.directory import Directory
from license_ledger.inputs.prices import read_license_products, read_prices
from license_ledger.inputs.reading import InputFile
from license_ledger.inputs.tables import INPUT_FILES, INPUT_TABLES
from license_ledger.settings import Settings
from license_ledger.staging.storage import Storage

__all__ = ["Inputs", "read_inputs"]

WHOLE = tuple(table for table in INPUT_TABLES if not table.is_daily)
"""Tables that a warehouse holds as the files are now."""

_TITLES = {"prices": "price list", "license_products": "crosswalk", "directory": "directory"}


@dataclass(frozen=True)
class Inputs:
    """
    What the files say.

    Attributes:
        tables: the rows of each table in :data:`WHOLE`, by name; a file that is not given has none.
        directory: None when there is none.
    """

    tables: Mapping[str, pa.Table] = field(
        default_factory=lambda: {table.name: table.arrow_schema.empty_table() for table in WHOLE}
    )
    directory: Directory | None = None

    @property
    def fingerprints(self) -> dict[str, str]:
        """SHA-256 of the files by input; a warehouse that holds the same ones need not be loaded again."""
        files = self.tables[INPUT_FILES.name]
        return dict(zip(files["input_name"].to_pylist(), files["sha256"].to_pylist(), strict=True))


def read_inputs(
    settings: Settings, now: datetime, open_storage: Callable[[str], Storage] = Storage.from_url
) -> Inputs:
    """
    Read the files that the settings name.

    Args:
        settings: of the pipeline.
        now: the present.
        open_storage: from the URL of a directory to its storage.

    Returns:
        What they say; nothing when none is named.

    Raises:
        InputRefused: a file is not there or cannot be used, naming line and column.
        ConfigError: its URL leads nowhere.
    """
    given = Inputs()
    tables, files, directory = dict(given.tables), [], None
    for name, url in _urls(settings).items():
        parent, _, base = url.rpartition("/")
        file = InputFile(_TITLES[name], open_storage(parent), base, is_personal=name == "directory")
        fingerprint = file.sha256()
        if name == "directory":
            directory = Directory.read(file, now)
            rows = directory.entry_count
        else:
            tables[name] = {"prices": read_prices, "license_products": read_license_products}[name](file)
            rows = tables[name].num_rows
        files.append({"input_name": name, "sha256": fingerprint, "row_count": rows, "read_at": now})
    tables[INPUT_FILES.name] = pa.Table.from_pylist(files, INPUT_FILES.arrow_schema)
    return Inputs(tables, directory)


def _urls(settings: Settings) -> dict[str, str]:
    named = {name: getattr(settings, name) for name in _TITLES}
    return {name: url for name, url in named.items() if url}
