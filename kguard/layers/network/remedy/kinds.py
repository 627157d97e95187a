# SPDX-License-Identifier: Apache-2.0
"""How is a NetworkPolicy said in the words of Cilium or Calico?

Authority: cilium/cilium pkg/policy/api/{rule,ingress,egress,cidr,entity}.go and
Documentation/security/policy (`ingress: [{}]` denies all; selectors stay in the namespace of the
policy unless they name another; fields for pods, addresses and entities are not combined in one
rule); projectcalico/calico api/pkg/apis/projectcalico/v3 (one protocol for each rule; selectors as
expressions). An address block means no node and no API server to Cilium: there the entity
`kube-apiserver` is used, which no NetworkPolicy can say.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.network.remedy.peers import API_BLOCK
from kguard.layers.network.semantics.endpoints import NAME_LABEL
from kguard.model.manifests import JsonObject, mapping, sequence, strings
from kguard.model.remedies import PolicyKind

_SPACE = "k8s:io.kubernetes.pod.namespace"
_SIDES = {"ingress": ("from", "source"), "egress": ("to", "destination")}


def said_as(policy: JsonObject, kind: PolicyKind) -> JsonObject:
    """A NetworkPolicy as an object of another kind with the same effect."""
    if kind == "NetworkPolicy" or policy.get("kind") != "NetworkPolicy":
        return policy
    make = _cilium if kind == "CiliumNetworkPolicy" else _calico
    version = "cilium.io/v2" if kind == "CiliumNetworkPolicy" else "projectcalico.org/v3"
    name = "NetworkPolicy" if kind == "CalicoNetworkPolicy" else kind
    head = {"apiVersion": version, "kind": name, "metadata": policy["metadata"]}
    return {**head, "spec": make(policy["spec"])}


def _cilium(spec: JsonObject) -> JsonObject:
    found: JsonObject = {"endpointSelector": spec["podSelector"]}
    for word in spec["policyTypes"]:
        direction = word.lower()
        rules = [r for rule in spec.get(direction, ()) for r in _cilium_rules(direction, rule)]
        # A section without rules restricts nothing; one empty rule admits nothing.
        found[direction] = rules or [{}]
    return found


def _cilium_rules(direction: str, rule: JsonObject) -> Iterator[JsonObject]:
    field = _SIDES[direction][0]
    ports = [
        {"port": str(entry["port"]), "protocol": entry["protocol"]}
        for entry in sequence(rule.get("ports"))
    ]
    to_ports: JsonObject = {"toPorts": [{"ports": ports}]} if ports else {}
    if field not in rule:
        yield {f"{field}Entities": ["all"], **to_ports}
        return
    pods = [_cilium_pods(peer) for peer in rule[field] if "ipBlock" not in peer]
    blocks = [peer["ipBlock"] for peer in rule[field] if "ipBlock" in peer]
    if pods:
        yield {f"{field}Endpoints": pods, **to_ports}
    if any(block == API_BLOCK for block in blocks):
        yield {f"{field}Entities": ["kube-apiserver"], **to_ports}
    sets = [block for block in blocks if block != API_BLOCK]
    if sets:
        yield {f"{field}CIDRSet": sets, **to_ports}


def _cilium_pods(peer: JsonObject) -> JsonObject:
    chosen = mapping(peer.get("podSelector"))
    labels = strings(chosen.get("matchLabels"))
    terms = sequence(chosen.get("matchExpressions"))
    if "namespaceSelector" in peer:
        name = _namespace(peer)
        if name:
            labels = {_SPACE: name, **labels}
        else:
            terms = [*terms, {"key": _SPACE, "operator": "Exists"}]
    found: JsonObject = {"matchLabels": labels} if labels else {}
    return {**found, "matchExpressions": terms} if terms else found


def _namespace(peer: JsonObject) -> str:
    return strings(mapping(peer["namespaceSelector"]).get("matchLabels")).get(NAME_LABEL, "")


def _calico(spec: JsonObject) -> JsonObject:
    found: JsonObject = {
        "selector": _expression(spec["podSelector"]) or "all()",
        "types": spec["policyTypes"],
    }
    for word in spec["policyTypes"]:
        direction = word.lower()
        rules = [r for rule in spec.get(direction, ()) for r in _calico_rules(direction, rule)]
        if rules:
            found[direction] = rules
    return found


def _calico_rules(direction: str, rule: JsonObject) -> Iterator[JsonObject]:
    field, side = _SIDES[direction]
    peers = [_calico_peer(peer) for peer in rule[field]] if field in rule else [{}]
    by_protocol: dict[str, list[Any]] = {}
    for entry in sequence(rule.get("ports")):
        by_protocol.setdefault(entry["protocol"], []).append(entry["port"])
    for protocol, ports in sorted(by_protocol.items()) or [("", [])]:
        for peer in peers:
            found: JsonObject = {"action": "Allow"}
            if protocol:
                found["protocol"] = protocol
            target: JsonObject = {"ports": ports} if ports else {}
            if side == "source":
                ends = {"source": peer, "destination": target}
            else:
                ends = {"destination": {**peer, **target}}
            yield {**found, **{key: value for key, value in ends.items() if value}}


def _calico_peer(peer: JsonObject) -> JsonObject:
    if "ipBlock" in peer:
        block = peer["ipBlock"]
        holes = {"notNets": block["except"]} if block.get("except") else {}
        return {"nets": [block["cidr"]], **holes}
    found: JsonObject = {"selector": _expression(mapping(peer.get("podSelector"))) or "all()"}
    if "namespaceSelector" in peer:
        name = _namespace(peer)
        found["namespaceSelector"] = f"{NAME_LABEL} == '{name}'" if name else "all()"
    return found


def _expression(selector: JsonObject) -> str:
    terms = [f"{key} == '{value}'" for key, value in strings(selector.get("matchLabels")).items()]
    for entry in sequence(selector.get("matchExpressions")):
        values = ", ".join(f"'{value}'" for value in entry["values"])
        terms.append(f"{entry['key']} in {{ {values} }}")
    return " && ".join(terms)
