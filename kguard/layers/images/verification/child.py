# SPDX-License-Identifier: Apache-2.0
"""What does the process do that checks bundles for another one?

Verifying is work for one processor at a time, and a second process can use another one. It reads
frames (four bytes of length, then MessagePack) from stdin and answers each with one; an empty
answer means that whoever asks has to do it.
"""

from __future__ import annotations

import sys
from datetime import datetime
from functools import lru_cache
from typing import IO

import msgspec

from kguard.layers.images.verification.bundles import check_bundle
from kguard.layers.images.verification.keys import PublicKey, load_der
from kguard.layers.images.verification.rejected import RejectedError
from kguard.layers.images.verification.trusted_root import parse_root
from kguard.layers.images.verification.verify import Checked, Material, Requirements
from kguard.model.facts.images import SignatureClass

MEMORY_BYTES = 4 << 30
LENGTH = 4
"""Bytes of a frame that say how long the rest is."""


class Question(msgspec.Struct, frozen=True):
    """A bundle, and what to check it with."""

    raw: bytes
    digest: str
    listed: bool
    root: bytes | None
    """None: none is trusted; no bytes: the one before."""
    key: bytes
    now: datetime
    requirements: Requirements


class Holds(msgspec.Struct, frozen=True, tag=True):
    """The bundle holds."""

    checked: Checked


class Rejected(msgspec.Struct, frozen=True, tag=True):
    """The bundle does not hold."""

    verdict: SignatureClass
    reason: str


def framed(content: bytes) -> bytes:
    """Content with its length."""
    return len(content).to_bytes(LENGTH, "big") + content


def serve(asked: IO[bytes], answers: IO[bytes]) -> None:
    """Answer frames until there are no more."""
    root: bytes | None = b""
    parsed = lru_cache(maxsize=32)(parse_root)
    while head := asked.read(LENGTH):
        question = msgspec.msgpack.decode(asked.read(int.from_bytes(head, "big")), type=Question)
        root = root if question.root == b"" else question.root
        key = load_der(question.key) if question.key else None
        material = Material(
            parsed(root) if root else None, key, question.now, question.requirements
        )
        answers.write(framed(_answer(question, material)))
        answers.flush()


def _answer(question: Question, material: Material) -> bytes:
    try:
        return msgspec.msgpack.encode(_checked(question, material))
    except (RecursionError, MemoryError, ValueError):
        return b""


def _checked(question: Question, material: Material) -> Holds | Rejected:
    try:
        found = check_bundle(question.raw, question.digest, material, listed=question.listed)
    except RejectedError as error:
        return Rejected(error.verdict, error.reason)
    return Holds(msgspec.structs.replace(found, key=PublicKey(None, found.key.spki)))


def main() -> None:
    """Serve the process that started this one."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    import sigstore.verify

    del sigstore
    serve(sys.stdin.buffer, sys.stdout.buffer)
