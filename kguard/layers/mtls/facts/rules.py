# SPDX-License-Identifier: Apache-2.0
"""Which DestinationRules make clients speak something else than mutual TLS to the mesh?

Authority: istio/istio pilot/pkg/networking/core/cluster_tls.go (`buildUpstreamTLSSettings`): the
modes DISABLE, SIMPLE and MUTUAL bypass mesh identity, and an empty `tls` is DISABLE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.layers.mtls.facts.view import NETWORKING, Service, View
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_Rule = Literal["disable", "simple", "mutual", "istio_mutual"]
_Sends = Literal["plaintext", "foreign_tls", "mtls"]
_Effect = Literal["cut", "downgrade", "pointless", "none", "unknown"]
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
    subset: dict[str, str]


def rule_facts(view: View, facts: dict[str, model.Workload]) -> list[model.ClientRule]:
    """The facts about every `tls` block of every DestinationRule.

    Args:
        view: the inventory.
        facts: the facts about workloads, by `Manifest.id`.
    """
    return [
        _judge(view, facts, manifest, part)
        for manifest in view.inventory.of("DestinationRule", NETWORKING)
        for part in _parts(manifest)
    ]


def _parts(manifest: Manifest) -> Iterator[_Part]:
    spec = manifest.spec
    yield from _of_policy(spec.get("trafficPolicy"), "/spec/trafficPolicy", "", {})
    for number, entry in enumerate(sequence(spec.get("subsets"))):
        subset = mapping(entry)
        place = pointer("spec", "subsets", number, "trafficPolicy")
        name = f"subset {subset.get('name', '')}"
        yield from _of_policy(
            subset.get("trafficPolicy"), place, name, strings(subset.get("labels"))
        )


def _of_policy(value: object, place: str, name: str, labels: dict[str, str]) -> Iterator[_Part]:
    policy = mapping(value)
    yield from _of_tls(policy, place, name or "rule", 0, labels)
    for number, entry in enumerate(sequence(policy.get("portLevelSettings"))):
        settings = mapping(entry)
        port = mapping(settings.get("port")).get("number")
        if type(port) is int:
            where = place + pointer("portLevelSettings", number)
            yield from _of_tls(settings, where, f"{name} port {port}".strip(), port, labels)


def _of_tls(
    policy: JsonObject, place: str, name: str, port: int, labels: dict[str, str]
) -> Iterator[_Part]:
    tls = policy.get("tls")
    if not isinstance(tls, dict):
        return
    mode = _MODES.get(str(tls.get("mode", "DISABLE")))
    if mode:
        where = place + ("/tls/mode" if "mode" in tls else "/tls")
        yield _Part(name, where, mode, port, labels)


def _judge(
    view: View, facts: dict[str, model.Workload], manifest: Manifest, part: _Part
) -> model.ClientRule:
    host = manifest.spec.get("host")
    host = host if isinstance(host, str) else ""
    services = list(matching(view, manifest.namespace, host))
    effects = [
        (effect, service, evidence)
        for service in services
        for effect, evidence in _effects(view, facts, service, part)
    ]
    effect, service, evidence = min(
        effects, key=lambda found: _ORDER.index(found[0]), default=(_no_service(host), None, ())
    )
    note = f"clients send {_WORDS[part.mode]} to {host}"
    return model.ClientRule(
        ref=manifest.ref,
        host=host,
        part=part.name,
        mode=part.mode,
        sends=_SENDS[part.mode],
        effect="none" if part.mode == "istio_mutual" else effect,
        service=f"{service.manifest.namespace}/{service.manifest.name}" if service else "",
        because=[Evidence(manifest.id, part.pointer, note), *evidence],
    )


_ORDER: tuple[_Effect, ...] = ("cut", "downgrade", "unknown", "pointless", "none")
_WORDS = {
    "disable": "plaintext",
    "simple": "TLS without a mesh certificate",
    "mutual": "TLS with a certificate of their own",
    "istio_mutual": "mutual TLS",
}


def _no_service(host: str) -> _Effect:
    """A host without a Service in the input: in the cluster it is unknown, outside it is fine."""
    inside = host.endswith((".svc", ".local")) or "." not in host
    return "unknown" if inside else "none"


def matching(view: View, namespace: str, host: str) -> Iterator[Service]:
    """The Services of the input that a rule's host names.

    A host without a dot is a Service of the rule's own namespace; others are compared with the
    full name (`reviews.shop` stays as it is and matches nothing).
    """
    domain = f"svc.{view.inventory.value('cluster-domain') or 'cluster.local'}"
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
    for workload in view.workloads_of(service):
        fact = facts.get(workload.id)
        if fact is None or not part.subset.items() <= workload.labels.items():
            continue
        wanted = {str(number) for number in _targets(service, part, workload)}
        for group in fact.modes:
            if wanted & set(group.ports):
                yield _EFFECTS[group.effective], group.because


def _targets(service: Service, part: _Part, workload: Workload) -> Iterator[int]:
    for port in service.ports:
        if part.port in (0, port.number):
            yield from service.targets(port, workload)


_EFFECTS: dict[model.Effective, _Effect] = {
    "strict": "cut",
    "permissive": "downgrade",
    "disable": "none",
    "user_tls": "none",
    "gateway": "none",
    "uncaptured": "none",
    "not_enrolled": "none",
    "unknown": "unknown",
}
