# SPDX-License-Identifier: Apache-2.0
"""Which values does a DER structure hold?

Authority: ITU-T X.690 section 8.1 (tag, length, content) and 10.1 (shortest definite lengths). Only
what is needed to compare or replace parts of certificates and timestamps that the libraries read
with another strictness than Go does.
"""

from __future__ import annotations

import msgspec

SEQUENCE, SET, NAME = 0x30, 0x31, 0x06
_LONG_FORM = 0x80
_MOST_LENGTH_BYTES = 4
_SHORTEST = 2
_LARGEST_ARC = (1 << 31) - 1


class Value(msgspec.Struct, frozen=True):
    """One value: its tag, its content, and everything with tag and length."""

    tag: int
    content: bytes
    whole: bytes

    @property
    def parts(self) -> list[Value]:
        """The values inside of a constructed one.

        Raises:
            ValueError: they cannot be told apart.
        """
        found, rest = [], self.content
        while rest:
            value, rest = first(rest)
            found.append(value)
        return found


def parse(raw: bytes) -> Value:
    """The one value that some bytes are.

    Raises:
        ValueError: they are not exactly one.
    """
    value, rest = first(raw)
    if rest:
        raise ValueError("something follows the value")
    return value


def first(raw: bytes) -> tuple[Value, bytes]:
    """The first value of some bytes, and what follows it.

    Raises:
        ValueError: they begin with none.
    """
    if len(raw) < _SHORTEST:
        raise ValueError("the value is cut off")
    begin, size = 2, raw[1]
    if size >= _LONG_FORM:
        count = size - _LONG_FORM
        begin = 2 + count
        if not 1 <= count <= _MOST_LENGTH_BYTES or len(raw) < begin:
            raise ValueError("the length cannot be read")
        size = int.from_bytes(raw[2:begin], "big")
    end = begin + size
    if len(raw) < end:
        raise ValueError("the value is cut off")
    return Value(raw[0], raw[begin:end], raw[:end]), raw[end:]


def build(tag: int, parts: list[bytes]) -> bytes:
    """A constructed value of encoded parts."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG_FORM:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG_FORM | len(length)]) + length + content


def is_name(value: Value) -> bool:
    """Whether a value is an object identifier as Go's encoding/asn1 reads it."""
    if value.tag != NAME or not value.content or value.content[-1] >= _LONG_FORM:
        return False
    arc, begins = 0, True
    for byte in value.content:
        if begins and byte == _LONG_FORM:
            return False
        arc, begins = (0 if begins else arc << 7) | byte & 0x7F, byte < _LONG_FORM
        if arc > _LARGEST_ARC:
            return False
    return True
