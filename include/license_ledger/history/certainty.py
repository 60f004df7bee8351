"""Counts of how sure the rows of a day are. Reads work files; may import run."""

from __future__ import annotations

import pyarrow.compute as pc

from license_ledger.run import Landed
from license_ledger.schemas import CERTAINTIES

JUDGED = ("users", "seats", "licenses", "mismatches")
"""Tables whose rows say how sure they are."""


def rows_by_certainty(landed: Landed) -> dict[str, dict[str, int]]:
    """
    Count the rows that are about to be published.

    Args:
        landed: of a run whose tables are made.

    Returns:
        Rows per table and certainty; every certainty is named, best first.

    Raises:
        FileNotFoundError: a table has not been made.
    """
    storage, counts = landed.work.storage, {}
    for name in JUDGED:
        found = dict.fromkeys(CERTAINTIES, 0)
        for batch in storage.parquet_batches(landed.work.work(f"{name}.parquet"), ["certainty"]):
            for item in pc.value_counts(batch.column("certainty")).to_pylist():
                found[item["values"]] += item["counts"]
        counts[name] = found
    return counts
