# SPDX-License-Identifier: Apache-2.0
"""What do Istio's own unit tests expect, and what do we say?

The tables in ``upstream/`` are re-expressed from the test files that each of them names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kguard.inventory import injection
from kguard.layers.mtls.semantics import peerauth
from kguard.layers.mtls.semantics.destination import Level, Policy, Rule, RuleIndex, Tls, parse_rule
from kguard.layers.mtls.semantics.upstream import TLS_MODE_LABEL, Client, Endpoint, Target, upstream
from tests.conformance.istio.reachability import reachability
from tests.conformance.istio.snapshots import Point

Json = dict[str, Any]
UPSTREAM = Path(__file__).parent / "upstream"
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


def table(name: str) -> Json:
    """One table with its provenance."""
    found: Json = json.loads((UPSTREAM / f"{name}.json").read_text())
    return found


def _object(fields: Json, spec: Json) -> Json:
    metadata: Json = {"name": fields["name"], "namespace": fields["namespace"]}
    if "age" in fields:
        metadata["creationTimestamp"] = (_NOW + timedelta(seconds=fields["age"])).isoformat()
    return {"metadata": metadata, "spec": spec}


def _policy(fields: Json) -> peerauth.PeerAuthentication:
    spec: Json = {}
    if "selector" in fields:
        spec["selector"] = {"matchLabels": fields["selector"]}
    if "mode" in fields:
        spec["mtls"] = {"mode": fields["mode"]}
    if "ports" in fields:
        modes = fields["ports"].items()
        spec["portLevelMtls"] = {port: {"mode": mode} if mode else {} for port, mode in modes}
    return peerauth.parse(fields["namespace"], _object(fields, spec))


def _chain(policies: list[Json], root: str) -> peerauth.Chain:
    """The chain of policies that are all of one workload, in whichever namespaces they are."""
    found = sorted(map(_policy, policies), key=lambda policy: policy.age_key)
    scopes = {scope: [p for p in found if p.scope(root) == scope] for scope in _SCOPES}
    return peerauth.Chain(*((scopes[scope] or [None])[0] for scope in _SCOPES))


_SCOPES = ("mesh", "namespace", "workload")


def composition(_: Path) -> Iterator[Point]:
    """14 combinations of policies: the mode of the workload, and of ports."""
    known = table("composition")
    for row in known["cases"]:
        chain = _chain(row["policies"], known["root"])
        ports = row.get("ports", {})
        ours = {port: peerauth.port_decision(chain, int(port)).mode.upper() for port in ports}
        mode = peerauth.workload_decision(chain).mode.upper()
        yield row["name"], (row["mode"], ports), (mode, ours)


def inbound(_: Path) -> Iterator[Point]:
    """8 combinations: the mode that the listener of port 8080 takes."""
    known = table("inbound")
    for row in known["cases"]:
        decision = peerauth.port_decision(_chain(row["policies"], known["root"]), known["port"])
        yield row["name"], row["mode"], decision.mode.upper()


def injected(_: Path) -> Iterator[Point]:
    """36 pods: does istiod add a sidecar?"""
    known = table("injection")
    for number, row in enumerate(known["cases"]):
        ours = injection.inject_required(
            injection.injector_of(row["config"]),
            known["namespace"],
            row["labels"],
            row["annotations"],
            host_network=row["hostNetwork"],
        )
        yield f"{number} {row['name']}", row["injected"], ours


def webhooks(_: Path) -> Iterator[Point]:
    """72 pairs of labels of namespaces and pods: which control plane answers, if any?"""
    known = table("webhooks")
    for number, row in enumerate(known["cases"]):
        listed = injection.default_webhooks(known["revisions"], by_default=row["byDefault"])
        names = [
            "istiod" if webhook.revision == "default" else f"istiod-{webhook.revision}"
            for webhook in listed
            if webhook.matches(row["namespace"], row["pod"])
        ]
        yield f"{number}", [row["service"]] if row["service"] else [], names


def enabled(_: Path) -> Iterator[Point]:
    """9 pods: does the node agent take them into ambient?"""
    for row in table("enablement")["cases"]:
        pod = row["pod"]
        ours = injection.ambient_selected(
            row["namespace"],
            pod.get("labels", {}),
            pod.get("annotations", {}),
            host_network=pod.get("hostNetwork", False),
        )
        yield row["name"], row["selected"], ours


def _rules(fields: list[Json], root: str) -> RuleIndex:
    rules = []
    for entry in fields:
        spec: Json = {"host": entry["host"]}
        spec["subsets"] = [{"name": name} for name in entry["subsets"]]
        if "exportTo" in entry:
            spec["exportTo"] = entry["exportTo"]
        if "selector" in entry:
            spec["workloadSelector"] = {"matchLabels": entry["selector"]}
        rules.append(parse_rule(entry["namespace"], _object(entry, spec)))
    return RuleIndex(rules, root)


def selection(_: Path) -> Iterator[Point]:
    """22 clients: which rule do they obey?"""
    known = table("rule_selection")
    index = _rules(known["rules"], known["root"])
    for row in known["cases"]:
        rule = index.rule_for(row["client"], {}, row["host"], row["service"])
        ours = [subset.name for subset in rule.subsets] if rule else None
        yield f"{row['client']} to {row['host']} of {row['service']}", row["subsets"], ours
    known = table("rule_merging")
    index = _rules(known["selectorRules"], known["root"])
    for row in known["selectorCases"]:
        rule = index.rule_for(row["client"], row["labels"], "httpbin.org", known["service"])
        ours = [name.partition("/")[2] for name in rule.names] if rule else None
        yield f"{row['client']} {row['labels']}", row["rules"], ours
    index = _rules(known["mergedRules"], known["root"])
    for row in known["mergedCases"]:
        rule = index.rule_for(row["client"], {}, row["host"], row["service"])
        yield (
            f"merged for {row['client']}",
            row["subsets"],
            [subset.name for subset in rule.subsets] if rule else None,
        )


_MODES = {"ISTIO_MUTUAL": "istio_mutual", "MUTUAL": "mutual", "SIMPLE": "simple"}


def _rule(tls: str | None) -> Rule | None:
    if tls is None:
        return None
    policy = Policy(Level(Tls(_MODES[tls])), {})  # type: ignore[arg-type]
    return Rule(("ns/rule",), "ns", "h", None, frozenset(), None, policy, ())


def _mesh(mode: str) -> peerauth.PolicyIndex:
    fields = {"name": "default", "namespace": "istio-system", "mode": mode}
    return peerauth.index([_policy(fields)], "istio-system")


def settings(_: Path) -> Iterator[Point]:
    """11 clusters: what is sent, and is that decided by the client itself?"""
    for row in table("auto_mtls")["settings"]:
        unknown = row["service"] == "UNKNOWN"
        client = Client(_mesh("UNSET" if unknown else row["service"]), row["autoMtls"])
        target = Target("ns", 80, (), passthrough=unknown, external=row["external"])
        found = upstream(client, target, _rule(row["tls"]))
        mutual = found.socket in ("auto", "istio_mutual")
        sends = "ISTIO_MUTUAL" if mutual else found.socket.upper()
        ours = (None if sends == "PLAINTEXT" else sends, found.socket == "auto")
        yield row["name"], (row["sends"], row["automatic"]), ours


def sockets(_: Path) -> Iterator[Point]:
    """9 clusters: one socket for all endpoints, one for each, or none?"""
    for row in table("auto_mtls")["sockets"]:
        client = Client(_mesh("STRICT"), auto_mtls=row["automatic"])
        rule = None if row["automatic"] else _rule(row["tls"])
        found = upstream(client, Target("ns", 80, ()), rule).socket
        ours = (found not in ("auto", "plaintext"), found == "auto")
        yield row["name"], (row["socket"], row["perEndpoint"]), ours


def service_mode(_: Path) -> Iterator[Point]:
    """8 services: do clients infer that mutual TLS may be sent?"""
    known = table("service_mode")
    client = Client(peerauth.index(map(_policy, known["policies"]), known["root"]))
    for row in known["cases"]:
        place, labels = row["namespace"], [{TLS_MODE_LABEL: mode} for mode in row["endpoints"]]
        endpoints = tuple(Endpoint(str(n), place, found, 80) for n, found in enumerate(labels))
        target = Target(place, 80, endpoints, row["headless"], external=row["external"])
        ours = upstream(client, target, None).socket != "plaintext"
        name = f"{row['name']}, {'outside' if row['external'] else 'inside'} the mesh"
        yield name, row["mode"] not in ("DISABLE", "UNKNOWN"), ours


def endpoints(_: Path) -> Iterator[Point]:
    """16 combinations of policies and rules: is an endpoint with a sidecar sent mutual TLS?"""
    known = table("endpoints")
    labels = {"app": "example", TLS_MODE_LABEL: "istio"}
    target = Target("ns", known["port"], (Endpoint("example", "ns", labels, 8080),))
    for row in known["cases"]:
        made = {kind: [o for o in row["objects"] if o["kind"] == kind] for kind in _KINDS}
        policies = [peerauth.parse(o["metadata"]["namespace"], o) for o in made[_KINDS[0]]]
        rules = RuleIndex(
            [parse_rule(o["metadata"]["namespace"], o) for o in made[_KINDS[1]]], "istio-system"
        )
        rule = rules.rule_for("default", {}, known["host"], "ns")
        client = Client(peerauth.index(policies, "istio-system"))
        found = upstream(client, target, rule, row["subset"])
        yield row["name"], row["mutual"], found.sends["example"] == "istio_mutual"


_KINDS = ("PeerAuthentication", "DestinationRule")


def reached(_: Path) -> Iterator[Point]:
    """15 configurations: which pairs of workloads reach one another, and how?"""
    yield from reachability(table("reachability")["configurations"])


SUITES: dict[str, Callable[[Path], Iterator[Point]]] = {
    "istio upstream composition": composition,
    "istio upstream inbound": inbound,
    "istio upstream injection": injected,
    "istio upstream webhooks": webhooks,
    "istio upstream enablement": enabled,
    "istio upstream rule selection": selection,
    "istio upstream client settings": settings,
    "istio upstream client sockets": sockets,
    "istio upstream service mode": service_mode,
    "istio upstream endpoints": endpoints,
    "istio upstream reachability": reached,
}
