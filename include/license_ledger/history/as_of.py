"""
A landing as of a past moment, made of a later one. Reads and writes run folders; may import its neighbors.

The result looks like a landing of that day to everything that follows. What it holds is either what
Salesforce remembers or null; how sure it is stands beside each row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, TypedDict

import numpy as np
import pyarrow as pa

from license_ledger.history.assignments import Restored, restored, roll_back_assignments
from license_ledger.history.chains import UNKNOWN
from license_ledger.history.findings import Findings, TrailStatistics, investigate
from license_ledger.history.holdings import ASSIGNMENTS
from license_ledger.history.logins import LastLogins, last_logins
from license_ledger.history.people import ADDED, roll_back
from license_ledger.history.reach import REMEMBERED, require_reach
from license_ledger.history.totals import licenses_then, metrics_then, with_metrics
from license_ledger.history.vocabulary import Vocabulary
from license_ledger.run import INSPECTION, Landed
from license_ledger.salesforce.inspection import Inspection, ObjectPlan
from license_ledger.salesforce.objects import HISTORY_OBJECTS
from license_ledger.schemas import CERTAINTIES, TIMESTAMP
from license_ledger.staging.landing import RunFolder
from license_ledger.transform.features import feature_type
from license_ledger.transform.landed import CERTAINTY, DOUBTS, USED_AS_OF, field

_TEXT = pa.string()
_COPIED = ("Profile", "UserRole", "Organization")
_LICENSES = ("UserLicense", "PermissionSetLicense", "PackageLicense")
_METRICS = ("ActiveProfileMetric", "ActivePermSetLicenseMetric", "ActiveFeatureLicenseMetric")
_NOT_REMEMBERED = {"TenantUsageEntitlement": "nothing remembers amounts of past days"}
_DOUBT_SCHEMA = pa.schema([(name, _TEXT) for name in ("license_layer", "license_id", "certainty")])


class Reconstruction(TypedDict):
    """
    Receipt of a reconstruction; counts only.

    Attributes:
        moment: ISO, UTC.
        anchor: ISO time at which the landing was captured that it was made of.
        rows: rows per object and certainty.
        trail: statistics of the audit trail between moment and anchor.
        logins_unknown: users whose last login is not remembered.
    """

    moment: str
    anchor: str
    rows: dict[str, dict[str, int]]
    trail: TrailStatistics
    logins_unknown: int


def reconstruct(anchor: Landed, moment: datetime, target: RunFolder, *, snapshot_id: str) -> Reconstruction:
    """
    Make a landing as of a past moment.

    Args:
        anchor: a complete landing that was extracted with history.
        moment: the past moment, with a time zone.
        target: receives the objects and ``inspection.json``; what an earlier try left is replaced.
        snapshot_id: of what will be published.

    Returns:
        How sure the rows are, for the row in ``snapshots``.

    Raises:
        DayOutOfReach: naming the earliest day that can be had, or the permission that the landing lacks.
        SchemaDrift, CorruptAnswer: the landing cannot be used.
        StagingUnwritable: naming the path.
    """
    moment = moment.astimezone(UTC)
    require_reach(anchor, moment)
    return _Rollback(anchor, moment, target).run(snapshot_id)


class _Rollback:
    """One reconstruction."""

    def __init__(self, anchor: Landed, moment: datetime, target: RunFolder) -> None:
        self._anchor, self._moment, self._target = anchor, moment, target
        self._at = int(pa.scalar(moment, TIMESTAMP).value)
        self._findings: Findings = investigate(anchor, self._at)
        self._frozen: list[pa.Array] = []
        self._profiles: set[int] = set()
        self._uncounted: list[str] = []
        self._counts: dict[str, dict[str, int]] = {}
        self._logins_unknown = 0
        self._is_changed = False

    def run(self, snapshot_id: str) -> Reconstruction:
        for name in _COPIED:
            self._land(name, lambda table: table)
        self._land_metrics()
        self._land_users()
        back = {layer: restored(layer, self._findings, self._at) for layer in ASSIGNMENTS}
        made_later = {layer: self._land_assignments(layer, back[layer]) for layer in ASSIGNMENTS}
        doubts = self._doubts(back, made_later)
        self._target.land(DOUBTS, _DOUBT_SCHEMA, [doubts])
        self._write_inspection(snapshot_id, doubts.num_rows)
        return Reconstruction(
            moment=self._moment.isoformat(),
            anchor=self._anchor.captured_at.isoformat(),
            rows=self._counts,
            trail=self._findings.statistics,
            logins_unknown=self._logins_unknown,
        )

    def _land(self, name: str, change: Any) -> None:
        table = self._anchor.table_if_landed(name)
        if table is not None:
            changed = change(table)
            self._target.land(name, changed.schema, [changed])

    def _land_metrics(self) -> None:
        then: dict[str, pa.Table] = {}
        for name in _METRICS:
            metrics = self._anchor.table_if_landed(name)
            if metrics is not None:
                then[name] = metrics_then(metrics, self._moment)
                self._target.land(name, then[name].schema, [then[name]])
        for name in _LICENSES:
            table = self._anchor.table_if_landed(name)
            if table is None:
                continue
            table = licenses_then(table, self._moment)
            if name == "PermissionSetLicense":
                table = with_metrics(table, then.get("ActivePermSetLicenseMetric"))
                self._uncounted = table.filter(table["UsedLicenses"].is_null())["Id"].to_pylist()
            self._target.land(name, table.schema, [table])

    def _land_users(self) -> None:
        schema = self._anchor.folder.schema("User")
        for name, kind in ADDED:
            schema = schema.append(pa.field(name, kind))
        self._target.land("User", schema, self._users(schema))
        if self._findings.frozen is not None:
            ids = pa.concat_arrays([pa.array([], _TEXT), *self._frozen])
            schema = self._anchor.folder.schema("UserLogin")
            known = {"UserId": ids, "IsFrozen": pa.repeat(pa.scalar(True), len(ids))}
            columns = [known.get(each.name, pa.nulls(len(ids), each.type)) for each in schema]
            self._target.land("UserLogin", schema, [pa.table(columns, schema=schema)])

    def _users(self, schema: pa.Schema) -> Iterator[pa.Table]:
        logins = self._logins()
        for landed in self._anchor.batches("User"):
            for part in roll_back(landed, self._findings, logins, self._at):
                self._frozen.append(part.frozen)
                self._profiles |= part.profiles
                self._count("User", part.certainty)
                self._logins_unknown += (
                    part.users.num_rows - part.users["LedgerLoginKnown"].combine_chunks().true_count
                )
                self._is_changed |= bool(part.certainty.any())
                yield part.users.select(schema.names).cast(schema)

    def _logins(self) -> LastLogins:
        anchor = self._anchor
        since = anchor.captured_at - REMEMBERED
        history = anchor.batches("LoginHistory") if anchor.has_landed("LoginHistory") else None
        return last_logins(history, self._at, int(pa.scalar(since, TIMESTAMP).value))

    def _land_assignments(self, layer: str, back: Restored) -> bool:
        """Land a layer's assignments; returns whether any of today's was made after the moment."""
        name, _, _ = ASSIGNMENTS[layer]
        if not self._anchor.has_landed(name):
            return False
        read = [0]
        kept = [0]

        def counted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                read[0] += batch.num_rows
                yield batch

        schema = self._anchor.folder.schema(name)

        def tables() -> Iterator[pa.Table]:
            landed = counted(self._anchor.batches(name))
            for table in roll_back_assignments(layer, landed, schema, back, self._at):
                kept[0] += table.num_rows
                self._count(name, _codes(table))
                yield table

        self._target.land(name, schema.append(pa.field(CERTAINTY, _TEXT)), tables())
        return kept[0] - len(back.users) < read[0]

    def _count(self, name: str, codes: Any) -> None:
        counts = self._counts.setdefault(name, dict.fromkeys(CERTAINTIES, 0))
        for word, n in zip(CERTAINTIES, np.bincount(codes, minlength=len(CERTAINTIES)).tolist(), strict=True):
            counts[word] += n

    def _doubts(self, back: dict[str, Restored], made_later: dict[str, bool]) -> pa.Table:
        """How sure the licenses are, whoever holds them."""
        vocabulary = self._findings.vocabulary
        # Whom a counter counted cannot be measured without the counter.
        rows = [("user", each, "likely") for each in self._user_licenses()]
        rows += [("package", each, "likely") for each in vocabulary.licenses["package"]]
        rows += [("permission_set", each, "likely") for each in self._uncounted]
        if self._is_changed:
            rows += [("feature", feature_type(flag), "likely") for flag in vocabulary.flags]
        rows += [("user", each, "unsure") for each in self._open_user_licenses()]
        rows += [("feature", feature_type(flag), "unsure") for flag in self._open_features(vocabulary)]
        for layer in ASSIGNMENTS:
            if layer in self._findings.touched or made_later[layer]:
                rows += [(layer, each, "likely") for each in vocabulary.licenses[layer]]
            rows += [(layer, each, "unsure") for each in sorted(back[layer].open_licenses)]
        worst = {(layer, license_id): certainty for layer, license_id, certainty in rows}
        columns = [[*each] for each in zip(*((*key, value) for key, value in worst.items()), strict=True)]
        return pa.table(columns or [[], [], []], schema=_DOUBT_SCHEMA)

    def _user_licenses(self) -> list[str]:
        table = self._anchor.table_if_landed("UserLicense")
        return [] if table is None else field(table, "Id", _TEXT).to_pylist()

    def _open_user_licenses(self) -> list[str]:
        """User licenses that somebody may have been on of whom it is not known."""
        if UNKNOWN in self._profiles:
            return self._user_licenses()
        table = self._anchor.table_if_landed("Profile")
        licenses = [] if table is None else field(table, "UserLicenseId", _TEXT).to_pylist()
        return sorted({licenses[state] for state in self._profiles if licenses[state]})

    def _open_features(self, vocabulary: Vocabulary) -> list[str]:
        found = []
        for flag in vocabulary.flags:
            attribute = vocabulary.feature(flag)
            chain = self._findings.chains.get(attribute)
            doubts = self._findings.doubts
            if attribute in {*doubts.times, *doubts.nameless} or (
                chain is not None and not chain.settled.all()
            ):
                found.append(flag)
        return found

    def _write_inspection(self, snapshot_id: str, doubts: int) -> None:
        anchor = self._anchor.inspection
        forgotten = {each.name for each in HISTORY_OBJECTS}
        plans: dict[str, ObjectPlan] = {
            name: {**plan, "where": ""} for name, plan in anchor["objects"].items() if name not in forgotten
        }
        for name, reason in _NOT_REMEMBERED.items():
            if name in plans:
                plans[name] = {**plans[name], "available": False, "reason": reason, "rows": None}
        for name, plan in plans.items():
            receipt = self._target.landed(name) if plan["available"] else None
            plan["rows"] = None if receipt is None else receipt["rows"]
        plans[DOUBTS] = {
            "fields": [[each.name, "string"] for each in _DOUBT_SCHEMA],
            "missing_fields": [],
            "api": "rest",
            "rows": doubts,
            "available": True,
            "reason": "",
            "where": "",
        }
        inspection: Inspection = {
            **anchor,
            "captured_at": self._moment.isoformat(),
            "objects": plans,
            "units": [],
        }
        self._target.write_json(INSPECTION, {"snapshot_id": snapshot_id, "inspection": inspection})


def _codes(table: pa.Table) -> Any:
    words = pa.array(CERTAINTIES, _TEXT)
    return pa.compute.index_in(table[CERTAINTY].combine_chunks(), value_set=words).to_numpy()


__all__ = ["USED_AS_OF", "Reconstruction", "reconstruct"]
