# SPDX-License-Identifier: Apache-2.0
"""Where does mutual TLS fail although every policy looks right?

Headless Services (istio/istio pilot/pkg/model/push_context.go `BestEffortInferServiceMTLSMode`:
one pod without a sidecar, and all get plaintext), AuthorizationPolicies that name callers on ports
that do not prove who calls (istio.io news ISTIO-SECURITY-2021-004).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from kguard.inventory import Workload
from kguard.layers.mtls.facts.clients import rule_for
from kguard.layers.mtls.facts.services import Service
from kguard.layers.mtls.facts.view import SECURITY, View
from kguard.layers.mtls.semantics.destination import PASSTHROUGH
from kguard.layers.mtls.semantics.upstream import TLS_MODE_LABEL
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_OPEN = ("permissive", "disable")
_POSITIVE = ("principals", "namespaces", "serviceAccounts")
_NEGATIVE = ("notPrincipals", "notNamespaces", "notServiceAccounts")


def headless_facts(view: View, facts: dict[str, model.Workload]) -> list[model.Headless]:
    """Headless Services of which some pods have no sidecar."""
    found = []
    for _, service in sorted(view.services.items()):
        workloads = view.workloads_of(service)
        speaking = [w for w in workloads if _speaks(facts[w.id], w)]
        silent = [w for w in workloads if not _speaks(facts[w.id], w)]
        if not service.headless or not speaking or not silent:
            continue
        if any(_ruled(view, workload, service) for workload in speaking):
            continue
        found.append(_headless(service, speaking, silent, facts))
    return found


def _speaks(fact: model.Workload, workload: Workload) -> bool:
    return fact.plane == "sidecar" and workload.labels.get(TLS_MODE_LABEL, "istio") != "disabled"


def _ruled(view: View, workload: Workload, service: Service) -> bool:
    """Whether a rule decides instead of what is inferred."""
    rule = rule_for(view, workload, service)
    level = rule.policy.all_ports if rule and rule.policy else None
    return level is not None and level.tls is not None and level.balancer != PASSTHROUGH


def _headless(
    service: Service,
    speaking: list[Workload],
    silent: list[Workload],
    facts: dict[str, model.Workload],
) -> model.Headless:
    strict = [w for w in speaking if _has(facts[w.id], "strict")]
    note = f"{silent[0].name} has no sidecar: clients send plaintext to all pods of the Service"
    return model.Headless(
        ref=service.manifest.ref,
        without=sorted(workload.name for workload in silent),
        strict=sorted(workload.name for workload in strict),
        because=[
            Evidence(service.manifest.id, "/spec/clusterIP", "the Service is headless"),
            *(Evidence(e.ref, e.pointer, note) for e in facts[silent[0].id].because[:1]),
        ],
    )


def _has(fact: model.Workload, effective: str) -> bool:
    return any(group.effective == effective for group in fact.modes)


def authorization_facts(view: View, facts: dict[str, model.Workload]) -> list[model.Authorization]:
    """AuthorizationPolicies that name callers, and where callers are not proven."""
    found = []
    for manifest in view.inventory.of("AuthorizationPolicy", SECURITY):
        uses, place = _names_callers(manifest)
        if uses == "nothing":
            continue
        action = str(manifest.spec.get("action", "ALLOW")).lower()
        selected = [facts[w.id] for w in _selected(view, manifest)]
        unproven = [fact for fact in selected if any(_has(fact, mode) for mode in _OPEN)]
        found.append(_authorization(manifest, action, uses, place, unproven))
    return found


def _names_callers(
    manifest: Manifest,
) -> tuple[Literal["positive", "negative", "nothing"], str]:
    """Whether sources are named, and how: a negative match holds for callers without identity."""
    found: tuple[Literal["positive", "negative", "nothing"], str] = ("nothing", "")
    for number, rule in enumerate(sequence(manifest.spec.get("rules"))):
        for index, entry in enumerate(sequence(mapping(rule).get("from"))):
            source = mapping(mapping(entry).get("source"))
            place = pointer("spec", "rules", number, "from", index, "source")
            if any(source.get(key) for key in _NEGATIVE):
                return "negative", place
            if found[0] == "nothing" and any(source.get(key) for key in _POSITIVE):
                found = ("positive", place)
    return found


def _selected(view: View, manifest: Manifest) -> Iterator[Workload]:
    """The workloads of a policy: of its namespace, or of the mesh from the root namespace."""
    labels = strings(mapping(manifest.spec.get("selector")).get("matchLabels"))
    if manifest.spec.get("targetRefs") or manifest.spec.get("targetRef"):
        return
    mesh_wide = manifest.namespace == view.root
    for workload in view.inventory.workloads:
        if (mesh_wide or workload.namespace == manifest.namespace) and (
            labels.items() <= workload.labels.items()
        ):
            yield workload


def _authorization(
    manifest: Manifest,
    action: str,
    uses: Literal["positive", "negative"],
    place: str,
    unproven: list[model.Workload],
) -> model.Authorization:
    known: Literal["allow", "deny", "other"] = "other"
    if action in ("allow", "deny"):
        known = "allow" if action == "allow" else "deny"
    note = "a plaintext caller has no identity that this could match"
    if uses == "negative":
        note = "a plaintext caller has no identity, so that this matches it"
    because = [Evidence(manifest.id, place, note)]
    for fact in unproven[:1]:
        group = next(g for g in fact.modes if g.effective in _OPEN)
        because += group.because
    return model.Authorization(
        ref=manifest.ref,
        action=known,
        uses=uses,
        unproven=sorted(fact.ref.name for fact in unproven),
        because=because,
    )
