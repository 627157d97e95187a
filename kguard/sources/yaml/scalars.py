# SPDX-License-Identifier: Apache-2.0
"""Which value does a scalar's text stand for?

Follows resolve.go of go.yaml.in/yaml/v2 v2.4.3 (the library behind sigs.k8s.io/yaml, hence
kubectl): YAML 1.1 booleans, C-like integers, no sexagesimal numbers, timestamps stay text.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import struct
from decimal import Decimal

from kguard.sources.yaml.documents import ReadError

TYPE_PREFIX = "tag:yaml.org,2002:"

Scalar = str | int | float | bool | None

TRUE_WORDS = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
FALSE_WORDS = frozenset(
    ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
)
NULL_WORDS = frozenset(["", "~", "null", "Null", "NULL"])
WORDS: dict[str, Scalar] = {
    **dict.fromkeys(TRUE_WORDS, True),
    **dict.fromkeys(FALSE_WORDS, False),
    **dict.fromkeys(NULL_WORDS, None),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], float("nan")),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], float("inf")),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], float("-inf")),
}
# Only texts that begin with one of these can be anything but text.
HINTS = frozenset("+-0123456789yYnNtTfFoO~.")

_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)"
    r"|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# strconv.ParseFloat takes underscores between digits.
_POINT_FLOAT = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
# ParseInt is also called with what follows "0b", which may have a sign of its own.
_SIGNED_BINARY = re.compile(r"0b([-+][01]+)")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:[Tt ](?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{1,2}):(?P<second>[0-9]{1,2})"
    r"(?:[.,][0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?"
)

# Go replaces every single byte that is no UTF-8.
_UNDECODED = re.compile(r"[\udc80-\udcff]")

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
UINT64_MAX = 2**64 - 1
_EXACT_FLOATS = 2**53


class Unsigned(float):
    """An integer above int64: JSON readers make it a float, keys cannot have it."""


def resolve(text: str) -> Scalar:
    """The value of a plain scalar without a tag."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in HINTS:
        return text
    if text[0] == ".":
        return _point_float(text)
    if text[0] in "+-0123456789":
        return _number(text)
    return text


def _point_float(text: str) -> Scalar:
    if _POINT_FLOAT.fullmatch(text):
        number = float(text)
        if number != float("inf"):
            return number
    return text


def _number(text: str) -> Scalar:
    digits = text.replace("_", "")
    match = _INTEGER.fullmatch(digits)
    if match and (integer := _integer(match)) is not None:
        return integer
    # Before Python, a hostile number of a million digits.
    if _FLOAT.fullmatch(digits):
        number = float(digits)
        return number if abs(number) != float("inf") else text
    signed = _SIGNED_BINARY.fullmatch(digits)
    if signed and INT64_MIN <= (value := int(signed[1], 2)) <= INT64_MAX:
        return value
    return text


_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_LONGEST_INTEGER = 70
"""Characters of the longest 64-bit integer, binary: more cannot fit."""


def _integer(match: re.Match[str]) -> int | Unsigned | None:
    group = str(match.lastgroup)
    digits = match[group].lstrip("0") or "0"
    if len(digits) > _LONGEST_INTEGER:
        return None
    value = int(digits, _BASES[group])
    if match["sign"] == "-":
        value = -value
    if INT64_MIN <= value <= INT64_MAX:
        return value
    if not match["sign"] and value <= UINT64_MAX:
        return Unsigned(value)
    return None


def resolve_tagged(tag: str, text: str) -> Scalar:
    """The value of a scalar with a tag, quoted or not.

    Raises:
        ReadError: the text does not fit the tag.
    """
    name = tag.removeprefix(TYPE_PREFIX) if tag.startswith(TYPE_PREFIX) else None
    if name == "binary":
        return _binary(text)
    if name not in _ACCEPTED:
        return text
    if name == "str":
        return text
    if name == "timestamp":
        return _timestamp(text)
    value = resolve(text)
    if name == "float" and type(value) is int:
        return float(value)
    if type(value) not in _ACCEPTED[name]:
        raise ReadError(f"cannot decode `{text[:40]}` as a !!{name}")
    return value


_ACCEPTED: dict[str | None, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int, Unsigned),
    "float": (float,),
    "null": (type(None),),
    "timestamp": (str,),
}


def _binary(text: str) -> str:
    packed = text.replace("\n", "").replace("\r", "")
    with contextlib.suppress(binascii.Error, ValueError):
        if len(packed) % 4 == 0:
            text = base64.b64decode(packed, validate=True).decode("utf-8", "surrogateescape")
            return _UNDECODED.sub("\ufffd", text)
    raise ReadError("!!binary value contains invalid base64 data")


def _timestamp(text: str) -> str:
    if is_timestamp(text):
        return text
    raise ReadError(f"cannot decode `{text[:40]}` as a !!timestamp")


def is_timestamp(text: str) -> bool:
    """Whether go-yaml parses the text as a point in time."""
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return False
    month, day = int(match["month"]), int(match["day"])
    clock = match["hour"] is None or (
        int(match["hour"]) < 24 and int(match["minute"]) < 60 and int(match["second"]) < 60  # noqa: PLR2004
    )
    return clock and 1 <= month <= 12 and 1 <= day <= 31  # noqa: PLR2004


def json_number(value: float) -> int | float:
    """A float as it comes out of JSON again: kubectl sends 1.0 as 1, in the shortest digits."""
    if value.is_integer():
        integer = int(value) if abs(value) < _EXACT_FLOATS else int(Decimal(repr(float(value))))
        if INT64_MIN <= integer <= INT64_MAX:
            return integer
    return float(value)


def key_text(value: Scalar) -> str | None:
    """A mapping key as sigs.k8s.io/yaml spells it in JSON, None if it refuses it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, Unsigned):
        return None
    return str(value) if isinstance(value, int) else _float32_text(value)


_EXPONENT_FROM = 6
_EXPONENT_BELOW = -4


def _float32_text(value: float) -> str:
    """strconv.FormatFloat(value, 'g', -1, 32), infinities and NaN in YAML's spelling."""
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = float("inf") if value > 0 else float("-inf")
    if single != single:  # noqa: PLR0124  (NaN)
        return ".nan"
    if single in {float("inf"), float("-inf")}:
        return ".inf" if single > 0 else "-.inf"
    mantissa, exponent = _shortest(single)
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "").rstrip("0") or "0"
    if exponent < _EXPONENT_BELOW or exponent >= _EXPONENT_FROM:
        return sign + _scientific(digits, exponent)
    return sign + _positional(digits, exponent)


def _shortest(single: float) -> tuple[str, int]:
    spelled = f"{single:.8e}"
    for precision in range(8):
        shorter = f"{single:.{precision}e}"
        if struct.unpack("f", struct.pack("f", float(shorter)))[0] == single:
            spelled = shorter
            break
    mantissa, _, exponent = spelled.partition("e")
    return mantissa, int(exponent)


def _scientific(digits: str, exponent: int) -> str:
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def _positional(digits: str, exponent: int) -> str:
    if exponent < 0:
        return "0." + "0" * (-exponent - 1) + digits
    digits = digits.ljust(exponent + 1, "0")
    whole, fraction = digits[: exponent + 1], digits[exponent + 1 :]
    return f"{whole}.{fraction}" if fraction else whole
