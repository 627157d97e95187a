# SPDX-License-Identifier: Apache-2.0
"""What do OpenShift's image policies demand?

Authority: openshift/api config/v1 types_cluster_image_policy.go and types_image_policy.go. They
become /etc/containers/policy.json on every node, so that CRI-O refuses the image when it is
pulled: there is no webhook that could fail open, and no mode that only warns. The kind
ClusterImagePolicy has the same name as sigstore's: the group tells them apart.
"""

from __future__ import annotations

from kguard.layers.images.semantics.enforcement import ImagePolicy, Installed, Pattern, Subject
from kguard.layers.images.semantics.globs import scope_matches
from kguard.layers.images.semantics.references import Reference
from kguard.model.facts.common import Evidence, Truth
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence

GROUP = "config.openshift.io"


def read_policy(manifest: Manifest) -> ImagePolicy:
    """A ClusterImagePolicy or ImagePolicy of the group `config.openshift.io`."""
    scopes = sequence(manifest.spec.get("scopes"))
    root = mapping(mapping(manifest.spec.get("policy")).get("rootOfTrust"))
    note = f"{manifest.ref} makes nodes refuse other images"
    return ImagePolicy(
        enforcer="openshift",
        id=manifest.id,
        ref=manifest.ref,
        patterns=tuple(
            Pattern(scope, pointer("spec", "scopes", index))
            for index, scope in enumerate(scopes)
            if isinstance(scope, str)
        ),
        matches=_matches,
        covers=lambda subject: _covers(manifest, subject),
        action="enforce",
        reader="openshift",
        trust="named" if root.get("policyType") else "unknown",
        action_because=(Evidence(manifest.id, "/spec/policy", note),),
    )


def _matches(pattern: Pattern, reference: Reference) -> bool:
    return scope_matches(pattern.text, reference)


def _covers(manifest: Manifest, subject: Subject) -> Truth:
    if manifest.kind == "ImagePolicy" and manifest.namespace != subject.namespace:
        return "false"
    return "true"


def installed(policies: list[Manifest]) -> Installed:
    """The nodes' policy as the input shows it."""
    found = [read_policy(manifest) for manifest in policies]
    because = tuple(Evidence(policy.id, "", f"{policy.ref} does not name it") for policy in found)
    return Installed("openshift", found, lambda _: ("true", ()), ("not_matched", because))
