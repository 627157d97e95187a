# SPDX-License-Identifier: Apache-2.0
"""What do Calico's NetworkPolicy, GlobalNetworkPolicy and Tier mean?

Authority: projectcalico/calico a0db560f0520 api/pkg/apis/projectcalico/v3 (networkpolicy.go,
globalnetworkpolicy.go, tier.go), libcalico-go/lib/backend/syncersv1/updateprocessors (rules.go,
globalnetworkpolicyprocessor.go: how selectors are scoped) and felix/calc/policy_sorter.go (order,
then name). In the tier `default` stand the NetworkPolicies of Kubernetes too, with order 1000
(libcalico-go/lib/backend/k8s/conversion). Staged kinds have no effect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics import calico_entities as entities
from kguard.layers.network.semantics.calico_selectors import SelectorError, parse
from kguard.layers.network.semantics.calico_validation import check_policy
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.expressions import EVERYTHING, Condition, Expression, both
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    NAMESPACED,
    Action,
    Direction,
    Peer,
    PodPolicy,
    Rule,
    Tier,
)
from kguard.layers.network.semantics.ports import is_number
from kguard.layers.network.semantics.reader import Reader
from kguard.layers.network.semantics.surroundings import Surroundings
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping

GROUPS = ("crd.projectcalico.org", "projectcalico.org")
KINDS = ("GlobalNetworkPolicy", "NetworkPolicy")

KUBERNETES_ORDER = 1000
_LAST = float("inf")
_ACTIONS: dict[str, Action] = {"Allow": "allow", "Deny": "deny", "Pass": "pass"}
_BUILT_IN: dict[str, tuple[float, str]] = {
    "default": (1_000_000, "Deny"),
    "kube-admin": (1_000, "Pass"),
    "adminnetworkpolicy": (1_000, "Pass"),
    "kube-baseline": (10_000_000, "Pass"),
    "baselineadminnetworkpolicy": (10_000_000, "Pass"),
}
_SPEC = (
    "egress",
    "ingress",
    "order",
    "performanceHints",
    "selector",
    "serviceAccountSelector",
    "tier",
    "types",
)
_GLOBAL_SPEC = (*_SPEC, "applyOnForward", "doNotTrack", "namespaceSelector", "preDNAT")
_RULE = (
    "action",
    "destination",
    "http",
    "icmp",
    "ipVersion",
    "metadata",
    "notICMP",
    "notProtocol",
    "protocol",
    "source",
)


class Tiers:
    """The tiers of an input, and those that Calico makes itself."""

    def __init__(self, manifests: list[Manifest]) -> None:
        self._known = {
            name: _tier(name, order, action) for name, (order, action) in _BUILT_IN.items()
        }
        for manifest in manifests:
            order, action = manifest.spec.get("order"), manifest.spec.get("defaultAction")
            if manifest.name not in _BUILT_IN:
                self._known[manifest.name] = _tier(manifest.name, _order(order), action or "Deny")

    def named(self, reader: Reader, value: Any) -> Tier:
        """The tier of a policy; one that does not exist is a problem."""
        name = str(value or "default")
        if name not in self._known:
            reader.problem("/spec/tier", f"tier {name!r} does not exist")
        return self._known.get(name, NAMESPACED)


def _tier(name: str, order: float, action: str) -> Tier:
    if name == "default":
        return NAMESPACED
    return Tier(order, name, "pass" if action == "Pass" else "deny")


def _order(value: Any) -> float:
    return float(value) if _is_number(value) else _LAST


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def policy(manifest: Manifest, tiers: Tiers, around: Surroundings) -> PodPolicy:
    """Read a policy of any of `KINDS`; `problems` say what Calico would refuse."""
    reader = Reader()
    known = _SPEC if manifest.kind == "NetworkPolicy" else _GLOBAL_SPEC
    spec = reader.object(manifest.object.get("spec"), "/spec", known)
    check_policy(reader, spec, manifest.namespace)
    if spec.get("order") is not None and not _is_number(spec["order"]):
        reader.problem("/spec/order", "must be a number")
    rules = {d: _rules(reader, spec.get(d), d, manifest.namespace, around) for d in DIRECTIONS}
    hosts_only = spec.get("preDNAT") is True or spec.get("doNotTrack") is True
    return PodPolicy(
        id=manifest.id,
        namespace=manifest.namespace,
        name=manifest.name,
        selector=Selector(),
        directions=() if hosts_only else _directions(reader, spec),
        ingress=rules["ingress"],
        egress=rules["egress"],
        kind=f"{manifest.kind} of Calico",
        tier=tiers.named(reader, spec.get("tier")),
        order=_order(spec.get("order")),
        tie=f"{manifest.namespace}/{manifest.name}".lstrip("/"),
        subject="/spec/selector" if spec.get("selector") else "/spec",
        pods=_subject(reader, spec, manifest.namespace),
        pods_only=True,
        problems=tuple(sorted(reader.problems)),
    )


def _directions(reader: Reader, spec: dict[str, Any]) -> tuple[Direction, ...]:
    """Where no type is named: Egress if there are only rules for it, else as the rules say."""
    types = reader.array(spec.get("types"), "/spec/types")
    for index, entry in enumerate(types):
        if entry not in ("Ingress", "Egress"):
            reader.problem(pointer("spec", "types", index), f"{entry!r} is no policy type")
    if types:
        return tuple(d for d in DIRECTIONS if d.capitalize() in types)
    if not spec.get("egress"):
        return ("ingress",)
    return DIRECTIONS if spec.get("ingress") else ("egress",)


def _subject(reader: Reader, spec: dict[str, Any], namespace: str) -> Expression:
    own = Condition("namespace", NAME_LABEL, "==", (namespace,)) if namespace else EVERYTHING
    parts = [own, _selector(reader, spec.get("selector"), "/spec/selector", entities.OWN)]
    accounts = spec.get("serviceAccountSelector")
    parts.append(_selector(reader, accounts, "/spec/serviceAccountSelector", entities.ACCOUNT))
    if not namespace:
        spaces = spec.get("namespaceSelector")
        parts.append(_selector(reader, spaces, "/spec/namespaceSelector", entities.NAMESPACE))
    return both(*parts)


def _selector(reader: Reader, value: Any, place: str, meaning: Any) -> Expression:
    try:
        return parse(value, meaning) if isinstance(value, str) else EVERYTHING
    except SelectorError as error:
        reader.problem(place, str(error))
        return EVERYTHING


def _rules(
    reader: Reader, value: Any, direction: Direction, namespace: str, around: Surroundings
) -> tuple[Rule, ...]:
    place = pointer("spec", direction)
    entries = enumerate(reader.array(value, place))
    return tuple(
        rule
        for index, entry in entries
        for rule in _rule(reader, entry, f"{place}/{index}", direction, namespace, around)
    )


def _rule(
    reader: Reader,
    value: Any,
    place: str,
    direction: Direction,
    namespace: str,
    around: Surroundings,
) -> list[Rule]:
    """A rule; none where it only logs or speaks of other protocols than TCP, UDP and SCTP."""
    fields = reader.object(value, place, _RULE)
    action = fields.get("action")
    if action not in (*_ACTIONS, "Log"):
        reader.problem(f"{place}/action", f"{action!r} is none of Allow, Deny, Pass and Log")
    scene = entities.Scene(reader, namespace, around, _family(reader, fields, place))
    source = scene.entity(fields.get("source"), f"{place}/source")
    target = scene.entity(fields.get("destination"), f"{place}/destination")
    ports = entities.ports(reader, fields, place)
    if target.ports is not None and ports is not None:
        ports = entities.service_ports(target.ports, ports)
    if action == "Log" or ports is None:
        return []
    side = "source" if direction == "ingress" else "destination"
    words = entities.words(mapping(fields.get(side)))
    found = []
    for terms, receiver in entities.by_name(ports, target.entity):
        ends = (source.entity, receiver)
        peer, own = ends if direction == "ingress" else ends[::-1]
        named = Peer(f"{place}/{side}", entity=peer, words=words, pods_only=True)
        found.append(
            Rule(
                pointer=place,
                peers=(named,) if peer is not None else (),
                ports=terms,
                action=_ACTIONS.get(str(action), "deny"),
                doubt=_doubt(fields),
                own=own,
            )
        )
    return found


def _family(reader: Reader, fields: dict[str, Any], place: str) -> Any:
    family = fields.get("ipVersion") or 0
    if family not in (0, 4, 6):
        reader.problem(f"{place}/ipVersion", f"{family!r} is neither 4 nor 6")
        return 0
    return family


def _doubt(fields: dict[str, Any]) -> str:
    """What narrows a rule that cannot be told from addresses, pods and ports."""
    if fields.get("http"):
        return "only requests of some HTTP methods or paths"
    source = mapping(fields.get("source"))
    if source.get("ports") or source.get("notPorts"):
        return "only connections from some source ports"
    if any(isinstance(p, str) and not _number(p) for p in _not_ports(fields)):
        return "not at ports of some names"
    return ""


def _not_ports(fields: dict[str, Any]) -> list[Any]:
    found = mapping(fields.get("destination")).get("notPorts")
    return found if isinstance(found, list) else []


def _number(text: str) -> bool:
    return all(is_number(part) for part in text.split(":"))


def with_ties(policies: Sequence[PodPolicy]) -> list[PodPolicy]:
    """NetworkPolicies as Calico names them, which decides against its own of the same order."""
    return [
        msgspec.structs.replace(policy, tie=f"{policy.namespace}/knp.default.{policy.name}")
        for policy in policies
    ]
