"""What was published, compared with the demo org's ground truth."""

from __future__ import annotations

from typing import Protocol

import pandas as pd
import pyarrow as pa

from license_ledger.reader import Snapshot

KEYS = {
    "users": ["user_id"],
    "seats": ["user_id", "license_layer", "license_id"],
    "licenses": ["license_layer", "license_id"],
    "mismatches": ["license_layer", "license_id", "cause"],
}
"""What identifies a row of a table."""


class Tables(Protocol):
    """What has the tables: a snapshot, or a warehouse."""

    def table(self, name: str, /) -> pa.Table:
        """All rows of a table."""


def require_true(snapshot: Tables, expected: dict[str, pd.DataFrame], what: str) -> None:
    """See that the published tables have exactly the true rows. Raises AssertionError."""
    for name, truth in expected.items():
        wanted = _plain(truth.sort_values(KEYS[name]).reset_index(drop=True).astype(object))
        found = _plain(_published(snapshot, name, truth).astype(object))
        pd.testing.assert_frame_equal(found, wanted, check_dtype=False, obj=f"{name} of {what}")


def require_explained(snapshot: Snapshot) -> None:
    """See that the causes of every license add up to Salesforce's own count. Raises AssertionError."""
    licenses = snapshot.table("licenses").to_pandas()
    bridge = snapshot.table("mismatches").to_pandas()
    sums = bridge.groupby(["license_layer", "license_id"])["seat_count"].sum()
    counted = licenses[licenses["used_count"].notna() & (licenses["license_layer"] != "usage")]
    for row in counted.itertuples():
        assert sums.get((row.license_layer, row.license_id), 0) == row.used_count, row.license_name
    assert not (bridge["cause"] == "unexplained").any()


def _published(snapshot: Tables, name: str, like: pd.DataFrame) -> pd.DataFrame:
    rows = snapshot.table(name).to_pandas()
    if name == "mismatches":
        rows = rows[rows["seat_count"] != 0]
    return rows[list(like.columns)].sort_values(KEYS[name]).reset_index(drop=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Values that compare: nulls of all kinds are None, instants UTC microseconds, numbers numbers."""
    return frame.map(
        lambda value: (
            None
            if value is None or value is pd.NaT or value is pd.NA or value != value
            else pd.Timestamp(value).isoformat()
            if hasattr(value, "year")
            else value
        )
    )
