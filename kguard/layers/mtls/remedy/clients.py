# SPDX-License-Identifier: Apache-2.0
"""How do DestinationRules let clients use mutual TLS again?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.remedy.policies import manifest_of
from kguard.model.facts import mtls as model
from kguard.model.locations import pointer_tokens
from kguard.model.manifests import mapping
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, RemedyRequest

_MODE = "ISTIO_MUTUAL"


def client_tls(request: RemedyRequest) -> Iterator[Proposal]:
    """Make the `tls` block of each rule ISTIO_MUTUAL."""
    facts: model.Facts = request.facts
    rules = {(rule.ref.id, rule.part): rule for rule in facts.rules}
    for finding in request.findings:
        rule = rules.get((finding.target.id, finding.path))
        manifest = manifest_of(request.inventory, finding.target)
        if rule is None or manifest is None:
            yield Cannot((finding.fingerprint,), "the rule is not in the input")
            continue
        if rule.mode == "istio_mutual":
            reason = "the rule is right, pods behind the service have no proxy"
            yield Cannot((finding.fingerprint,), reason, "put them into the mesh")
            continue
        why = f"clients of {rule.host} show their mesh identity"
        place = rule.because[0].pointer.removesuffix("/mode")
        yield Edit(manifest.id, (_operation(manifest.object, place),), (finding.fingerprint,), why)


def _operation(value: object, place: str) -> Operation:
    """Only the mode where nothing else stands in the block; else the block as a whole.

    With ISTIO_MUTUAL, certificates of one's own are refused by validation.
    """
    node = value
    for token in pointer_tokens(place):
        node = node[int(token)] if isinstance(node, list) else mapping(node).get(token)
    if mapping(node).keys() == {"mode"}:
        return Operation("replace", f"{place}/mode", _MODE)
    return Operation("replace", place, {"mode": _MODE})
