"""Past days of a demo org, observed on the day and reconstructed from the last one, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from demo_org.server import DemoOrg
from demo_org.world import World
from license_ledger import pipeline
from license_ledger.receipts import Source
from license_ledger.run import INSPECTION, RunContext
from license_ledger.salesforce import capabilities
from license_ledger.staging.layout import DATA_TABLES
from tests.walk import MemoryJob, Walk

KEYS = {
    "users": ["user_id"],
    "seats": ["user_id", "license_layer", "license_id"],
    "licenses": ["license_layer", "license_id"],
    "mismatches": ["license_layer", "license_id", "cause"],
}
NOT_COMPARED = {
    "licenses": {"used_as_of", "count_basis"},
    "mismatches": {"detail"},
}
"""
Columns that tell of the snapshot and not of the org: when its counter was taken and whom that counted, which
is another counter or none in a reconstruction; and the words for it.
"""

Tables = Mapping[str, pd.DataFrame]


def midnight(day: date) -> datetime:
    """The beginning of a day, UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@dataclass
class Past:
    """
    One org whose clock goes to past days and comes back.

    Attributes:
        world: the org.
        server: serves it.
        root: directory for landing and staging.
        names: the company filter.
    """

    world: World
    server: DemoOrg
    root: Path
    names: list[str] = field(default_factory=lambda: ["*"])
    walk: Walk = field(init=False)

    def __post_init__(self) -> None:
        now = self.world.now
        self.walk = Walk(
            self.server.access.connection("*"), self.root, now, values={"bulk_threshold": 100_000}
        )

    def go_to(self, day: date) -> None:
        """Set both clocks to the beginning of a day."""
        self.walk.now = midnight(day)
        self.server.org.set_clock(self.walk.now)

    def observe(self, day: date) -> Tables:
        """What the daily run finds at the beginning of a day."""
        self.go_to(day)
        context = self.walk.context(self.names, day)
        self.walk.extract(context)
        return _settled(context)

    def anchor(self, day: date) -> RunContext:
        """Land a day with everything that Salesforce remembers; returns the run that did."""
        self.go_to(day)
        context = self.walk.context(self.names, day)
        pipeline.refresh_token(context)
        inspection = capabilities.inspect(
            context.client(), captured_at=self.walk.now, bulk_threshold=100_000, history=True
        )
        context.own_folder.write_json(INSPECTION, {"snapshot_id": "anchor", "inspection": inspection})
        for unit in inspection["units"]:
            pipeline.extract(context, {"label": unit["label"], "objects": unit["objects"]}, MemoryJob())
        return replace(context, org_id=context.org)

    def reconstruct(self, day: date, anchor: RunContext) -> tuple[Tables, dict[str, Any]]:
        """The tables of a day from the landing of a later one, and the receipt of the reconstruction."""
        source = Source(
            provenance="reconstructed",
            org_id=anchor.org,
            landing_date=anchor.snapshot_date.isoformat(),
            landing_run=anchor.run_key,
            extracts=False,
            snapshot_id=f"as-of-{day}",
            reason="a test",
        )
        context = replace(self.walk.context(self.names, day), org_id=anchor.org, source=source)
        tables = _settled(context)
        receipt: dict[str, Any] = context.own_folder.read_json("assembled.json")["certainty"]
        return tables, receipt


def _settled(context: RunContext) -> Tables:
    pipeline.transform(context)
    pipeline.reconcile(context)
    pipeline.check(context)
    tables = {name: context.landed.work_table(name).to_pandas() for name in KEYS if name in DATA_TABLES}
    tables["mismatches"] = tables["mismatches"][tables["mismatches"]["seat_count"] != 0]
    # Amounts are not remembered: there are no rows of them.
    tables["licenses"] = tables["licenses"][tables["licenses"]["license_layer"] != "usage"]
    return tables


@dataclass(frozen=True)
class Compared:
    """
    One table of a reconstruction against the truth.

    Attributes:
        truth: rows that are true.
        made: rows that were made.
        missing: true rows that were not made.
        extra: made rows that are not true.
        wrong: per column, values that are not the true ones.
        unknown: per column, null where there is a true value.
        wrong_rows: made rows that are not true or have a wrong value.
        wrong_sure: those of them that are marked sure.
        key_wrong: rows missing, extra, or wrong in what matters most.
        certainty: rows per certainty.
    """

    truth: int
    made: int
    missing: int
    extra: int
    wrong: dict[str, int]
    unknown: dict[str, int]
    wrong_rows: int
    wrong_sure: int
    key_wrong: int
    certainty: dict[str, int]

    @property
    def key_share(self) -> float:
        """Share of rows that are right in what matters most."""
        return 1 - self.key_wrong / max(self.truth, 1)


MATTERS = {
    "users": ("is_active", "license_id"),
    "seats": (),
    "licenses": ("active_holder_count", "all_holder_count"),
    "mismatches": ("seat_count",),
}
"""Columns that, with the row being there at all, matter most: existing, active, license."""


def compare(name: str, made: pd.DataFrame, truth: pd.DataFrame) -> Compared:
    """Hold one table against the truth, row by row and column by column."""
    keys = KEYS[name]
    both = made.merge(truth, "outer", on=keys, suffixes=("", " true"), indicator="side")
    common = both[both["side"] == "both"]
    skipped = {*keys, "certainty", *NOT_COMPARED.get(name, ())}
    columns = [column for column in made.columns if column not in skipped]
    is_wrong = pd.DataFrame({column: _differs(common, column) for column in columns}, index=common.index)
    is_unknown = {c: int((common[c].isna() & common[f"{c} true"].notna()).sum()) for c in columns}
    extra = both[both["side"] == "left_only"]
    row_wrong = is_wrong.any(axis=1)
    key_wrong = is_wrong[list(MATTERS[name])].any(axis=1)
    sure_wrong = (row_wrong & (common["certainty"] == "sure")).sum() + (extra["certainty"] == "sure").sum()
    return Compared(
        truth=len(truth),
        made=len(made),
        missing=int((both["side"] == "right_only").sum()),
        extra=len(extra),
        wrong={column: int(is_wrong[column].sum()) for column in columns},
        unknown=is_unknown,
        wrong_rows=int(row_wrong.sum()) + len(extra),
        wrong_sure=int(sure_wrong),
        key_wrong=int(key_wrong.sum()) + len(extra) + int((both["side"] == "right_only").sum()),
        certainty={str(word): int(n) for word, n in made["certainty"].value_counts().items()},
    )


def _differs(rows: pd.DataFrame, column: str) -> pd.Series:
    """Where there is a value, and it is not the true one."""
    made, truth = rows[column], rows[f"{column} true"]
    different: pd.Series = made.notna() & (truth.isna() | (made != truth))
    return different
