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
from kguard.layers.mtls.facts.clients import host_of
from kguard.layers.mtls.facts.view import NETWORKING, Service, View
from kguard.layers.mtls.semantics.destination import parse_rule
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
_SENDS: dict[str, _Sends] = {
    "disable": "plaintext",
    "simple": "foreign_tls",
    "mutual": "foreign_tls",
    "istio_mutual": "mtls",
}


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
        (effect, service, evidence)
        for service in obeyed
        for effect, evidence in _effects(view, facts, service, part)
    ]
    nothing: _Effect = "none" if services else _no_service(view, host)
    effect, service, evidence = min(
        effects, key=lambda found: _ORDER.index(found[0]), default=(nothing, None, ())
    )
    note = f"clients send {_WORDS[part.mode]} to {host}"
    return model.ClientRule(
        ref=manifest.ref,
        host=host,
        part=part.name,
        mode=part.mode,
        sends=_SENDS[part.mode],
        effect=effect,
        reaches="mixed" if _mixed(view, facts, obeyed, part) else "sidecars",
        obeyed="true" if obeyed else "false" if services else "unknown",
        service=f"{service.manifest.namespace}/{service.manifest.name}" if service else "",
        because=[Evidence(manifest.id, part.pointer, note), *evidence],
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
) -> Iterator[tuple[_Effect, Sequence[Evidence]]]:
    table = _MUTUAL_EFFECTS if part.mode == "istio_mutual" else _EFFECTS
    for workload in view.workloads_of(service):
        fact = facts.get(workload.id)
        if fact is None or not part.labels.items() <= workload.labels.items():
            continue
        wanted = {str(number) for number in _targets(service, part, workload)}
        for group in fact.modes:
            if wanted & set(group.ports):
                yield table.get(group.effective, "none"), group.because or fact.because


def _targets(service: Service, part: _Part, workload: Workload) -> Iterator[int]:
    for port in service.ports:
        if part.port in (0, port.number):
            yield from service.targets(port, workload)


_EFFECTS: dict[model.Effective, _Effect] = {
    "strict": "cut",
    "permissive": "downgrade",
    "unknown": "unknown",
}
_MUTUAL_EFFECTS: dict[model.Effective, _Effect] = {
    "disable": "cut",
    "uncaptured": "cut",
    "not_enrolled": "cut",
    "unknown": "unknown",
}
"""Mutual TLS that is sent whatever the endpoint says needs a proxy that ends it."""
