# SPDX-License-Identifier: Apache-2.0
"""Where else do the policies of a cluster look for the signatures of an image?

Authority: sigstore/policy-controller pkg/apis/policy/v1beta1/clusterimagepolicy_types.go
(`authorities[].source[].oci` and `.tagPrefix`, for the images of `images[].glob`), sigstore/cosign
pkg/oci/remote/remote.go (`WithPrefix`: the prefix stands before `sha256-<hex>.sig`) and
kyverno/kyverno api/kyverno/v1/image_verification_types.go (`verifyImages[].repository`, for those
of `imageReferences`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from kguard.layers.images.semantics.globs import glob_admits, kyverno_name, wildcard_matches
from kguard.layers.images.semantics.references import Reference
from kguard.model.manifests import Manifest, mapping, sequence, strings


class Place(NamedTuple):
    """Where signatures of some images lie, too."""

    counts: Callable[[Reference], bool]
    """For which images."""
    repository: str
    """Empty for the image's own."""
    prefix: str = ""
    """What stands before the names of the tags."""


def signature_places(policy: Manifest) -> Iterator[Place]:
    """The places that a policy names, each with the images for which it counts."""
    globs = [strings(entry).get("glob", "") for entry in sequence(policy.spec.get("images"))]
    for authority in map(mapping, sequence(policy.spec.get("authorities"))):
        for source in map(strings, sequence(authority.get("source"))):
            oci, prefix = source.get("oci", ""), source.get("tagPrefix", "")
            if oci or prefix:
                yield from (Place(partial(glob_admits, g), oci, prefix) for g in globs if g)
    for rule in map(mapping, sequence(policy.spec.get("rules"))):
        for check in map(mapping, sequence(rule.get("verifyImages"))):
            if repository := strings(check).get("repository"):
                for pattern in sequence(check.get("imageReferences")):
                    if isinstance(pattern, str):
                        yield Place(partial(_is_named, pattern), repository)


def _is_named(pattern: str, reference: Reference) -> bool:
    return wildcard_matches(pattern, kyverno_name(reference))
