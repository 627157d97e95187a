# SPDX-License-Identifier: Apache-2.0
"""Which chunks does a file fall into, and which of them are JSON?

Follows k8s.io/apimachinery v0.36.3, pkg/util/yaml: the byte order mark decides the encoding
(golang.org/x/text, unicode.BOMOverride), YAMLReader splits on lines that begin with `---`,
YAMLOrJSONDecoder reads JSON as long as the stream is JSON and YAML from there on.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kguard.sources.yaml.documents import ReadError
from kguard.sources.yaml.scalars import INT64_MAX, INT64_MIN

_LOOK_AHEAD = 4096
# unicode.IsSpace, as against str.isspace, has no information separators.
SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # noqa: E501
_JSON_SPACE = re.compile(r"[ \t\n\r]*")
UNDECODED = re.compile(r"[\udc80-\udcff]")
REPLACED = re.compile(r"[\udc80-\udcff\ufffd]")
_MAYBE_SURROGATE = re.compile(r"\\u[dD]|[\udc80-\udcff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_INTEGER = 20
"""Characters of the longest int64 with its sign."""


class Text(NamedTuple):
    """A decoded file; `damaged` tells that bytes were replaced by U+FFFD."""

    text: str
    damaged: bool


class Chunk(NamedTuple):
    """A piece of a file that holds one document; `start` is its offset in the file's text."""

    start: int
    text: str
    error: ReadError | None = None
    """Set if the separator after the chunk is malformed, which spoils the chunk."""


class JsonValue(NamedTuple):
    """A JSON value of a stream and the offsets of its text."""

    start: int
    end: int
    value: Any
    out_of_range: str | None
    """A number in it that no float can hold, which spoils the value but not the stream."""


def decode(data: bytes) -> Text:
    """The text of a file, as kubectl decodes it: never an error."""
    mark, encoding, errors = next(entry for entry in _ENCODINGS if data.startswith(entry[0]))
    data = data[len(mark) :]
    try:
        return Text(data.decode(encoding), damaged=False)
    except UnicodeDecodeError:
        return Text(data.decode(encoding, errors), damaged=True)


# After a UTF-8 mark the bytes are taken as they are: what is no UTF-8 is then an error in YAML
# and U+FFFD in JSON. Without a mark it is U+FFFD in both.
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8", "surrogateescape"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "replace"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "replace"),
    (b"", "utf-8", "replace"),
)


def looks_like_json(text: str) -> bool:
    """Whether the first 4,096 bytes begin with an opening brace, blanks aside."""
    return text[:_LOOK_AHEAD].lstrip(SPACES).startswith("{")


def chunks(text: str, start: int = 0) -> Iterator[Chunk]:
    """The chunks between the separators from `start` on.

    A separator at the head of an empty chunk stays part of it.
    """
    if start:
        for chunk in chunks(text[start:]):
            yield chunk._replace(start=chunk.start + start)
        return
    for begin, end in _separators(text):
        remainder = text[begin + 3 : end].strip(SPACES)
        if remainder and not remainder.startswith("#"):
            error = ReadError(
                f"invalid Yaml document separator: {remainder}",
                begin - start,
                "put the document on the line after `---`",
            )
            yield Chunk(start, text[start:begin], error)
        elif begin > start:
            yield Chunk(start, text[start:begin])
        else:
            continue
        start = end
    if start < len(text):
        yield Chunk(start, text[start:])


def _separators(text: str) -> Iterator[tuple[int, int]]:
    """Where each line that begins with `---` starts, and where the line after it does."""
    begin = 0 if text.startswith("---") else text.find("\n---") + 1 or -1
    while begin >= 0:
        end = text.find("\n", begin) + 1 or len(text)
        yield begin, end
        begin = text.find("\n---", end - 1) + 1 or -1


def json_value(text: str, start: int) -> JsonValue | None:
    """The JSON value at `start`, blanks skipped; None at the end of the text.

    Raises:
        ReadError: what stands there is no JSON; `index` is an offset in `text`.
    """
    begin = _JSON_SPACE.match(text, start).end()  # type: ignore[union-attr]
    if begin == len(text):
        return None
    try:
        numbers = _Numbers()
        value, end = numbers.decoder.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise ReadError(f"json: {error.msg}", error.pos) from None
    except RecursionError:
        raise ReadError("json: nested too deeply", begin) from None
    except ValueError as error:
        raise ReadError(f"json: {error}", begin) from None
    if _MAYBE_SURROGATE.search(text, begin, end):
        value = _without_surrogates(value)
    return JsonValue(begin, end, value, numbers.out_of_range)


def skip_blanks(text: str, start: int) -> int | None:
    """Where YAML begins after the JSON of a stream: past blanks and the first line break.

    None if the decoder gives up there: it looks four bytes ahead.
    """
    while len(text[start : start + 4].encode("utf-8", "surrogateescape")) >= 4:  # noqa: PLR2004
        if text[start] == "\ufffd":
            return None
        if text[start] not in SPACES:
            return start
        start += 1
        if text[start - 1] == "\n":
            return start
    return None


class _Numbers:
    """Reads JSON numbers as int64 or float64 and remembers one that fits neither."""

    def __init__(self) -> None:
        self.out_of_range: str | None = None
        self.decoder = json.JSONDecoder(
            parse_constant=_refuse_constant, parse_int=self._integer, parse_float=self._float
        )

    def _integer(self, digits: str) -> int | float:
        if len(digits) <= _LONGEST_INTEGER and INT64_MIN <= int(digits) <= INT64_MAX:
            return int(digits)
        return self._float(digits)

    def _float(self, digits: str) -> int | float:
        value = float(digits)
        if abs(value) == float("inf"):
            self.out_of_range = digits[:40]
        return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"invalid value {name}")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(v) for key, v in value.items()}
    return value
