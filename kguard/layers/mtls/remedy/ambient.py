# SPDX-License-Identifier: Apache-2.0
"""How are policies written so that ztunnel enforces what they say?

What fails open does so because a namespace policy without mode, or none at all, stands between a
STRICT mesh and a workload policy with ports, or because `selector: {}` is not read as absent. An
explicit STRICT of the namespace says what was inherited anyway, and is enforced.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.remedy.policies import edit, manifest_of, scope_policy, set_mode, too_early
from kguard.model.facts import mtls as model
from kguard.model.manifests import Manifest
from kguard.model.remedies import Cannot, Operation, Proposal, RemedyRequest


def explicit_modes(request: RemedyRequest) -> Iterator[Proposal]:
    """Say the inherited mode explicitly, once for each namespace."""
    early = too_early(request, "enforce")
    if early:
        yield early
        return
    facts: model.Facts = request.facts
    closes: dict[str, list[str]] = {}
    for finding in request.findings:
        closes.setdefault(finding.target.namespace, []).append(finding.fingerprint)
    selectors = list(_empty_selectors(request, facts))
    for namespace, fingerprints in sorted(closes.items()):
        if selectors:
            yield from (
                edit(manifest, [Operation("remove", "/spec/selector")], fingerprints, why)
                for manifest, why in selectors
            )
            continue
        yield _explicit(request, facts, namespace, fingerprints)


def _empty_selectors(request: RemedyRequest, facts: model.Facts) -> Iterator[tuple[Manifest, str]]:
    for policy in facts.policies:
        manifest = manifest_of(request.inventory, policy.ref)
        if manifest and "selector" in manifest.spec and policy.scope in ("mesh", "namespace"):
            yield manifest, f"ztunnel does not see {policy.ref} while it has an empty selector"


def _explicit(
    request: RemedyRequest, facts: model.Facts, namespace: str, fingerprints: list[str]
) -> Proposal:
    fact = next((n for n in facts.namespaces if n.ref.name == namespace), None)
    if fact is None or fact.intended != "strict":
        reason = "the namespace as a whole is not meant to be STRICT"
        return Cannot(tuple(fingerprints), reason)
    why = f"namespace {namespace} inherits STRICT; said explicitly, ztunnel enforces it"
    for policy in facts.policies:
        here = policy.ref.namespace == namespace and policy.scope == "namespace"
        manifest = manifest_of(request.inventory, policy.ref)
        if here and policy.state == "decides" and manifest:
            return edit(manifest, [set_mode(manifest, "STRICT")], fingerprints, why)
    return scope_policy(request.inventory, namespace, "STRICT", fingerprints, why)
