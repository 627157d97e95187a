# SPDX-License-Identifier: Apache-2.0
"""What closes the findings about pod-to-pod traffic?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from kguard.layers.network.remedy.edits import except_metadata, put_in_force
from kguard.layers.network.remedy.flows import allow_flow, restrict_egress
from kguard.layers.network.remedy.isolate import isolate_ingress, namespace_deny
from kguard.layers.network.remedy.kinds import said_as
from kguard.layers.network.remedy.stages import staged
from kguard.layers.network.semantics.profiles import profile_of
from kguard.model.remedies import Cannot, Create, Proposal, RemedyFunction, RemedyRequest


def _where_enforced(function: RemedyFunction) -> RemedyFunction:
    """No policy closes anything where the network plugin enforces none of its kind."""

    def remedy(request: RemedyRequest) -> Iterable[Proposal]:
        plugin = request.facts.plugin
        if plugin.enforces == "false":
            return [_cannot(request, f"the network plugin ({plugin.name}) enforces no policy")]
        own = _OWNERS.get(request.policy_kind, "")
        if own and own not in profile_of(plugin.name).kinds:
            said = f"the network plugin ({plugin.name}) does not read policies of {own.title()}"
            return [_cannot(request, said)]
        proposals = [_said(proposal, request) for proposal in function(request)]
        return proposals if request.stage == "enforce" else list(staged(request, proposals))

    return remedy


_OWNERS = {"CiliumNetworkPolicy": "cilium", "CalicoNetworkPolicy": "calico"}


def _cannot(request: RemedyRequest, reason: str) -> Cannot:
    findings = tuple(finding.fingerprint for finding in request.findings)
    return Cannot(findings, reason, "install one that does, then run this again")


def _said(proposal: Proposal, request: RemedyRequest) -> Proposal:
    if not isinstance(proposal, Create):
        return proposal
    return replace(proposal, object=said_as(proposal.object, request.policy_kind))


_FUNCTIONS: Mapping[str, RemedyFunction] = {
    "allow_flow": allow_flow,
    "except_metadata": except_metadata,
    "isolate_ingress": isolate_ingress,
    "namespace_deny": namespace_deny,
    "put_in_force": put_in_force,
    "restrict_egress": restrict_egress,
}

REMEDIES: Mapping[str, RemedyFunction] = {
    name: _where_enforced(function) for name, function in _FUNCTIONS.items()
}
