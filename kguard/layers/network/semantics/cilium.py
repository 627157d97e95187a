# SPDX-License-Identifier: Apache-2.0
"""What do CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy mean?

Authority: cilium/cilium v1.20.2 pkg/policy/api/rule_validation.go (what is refused, default deny),
pkg/policy/utils/parserules.go and pkg/policy/rule.go (empty lists select nothing; a rule with
neither peers nor ports matches nothing) and pkg/policy/repository.go (deny wins over every allow,
NetworkPolicies of Kubernetes included). Held against that engine on random policies in
tests/conformance/cilium_policy.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.inventory import Inventory
from kguard.inventory.selectors import Selector
from kguard.layers.network.semantics import cilium_peers as peers
from kguard.layers.network.semantics.cilium_ports import port_groups
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.layers.network.semantics.expressions import EVERYTHING, Condition, Expression, both
from kguard.layers.network.semantics.policy import (
    DIRECTIONS,
    Direction,
    PodPolicy,
    Rule,
)
from kguard.layers.network.semantics.profiles import Profile
from kguard.layers.network.semantics.reader import Reader
from kguard.layers.network.semantics.surroundings import Surroundings
from kguard.model.manifests import Manifest, strings

GROUP = "cilium.io"
KINDS = ("CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy")

_Verdict = Literal["allow", "deny"]
_VERDICTS: tuple[_Verdict, _Verdict] = ("deny", "allow")
_ORDER = {"deny": 0, "allow": 1_000}
"""Denying rules come first; the others stand among the NetworkPolicies."""
_LISTS = ("ingress", "ingressDeny", "egress", "egressDeny")
_OTHER = ("description", "enableDefaultDeny", "endpointSelector", "labels", "log", "nodeSelector")


def policies(manifest: Manifest, around: Surroundings) -> list[PodPolicy]:
    """The denying and the admitting part of each rule set of an object.

    Cilium refuses an object as a whole: every part has the problems of all.
    """
    reader = Reader()
    spec, specs = manifest.object.get("spec"), manifest.object.get("specs")
    if spec is None and specs is None:
        reader.problem("/spec", "either spec or specs must be set")
    places = [("/spec", spec)] if spec is not None or specs is None else []
    places += [(f"/specs/{n}", s) for n, s in enumerate(reader.array(specs, "/specs"))]
    found = [part for place, s in places for part in _parts(reader, manifest, place, s, around)]
    problems = tuple(sorted(set(reader.problems)))
    return [msgspec.structs.replace(part, problems=problems) for part in found]


def _parts(
    reader: Reader, manifest: Manifest, place: str, value: Any, around: Surroundings
) -> list[PodPolicy]:
    spec = reader.object(value, place, (*_LISTS, *_OTHER))
    if not any(spec.get(key) for key in _LISTS):
        reader.problem(place, f"at least one of {', '.join(_LISTS)} must be set")
    defaults = reader.object(
        spec.get("enableDefaultDeny"), f"{place}/enableDefaultDeny", ("ingress", "egress")
    )
    subject = _subject(reader, manifest, place, spec)
    scene = peers.Scene(reader, manifest.namespace, around)
    found = []
    for verdict in _VERDICTS:
        rules = {d: _rules(scene, spec, place, d, verdict) for d in DIRECTIONS}
        found.append(
            PodPolicy(
                id=manifest.id,
                namespace=manifest.namespace,
                name=manifest.name,
                selector=Selector(),
                directions=tuple(d for d in DIRECTIONS if subject and _list(spec, d, verdict)),
                ingress=rules["ingress"],
                egress=rules["egress"],
                kind=manifest.kind,
                order=_ORDER[verdict],
                subject=f"{place}/endpointSelector",
                pods=subject,
                pods_only=True,
                lenient=tuple(d for d in DIRECTIONS if defaults.get(d) is False),
            )
        )
    return found


def _list(spec: dict[str, Any], direction: Direction, verdict: _Verdict) -> Any:
    return spec.get(direction if verdict == "allow" else f"{direction}Deny")


def _subject(
    reader: Reader, manifest: Manifest, place: str, spec: dict[str, Any]
) -> Expression | None:
    """What selects the pods; None for rules that are for nodes."""
    pods, hosts = spec.get("endpointSelector"), spec.get("nodeSelector")
    if hosts is not None and (pods is not None or manifest.namespace):
        reader.problem(f"{place}/nodeSelector", "only cluster-wide rules without endpointSelector")
    if pods is None:
        if hosts is None:
            reader.problem(place, "endpointSelector must be set")
        return None
    own = Condition("namespace", NAME_LABEL, "==", (manifest.namespace,))
    if manifest.namespace:
        pods = peers.without_namespace(pods)
    selected = peers.expression(reader, pods, f"{place}/endpointSelector")
    return both(own if manifest.namespace else EVERYTHING, selected)


def _rules(
    scene: peers.Scene, spec: dict[str, Any], place: str, direction: Direction, verdict: _Verdict
) -> tuple[Rule, ...]:
    here = f"{place}/{direction if verdict == 'allow' else direction + 'Deny'}"
    entries = scene.reader.array(_list(spec, direction, verdict), here)
    return tuple(
        rule
        for index, entry in enumerate(entries)
        for rule in _rule(scene, entry, f"{here}/{index}", direction, verdict)
    )


def _rule(
    scene: peers.Scene, value: Any, place: str, direction: Direction, verdict: _Verdict
) -> list[Rule]:
    """A rule, one for each certainty of its ports; none where it matches nothing."""
    known = (*peers.FIELDS[direction], "authentication", "icmps", "toPorts")
    fields = scene.reader.object(value, place, known)
    named = scene.peers(fields, place, direction)
    if fields.get("icmps") and fields.get("toPorts"):
        scene.reader.problem(place, "icmps may only be present without toPorts")
    groups = port_groups(scene.reader, fields.get("toPorts"), f"{place}/toPorts")
    if named == () or fields.get("icmps") or (named is None and not fields.get("toPorts")):
        return []
    doubt = _authentication(fields.get("authentication"))
    return [
        Rule(place, named or (), ports, verdict, doubt=doubt or narrower)
        for ports, narrower in groups
    ]


def _authentication(value: Any) -> str:
    mode = value.get("mode") if isinstance(value, dict) else None
    return "only where both ends are authenticated" if mode == "required" else ""


def configured(profile: Profile, inventory: Inventory) -> Profile:
    """The reading of Cilium as the agents of an input are configured."""
    if profile.name != "cilium":
        return profile
    for _, data in _settings(inventory):
        if data.get("enable-policy") == "never":
            profile = msgspec.structs.replace(profile, enforces="no")
        if "nodes" in data.get("policy-cidr-match-mode", ""):
            profile = msgspec.structs.replace(profile, block_matches_nodes=True)
        if data.get("allow-localhost") == "policy":
            profile = msgspec.structs.replace(profile, own_node="by_rules")
        sctp: Literal["yes", "no"] = "yes" if data.get("enable-sctp") == "true" else "no"
        profile = msgspec.structs.replace(profile, sctp=sctp)
    return profile


def always_enforced(inventory: Inventory) -> list[PodPolicy]:
    """What `enable-policy: always` amounts to: every pod is isolated."""
    return [
        PodPolicy(
            id=manifest.id,
            namespace="",
            name=manifest.name,
            selector=Selector(),
            directions=DIRECTIONS,
            ingress=(),
            egress=(),
            kind=manifest.kind,
            subject="/data/enable-policy",
            pods=EVERYTHING,
            pods_only=True,
        )
        for manifest, data in _settings(inventory)
        if data.get("enable-policy") == "always"
    ]


def _settings(inventory: Inventory) -> list[tuple[Manifest, dict[str, str]]]:
    found = [m for m in inventory.of("ConfigMap") if m.name == "cilium-config"]
    return [(manifest, strings(manifest.object.get("data"))) for manifest in found]
