# SPDX-License-Identifier: Apache-2.0
"""Where else do the policies of a cluster look for the signatures of an image?

Authority: sigstore/policy-controller pkg/apis/policy/v1beta1/clusterimagepolicy_types.go
(`authorities[].source[].oci`, for the images of `images[].glob`; a `tagPrefix` is not followed) and
kyverno/kyverno api/kyverno/v1/image_verification_types.go (`verifyImages[].repository`, for those
of `imageReferences`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from kguard.layers.images.semantics.globs import glob_admits, kyverno_name, wildcard_matches
from kguard.layers.images.semantics.references import Reference
from kguard.model.manifests import Manifest, mapping, sequence, strings

Place = tuple[Callable[[Reference], bool], str]
"""For which images, and the repository."""


def signature_places(policy: Manifest) -> Iterator[Place]:
    """The repositories that a policy names, each with the images for which it counts."""
    globs = [strings(entry).get("glob", "") for entry in sequence(policy.spec.get("images"))]
    for authority in map(mapping, sequence(policy.spec.get("authorities"))):
        for source in map(strings, sequence(authority.get("source"))):
            if oci := source.get("oci"):
                yield from ((partial(glob_admits, glob), oci) for glob in globs if glob)
    for rule in map(mapping, sequence(policy.spec.get("rules"))):
        for check in map(mapping, sequence(rule.get("verifyImages"))):
            if repository := strings(check).get("repository"):
                for pattern in sequence(check.get("imageReferences")):
                    if isinstance(pattern, str):
                        yield partial(_is_named, pattern), repository


def _is_named(pattern: str, reference: Reference) -> bool:
    return wildcard_matches(pattern, kyverno_name(reference))
