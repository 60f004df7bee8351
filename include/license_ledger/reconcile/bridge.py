"""
The mismatch bridge: from Salesforce's own counter to the seats in scope, one row per license and cause.

For every license with a counter the rows add up to it, whatever the evidence; what no evidence accounts for
is ``unexplained``, signed and never hidden.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa

from license_ledger.reconcile import causes
from license_ledger.reconcile.evidence import Evidence, Metric
from license_ledger.reconcile.footing import Footing, Holders, candidates, documented, measure
from license_ledger.reconcile.rest import Booked, License, Rest, arrivals
from license_ledger.schemas import CAUSES, CERTAINTIES, LAYERS, LICENSES, MISMATCHES

NOT_BRIDGED = "usage"
"""The layer that counts things, not people."""


class Bridge(NamedTuple):
    """
    The result of reconciling a snapshot.

    Attributes:
        licenses: table ``licenses``, complete, in the order given.
        mismatches: table ``mismatches``, by layer, license id and cause in the order of the vocabularies.
    """

    licenses: pa.Table
    mismatches: pa.Table


def bridge(licenses: pa.Table, counts: pa.Table, evidence: Evidence) -> Bridge:
    """
    Reconcile every license of every layer.

    Args:
        licenses: what :func:`license_ledger.transform.licenses.licenses` made.
        counts: merged counts of all holdings; rows of licenses that are not among ``licenses`` are ignored.
        evidence: age of the snapshot, control totals, and layers whose holders could not be read.

    Returns:
        The completed licenses and the bridge. A license with a counter has at least one row, which may be
        ``in_scope`` with no seats. Else rows of no seats are left out, but for a ``system_user`` that tells
        of holders whom Salesforce does not count. Without a counter causes are counted, without a rest. Usage
        entitlements have no rows: they count things. A license and its causes are as sure as the license
        itself and the least sure of its holders.
    """
    rows = licenses.to_pylist()
    _judge(rows, counts)
    results = [_result(license_, evidence) for license_ in _licenses(rows, counts, evidence)]
    _explain_moves(results, evidence)
    return Bridge(_completed(licenses, rows, results, evidence), _mismatches(rows, results, evidence))


def unexplained(mismatches: pa.Table, tolerance: int = 0) -> pa.Table:
    """
    Select the licenses whose rest is too large.

    Args:
        mismatches: the bridge.
        tolerance: unexplained seats per license, in either direction, that are accepted.

    Returns:
        The ``unexplained`` rows beyond it, largest first; empty when all is well.
    """
    found = [
        row
        for row in mismatches.to_pylist()
        if row["cause"] == "unexplained" and abs(row["seat_count"]) > tolerance
    ]
    found.sort(key=lambda row: -abs(row["seat_count"]))
    return pa.Table.from_pylist(found, schema=MISMATCHES.arrow_schema)


def unexplained_count(mismatches: pa.Table) -> int:
    """Sum of the unexplained seats of all licenses, whichever their sign."""
    return sum(abs(row["seat_count"]) for row in mismatches.to_pylist() if row["cause"] == "unexplained")


@dataclass
class _Result:
    """One license in the bridge; ``rest`` only where there are a counter and readable holders."""

    license: License
    basis: str
    footing: Footing
    rest: Rest | None = None

    def causes(self, evidence: Evidence) -> dict[str, Booked]:
        """Seats and evidence per cause."""
        license_, rest = self.license, self.rest
        if license_.layer == NOT_BRIDGED:
            return {}
        if license_.layer in evidence.unreadable:
            words = f"{evidence.unreadable[license_.layer]}, which lists the holders, could not be read"
            return _with_one_row({"not_visible": Booked(license_.used or 0, words)}, license_.used, words)
        found: dict[str, int] = defaultdict(int)
        for group in license_.holders.counted(self.footing):
            found[group.cause] += group.n
        basis = causes.in_scope(license_.layer, license_.used, self.basis, self.footing, license_.holders)
        booked = {cause: Booked(seats, causes.FIXED.get(cause, basis)) for cause, seats in found.items()}
        if rest is not None and license_.used is not None:
            booked |= {"counter_timing": rest.timing, "not_visible": rest.not_visible}
            booked["unexplained"] = Booked(rest.unexplained, rest.words(license_, evidence))
        booked = _with_one_row(booked, license_.used, basis)
        if license_.holders.system and not self.footing.counts_system and "in_scope" not in booked:
            booked.setdefault("system_user", Booked(0, causes.uncounted_system(license_.holders)))
        return booked


def _with_one_row(booked: dict[str, Booked], used: int | None, words: str) -> dict[str, Booked]:
    """Without rows of no seats, unless a license with a counter would have no row at all."""
    kept = {cause: each for cause, each in booked.items() if each.seats}
    return kept or ({} if used is None else {"in_scope": Booked(0, words)})


def _licenses(rows: list[dict[str, Any]], counts: pa.Table, evidence: Evidence) -> list[License]:
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in counts.to_pylist():
        grouped[row["license_layer"], row["license_id"]].append(row)
    holders = {key: Holders.of(group) for key, group in grouped.items()}
    metrics = evidence.recent_metrics()
    hidden = _hidden_people(holders, metrics)
    found = []
    for row in rows:
        key = row["license_layer"], row["license_id"]
        is_feature = row["license_layer"] == "feature"
        found.append(
            License(
                layer=row["license_layer"],
                license_id=row["license_id"],
                used=row["used_count"],
                used_as_of=row["used_as_of"],
                is_unlimited=row["is_unlimited"],
                holders=holders.get(key, Holders()),
                metric=None if is_feature else metrics.get(key),
                hidden_people=hidden if is_feature else 0,
            )
        )
    return found


def _hidden_people(holders: dict[tuple[str, str], Holders], metrics: dict[tuple[str, str], Metric]) -> int:
    """
    Users who are known to exist although they could not be read.

    The metric of a feature license is its counter, so it is no evidence for that license; but somebody who is
    hidden from the user and assignment layers is hidden from the check boxes too.
    """
    gaps = [
        max(0, metric.assigned - holders.get(key, Holders()).active)
        for key, metric in metrics.items()
        if key[0] == "user"
    ]
    return max([sum(gaps), *(each.unseen for each in holders.values())])


def _result(license_: License, evidence: Evidence) -> _Result:
    if license_.layer == NOT_BRIDGED:
        return _Result(license_, "not_counted", documented(license_.layer))
    if license_.layer in evidence.unreadable:
        basis = "not_counted" if license_.used is None else "neither"
        return _Result(license_, basis, documented(license_.layer))
    basis, footing = measure(license_.layer, license_.used, license_.holders)
    if license_.used is None:
        return _Result(license_, basis, documented(license_.layer))
    rest = _best_rest(license_, footing, evidence)
    return _Result(license_, basis, rest.footing, rest)


def _best_rest(license_: License, measured: Footing | None, evidence: Evidence) -> Rest:
    """On the first footing that holds together; else as measured, without a rest, or as documented."""
    is_old = evidence.is_old(license_.used_as_of)
    order = candidates(license_.layer, measured, is_old=is_old)
    rests = [Rest.of(license_, each, evidence) for each in order]
    for rest in rests:
        if rest.holds_together(license_):
            return rest
    if measured is not None:
        return rests[order.index(measured)]
    return next((rest for rest in rests if not rest.unexplained), rests[0])


def _explain_moves(results: list[_Result], evidence: Evidence) -> None:
    """
    Book users who changed from one user license to another since the counters were taken.

    The license they left still counts them and has no holder to show for it; the one they came to is short of
    them. Each such arrival can explain one seat elsewhere.
    """
    old = [
        (each.license, each.rest)
        for each in sorted(results, key=lambda each: each.license.license_id)
        if each.license.layer == "user" and each.rest is not None and evidence.is_old(each.license.used_as_of)
    ]
    moves = sum(arrivals(license_, rest) for license_, rest in old)
    for license_, rest in old:
        moves -= rest.explain_by_moves(license_, moves, evidence)


def _judge(rows: list[dict[str, Any]], counts: pa.Table) -> None:
    """Set the certainty of each license to that of the least sure of its holders, if that is worse."""
    worst: dict[tuple[str, str], int] = defaultdict(int)
    for group in counts.to_pylist():
        key = group["license_layer"], group["license_id"]
        found = 2 if group["unsure"] else 1 if group["likely"] else 0
        worst[key] = max(worst[key], found)
    for row in rows:
        own = CERTAINTIES.index(row["certainty"] or CERTAINTIES[0])
        row["certainty"] = CERTAINTIES[max(own, worst[row["license_layer"], row["license_id"]])]


def _completed(
    licenses: pa.Table, rows: list[dict[str, Any]], results: list[_Result], evidence: Evidence
) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "certainty": [row["certainty"] for row in rows],
        "count_basis": [each.basis for each in results],
        "active_holder_count": [],
        "all_holder_count": [],
        "in_scope_count": [],
    }
    for each in results:
        is_known = each.license.layer != NOT_BRIDGED and each.license.layer not in evidence.unreadable
        holders = each.license.holders
        in_scope = sum(group.n for group in holders.counted(each.footing) if group.cause == "in_scope")
        columns["active_holder_count"].append(holders.active if is_known else None)
        columns["all_holder_count"].append(holders.all if is_known else None)
        columns["in_scope_count"].append(in_scope if is_known else None)
    schema = LICENSES.arrow_schema
    return pa.table(
        [
            pa.array(columns[each.name], each.type) if each.name in columns else licenses[each.name]
            for each in schema
        ],
        schema=schema,
    )


def _mismatches(rows: list[dict[str, Any]], results: list[_Result], evidence: Evidence) -> pa.Table:
    found = [
        {
            **{name: row[name] for name in ("license_layer", "license_id", "license_key", "license_name")},
            "cause": cause,
            "seat_count": booked.seats,
            "detail": booked.detail,
            "certainty": row["certainty"],
        }
        for row, result in zip(rows, results, strict=True)
        for cause, booked in result.causes(evidence).items()
    ]
    found.sort(
        key=lambda row: (
            LAYERS.index(row["license_layer"]),
            row["license_id"],
            CAUSES.index(row["cause"]),
        )
    )
    return pa.Table.from_pylist(found, schema=MISMATCHES.arrow_schema)
