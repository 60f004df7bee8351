"""
The Active*Metric tables: head counts per day, org-wide, whoever asks.

One set of rows per day, the latest for today as it stands now; earlier days as they stood at midnight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from demo_org.world.catalogue.grants import UNMEASURED_FEATURES
from demo_org.world.catalogue.user_licenses import PROFILES
from demo_org.world.counters import Counters
from demo_org.world.holdings import Holdings
from demo_org.world.population import Population
from demo_org.world.tables.columns import MOMENT, Source, small
from demo_org.world.tables.licenses import at
from demo_org.world.timelines import DAY

TEXT, COUNT, DATE = pa.string(), pa.int64(), pa.date32()
DAYS_KEPT = ((50_000, 120), (250_000, 31), (2_000_000, 14), (10**9, 3))
"""Days of metrics kept, by number of users."""
WIDTH = 256
"""Ids leave room for so many rows per day."""


@dataclass(frozen=True)
class Row:
    """One row of any of the three objects: a day, a position in the catalogue, three numbers."""

    day: date
    stamp: int
    index: int
    assigned: int
    active: int
    total: int


class Metrics:
    """Metric tables at a moment; days which are over are counted once for all moments."""

    def __init__(self, people: Population, counters: Counters) -> None:
        self._people, self._counters = people, counters
        self._past: dict[int, dict[str, list[Row]]] = {}
        kept = next(days for limit, days in DAYS_KEPT if people.users <= limit)
        self._days = people.options.metric_days or kept

    def profiles(self, moment: int) -> Source:
        """Return `ActiveProfileMetric`: active users per profile; users without a profile are in none."""
        rows = list(self._rows("profiles", moment))
        license_of = [PROFILES[row.index].license_index for row in rows]
        return small(
            {
                **self._common("5H0", rows),
                "UserLicenseId": ([self._people.id_of("100", n + 1) for n in license_of], TEXT),
                "ProfileId": ([self._people.id_of("00e", row.index + 1) for row in rows], TEXT),
            }
        )

    def permission_set_licenses(self, moment: int) -> Source:
        """Return `ActivePermSetLicenseMetric`, counted as the license's own counter counts."""
        rows = list(self._rows("permission_set_licenses", moment))
        grants = self._people.psls.grants
        return small(
            {
                **self._common("5H1", rows),
                "PermissionSetLicenseId": ([self._people.id_of("0PL", r.index + 1) for r in rows], TEXT),
                "DeveloperName": ([grants[row.index].key for row in rows], TEXT),
                "MasterLabel": ([grants[row.index].label for row in rows], TEXT),
                "TotalLicenses": ([row.total for row in rows], COUNT),
            }
        )

    def features(self, moment: int) -> Source:
        """Return `ActiveFeatureLicenseMetric`: deactivated holders count, some features are not measured."""
        grants = self._people.features.grants
        rows = [r for r in self._rows("features", moment) if grants[r.index].key not in UNMEASURED_FEATURES]
        return small(
            {
                **self._common("5H2", rows),
                "FeatureType": ([grants[row.index].key for row in rows], TEXT),
                "TotalLicenseCount": ([row.total for row in rows], COUNT),
            }
        )

    def _common(self, prefix: str, rows: list[Row]) -> dict[str, tuple[list[object], pa.DataType]]:
        counters = np.array([row.day.toordinal() * WIDTH + row.index for row in rows], dtype=np.int64)
        return {
            "Id": (self._people.ids(prefix, counters).to_pylist(), TEXT),
            "MetricsDate": ([row.day for row in rows], DATE),
            "SystemModstamp": ([at(row.stamp) for row in rows], MOMENT),
            "AssignedUserCount": ([row.assigned for row in rows], COUNT),
            "ActiveUserCount": ([row.active for row in rows], COUNT),
        }

    def _rows(self, kind: str, moment: int) -> Iterator[Row]:
        midnight = moment - moment % DAY
        for back in range(self._days - 1, -1, -1):
            start = midnight - back * DAY
            end = start + DAY - 1
            yield from (self._finished(end) if back else self._counted(moment))[kind]

    def _finished(self, end: int) -> dict[str, list[Row]]:
        if end not in self._past:
            self._past[end] = self._counted(end)
        return self._past[end]

    def _counted(self, moment: int) -> dict[str, list[Row]]:
        counts, day = self._counters.day(moment), at(moment).date()
        heads = zip(counts.assigned.tolist(), counts.recent.tolist(), strict=True)
        profiles = [Row(day, moment, n, assigned, recent, 0) for n, (assigned, recent) in enumerate(heads)]
        layers: dict[str, list[Row]] = {
            holdings.layer: self._layer(holdings, moment, counts.seen)
            for holdings in (self._people.psls, self._people.features)
        }
        return {"profiles": profiles[1:], **layers}

    def _layer(self, holdings: Holdings, moment: int, seen: np.ndarray) -> list[Row]:
        used = self._counters.grants(holdings, moment)
        totals = self._counters.grant_totals(holdings, moment)
        day = at(moment).date()
        return [
            Row(day, moment, n, used[n], int(np.count_nonzero(seen[holding.holders(moment)])), totals[n])
            for n, holding in enumerate(holdings.of)
        ]
