# SPDX-License-Identifier: Apache-2.0
"""Does a policy's pattern match an image?

Authorities: policy-controller: sigstore/policy-controller pkg/apis/glob/glob.go. Kyverno:
kyverno/kyverno ext/wildcard (`*` any characters, `?` one) on the image as pkg/utils/image
(`GetImageInfo`) prints it: without a registry it is `docker.io`, and no `library/` is added.
OpenShift: openshift/api config/v1 types_image_policy.go, `scopes`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kguard.layers.images.semantics.references import (
    DEFAULT_TAG,
    DOCKER_HUB,
    InvalidReferenceError,
    Reference,
    parse_weakly,
)

_VALID_GLOB = re.compile(r"[a-zA-Z0-9\-_:/*.@]+\Z")
_SOME_DIGEST = "sha256:" + "0" * 64
_SHORT_GLOBS = {"*/*": f"{DOCKER_HUB}/*/*", "*": f"{DOCKER_HUB}/library/*"}
MAX_PATTERNS = 4096
"""Compiled patterns that are kept."""


class InvalidGlobError(ValueError):
    """policy-controller refuses this glob."""


@lru_cache(MAX_PATTERNS)
def compile_glob(glob: str) -> re.Pattern[str]:
    """The pattern that policy-controller makes of a glob.

    Raises:
        InvalidGlobError: it refuses the glob.
    """
    glob = _SHORT_GLOBS.get(glob, glob)
    if not _VALID_GLOB.match(glob):
        raise InvalidGlobError(f"{glob!r} is no valid glob")
    parts = (_STARS.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", glob))
    return re.compile("".join(parts) + r"\Z")


_STARS = {"**": "[^\n]*", "*": "[^/]*"}


def glob_matches(glob: str, image: str) -> bool:
    """Whether policy-controller's glob matches an image as written.

    Raises:
        InvalidGlobError: the glob is refused.
        InvalidReferenceError: the image is refused.
    """
    pattern = compile_glob(glob)
    name = parse_weakly(image).name
    if pattern.match(name):
        return True
    return name != image and bool(pattern.match(image))


def glob_matches_or_not(glob: str, image: str) -> bool:
    """Like `glob_matches`; what policy-controller refuses matches nothing."""
    try:
        return glob_matches(glob, image)
    except (InvalidGlobError, InvalidReferenceError):
        return False


def glob_admits(glob: str, reference: Reference) -> bool:
    """Whether policy-controller's glob matches an image as the webhook compares it.

    Tags are resolved before, and what is compared is `repository@sha256:...` alone (validator.go,
    `validateContainerImage`): a glob that names a tag matches nothing. Where the digest is not
    known, one that no glob names stands for it. What is refused matches nothing.
    """
    try:
        pattern = compile_glob(glob)
    except InvalidGlobError:
        return False
    return bool(pattern.match(f"{reference.context}@{reference.digest or _SOME_DIGEST}"))


def names_a_tag(glob: str) -> bool:
    """Whether a glob can match nothing, because its last part is a tag or has no room for `@`."""
    last = glob.rpartition("/")[2]
    return "@" not in last and (":" in last.partition("*")[0] or "*" not in last)


@lru_cache(MAX_PATTERNS)
def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = ({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in pattern)
    return re.compile("".join(parts) + r"\Z", re.DOTALL)


def wildcard_matches(pattern: str, text: str) -> bool:
    """Kyverno's wildcard: `*` is any number of any characters, `?` is one."""
    return bool(_wildcard(re.sub(r"\*+", "*", pattern)).match(text))


def kyverno_name(reference: Reference) -> str:
    """An image as Kyverno compares it with `imageReferences`: as written, with a registry."""
    written = reference.text.partition("@")[0].removesuffix(f":{reference.tag}")
    first, slash, rest = written.partition("/")
    is_host = first == "localhost" or "." in first or ":" in first or first.lower() != first
    name = f"{first}/{rest}" if slash and is_host else f"docker.io/{written}"
    return (
        f"{name}@{reference.digest}"
        if reference.digest
        else (f"{name}:{reference.tag or DEFAULT_TAG}")
    )


def scope_matches(scope: str, reference: Reference) -> bool:
    """Whether an OpenShift scope covers an image.

    A scope is a registry, a namespace or repository below it (a prefix at a `/`), one image with
    tag or digest, or `*.domain` for every host below a domain.
    """
    registry = "docker.io" if reference.registry == DOCKER_HUB else reference.registry
    context = f"{registry}/{reference.repository}"
    if scope.startswith("*."):
        return registry.partition(":")[0].endswith(scope[1:])
    tag = reference.tag or ("" if reference.digest else DEFAULT_TAG)
    if scope in (f"{context}:{tag}", f"{context}@{reference.digest}"):
        return True
    return context == scope or context.startswith(scope.rstrip("/") + "/")
