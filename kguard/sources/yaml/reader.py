# SPDX-License-Identifier: Apache-2.0
"""Which documents does a deployer read from a file, and which does it refuse?

Follows YAMLOrJSONDecoder of k8s.io/apimachinery v0.36.3 (pkg/util/yaml/decoder.go) and the
visitor of k8s.io/cli-runtime, which leaves empty documents out. Where kubectl stops at the first
error of a file, reading goes on here with the next document.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from kguard.sources.yaml import kustomize, limits, stream
from kguard.sources.yaml.ambiguities import Recorder
from kguard.sources.yaml.construct import Constructor
from kguard.sources.yaml.dialect import BYTE_ORDER_MARK
from kguard.sources.yaml.documents import Ambiguity, Broken, Document, Profile, ReadError, Trap
from kguard.sources.yaml.fast import Unsupported
from kguard.sources.yaml.fast_shapes import load_alike
from kguard.sources.yaml.kustomize import KustomizeConstructor
from kguard.sources.yaml.nodes import Node, compose
from kguard.sources.yaml.positions import Lines

_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_NEXT_SEPARATOR = re.compile(r"^---", re.MULTILINE)
_FRAMES_PER_LEVEL = 5
_BRACKETS = re.compile(r"[\[{]")


def load(
    data: bytes, *, profile: Profile = "kubectl", fast: bool = True
) -> Iterator[Document | Broken]:
    """The documents of a file in order; empty ones are left out, refused ones are `Broken`.

    Args:
        data: the file as it is; the byte order mark decides about the encoding.
        profile: whose reading is wanted.
        fast: use the shorter way for plain block style (same results).
    """
    if len(data) > limits.MAX_FILE_BYTES:
        yield Broken(0, 1, 1, f"larger than {limits.MAX_FILE_BYTES} bytes", "split the file")
        return
    text, damaged = stream.decode(data)
    for count, found in enumerate(_Reader(text, profile, damaged=damaged, fast=fast).read()):
        if count >= limits.MAX_DOCUMENTS:
            message = f"more than {limits.MAX_DOCUMENTS} documents"
            yield Broken(found.index, found.line, 1, message, "split the file")
            return
        yield found


class _Reader:
    """Reads one decoded file."""

    def __init__(self, text: str, profile: Profile, *, damaged: bool, fast: bool) -> None:
        self.text = text
        self.profile: Profile = profile
        self.damaged = damaged
        self.fast = fast and profile == "kubectl"
        self.index = 0
        self.line = 1
        self.counted = 0

    def read(self) -> Iterator[Document | Broken]:
        if self.profile == "kustomize":
            yield from self._chunks(kustomize.chunks(self.text))
        elif stream.looks_like_json(self.text):
            yield from self._json(0)
        else:
            yield from self._yaml(0)

    def _line_of(self, offset: int) -> int:
        """The line of an offset; offsets must not decrease from call to call."""
        self.line += self.text.count("\n", self.counted, offset)
        self.counted = offset
        return self.line

    def _json(self, start: int) -> Iterator[Document | Broken]:
        """JSON values from `start`; YAML from the place where at most one has been read."""
        count = 0
        while True:
            try:
                found = stream.json_value(self.text, start)
            except ReadError as error:
                yield from self._after_json(start, error, count)
                return
            if found is None:
                return
            if found.value is not None:
                yield self._json_document(found, count)
            count += 1
            self.index += 1
            start = found.end

    def _after_json(self, start: int, error: ReadError, count: int) -> Iterator[Document | Broken]:
        yaml_start = stream.skip_blanks(self.text, start) if count <= 1 else None
        if yaml_start is not None:
            yield from self._yaml(yaml_start, error)
            return
        yield self._broken(start, error.index - start, error)
        self.index += 1
        if separator := _NEXT_SEPARATOR.search(self.text, start + 1):
            yield from self._yaml(separator.start())

    def _json_document(self, found: stream.JsonValue, count: int) -> Document | Broken:
        text = self.text[found.start : found.end]
        line = self._line_of(found.start)
        if found.out_of_range is not None:
            error = ReadError(f"json: number {found.out_of_range} is out of range")
            return self._broken(found.start, 0, error)
        if _too_deep(text, found.value):
            error = ReadError(f"nested deeper than {limits.MAX_DEPTH} levels")
            return self._broken(found.start, 0, error)
        ambiguities: tuple[Ambiguity, ...] = ()
        if count:
            detail = "kubectl reads every JSON value, kustomize only the first, YAML parsers none"
            ambiguities = (_file_trap("json-stream", text, line, 0, detail),)
        return Document(self.index, line, text, found.value, ambiguities)

    def _yaml(self, start: int, json_error: ReadError | None = None) -> Iterator[Document | Broken]:
        """YAML documents from `start`; an error of the first is blamed on the JSON before it."""
        yield from self._chunks(stream.chunks(self.text, start), json_error)

    def _chunks(
        self, chunks: Iterable[stream.Chunk], json_error: ReadError | None = None
    ) -> Iterator[Document | Broken]:
        for chunk in chunks:
            try:
                found = self._document(chunk)
            except ReadError as error:
                at = chunk.start + error.index
                if json_error is not None:
                    error, at = json_error, json_error.index
                yield self._broken(chunk.start, at - chunk.start, error)
            else:
                if found is not None:
                    yield found
            json_error = None
            self.index += 1

    def _document(self, chunk: stream.Chunk) -> Document | None:
        if chunk.error is not None:
            raise chunk.error
        text = chunk.text
        if len(text) > limits.MAX_DOCUMENT_CHARACTERS:
            raise ReadError(f"longer than {limits.MAX_DOCUMENT_CHARACTERS} characters")
        undecoded = stream.UNDECODED if self.profile == "kubectl" else stream.REPLACED
        if match := (self.damaged and undecoded.search(text)):
            raise ReadError("invalid UTF-8", match.start(), "save the file as UTF-8")
        line = self._line_of(chunk.start)
        if self.fast:
            try:
                value, shape = load_alike(text)
            except Unsupported:
                pass
            else:
                if value is None:
                    return None
                return Document(self.index, line, text, value, block=True, shape=shape)
        return self._exact(text, line)

    def _exact(self, text: str, line: int) -> Document | None:
        value, ambiguities = decode(text, line, self.profile)
        extra = self._file_traps(text, line)
        if value is None:
            return None
        return Document(self.index, line, text, value, (*extra, *ambiguities))

    def _file_traps(self, text: str, line: int) -> Iterator[Ambiguity]:
        if text.isascii():
            return
        if self.damaged and (at := text.find("\ufffd")) >= 0:
            detail = "the file is not valid UTF-8: kubectl replaces bytes, others refuse it"
            yield _file_trap("invalid-utf8", text, line, at, detail)
        if self.index and text.startswith(BYTE_ORDER_MARK):
            detail = "a byte order mark inside the file is no part of the first key for kubectl"
            yield _file_trap("byte-order-mark", text, line, 0, detail)
        if match := _OTHER_BREAKS.search(text):
            detail = f"U+{ord(match[0]):04X} breaks the line for kubectl, but not in YAML 1.2"
            yield _file_trap("line-break-character", text, line, match.start(), detail)

    def _broken(self, start: int, offset: int, error: ReadError) -> Broken:
        first = self._line_of(start)
        line, column = Lines(self.text[start : start + max(offset, 0)], first).place(offset)
        return Broken(self.index, line, column, error.message, error.hint)


def decode(text: str, line: int, profile: Profile = "kubectl") -> tuple[Any, tuple[Ambiguity, ...]]:
    """The value of one chunk and what is ambiguous in it, by the exact way.

    Raises:
        ReadError: the deployer refuses the chunk.
    """
    exact = profile == "kubectl"
    tree = compose(text if exact else text.replace("\r\n", "\n"), final_newline=exact)
    if tree.root is None:
        return None, ()
    try:
        value, recorder = _construct(tree.root, profile)
    except RecursionError:
        with _room_for_depth():
            value, recorder = _construct(tree.root, profile)
    recorder.text_after(tree, text)
    return value, recorder.finish(tree, text, line)


def _construct(root: Node, profile: Profile) -> tuple[Any, Recorder]:
    recorder = Recorder()
    kind = Constructor if profile == "kubectl" else KustomizeConstructor
    return kind(recorder).value(root), recorder


@contextlib.contextmanager
def _room_for_depth() -> Iterator[None]:
    """Room for documents that are nested nearly as deep as allowed."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _FRAMES_PER_LEVEL * limits.MAX_DEPTH)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _file_trap(trap: Trap, text: str, line: int, at: int, detail: str) -> Ambiguity:
    return Ambiguity(trap, "", Lines(text, line).span(at, at + 1), None, detail)


def _too_deep(text: str, value: Any) -> bool:
    """Whether a JSON value is nested too deeply; cheap where there are few brackets."""
    if sum(1 for _ in _BRACKETS.finditer(text)) <= limits.MAX_DEPTH:
        return False
    level = [value]
    for _ in range(limits.MAX_DEPTH + 1):
        level = [
            child
            for item in level
            for child in (item.values() if isinstance(item, dict) else item)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return False
    return True
