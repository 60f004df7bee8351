"""
The set-up audit trail, read into entries that say what changed for whom. Arrow in, Arrow out.

Work is done per distinct action and per sentence pattern, on whole columns. An entry has no target id:
``who`` is what its sentence calls the user, or null when the sentence is in no wording that is known here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from license_ledger.history.wording import LICENSE_ID, TEMPLATES, USER_ID, Attribute, Meaning, meaning_of
from license_ledger.schemas import TIMESTAMP
from license_ledger.transform.landed import filled, whole

_TEXT = pa.string()
_GROUPS = ("who", "before", "after", "license")

ENTRIES_SCHEMA: pa.Schema = pa.schema(
    [
        pa.field("at", pa.int64(), False),
        pa.field("attribute", _TEXT, False),
        pa.field("feature", _TEXT, False),
        pa.field("turns", pa.int8(), False),
        pa.field("names_user", pa.bool_(), False),
        pa.field("is_english", pa.bool_(), False),
        pa.field("who", _TEXT),
        pa.field("user_id15", _TEXT),
        pa.field("before", _TEXT),
        pa.field("after", _TEXT),
        pa.field("license", _TEXT),
        pa.field("license_id15", _TEXT),
        pa.field("display", _TEXT, False),
    ]
)
"""
One row per entry that changes a user's licenses or access, the newest first. ``at`` are microseconds since
1970 (UTC); ``turns`` is 1 for switched on, 0 for off, -1 where the sentence has to tell; ``feature`` is the
word of a feature license or empty; texts are null where the sentence does not tell them.
"""


def read_entries(trail: pa.Table, after: int | None = None) -> pa.Table:
    """
    Read the entries that concern licenses and access of users.

    Args:
        trail: landed SetupAuditTrail (Action, Display, CreatedDate).
        after: only entries later than this, in microseconds since 1970; None: all.

    Returns:
        :data:`ENTRIES_SCHEMA`; no rows when nothing happened.

    Raises:
        SchemaDrift: a field was not landed.
        CorruptAnswer: entries without action or date.
    """
    actions = filled(trail, "SetupAuditTrail", "Action", _TEXT).dictionary_encode()
    at = filled(trail, "SetupAuditTrail", "CreatedDate", TIMESTAMP).cast(pa.int64()).to_numpy()
    meanings = [meaning_of(action) for action in actions.dictionary.to_pylist()]
    codes = actions.indices.to_numpy()
    tells = np.array([meaning is not None for meaning in meanings] + [False])[codes]
    chosen = np.flatnonzero(tells if after is None else tells & (at > after))
    chosen = chosen[np.argsort(-at[chosen], kind="stable")]
    display = whole(trail["Display"]).take(pa.array(chosen)).fill_null("")
    return _told([m for m in meanings if m], _renumbered(meanings, codes[chosen]), at[chosen], display)


def _renumbered(meanings: Sequence[Meaning | None], codes: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """Positions among the actions that mean something."""
    places = np.cumsum([meaning is not None for meaning in meanings]) - 1
    result: npt.NDArray[np.int64] = places.astype(np.int64)[codes] if len(places) else np.empty(0, np.int64)
    return result


def _told(
    meanings: Sequence[Meaning], codes: npt.NDArray[np.int64], at: npt.NDArray[np.int64], display: pa.Array
) -> pa.Table:
    attributes = pa.array([m.attribute for m in meanings], _TEXT).take(pa.array(codes))
    texts = _parsed(attributes, display)
    columns = {
        "at": pa.array(at, pa.int64()),
        "attribute": attributes,
        "feature": pa.array([m.feature for m in meanings], _TEXT).take(pa.array(codes)),
        "turns": pa.array([m.after for m in meanings], pa.int8()).take(pa.array(codes)),
        "names_user": pa.array([m.names_user for m in meanings], pa.bool_()).take(pa.array(codes)),
        "user_id15": _first(display, USER_ID),
        "license_id15": _first(display, LICENSE_ID),
        "display": display,
        **texts,
    }
    return pa.table([columns[name] for name in ENTRIES_SCHEMA.names], schema=ENTRIES_SCHEMA)


def _first(display: pa.Array, pattern: str) -> pa.Array:
    return pc.struct_field(pc.extract_regex(display, pattern), "id")


def _parsed(attributes: pa.Array, display: pa.Array) -> dict[str, pa.Array]:
    """The named parts of every sentence by the first pattern that fits."""
    size = len(display)
    found: dict[str, pa.Array] = {name: pa.nulls(size, _TEXT) for name in _GROUPS}
    english: npt.NDArray[np.bool_] = np.zeros(size, np.bool_)
    for attribute, patterns in TEMPLATES.items():
        mine = np.flatnonzero(pc.equal(attributes, attribute).to_numpy(zero_copy_only=False))
        for pattern in patterns:
            if not mine.size:
                break
            mine = _apply(pattern, mine, display, found, english)
    return {**found, "is_english": pa.array(english)}


def _apply(
    pattern: str,
    rows: npt.NDArray[np.int64],
    display: pa.Array,
    found: dict[str, pa.Array],
    english: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Fill in what one pattern tells of these rows; returns the rows it does not fit."""
    texts = display.take(pa.array(rows))
    fits = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    hits = rows[fits]
    if hits.size:
        english[hits] = True
        names = [name for name in _GROUPS if f"(?P<{name}>" in pattern]
        parts = pc.extract_regex(texts.filter(pa.array(fits)), pattern) if names else None
        mask = np.zeros(len(display), np.bool_)
        mask[hits] = True
        for name in names:
            found[name] = pc.replace_with_mask(found[name], pa.array(mask), pc.struct_field(parts, name))
    rest: npt.NDArray[np.int64] = rows[~fits]
    return rest


def attributes_of(entries: pa.Table) -> list[Attribute]:
    """The attributes that occur, in no order."""
    return list(pc.unique(entries["attribute"]).to_pylist())
