# SPDX-License-Identifier: Apache-2.0
"""Which repository, tag and digest does an image reference name?

Authority: google/go-containerregistry pkg/name (`ParseReference` with weak validation:
tag.go, digest.go, repository.go, registry.go, check.go), which cosign, policy-controller and
Knative use; and distribution/reference (regexp.go, normalize.go), by which the kubelet refuses
names that go-containerregistry would let through.
"""

from __future__ import annotations

import re
import string
from functools import lru_cache

import msgspec

DOCKER_HUB = "index.docker.io"
DEFAULT_TAG = "latest"
MAX_REFERENCE_LENGTH = 4096
"""Longer texts are refused unread; the longest valid reference has about 500 characters."""

_REPOSITORY_CHARACTERS = frozenset(string.ascii_lowercase + string.digits + "_-./")
_TAG_CHARACTERS = frozenset(string.ascii_letters + string.digits + "_-.")
_HEX64 = re.compile(r"[0-9a-f]{64}\Z")
_HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._~-]+)(:[0-9]*)?\Z")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*\Z")
_DOMAIN_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?\Z")
_TAG_START = frozenset(string.ascii_letters + string.digits + "_")


class InvalidReferenceError(ValueError):
    """The registry client or the kubelet would refuse this reference."""


class Reference(msgspec.Struct, frozen=True, order=True):
    """An image reference with every default filled in."""

    registry: str
    """Host and port; `index.docker.io` for Docker Hub."""
    repository: str
    """The path below the registry, with `library/` where Docker Hub implies it."""
    tag: str
    """The tag as written; empty where none is."""
    digest: str
    """`sha256:` and 64 hexadecimal digits, or empty."""
    text: str
    """As written."""

    @property
    def context(self) -> str:
        """`registry/repository`."""
        return f"{self.registry}/{self.repository}"

    @property
    def name(self) -> str:
        """The full name as cosign prints it: a digest wins, an absent tag is `latest`."""
        if self.digest:
            return f"{self.context}@{self.digest}"
        return f"{self.context}:{self.tag or DEFAULT_TAG}"

    @property
    def tagged(self) -> str:
        """The full name by tag, also where a digest is given."""
        return f"{self.context}:{self.tag or DEFAULT_TAG}"


_PLACEHOLDER = re.compile(r"ko://|\{|<[^>]*>|\$[({A-Z]|%[({A-Z]|\[\[|@@")


def is_placeholder(text: str) -> bool:
    """Whether a tool is meant to fill in the reference (`ko://...`, `<image>`, `${IMAGE}`)."""
    return bool(_PLACEHOLDER.search(text))


@lru_cache(4096)
def parse_reference(text: str) -> Reference:
    """Parse a reference as it stands in a pod.

    Raises:
        InvalidReferenceError: with one sentence that says what is wrong.
    """
    reference = parse_weakly(text)
    _check_runtime_grammar(reference)
    return reference


def parse_weakly(text: str) -> Reference:
    """Parse a reference exactly as go-containerregistry does with weak validation.

    Raises:
        InvalidReferenceError: it refuses the reference.
    """
    if len(text) > MAX_REFERENCE_LENGTH:
        raise InvalidReferenceError("the image reference is too long")
    if "@" in text:
        return _with_digest(text)
    base, tag = _split_tag(text)
    return _named(base, tag, "", text)


def _with_digest(text: str) -> Reference:
    base, _, digest = text.partition("@")
    if "@" in digest:
        raise InvalidReferenceError("an image reference has at most one '@'")
    algorithm, _, value = digest.partition(":")
    if algorithm != "sha256" or not _HEX64.match(value):
        raise InvalidReferenceError("the digest must be sha256: and 64 lower-case hex digits")
    try:
        name, tag = _split_tag(base)
    except InvalidReferenceError:
        name, tag = base, ""
    return _named(name, tag, digest, text)


def _split_tag(text: str) -> tuple[str, str]:
    base, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        return text, ""
    if len(tag) > 128 or not _TAG_CHARACTERS.issuperset(tag):  # noqa: PLR2004 - part of the grammar
        raise InvalidReferenceError(f"{tag!r} is no valid tag")
    return base, tag


def _named(base: str, tag: str, digest: str, text: str) -> Reference:
    if not base:
        raise InvalidReferenceError("the image reference is empty")
    first, slash, rest = base.partition("/")
    has_registry = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    registry, repository = (first, rest) if has_registry else ("", base)
    _check_repository(repository)
    registry = _registry(registry)
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    return Reference(registry, repository, tag, digest, text)


def _check_repository(repository: str) -> None:
    if not _REPOSITORY_CHARACTERS.issuperset(repository):
        raise InvalidReferenceError(
            "a repository has only lower-case letters, digits and the characters _ - . /"
        )
    if not 2 <= len(repository) <= 255:  # noqa: PLR2004 - part of the grammar
        raise InvalidReferenceError("a repository has 2 to 255 characters")


def _registry(host: str) -> str:
    if host in ("", "docker.io"):
        return DOCKER_HUB
    if not _HOST.match(host):
        raise InvalidReferenceError(f"{host!r} is no registry host")
    return host


def _check_runtime_grammar(reference: Reference) -> None:
    """What the kubelet checks before it asks the runtime: else `InvalidImageName`."""
    if not _DOMAIN.match(reference.registry):
        raise InvalidReferenceError(f"{reference.registry!r} is no registry host")
    if not _PATH.match(reference.repository):
        raise InvalidReferenceError(
            "each part of the repository begins and ends with a letter or digit"
        )
    if reference.text.partition("@")[0].endswith(":"):
        raise InvalidReferenceError("a tag must follow the colon")
    if reference.tag and reference.tag[0] not in _TAG_START:
        raise InvalidReferenceError(f"{reference.tag!r} is no valid tag")
