# SPDX-License-Identifier: Apache-2.0
"""Does Knative turn the tag of an image into a digest?

Authority: knative/serving pkg/reconciler/revision/resolve.go and pkg/deployment/config.go: the
controller resolves the tag when it makes a Revision, and the pods run the digest, unless the
registry is named in `registries-skipping-tag-resolving` of the ConfigMap `config-deployment`
(namespace knative-serving; default `kind.local,ko.local,dev.local`). The images of init
containers are resolved likewise.
"""

from __future__ import annotations

from kguard.layers.images.semantics.references import Reference

SKIP_KEY = "registries-skipping-tag-resolving"
CONFIG_MAP = ("knative-serving", "config-deployment")
DEFAULT_SKIPPED = frozenset({"kind.local", "ko.local", "dev.local"})


def skipped_registries(data: dict[str, str]) -> frozenset[str]:
    """The registries that are left alone, from the data of `config-deployment`."""
    text = data.get(SKIP_KEY)
    if text is None:
        return DEFAULT_SKIPPED
    return frozenset(part.strip() for part in text.split(",") if part.strip())


def resolves(reference: Reference, skipped: frozenset[str]) -> bool:
    """Whether the controller replaces this reference by a digest when it makes a Revision."""
    return not reference.digest and reference.registry not in skipped
