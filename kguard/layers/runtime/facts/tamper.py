# SPDX-License-Identifier: Apache-2.0
"""Who may change Falco or stop it, by the bindings of the input and what is asked at admission?

Left out by design: the system's own users, groups and service accounts (kube-system), and the
service accounts of Falco, its operator and Falcosidekick.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kguard.inventory import Inventory
from kguard.inventory.admission import asked
from kguard.inventory.rbac import Grant, Subject, grants
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.semantics.placement import Taint, written_tolerations
from kguard.layers.runtime.semantics.tampering import (
    TAINTS,
    Way,
    of_config_map,
    of_operator,
    of_workload,
)
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import mapping, sequence, strings

_SYSTEM = "kube-system"
_MANY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")
_OWN_IMAGE = re.compile(r"(?:^|/)falcosecurity/|(?:^|/)falco[\w-]*(?::|@|$)")


def tampering(inventory: Inventory, falcos: Sequence[Falco]) -> list[model.Tamper]:
    """Every subject of a binding that may change or stop a Falco, with the means it has."""
    targets = {f.ref: f for f in falcos if f.kind in ("daemonset", "deployment", "pod", "operator")}
    if not targets:
        return []
    own = _own_accounts(inventory)
    found: list[model.Tamper] = []
    for grant in grants(inventory):
        if not _by_design(grant.subject, own):
            for falco in targets.values():
                found += _of(inventory, falco, grant)
    return found


def _own_accounts(inventory: Inventory) -> set[Subject]:
    return {
        Subject("ServiceAccount", workload.service_account, workload.namespace)
        for workload in inventory.workloads
        if any(_OWN_IMAGE.search(container.image) for container in workload.containers)
    }


def _by_design(subject: Subject, own: set[Subject]) -> bool:
    if subject.kind == "ServiceAccount":
        return subject.namespace == _SYSTEM or subject in own
    return subject.name.startswith("system:") and not subject.name.startswith(_MANY)


def _of(inventory: Inventory, falco: Falco, grant: Grant) -> Iterator[model.Tamper]:
    open_ways = [
        way._replace(verbs=verbs)
        for way in _ways(falco)
        if grant.reaches(way.namespace) and (verbs := _granted(grant, way))
    ]
    if not open_ways:
        return
    free = [way for way in open_ways if not _asked(inventory, way)]
    because = [Evidence(grant.binding.id, grant.place, f"binds {grant.subject}")]
    if grant.role is not None:
        because.append(Evidence(grant.role.id, "/rules", "the rights of the role", "related"))
    yield model.Tamper(
        installation=falco.ref,
        ref=grant.binding.ref,
        subject=str(grant.subject),
        subject_kind=grant.subject.kind,
        total=any(rule.is_total for rule in grant.rules) and grant.reaches(""),
        means=_means(free or open_ways),
        guarded=not free,
        because=because,
    )


def _granted(grant: Grant, way: Way) -> frozenset[str]:
    """The verbs of a way that the rights hold."""
    return frozenset(
        verb
        for verb in way.verbs
        if any(rule.allows([verb], way.group, way.resource, way.name) for rule in grant.rules)
    )


def _means(found: Sequence[Way]) -> list[model.Means]:
    return list(dict.fromkeys(way.means for way in found))


def _asked(inventory: Inventory, way: Way) -> bool:
    """Whether every operation of a way meets something that may refuse it."""
    operations = ["CONNECT"] if way.means == "exec" else way.operations
    namespace = way.name if way.means == "namespace" else way.namespace
    return all(
        asked(inventory, operation, way.group, way.resource, namespace) for operation in operations
    )


def _ways(falco: Falco) -> Iterator[Way]:
    namespace, name = falco.ref.namespace, falco.ref.name
    if falco.kind == "operator":
        yield from of_operator(name, namespace)
        yield from of_workload("DaemonSet", name, namespace)
    else:
        yield from of_workload(falco.ref.kind, name, namespace)
    for config_map in _config_maps(falco):
        yield of_config_map(config_map, namespace)
    anything = Taint("kguard.dev/any", "", "NoExecute")
    if not any(t.tolerates(anything) for t in written_tolerations(falco.pod)):
        yield TAINTS


def _config_maps(falco: Falco) -> Iterator[str]:
    """The ConfigMaps that the pods mount."""
    for volume in map(mapping, sequence(falco.pod.get("volumes"))):
        projected = sequence(mapping(volume.get("projected")).get("sources"))
        for source in (volume, *map(mapping, projected)):
            name = strings(source.get("configMap")).get("name")
            if name:
                yield name
