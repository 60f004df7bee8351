"""
Thrift's compact protocol, as far as a Parquet footer needs it: into plain values and back, byte for byte.
Pure.

A struct is a list of fields in their order, so that what is not understood is written as it was read.
Source: the Thrift compact protocol specification, and ``parquet.thrift`` of the Parquet format.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)


@dataclass
class Field:
    """A field of a struct: its id, its compact type, and its value."""

    id: int
    kind: int
    value: Any


@dataclass
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

    Raises:
        ValueError: it does not, or the content is not compact Thrift.
    """
    reader = _Reader(content)
    try:
        found = reader.struct()
    except (IndexError, KeyError, struct.error) as error:
        raise ValueError("not a struct in Thrift's compact protocol") from error
    if reader.at != len(content):
        raise ValueError("more than one struct")
    return found


def encode(value: Struct) -> bytes:
    """Write a struct."""
    out = bytearray()
    _write_struct(out, value)
    return bytes(out)


class _Reader:
    """A place in the content."""

    def __init__(self, content: bytes) -> None:
        self.content, self.at = content, 0
        self._readers: dict[int, Callable[[], Any]] = {
            BYTE: self.byte,
            I16: self.zigzag,
            I32: self.zigzag,
            I64: self.zigzag,
            DOUBLE: lambda: struct.unpack("<d", self.take(8))[0],
            BINARY: lambda: self.take(self.varint()),
            LIST: self.sequence,
            SET: self.sequence,
            STRUCT: self.struct,
        }

    def take(self, count: int) -> bytes:
        piece = self.content[self.at : self.at + count]
        if len(piece) != count:
            raise IndexError("the content ends too early")
        self.at += count
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def sequence(self) -> Sequence:
        head = self.byte()
        size, kind = head >> 4, head & 0x0F
        if size == 15:
            size = self.varint()
        read = self.byte if kind in (TRUE, FALSE) else self._readers[kind]
        return Sequence(kind, [read() for _ in range(size)])

    def struct(self) -> Struct:
        fields: Struct = []
        last = 0
        while head := self.byte():
            delta, kind = head >> 4, head & 0x0F
            last = last + delta if delta else self.zigzag()
            value = None if kind in (TRUE, FALSE) else self._readers[kind]()
            fields.append(Field(last, kind, value))
        return fields


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
    DOUBLE: lambda out, value: out.extend(struct.pack("<d", value)),
    BINARY: _write_binary,
    LIST: _write_sequence,
    SET: _write_sequence,
    STRUCT: _write_struct,
}
