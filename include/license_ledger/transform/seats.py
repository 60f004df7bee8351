"""Table ``seats``: the holdings of people in scope, as published. May import schemas and its neighbors."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from license_ledger.schemas import LAYERS, SEATS
from license_ledger.transform.landed import flags, whole


def seats(holdings: pa.Table, licenses: pa.Table) -> pa.Table:
    """
    Make published seats of holdings.

    Args:
        holdings: rows of ``HOLDINGS_SCHEMA``, of any layers.
        licenses: what :func:`license_ledger.transform.licenses.licenses` made, for keys and names.

    Returns:
        Table ``seats`` in the order of the holdings: those of users in scope, of the user layer only while
        the user is active. Holdings of a license that is not in ``licenses`` are left out; see
        :func:`strangers`.
    """
    rows = holdings.unify_dictionaries().combine_chunks()
    if not rows.num_rows:
        return SEATS.arrow_schema.empty_table()
    places = _places(rows, licenses)
    is_user = whole(rows["license_layer"]).indices.to_numpy() == LAYERS.index("user")
    is_seat = flags(whole(rows["in_scope"])) & (places >= 0) & (~is_user | flags(whole(rows["is_active"])))
    rows = rows.filter(pa.array(is_seat))
    chosen = pa.array(places[is_seat])
    columns = {
        "license_key": whole(licenses["license_key"]).take(chosen),
        "license_name": whole(licenses["license_name"]).take(chosen),
    }
    return pa.Table.from_arrays(
        [
            columns[each.name] if each.name in columns else whole(rows[each.name]).cast(each.type)
            for each in SEATS.arrow_schema
        ],
        schema=SEATS.arrow_schema,
    )


def strangers(counts: pa.Table, licenses: pa.Table) -> dict[tuple[str, str], int]:
    """
    Find holdings of licenses that were not read, such as one provisioned between two queries.

    Args:
        counts: merged counts of all holdings.
        licenses: what :func:`license_ledger.transform.licenses.licenses` made.

    Returns:
        Number of holdings per layer and license id; empty when every license is known.
    """
    known = set(zip(licenses["license_layer"].to_pylist(), licenses["license_id"].to_pylist(), strict=True))
    found: dict[tuple[str, str], int] = {}
    for row in counts.to_pylist():
        key = (row["license_layer"], row["license_id"])
        if key not in known:
            found[key] = found.get(key, 0) + row["n"]
    return found


def _places(rows: pa.Table, licenses: pa.Table) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Row of ``licenses`` for each holding; -1 when there is none."""
    where = {
        key: place
        for place, key in enumerate(
            zip(licenses["license_layer"].to_pylist(), licenses["license_id"].to_pylist(), strict=True)
        )
    }
    ids = whole(rows["license_id"])
    names = ids.dictionary.to_pylist()
    table = np.array([where.get((layer, name), -1) for layer in LAYERS for name in names], np.int64)
    codes = whole(rows["license_layer"]).indices.to_numpy().astype(np.int64) * len(names)
    result: np.ndarray[tuple[int], np.dtype[np.int64]] = table[codes + ids.indices.to_numpy()]
    return result
