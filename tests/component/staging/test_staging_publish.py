"""What publishing leaves, what it refuses, and what readers find."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from made_generations import DAY, ORG, made, number_in, number_of, table_of

from license_ledger import reader
from license_ledger.staging.layout import DATA_TABLES
from license_ledger.staging.storage import Storage


def test_a_published_day_reads_back(staging: Storage) -> None:
    """What was published is what is read, table by table, with its partition columns."""
    receipt = made(staging.child("_made"), 1).publish(staging)
    snapshot = reader.open_snapshot(staging, ORG, DAY)

    assert number_of(snapshot) == 1
    assert receipt["replaced"] is None
    assert snapshot.table("users", ["org_id", "snapshot_date"]).to_pylist()[0] == {
        "org_id": ORG,
        "snapshot_date": DAY,
    }
    snapshot.verify()
