# SPDX-License-Identifier: Apache-2.0
"""What closes the findings about pod-to-pod traffic?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kguard.layers.network.remedy.edits import except_metadata, put_in_force
from kguard.layers.network.remedy.flows import allow_flow, restrict_egress
from kguard.layers.network.remedy.isolate import isolate_ingress, namespace_deny
from kguard.model.remedies import Cannot, Proposal, RemedyFunction, RemedyRequest


def _where_enforced(function: RemedyFunction) -> RemedyFunction:
    """No policy closes anything where the network plugin enforces none."""

    def remedy(request: RemedyRequest) -> Iterable[Proposal]:
        if request.facts.plugin.enforces != "false":
            return function(request)
        findings = tuple(finding.fingerprint for finding in request.findings)
        reason = f"the network plugin ({request.facts.plugin.name}) enforces no policy"
        return [Cannot(findings, reason, "install one that does, then run this again")]

    return remedy


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
