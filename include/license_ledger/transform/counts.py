"""
Counts of holdings: all that the mismatch bridge needs to know of people. May import schemas and landed only.

Tables of a few hundred rows whatever the size of the org; batches are counted one by one and the counts
merged, in any order and grouping.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from license_ledger.schemas import CAUSES, CERTAINTIES, LAYERS
from license_ledger.transform.activity import microseconds
from license_ledger.transform.landed import flags, whole

COUNTS_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("license_layer", pa.string(), False),
        pa.field("license_id", pa.string(), False),
        pa.field("cause", pa.string(), False),
        pa.field("is_active", pa.bool_(), False),
        pa.field("is_system", pa.bool_(), False),
        pa.field("n", pa.int64(), False),
        pa.field("created_since", pa.int64(), False),
        pa.field("changed_since", pa.int64(), False),
        pa.field("likely", pa.int64(), False),
        pa.field("unsure", pa.int64(), False),
    ]
)
"""
Holders ``n`` per license, cause, activity and kind, sorted by these. Of them ``created_since`` were created
after the license's counter was taken, and ``changed_since`` existed then and were changed later; ``likely``
and ``unsure`` are as certain as that. Two causes are not of holders but evidence: ``not_visible`` counts
assignments of users who could not be read, ``counter_timing`` all users who were changed since the counter
was taken, whether they hold the license or not.
"""

_KEYS = ("license_layer", "license_id", "cause", "is_active", "is_system")
_SUMS = ("n", "created_since", "changed_since", "likely", "unsure")
_NEVER = np.iinfo(np.int64).max
_LIKELY, _UNSURE = CERTAINTIES.index("likely"), CERTAINTIES.index("unsure")


def counts(holdings: pa.Table, licenses: pa.Table, people: pa.Table | None = None) -> pa.Table:
    """
    Count holdings.

    Args:
        holdings: rows of ``HOLDINGS_SCHEMA``, of any layers.
        licenses: what :func:`license_ledger.transform.licenses.licenses` made.
        people: the conformed users the holdings are of; only where every user is given exactly once over all
            calls, so with user and feature holdings. Adds the evidence that check boxes were cleared since.

    Returns:
        :data:`COUNTS_SCHEMA`; no rows for no holdings.
    """
    parts = [_counted(holdings.unify_dictionaries().combine_chunks(), _counter_times(licenses))]
    if people is not None:
        parts.append(_changed_people(people, licenses))
    return merge_counts(parts)


def merge_counts(parts: Sequence[pa.Table]) -> pa.Table:
    """
    Add counts up.

    Args:
        parts: counts of disjoint sets of holdings.

    Returns:
        :data:`COUNTS_SCHEMA`, sorted by all but the numbers; the same for any order or grouping of the parts.
    """
    together = pa.concat_tables([COUNTS_SCHEMA.empty_table(), *parts])
    grouped = together.group_by(list(_KEYS)).aggregate([(name, "sum") for name in _SUMS])
    renamed = grouped.rename_columns([name.removesuffix("_sum") for name in grouped.schema.names])
    return (
        renamed.select(COUNTS_SCHEMA.names).cast(COUNTS_SCHEMA).sort_by([(key, "ascending") for key in _KEYS])
    )


def not_seen(layer: str, license_ids: pa.Array, user_ids: pa.Array) -> pa.Table:
    """
    Count assignments whose users could not be read.

    Args:
        layer: license layer of the assignments.
        license_ids: string or dictionary array, one per assignment.
        user_ids: the users named, one per assignment; repeated assignments count once.

    Returns:
        Counts of cause ``not_visible``, one row per license.
    """
    table = pa.table({"license_id": license_ids.cast(pa.string()), "user_id": user_ids})
    grouped = table.group_by("license_id").aggregate([("user_id", "count_distinct")])
    return _evidence(
        [(layer, row["license_id"], row["user_id_count_distinct"], 0) for row in grouped.to_pylist()],
        "not_visible",
    )


def _evidence(rows: Sequence[tuple[str, str, int, int]], cause: str) -> pa.Table:
    return pa.Table.from_pylist(
        [
            dict(
                zip(
                    COUNTS_SCHEMA.names,
                    (layer, license_id, cause, True, False, n, 0, changed, 0, 0),
                    strict=True,
                )
            )
            for layer, license_id, n, changed in rows
        ],
        schema=COUNTS_SCHEMA,
    )


def _counter_times(licenses: pa.Table) -> dict[tuple[str, str], int]:
    return dict(
        zip(
            zip(licenses["license_layer"].to_pylist(), licenses["license_id"].to_pylist(), strict=True),
            np.where(
                flags(whole(licenses["used_as_of"].is_valid())),
                microseconds(whole(licenses["used_as_of"])),
                _NEVER,
            ).tolist(),
            strict=True,
        )
    )


def _changed_people(people: pa.Table, licenses: pa.Table) -> pa.Table:
    """Per feature license with a counter: users changed since, who may have held it then."""
    created = microseconds(whole(people["created_at"]))
    modified = microseconds(whole(people["last_modified_at"]))
    numbers: dict[int, int] = {}
    rows = []
    for (layer, license_id), taken in _counter_times(licenses).items():
        if layer != "feature" or taken == _NEVER:
            continue
        if taken not in numbers:
            numbers[taken] = int(np.count_nonzero((modified > taken) & (created <= taken)))
        rows.append((layer, license_id, numbers[taken], numbers[taken]))
    return _evidence([row for row in rows if row[2]], "counter_timing")


def _counted(holdings: pa.Table, times: dict[tuple[str, str], int]) -> pa.Table:
    if not holdings.num_rows:
        return COUNTS_SCHEMA.empty_table()
    ids = whole(holdings["license_id"])
    names = ids.dictionary.to_pylist()
    license_codes = _codes(holdings, "license_layer") * len(names) + ids.indices.to_numpy()
    taken = np.array([times.get((layer, name), _NEVER) for layer in LAYERS for name in names], np.int64)
    created, changed = _since(holdings, taken[license_codes])
    codes = (license_codes * len(CAUSES) + _codes(holdings, "cause")) * 4
    codes += flags(whole(holdings["is_active"])) * 2 + flags(whole(holdings["is_system"])) * 1
    size = len(LAYERS) * len(names) * len(CAUSES) * 4
    doubts = _codes(holdings, "certainty")
    among = (slice(None), created, changed, doubts == _LIKELY, doubts == _UNSURE)
    sums = [np.bincount(codes[chosen], minlength=size) for chosen in among]
    found = np.flatnonzero(sums[0])
    license_code, cause, bits = found // 4 // len(CAUSES), found // 4 % len(CAUSES), found % 4
    return pa.Table.from_arrays(
        [
            pa.array(LAYERS).take(pa.array(license_code // len(names))),
            pa.array(names).take(pa.array(license_code % len(names))),
            pa.array(CAUSES).take(pa.array(cause)),
            pa.array(bits >= 2),
            pa.array(bits % 2 == 1),
            *(pa.array(numbers[found].astype(np.int64)) for numbers in sums),
        ],
        schema=COUNTS_SCHEMA,
    )


def _codes(holdings: pa.Table, name: str) -> npt.NDArray[np.int64]:
    """Positions in the vocabulary of a column that is coded with it."""
    result: npt.NDArray[np.int64] = whole(holdings[name]).indices.to_numpy().astype(np.int64)
    return result


def _since(holdings: pa.Table, taken: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Which holders were created after their license's counter was taken, and who else changed then."""
    created, changed = holdings["created_at"], holdings["last_modified_at"]
    if created.null_count == changed.null_count == len(taken):
        nobody = np.zeros(len(taken), np.bool_)
        return nobody, nobody
    is_new = microseconds(whole(created)) > taken
    return is_new, ~is_new & (microseconds(whole(changed)) > taken)
