"""
What the bridge may book beyond the holders that were read, and on which evidence. May import schemas only.

Evidence only ever limits an amount. Without any, the whole rest of a license is unexplained.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

import pyarrow as pa

TIMING_SLACK = timedelta(minutes=5)
"""A counter is old when it was taken more than this before the snapshot."""

METRIC_DAYS = 31
"""A control total older than this says nothing about today's holders."""


class Metric(NamedTuple):
    """
    A control total.

    Attributes:
        assigned: users whom Salesforce's own metric calls assigned.
        day: the day of the metric.
    """

    assigned: int
    day: date


@dataclass(frozen=True)
class Evidence:
    """
    Evidence beside the counts.

    Attributes:
        captured_at: when the extract began, in UTC.
        metrics: control totals, ``license_layer, license_id, assigned_count, measured_on``, one row per
            license.
        unreadable: layer to the name of the object that lists its holders, where that object could not be
            read.
    """

    captured_at: datetime
    metrics: pa.Table | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)

    def recent_metrics(self) -> dict[tuple[str, str], Metric]:
        """Control totals by layer and license id, without those that are too old."""
        oldest = self.captured_at.date() - timedelta(days=METRIC_DAYS)
        return {
            (row["license_layer"], row["license_id"]): Metric(row["assigned_count"], row["measured_on"])
            for row in ([] if self.metrics is None else self.metrics.to_pylist())
            if row["measured_on"] >= oldest
        }

    def is_old(self, used_as_of: datetime | None) -> bool:
        """Whether a counter is so old that holders may have changed since."""
        return used_as_of is not None and used_as_of < self.captured_at - TIMING_SLACK
