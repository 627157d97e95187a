# SPDX-License-Identifier: Apache-2.0
"""How is mutual TLS let in where policy switches it off? By the rung before STRICT, PERMISSIVE.

ztunnel takes DISABLE for PERMISSIVE anyway; a sidecar's clients send plaintext under DISABLE,
whatever a narrower policy asks for. The name of the remedy sorts before those that make things
STRICT: their changes of the same field come after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.remedy.policies import (
    edit,
    fact_of,
    manifest_of,
    set_mode,
    titled,
    too_early,
)
from kguard.model.facts import mtls as model
from kguard.model.findings import Finding
from kguard.model.remedies import Cannot, Proposal, RemedyRequest

_Place = tuple[str, tuple[str, ...]]
"""The id of a policy and the path in its spec."""


def allow_mutual_tls(request: RemedyRequest) -> Iterator[Proposal]:
    """Write PERMISSIVE where DISABLE is written, once for each place."""
    early = too_early(request, "warn")
    if early:
        yield early
        return
    closes: dict[_Place, list[str]] = {}
    for finding in request.findings:
        places = list(_places(request, finding))
        for place in places:
            closes.setdefault(place, []).append(finding.fingerprint)
        if not places:
            yield Cannot((finding.fingerprint,), "the policy that says DISABLE is not in the input")
    for (ref, at), fingerprints in sorted(closes.items()):
        manifest = request.inventory.by_id(ref)
        why = f"{manifest.ref} lets mutual TLS in: PERMISSIVE, the rung before STRICT"
        yield edit(manifest, [set_mode(manifest, "PERMISSIVE", at)], fingerprints, why)


def _places(request: RemedyRequest, finding: Finding) -> Iterator[_Place]:
    fact = fact_of(request.facts, finding.target)
    if fact is None:
        return
    if fact.plane == "ambient":
        yield from _own(request, finding, fact)
    else:
        yield from _inherited(request, fact)


def _own(request: RemedyRequest, finding: Finding, fact: model.Workload) -> Iterator[_Place]:
    """What decides about the ports of the finding."""
    for group in fact.modes:
        policy = titled(request.facts, group.decided_by)
        manifest = manifest_of(request.inventory, policy.ref) if policy else None
        if manifest is None or "/".join(group.ports) != finding.path:
            continue
        if group.decided_at == "port":
            yield from ((manifest.id, ("portLevelMtls", port)) for port in group.ports)
        else:
            yield manifest.id, ("mtls",)


def _inherited(request: RemedyRequest, fact: model.Workload) -> Iterator[_Place]:
    """The policy of namespace or mesh that makes clients send plaintext."""
    facts: model.Facts = request.facts
    places = {"namespace": fact.ref.namespace, "mesh": facts.mesh.root}
    for scope, namespace in places.items():
        for policy in facts.policies:
            here = (policy.scope, policy.ref.namespace) == (scope, namespace)
            if here and policy.state == "decides" and policy.mode == "disable":
                manifest = manifest_of(request.inventory, policy.ref)
                if manifest is not None:
                    yield manifest.id, ("mtls",)
                return
