# SPDX-License-Identifier: Apache-2.0
"""Which policies decide, and in which words is that said?"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.mtls.semantics.peerauth import Chain, Decision, PeerAuthentication
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import DecidedAt, Mode
from kguard.model.locations import pointer


def mode_of(decision: Decision) -> Mode:
    """The mode of a decision; composition leaves none unset."""
    return "permissive" if decision.mode == "unset" else decision.mode


def level_of(decision: Decision, root: str) -> DecidedAt:
    """At which level the deciding policy stands."""
    if decision.decided_by is None:
        return "default"
    if decision.at_port:
        return "port"
    scope = decision.decided_by.scope(root)
    return "default" if scope == "ignored" else scope


def title_of(decision: Decision) -> str:
    """The deciding policy in words; empty for Istio's default."""
    policy = decision.decided_by
    return f"PeerAuthentication {policy.namespace}/{policy.name}" if policy else ""


def argument(
    decision: Decision, chain: Chain, port: int, root: str, subject: tuple[str, str] = ("", "")
) -> tuple[Evidence, ...]:
    """The deciding field first, then what it wins over.

    `subject` is the id and pointer of what a default falls back on, for want of a policy.
    """
    if decision.decided_by is None:
        return (*_without_mode(chain), _default(chain, root, subject))
    return (_decides(decision, port, root), *_overridden(decision, chain, root))


def _decides(decision: Decision, port: int, root: str) -> Evidence:
    policy = decision.decided_by
    if policy is None:
        return Evidence()
    mode = decision.mode.upper()
    if decision.at_port:
        where = pointer("spec", "portLevelMtls", port, "mode")
        return Evidence(policy.id, where, f"{title_of(decision)} makes port {port} {mode}")
    note = f"{title_of(decision)} says {mode} for {_reach(policy, root)}"
    return Evidence(policy.id, "/spec/mtls/mode", note)


def _overridden(decision: Decision, chain: Chain, root: str) -> Iterator[Evidence]:
    """Policies of the chain that say something else, from the narrowest to the widest."""
    for policy in reversed(chain.policies):
        same = policy is decision.decided_by and not decision.at_port
        if same or policy.mode in ("unset", decision.mode):
            continue
        name = f"{policy.namespace}/{policy.name}"
        note = f"wins over {name}: {policy.mode.upper()} for {_reach(policy, root)}"
        yield Evidence(policy.id, "/spec/mtls/mode", note, "related")


def _without_mode(chain: Chain) -> Iterator[Evidence]:
    for policy in chain.policies:
        note = f"PeerAuthentication {policy.namespace}/{policy.name} sets no mode: it inherits"
        yield Evidence(policy.id, "/spec", note)


def _default(chain: Chain, root: str, subject: tuple[str, str]) -> Evidence:
    if chain.policies:
        return Evidence(*subject, "no policy sets a mode: Istio's default is PERMISSIVE")
    looked = f"no PeerAuthentication applies, neither here nor mesh-wide in {root}"
    return Evidence(*subject, f"{looked}: Istio's default is PERMISSIVE")


def _reach(policy: PeerAuthentication, root: str) -> str:
    match policy.scope(root):
        case "mesh":
            return "the whole mesh"
        case "namespace":
            return f"namespace {policy.namespace}"
        case _:
            chosen = ", ".join(f"{key}={value}" for key, value in sorted(policy.selector.items()))
            return f"pods with {chosen}"
