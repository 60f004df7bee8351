"""How single values are spelled in JSON and in CSV, a whole column at a time."""

from __future__ import annotations

import json
import math

import pyarrow as pa
import pyarrow.compute as pc

_SPECIAL = r'["\\\x00-\x1f]'


def java_double(value: float) -> str:
    """
    Spell a number as the Java server does.

    Args:
        value: any double.

    Returns:
        ``300.0``, and from ten million on ``1.0E7``.
    """
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        text = f"{value:.17f}".rstrip("0") if "e" in repr(value) else repr(float(value))
        return text + "0" if text.endswith(".") else text
    if not math.isfinite(value):
        return "NaN"
    mantissa, _, exponent = f"{value:e}".partition("e")
    exact = repr(value / 10 ** int(exponent)) if abs(int(exponent)) < 300 else mantissa
    return f"{exact}E{int(exponent)}"


def as_text(values: pa.Array, *, offset: str) -> pa.Array:
    """
    Spell a column as text, without quotes.

    Args:
        values: any type that a field can have.
        offset: how UTC is written behind a moment: ``+0000`` in JSON, ``Z`` in CSV.

    Returns:
        Strings; nulls stay null.
    """
    kind = values.type
    if pa.types.is_timestamp(kind):
        spelled = values.cast(pa.timestamp("ms")).cast(pa.string())
        # 2026-05-01 07:35:37.000: a T in the middle, the offset at the end.
        with_t = pc.utf8_replace_slice(spelled, 10, 11, "T")
        return pc.utf8_replace_slice(with_t, 23, 23, offset)
    if pa.types.is_floating(kind):
        return pa.array(
            [None if value is None else java_double(value) for value in values.to_pylist()], "string"
        )
    if pa.types.is_time(kind):
        return pc.utf8_replace_slice(values.cast(pa.string()), 12, 12, "Z")
    return values if pa.types.is_string(kind) else values.cast(pa.string())


def as_json(values: pa.Array) -> pa.Array:
    """
    Spell a column as JSON values.

    Args:
        values: any type that a field can have.

    Returns:
        Strings without nulls: ``null``, numbers and flags bare, everything else in quotes.
    """
    text = as_text(values, offset="+0000")
    if not (
        pa.types.is_boolean(values.type)
        or pa.types.is_integer(values.type)
        or pa.types.is_floating(values.type)
    ):
        text = _quoted(text)
    return pc.fill_null(text, "null")


def _quoted(text: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring_regex(text, _SPECIAL)).as_py():
        quoted = [
            None if value is None else json.dumps(value, ensure_ascii=False) for value in text.to_pylist()
        ]
        return pa.array(quoted, "string")
    return pc.binary_join_element_wise('"', text, '"', "")
