# SPDX-License-Identifier: Apache-2.0
"""Do the settings of a managed cluster switch its audit log on?

Authority: EKS control plane logging (type `audit`, delivery is best effort), AKS diagnostic
settings (`kube-audit`; `kube-audit-admin` leaves out get and list, and with them exec by WebSocket
and reads of secrets), GKE (Admin Activity is always on, reads need Data Access logs). The policy
itself belongs to the provider. Read from eksctl, ACK, CloudFormation, Config Connector, Azure
Service Operator and the JSON of a Terraform plan (`terraform show -json`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration, Managed
from kguard.model.facts.audit import How
from kguard.model.locations import pointer
from kguard.model.manifests import (
    JsonObject,
    Manifest,
    ObjectRef,
    PlainDocument,
    mapping,
    sequence,
    strings,
)

MAX_MODULES = 1_000
"""Modules of a Terraform plan that are read."""

_BEST_EFFORT = "the provider delivers audit events as well as it can, without a promise"
_NO_READS = (
    "kube-audit-admin leaves out get and list: reads of secrets and exec by WebSocket are not in it"
)
_ADMIN_ONLY = (
    "only Admin Activity is logged: reads, also of secrets, need Data Access logs of"
    " container.googleapis.com"
)
_READS = ("DATA_READ", "ADMIN_READ")


class _Resource(NamedTuple):
    """A resource of a Terraform plan."""

    type: str
    address: str
    values: JsonObject
    place: str


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every managed cluster of the input."""
    for manifest in inventory.of("ClusterConfig", "eksctl.io"):
        types = _path(manifest.object, "cloudWatch", "clusterLogging", "enableTypes")
        yield _of_manifest(manifest, "eks", _eks(sequence(types), "/cloudWatch"))
    for manifest in inventory.of("Cluster", "eks.services.k8s.aws"):
        logging = _path(manifest.spec, "logging", "clusterLogging")
        yield _of_manifest(manifest, "eks", _eks(_enabled(logging), "/spec/logging"))
    for manifest in inventory.of("ContainerCluster", "container.cnrm.cloud.google.com"):
        reads = any(_reads(m.spec) for m in inventory.of(*AUDIT_CONFIG))
        yield _of_manifest(manifest, "gke", _gke("/spec", reads=reads))
    settings = inventory.of(*DIAGNOSTIC_SETTING)
    for manifest in inventory.of("ManagedCluster", "containerservice.azure.com"):
        logs = [log for one in settings for log in sequence(one.spec.get("logs"))]
        yield _of_manifest(manifest, "aks", _aks(_categories(logs), "/spec"))
    for document in sorted(inventory.documents, key=lambda found: found.id):
        yield from _of_document(document)


AUDIT_CONFIG = ("IAMAuditConfig", "iam.cnrm.cloud.google.com")
DIAGNOSTIC_SETTING = ("DiagnosticSetting", "insights.azure.com")


def _of_manifest(manifest: Manifest, how: How, managed: Managed) -> Configuration:
    return Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how=how,
        file=manifest.text.file,
        place=managed.pointer,
        managed=managed,
    )


def _of_document(document: PlainDocument) -> Iterator[Configuration]:
    value = mapping(document.value)
    stack = mapping(value.get("Resources"))
    for name, entry in sorted(stack.items()):
        fields = mapping(entry)
        if fields.get("Type") == "AWS::EKS::Cluster":
            logging = _path(fields, "Properties", "Logging", "ClusterLogging", "EnabledTypes")
            types = [strings(one).get("Type", "") for one in sequence(logging)]
            managed = _eks(types, pointer("Resources", name))
            yield _named(document, "AWS::EKS::Cluster", str(name), "eks", managed)
    if "planned_values" in value:
        yield from _of_plan(document, value)


def _named(
    document: PlainDocument, kind: str, name: str, how: How, managed: Managed
) -> Configuration:
    return Configuration(
        ref=ObjectRef("", kind, "", name, document.text.cluster),
        id=document.id,
        how=how,
        file=document.text.file,
        place=managed.pointer,
        managed=managed,
    )


def _of_plan(document: PlainDocument, plan: JsonObject) -> Iterator[Configuration]:
    resources = list(_planned(mapping(_path(plan, "planned_values", "root_module"))))
    for found in resources:
        if found.type == "aws_eks_cluster":
            types = sequence(found.values.get("enabled_cluster_log_types"))
            managed = _eks(types, found.place)
            yield _named(document, found.type, found.address, "eks", managed)
        elif found.type == "google_container_cluster":
            audits = (r.values for r in resources if "iam_audit_config" in r.type)
            managed = _gke(found.place, reads=any(map(_reads, audits)))
            yield _named(document, found.type, found.address, "gke", managed)
        elif found.type == "azurerm_kubernetes_cluster":
            settings = [r for r in resources if r.type == "azurerm_monitor_diagnostic_setting"]
            logs = [log for r in settings for log in _logs(r.values)]
            managed = _aks(_categories(logs), found.place)
            yield _named(document, found.type, found.address, "aks", managed)


def _planned(root: JsonObject) -> Iterator[_Resource]:
    """The resources of all modules, from the root on."""
    waiting = [(root, "/planned_values/root_module")]
    for _ in range(MAX_MODULES):
        if not waiting:
            return
        module, place = waiting.pop()
        for index, entry in enumerate(sequence(module.get("resources"))):
            texts, values = strings(entry), mapping(mapping(entry).get("values"))
            address = texts.get("address", texts.get("name", ""))
            yield _Resource(texts.get("type", ""), address, values, f"{place}/resources/{index}")
        for index, child in enumerate(sequence(module.get("child_modules"))):
            waiting.append((mapping(child), f"{place}/child_modules/{index}"))


def _eks(types: Iterable[Any], place: str) -> Managed:
    """`audit`, or all of them."""
    if {"audit", "*", "all"} & {text for text in types if isinstance(text, str)}:
        note = "the control plane log of type audit is enabled"
        return Managed("on", note, place, "best-effort", _BEST_EFFORT)
    return Managed("off", "the control plane log of type audit is not enabled", place)


def _aks(categories: set[str], place: str) -> Managed:
    if categories & {"kube-audit", "audit", "allLogs"}:
        note = "a diagnostic setting of the input collects kube-audit"
        return Managed("on", note, place, "best-effort", _BEST_EFFORT)
    if "kube-audit-admin" in categories:
        note = "a diagnostic setting of the input collects kube-audit-admin"
        return Managed("on", note, place, "reads-left-out", _NO_READS)
    note = "no diagnostic setting of the input collects kube-audit; it may be elsewhere"
    return Managed("unknown", note, place)


def _gke(place: str, *, reads: bool) -> Managed:
    note = "Admin Activity audit logs are always on"
    if reads:
        return Managed("on", f"{note}, and Data Access logs are", place)
    return Managed("on", note, place, "reads-left-out", _ADMIN_ONLY)


def _enabled(logging: Any) -> list[str]:
    """The types of the entries that are switched on."""
    found = []
    for entry in sequence(logging):
        if mapping(entry).get("enabled") is True:
            found += [t for t in sequence(mapping(entry).get("types")) if isinstance(t, str)]
    return found


def _logs(values: JsonObject) -> list[Any]:
    return [*sequence(values.get("enabled_log")), *sequence(values.get("log"))]


def _categories(logs: Iterable[Any]) -> set[str]:
    on = (entry for entry in logs if mapping(entry).get("enabled") is not False)
    found = set()
    for entry in on:
        texts = strings(entry)
        found |= {texts.get("category", ""), texts.get("categoryGroup", "")}
        found.add(texts.get("category_group", ""))
    return found


def _reads(fields: JsonObject) -> bool:
    """Whether an audit configuration of Google Cloud logs reads of Kubernetes."""
    if fields.get("service") not in ("allServices", "container.googleapis.com", "k8s.io"):
        return False
    configs = [*sequence(fields.get("auditLogConfigs")), *sequence(fields.get("audit_log_config"))]
    texts = [strings(entry) for entry in configs]
    return any(text.get("logType", text.get("log_type")) in _READS for text in texts)


def _path(value: Any, *keys: str) -> Any:
    for key in keys:
        value = mapping(value).get(key)
    return value
