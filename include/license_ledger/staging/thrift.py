"""
Thrift's compact protocol, as far as a Parquet footer needs it: into plain values and back, byte for byte.
Pure.

A struct is a list of fields in their order, so that what is not understood is written as it was read. What
could be written in more than one way is read in the shortest only, so that there is no other.
Source: the Thrift compact protocol specification, and ``parquet.thrift`` of the Parquet format.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


@dataclass(slots=True)
class Field:
    """A field of a struct: its id, its compact type, and its value; a double is the bytes it consists of."""

    id: int
    kind: int
    value: Any


@dataclass(slots=True)
class Sequence:
    """A list or set: the compact type of its items, and the items."""

    kind: int
    items: list[Any]


Struct = list[Field]


def field(of: Struct, number: int) -> Field | None:
    """The field of a struct with that id; None when it is not set."""
    return next((found for found in of if found.id == number), None)


def decode(content: bytes) -> Struct:
    """
    Read a struct that fills the content exactly.

    Returns:
        What :func:`encode` makes the same content of.

    Raises:
        ValueError: it does not, or the content is not compact Thrift.
    """
    try:
        found, end = _struct(content, 0)
    except (IndexError, KeyError) as error:
        raise ValueError("not a struct in Thrift's compact protocol") from error
    if end != len(content):
        raise ValueError("more than one struct")
    return found


def encode(value: Struct) -> bytes:
    """Write a struct."""
    out = bytearray()
    _write_struct(out, value)
    return bytes(out)


# Readers take the content and a place in it, and give a value and the place behind it. A footer of fifty
# columns has some thousand values, and a rewritten day several such footers: hence no object per reader.


_LONGER = "longer than it need be, so that it would not be written back as it was"


def _varint(content: bytes, at: int) -> tuple[int, int]:
    byte = content[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = content[at]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte:
                raise ValueError(_LONGER)
            return value, at + 1
        shift += 7


def _zigzag(content: bytes, at: int) -> tuple[int, int]:
    value, at = _varint(content, at)
    return (value >> 1) ^ -(value & 1), at


def _byte(content: bytes, at: int) -> tuple[int, int]:
    return content[at], at + 1


def _double(content: bytes, at: int) -> tuple[bytes, int]:
    if at + 8 > len(content):
        raise IndexError("the content ends too early")
    return content[at : at + 8], at + 8


def _binary(content: bytes, at: int) -> tuple[bytes, int]:
    size, at = _varint(content, at)
    if at + size > len(content):
        raise IndexError("the content ends too early")
    return content[at : at + size], at + size


def _sequence(content: bytes, at: int) -> tuple[Sequence, int]:
    head = content[at]
    size, kind, at = head >> 4, head & 0x0F, at + 1
    if size == 15:
        size, at = _varint(content, at)
        if size < 15:
            raise ValueError(_LONGER)
    read = _byte if kind in (TRUE, FALSE) else _READERS[kind]
    items = []
    for _ in range(size):
        item, at = read(content, at)
        items.append(item)
    return Sequence(kind, items), at


def _struct(content: bytes, at: int) -> tuple[Struct, int]:
    fields: Struct = []
    last = 0
    while head := content[at]:
        at += 1
        kind = head & 0x0F
        if head > 0x0F:
            last += head >> 4
        else:
            before = last
            last, at = _zigzag(content, at)
            if 0 < last - before < 16:
                raise ValueError(_LONGER)
        if kind in (TRUE, FALSE):
            fields.append(Field(last, kind, None))
        else:
            value, at = _READERS[kind](content, at)
            fields.append(Field(last, kind, value))
    return fields, at + 1


_READERS: dict[int, Callable[[bytes, int], tuple[Any, int]]] = {
    BYTE: _byte,
    I16: _zigzag,
    I32: _zigzag,
    I64: _zigzag,
    DOUBLE: _double,
    BINARY: _binary,
    LIST: _sequence,
    SET: _sequence,
    STRUCT: _struct,
}


def _write_varint(out: bytearray, value: int) -> None:
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def _write_zigzag(out: bytearray, value: int) -> None:
    _write_varint(out, value << 1 if value >= 0 else (-value << 1) - 1)


def _write_binary(out: bytearray, value: bytes) -> None:
    _write_varint(out, len(value))
    out += value


def _write_sequence(out: bytearray, value: Sequence) -> None:
    size = len(value.items)
    out.append(min(size, 15) << 4 | value.kind)
    if size >= 15:
        _write_varint(out, size)
    write = bytearray.append if value.kind in (TRUE, FALSE) else _WRITERS[value.kind]
    for item in value.items:
        write(out, item)


def _write_struct(out: bytearray, value: Struct) -> None:
    last = 0
    for found in value:
        if 0 < found.id - last < 16:
            out.append((found.id - last) << 4 | found.kind)
        else:
            out.append(found.kind)
            _write_zigzag(out, found.id)
        if found.kind not in (TRUE, FALSE):
            _WRITERS[found.kind](out, found.value)
        last = found.id
    out.append(0)


_WRITERS: dict[int, Callable[[bytearray, Any], None]] = {
    BYTE: bytearray.append,
    I16: _write_zigzag,
    I32: _write_zigzag,
    I64: _write_zigzag,
    DOUBLE: bytearray.extend,
    BINARY: _write_binary,
    LIST: _write_sequence,
    SET: _write_sequence,
    STRUCT: _write_struct,
}
