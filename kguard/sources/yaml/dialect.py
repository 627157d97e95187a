# SPDX-License-Identifier: Apache-2.0
r"""Where do libyaml 0.2.5 and go-yaml v2.4.3 scan the same text differently?

go-yaml v2 is a port of libyaml 0.1 (scannerc.go). Since then libyaml has learned `\/` and
question marks inside flow scalars, and unlearned `\'`, a colon before a flow indicator and flow
indicators in tags. Where libyaml refuses what go-yaml takes, characters are replaced by
placeholders and the text is parsed again; where it takes what go-yaml refuses, we refuse.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kguard.sources.yaml import limits
from kguard.sources.yaml.documents import ReadError

if TYPE_CHECKING:
    import yaml

T = TypeVar("T")

BYTE_ORDER_MARK = "\ufeff"
# Compiled where it is needed, which is seldom: large classes of characters take milliseconds.
_FORBIDDEN = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_GO_READ_SIZE = 512
"""go-yaml reads (and checks) its input in blocks of so many bytes, libyaml in larger ones."""

_FIRST_PLACEHOLDER, _LAST_PLACEHOLDER = 0xE000, 0xF8FF
_TAG_OR_ANCHOR = re.compile(r"(?:(?P<tag>![^\s]*)|(?P<anchor>&[^\s]+))\s*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


# A character that a tag may hold, but not its handle.
_NO_HANDLE = "."
_TAG_CONTEXTS = frozenset(["while scanning a tag", "while parsing a tag"])
_LINE_HEAD = re.compile("[\r\n\x85\u2028\u2029][ \t]*+$")
_FLOW_TAG = re.compile(r"(?:&[^\s,\[\]{}]++\s++)?![^\s,\[\]{}<]*+")
_BREAK = re.compile("[\r\n\x85\u2028\u2029]")
_FLOW_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[\]{},\r\n\x85\u2028\u2029]')


class Mend(NamedTuple):
    """A placeholder character in the text and what stands for it in a scalar's value."""

    placeholder: str
    meaning: str


class Remend(Exception):  # noqa: N818  (asks for another attempt)
    """libyaml has ended a tag before the character at `index`, go-yaml does not."""

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self.index = index


def retry(text: str, parse: Callable[[str, tuple[Mend, ...]], T]) -> T:
    """`parse(text, mends)`, repeated with placeholders while the dialects differ.

    Raises:
        ReadError: go-yaml refuses the text as well.
    """
    import yaml

    mends: tuple[Mend, ...] = ()
    if BYTE_ORDER_MARK in text:
        mends = (Mend(_unused(text), BYTE_ORDER_MARK),)
        text = text.replace(BYTE_ORDER_MARK, mends[0].placeholder)
    for _ in range(1 + limits.MAX_REPAIRED_CHARACTERS // (len(text) + 1)):
        try:
            return parse(text, mends)
        except Remend as found:
            text = text[: found.index] + _NO_HANDLE + text[found.index + 1 :]
        except yaml.MarkedYAMLError as error:
            mended = _mend(text, error, mends)
            if mended is None:
                raise _read_error(error) from None
            text, mends = mended
        except yaml.reader.ReaderError as error:
            text = _before_unseen(text, error)
    raise ReadError("too many constructs that YAML libraries read differently")


def unmend(value: str, mends: tuple[Mend, ...]) -> str:
    """A scalar's value with the placeholders taken out again."""
    for mend in mends:
        value = value.replace(mend.placeholder, mend.meaning)
    return value


def check_flow_scalar(value: str, index: int) -> None:
    """Refuse a plain scalar inside brackets that go-yaml would end at its question mark.

    Raises:
        ReadError: there is one.
    """
    if "?" in value:
        raise ReadError("did not find expected ',' or closing bracket", index)


def check_escapes(text: str, begin: int, end: int) -> None:
    r"""Refuse `\/`, which YAML 1.2 and libyaml know and go-yaml v2 does not.

    Raises:
        ReadError: the double-quoted scalar at `text[begin:end]` has that escape.
    """
    for match in _ESCAPE.finditer(text, begin, end):
        if match[1] == "/":
            raise ReadError("found unknown escape character", match.start())


def check_after_end(text: str, root: int, end: int) -> None:
    r"""Refuse `\/` in what go-yaml scans behind a document in search of a key's colon.

    It does so to the end of the line if the root or the text after it may be a key. Brackets
    and commas that belong to nothing end the search.

    Raises:
        ReadError: there is that escape.
    """
    root_may_be_key = text[root] in "{[" and not _BREAK.search(text, root, end)
    next_may_be_key = text[end : end + 1] in {"{", "[", '"'} and _LINE_HEAD.search(text, 0, end)
    if not root_may_be_key and not next_may_be_key:
        return
    depth = 0
    for token in _FLOW_TOKEN.finditer(text, end):
        found = token[0]
        if found[0] == '"':
            check_escapes(text, token.start(), token.end())
        elif found in "{[":
            depth += 1
        elif found != "," or not depth:
            depth -= 1
        if depth < 0 or _BREAK.match(found):
            return


def check_flow_tag(text: str, begin: int) -> None:
    """Make sure that a tag inside brackets ends where go-yaml ends it: not at a comma.

    Raises:
        Remend: it takes the comma for a part of the tag.
    """
    match = _FLOW_TAG.match(text, begin)
    if match is not None and text[match.end() : match.end() + 1] == ",":
        raise Remend(match.end())


def has_lone_tag(text: str, begin: int, end: int) -> bool:
    """Whether the node at `text[begin:end]` carries the non-specific tag `!`."""
    while match := _TAG_OR_ANCHOR.match(text, begin, end):
        if match["tag"] == "!":
            return True
        begin = match.end()
    return False


def _mend(
    text: str, error: yaml.MarkedYAMLError, mends: tuple[Mend, ...]
) -> tuple[str, tuple[Mend, ...]] | None:
    mark = error.problem_mark
    if mark is None:
        return None
    index, problem = mark.index, error.problem or ""
    if problem == "found unknown escape character" and text[index : index + 2] == "\\'":
        return _replace(text, index, "'", "", mends)
    if problem == "found unexpected ':'":
        return _replace(text, index, "", ":", mends)
    if error.context in _TAG_CONTEXTS and text[index : index + 1] in {",", "[", "]"}:
        return text[:index] + _NO_HANDLE + text[index + 1 :], mends
    return None


def _replace(
    text: str, index: int, keep: str, meaning: str, mends: tuple[Mend, ...]
) -> tuple[str, tuple[Mend, ...]]:
    known = next((mend for mend in mends if mend.meaning == meaning), None)
    mend = known or Mend(_unused(text), meaning)
    patch = keep + mend.placeholder
    mends = mends if known else (*mends, mend)
    return text[:index] + patch + text[index + len(patch) :], mends


def _unused(text: str) -> str:
    for code in range(_FIRST_PLACEHOLDER, _LAST_PLACEHOLDER + 1):
        if chr(code) not in text:
            return chr(code)
    raise ReadError("uses every private character of Unicode")


def _read_error(error: yaml.MarkedYAMLError) -> ReadError:
    message = error.problem or error.context or "cannot be parsed"
    mark = error.problem_mark or error.context_mark
    return ReadError(message, mark.index if mark else 0, _HINTS.get(message, ""))


def _before_unseen(text: str, error: yaml.reader.ReaderError) -> str:
    """The text before a forbidden character that go-yaml does not come to see.

    Raises:
        ReadError: go-yaml sees it.
    """
    import yaml

    match = re.search(_FORBIDDEN, text)
    if match is None:
        raise ReadError(str(error.reason))
    refusal = ReadError(f"{error.reason} (U+{ord(match[0]):04X})", match.start())
    head = text[: match.start()]
    block = len(head.encode()) // _GO_READ_SIZE
    try:
        end = _end_of_first_document(head)
    except yaml.YAMLError:
        raise refusal from None
    if len(head[:end].encode()) // _GO_READ_SIZE >= block:
        raise refusal
    return head


def _end_of_first_document(text: str) -> int:
    import yaml
    from yaml._yaml import CParser

    parser = CParser(text)
    try:
        while (event := parser.get_event()) is not None:
            if isinstance(event, yaml.DocumentEndEvent):
                return int(event.end_mark.index)  # type: ignore[union-attr]
    finally:
        parser.dispose()
    return len(text)


_HINTS = {
    "found character that cannot start any token": (
        "indent with blanks, not tabs; quote text beginning with @, % or a backtick"
    ),
    "mapping values are not allowed in this context": (
        "quote text that contains a colon and a blank"
    ),
    "did not find expected alphabetic or numeric character": "quote text that begins with * or &",
    "could not find expected ':'": "check the indentation of this line and the one before",
    "did not find expected key": "check the indentation of this line and the one before",
}
