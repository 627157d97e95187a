# SPDX-License-Identifier: Apache-2.0
"""How are policies tried out before they cut anything?

Calico has staged kinds, which log what they would deny and have no effect (projectcalico/calico
api/pkg/apis/projectcalico/v3/staged{networkpolicy,kubernetesnetworkpolicy}.go); Cilium has an
audit mode of its agents (`policy-audit-mode`), no objects; other plugins have neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kguard.model.manifests import JsonObject
from kguard.model.remedies import Cannot, Create, Edit, Proposal, Refused, RemedyRequest

_VERSION = "projectcalico.org/v3"
_GROUP = "projectcalico.org"
_LOG = "read the plugin's flow log, declare what is missing, then run with --stage enforce"
_AUDIT = "let the agents run with policy-audit-mode, then run with --stage enforce"


def staged(request: RemedyRequest, proposals: Sequence[Proposal]) -> Iterator[Proposal]:
    """The proposals as objects that observe; what cannot be staged, with the reason."""
    calico = request.facts.plugin.name in ("calico", "canal")
    for proposal in proposals:
        if isinstance(proposal, Refused | Cannot):
            yield proposal
        elif isinstance(proposal, Create) and (calico or _is_calico(proposal.object)):
            yield from _observed(request, proposal)
        elif isinstance(proposal, Edit):
            reason = "a change of a policy that is in force takes effect at once"
            yield Cannot(proposal.closes, reason, "run with --stage enforce")
        else:
            instead = (
                _AUDIT if request.facts.plugin.name == "cilium" else "run with --stage enforce"
            )
            reason = "the network plugin has no objects that only observe"
            yield Cannot(proposal.closes, reason, instead)


def _is_calico(policy: JsonObject) -> bool:
    return str(policy.get("apiVersion")) == _VERSION


def _observed(request: RemedyRequest, proposal: Create) -> Iterator[Proposal]:
    policy = proposal.object
    if policy["kind"] != "NetworkPolicy":
        yield Cannot(proposal.closes, f"{policy['kind']} has no staged kind", _AUDIT)
        return
    kind = "StagedNetworkPolicy" if _is_calico(policy) else "StagedKubernetesNetworkPolicy"
    made = {**policy, "apiVersion": _VERSION, "kind": kind}
    made["spec"] = {"stagedAction": "Set", **policy["spec"]}
    metadata = policy["metadata"]
    known = request.inventory.find(kind, _GROUP, metadata["namespace"], metadata["name"])
    if known is None or known.spec != made["spec"]:
        yield replace(proposal, object=made, why=f"observes: {proposal.why}")
    yield Cannot(proposal.closes, "a staged policy only observes", _LOG)
