# SPDX-License-Identifier: Apache-2.0
"""Which DestinationRules make clients speak something else than mutual TLS to the mesh?

Authority: istio/istio pilot/pkg/networking/core/cluster_tls.go (`buildUpstreamTLSSettings`): the
modes DISABLE, SIMPLE and MUTUAL bypass mesh identity, and an empty `tls` is DISABLE.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.layers.mtls.facts.clients import host_of, takes_tunnel, tls_labels
from kguard.layers.mtls.facts.edges import group_of
from kguard.layers.mtls.facts.services import Service, ServicePort
from kguard.layers.mtls.facts.view import NETWORKING, View
from kguard.layers.mtls.semantics.destination import parse_rule
from kguard.layers.mtls.semantics.edge import carried, outcome
from kguard.layers.mtls.semantics.inbound import protocol_of
from kguard.layers.mtls.semantics.upstream import TLS_MODE_LABEL, Sends
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_Rule = Literal["disable", "simple", "mutual", "istio_mutual"]
_Sends = Literal["plaintext", "foreign_tls", "mtls"]
_Effect = Literal["cut", "downgrade", "misnamed", "none", "unknown"]
_MODES: dict[str, _Rule] = {
    "DISABLE": "disable",
    "SIMPLE": "simple",
    "MUTUAL": "mutual",
    "ISTIO_MUTUAL": "istio_mutual",
}
_REFUSALS: dict[model.Effective, _Refusal] = {
    "strict": "strict",
    "permissive": "unreadable",
    "user_tls": "own_tls",
}
"""Why a port refuses what is sent; elsewhere no proxy ends it."""
_SENDS: dict[str, _Sends] = {
    "disable": "plaintext",
    "simple": "foreign_tls",
    "mutual": "foreign_tls",
    "istio_mutual": "mtls",
}


_Refusal = Literal["none", "strict", "unreadable", "own_tls", "no_proxy"]


class _Found(msgspec.Struct, frozen=True):
    """What becomes of the calls to one port of one workload."""

    effect: _Effect
    refusal: _Refusal
    because: tuple[Evidence, ...]


class _Part(msgspec.Struct, frozen=True):
    """One `tls` block of a rule."""

    name: str
    pointer: str
    mode: _Rule
    port: int
    subset: str
    labels: dict[str, str]


def rule_facts(view: View, facts: dict[str, model.Workload]) -> list[model.ClientRule]:
    """The facts about every `tls` block of every DestinationRule.

    Args:
        view: the inventory.
        facts: the facts about workloads, by `Manifest.id`.
    """
    proxied = ("sidecar", "gateway")
    clients = {fact.ref.namespace for fact in facts.values() if fact.plane in proxied}
    return [
        _judge(view, facts, manifest, part, clients)
        for manifest in view.inventory.of("DestinationRule", NETWORKING)
        for part in _parts(manifest)
    ]


def _parts(manifest: Manifest) -> Iterator[_Part]:
    spec = manifest.spec
    yield from _of_policy(spec.get("trafficPolicy"), "/spec/trafficPolicy", "", {})
    for number, entry in enumerate(sequence(spec.get("subsets"))):
        subset = mapping(entry)
        place = pointer("spec", "subsets", number, "trafficPolicy")
        name = str(subset.get("name", ""))
        labels = strings(subset.get("labels"))
        yield from _of_policy(subset.get("trafficPolicy"), place, name, labels)


def _of_policy(value: object, place: str, subset: str, labels: dict[str, str]) -> Iterator[_Part]:
    policy = mapping(value)
    whole = _Part(f"subset {subset}" if subset else "rule", place, "disable", 0, subset, labels)
    yield from _of_tls(policy, whole)
    for number, entry in enumerate(sequence(policy.get("portLevelSettings"))):
        settings = mapping(entry)
        port = mapping(settings.get("port")).get("number")
        if type(port) is int:
            where = place + pointer("portLevelSettings", number)
            name = f"subset {subset} port {port}" if subset else f"port {port}"
            yield from _of_tls(settings, _Part(name, where, "disable", port, subset, labels))


def _of_tls(policy: JsonObject, part: _Part) -> Iterator[_Part]:
    tls = policy.get("tls")
    if not isinstance(tls, dict):
        return
    mode = _MODES.get(str(tls.get("mode", "DISABLE")))
    if mode:
        where = part.pointer + ("/tls/mode" if "mode" in tls else "/tls")
        yield msgspec.structs.replace(part, pointer=where, mode=mode)


def _judge(
    view: View,
    facts: dict[str, model.Workload],
    manifest: Manifest,
    part: _Part,
    clients: Collection[str],
) -> model.ClientRule:
    host = manifest.spec.get("host")
    host = host if isinstance(host, str) else ""
    services = list(matching(view, manifest.namespace, host))
    obeyed = [s for s in services if _obeyed(view, manifest, part, s, clients)]
    effects = [
        (found, service) for service in obeyed for found in _effects(view, facts, service, part)
    ]
    nothing: _Effect = "none" if services else _no_service(view, host)
    worst, service = min(
        effects,
        key=lambda found: _ORDER.index(found[0].effect),
        default=(_Found(nothing, "none", ()), None),
    )
    note = f"clients send {_WORDS[part.mode]} to {host}"
    return model.ClientRule(
        ref=manifest.ref,
        host=host,
        part=part.name,
        mode=part.mode,
        sends=_SENDS[part.mode],
        effect=worst.effect,
        refusal=worst.refusal,
        reaches="mixed" if _mixed(view, facts, obeyed, part) else "sidecars",
        obeyed="true" if obeyed else "false" if services else "unknown",
        service=f"{service.manifest.namespace}/{service.manifest.name}" if service else "",
        because=[Evidence(manifest.id, part.pointer, note), *worst.because],
    )


def _mixed(
    view: View, facts: dict[str, model.Workload], services: Sequence[Service], part: _Part
) -> bool:
    return any(
        not _takes_mutual_tls(facts[workload.id])
        for service in services
        for workload in view.workloads_of(service)
        if part.labels.items() <= workload.labels.items()
    )


def _takes_mutual_tls(fact: model.Workload) -> bool:
    ends_it = ("strict", "permissive")
    return fact.plane == "sidecar" and all(
        group.effective in ends_it or group.protocol != "TCP" for group in fact.modes
    )


def _obeyed(
    view: View, manifest: Manifest, part: _Part, service: Service, clients: Collection[str]
) -> bool:
    """Whether any client takes this part: rules hide, and older ones of one host win."""
    own = parse_rule(manifest.namespace, manifest.object, view.domain)
    place = service.manifest.namespace
    for namespace in sorted({*clients, manifest.namespace, place}):
        index = view.rules(view.revision(namespace, {}))
        rule = index.rule_for(namespace, own.selector or {}, host_of(view, service), place)
        if rule is None or own.names[0] not in rule.names:
            continue
        if part.subset and rule.subset(part.subset) == own.subset(part.subset):
            return True
        if not part.subset and rule.policy == own.policy:
            return True
    return False


_ORDER: tuple[_Effect, ...] = ("cut", "downgrade", "unknown", "misnamed", "none")
_WORDS = {
    "disable": "plaintext",
    "simple": "TLS without a mesh certificate",
    "mutual": "TLS with a certificate of their own",
    "istio_mutual": "mutual TLS",
}


def _no_service(view: View, host: str) -> _Effect:
    """A host without a Service in the input: in the cluster it is unknown, outside it is fine.

    `reviews.shop` is neither a short name nor a full one; sidecars know no such host.
    """
    name, _, place = host.removesuffix(".svc").partition(".")
    if (place, name) in view.services:
        return "misnamed"
    inside = host.endswith((".svc", ".local")) or "." not in host
    return "unknown" if inside else "none"


def matching(view: View, namespace: str, host: str) -> Iterator[Service]:
    """The Services of the input that a rule's host names.

    A host without a dot is a Service of the rule's own namespace; others are compared with the
    full name (`reviews.shop` stays as it is and matches nothing).
    """
    domain = f"svc.{view.domain}"
    wanted = host if "." in host or host.startswith("*") else f"{host}.{namespace}.{domain}"
    if not wanted.startswith("*"):
        name, _, rest = wanted.partition(".")
        place, _, suffix = rest.partition(".")
        service = view.services.get((place, name))
        if service and suffix == domain:
            yield service
        return
    for (place, name), service in sorted(view.services.items()):
        if f"{name}.{place}.{domain}".endswith(wanted[1:]):
            yield service


def _effects(
    view: View, facts: dict[str, model.Workload], service: Service, part: _Part
) -> Iterator[_Found]:
    for workload in view.workloads_of(service):
        fact = facts.get(workload.id)
        if fact is None or not part.labels.items() <= workload.labels.items():
            continue
        for port in service.ports:
            if part.port in (0, port.number) and port.protocol == "TCP":
                for number in service.targets(port, workload):
                    yield _effect(view, part, (workload, fact), port, number)


def _effect(
    view: View,
    part: _Part,
    server: tuple[Workload, model.Workload],
    port: ServicePort,
    number: int,
) -> _Found:
    """What becomes of what a sidecar is told to send, as of every other call."""
    workload, fact = server
    group = group_of(fact, str(number))
    speaks = tls_labels(view, workload).get(TLS_MODE_LABEL) == "istio"
    tunnel = takes_tunnel(view, workload, fact.plane)
    wire = carried("sidecar", _TOLD[part.mode], tunnel=tunnel, speaks_mtls=speaks)
    http = protocol_of(port.number, port.name, port.application) == "http"
    found = outcome(wire, fact.plane, group.effective, http=http)
    because = tuple(group.because or fact.because)
    if found.verdict == "cut":
        why = Evidence("", "", found.why)
        known = _REFUSALS.get(group.effective, "no_proxy")
        return _Found("cut", "no_proxy" if wire == "mtls" else known, (*because, why))
    if group.effective == "unknown":
        return _Found("unknown", "none", because)
    anonymous = found.identity == "none" and group.effective == "permissive"
    return _Found("downgrade" if anonymous else "none", "none", because)


_TOLD: dict[_Rule, Sends] = {
    "disable": "plaintext",
    "simple": "simple",
    "mutual": "mutual",
    "istio_mutual": "istio_mutual",
}
