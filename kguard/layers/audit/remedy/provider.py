# SPDX-License-Identifier: Apache-2.0
"""Which edits switch on the audit log of a cluster that its provider runs?

Authority: eksctl's ClusterConfig (`cloudWatch.clusterLogging.enableTypes`), the EKS controller of
AWS (`spec.logging.clusterLogging`), CloudFormation (`AWS::EKS::Cluster` ClusterLogging), Azure
Service Operator (`DiagnosticSetting.spec.logs`), Config Connector (`IAMAuditConfig` of a project).
The plan of Terraform is made from its configuration: what must be written there is told instead,
and how the provider's own command line says the same.
"""

from __future__ import annotations

from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration
from kguard.layers.audit.facts.managed import AUDIT_CONFIG, DIAGNOSTIC_SETTING
from kguard.layers.audit.remedy.dialects import at, placed
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, PlainDocument, mapping, sequence, strings
from kguard.model.remedies import Cannot, Create, Edit, Operation, Proposal

_AUDIT = "audit"
_EKS_WHY = "the control plane log of type audit"
_AKS_WHY = "the category kube-audit, which holds reads as well"
_GKE_WHY = "Data Access logs of the Kubernetes API: reads are recorded as well"
_PROJECT = "cnrm.cloud.google.com/project-id"
_SERVICE = "container.googleapis.com"
_READS = ("ADMIN_READ", "DATA_READ")

_COMMANDS = {
    "eks": "aws eks update-cluster-config --name CLUSTER --logging"
    """ '{"clusterLogging":[{"types":["audit"],"enabled":true}]}'""",
    "aks": "az monitor diagnostic-settings create --name audit --resource CLUSTER_ID"
    """ --workspace WORKSPACE_ID --logs '[{"category":"kube-audit","enabled":true}]'""",
    "gke": "gcloud projects get-iam-policy PROJECT, add to auditConfigs the service"
    f" {_SERVICE} with the log types {' and '.join(_READS)}, and set-iam-policy",
}
_TERRAFORM = {
    "eks": 'enabled_cluster_log_types = ["api", "audit"] in {address}',
    "aks": 'enabled_log {{ category = "kube-audit" }} in an azurerm_monitor_diagnostic_setting'
    " whose target is {address}",
    "gke": f'a google_project_iam_audit_config with service = "{_SERVICE}" and an audit_log_config'
    f" for each of {' and '.join(_READS)}",
}
_NOT_EDITED = {
    "eks": "its configuration is not in the input",
    "aks": "where its events should go is not in the input: no diagnostic setting names it",
    "gke": f"its project is not in the input: the annotation {_PROJECT} names it",
}


def switched_on(
    inventory: Inventory, configuration: Configuration, closes: tuple[str, ...]
) -> Proposal:
    """What makes the provider write the events, or with which words somebody can."""
    holder = inventory.by_id(configuration.id)
    group, kind = configuration.ref.api_version.partition("/")[0], configuration.ref.kind
    if isinstance(holder, Manifest) and group == "eksctl.io":
        place = ("cloudWatch", "clusterLogging", "enableTypes")
        return _edit(configuration, placed(holder.object, place, [_AUDIT]), closes, _EKS_WHY)
    if isinstance(holder, Manifest) and group == "eks.services.k8s.aws":
        return _edit(configuration, _of_controller(holder.object), closes, _EKS_WHY)
    if isinstance(holder, PlainDocument) and kind == "AWS::EKS::Cluster":
        stack = ("Resources", configuration.ref.name, "Properties", "Logging", "ClusterLogging")
        edit = placed(holder.value, (*stack, "EnabledTypes"), [{"Type": _AUDIT}])
        return _edit(configuration, edit, closes, _EKS_WHY)
    found: Proposal | None = None
    if isinstance(holder, Manifest) and configuration.how == "aks":
        found = _of_azure(inventory, holder, closes)
    elif isinstance(holder, Manifest) and configuration.how == "gke":
        found = _of_google(inventory, holder, closes)
    return found or _told(configuration, closes)


def _edit(
    configuration: Configuration, operation: Operation, closes: tuple[str, ...], why: str
) -> Proposal:
    return Edit(configuration.id, (operation,), closes, why)


def _of_controller(cluster: JsonObject) -> Operation:
    """`audit` among the types that are on, and not among those that are off."""
    given = sequence(at(cluster, "/spec/logging/clusterLogging"))
    entries = [_without_audit(mapping(entry)) for entry in given]
    on = [entry for entry in entries if entry.get("enabled") is True]
    if on:
        on[0]["types"] = [*sequence(on[0].get("types")), _AUDIT]
    else:
        entries.append({"enabled": True, "types": [_AUDIT]})
    if given:
        return Operation("replace", "/spec/logging/clusterLogging", entries)
    return placed(cluster, ("spec", "logging", "clusterLogging"), entries)


def _without_audit(entry: JsonObject) -> JsonObject:
    types = [text for text in sequence(entry.get("types")) if text != _AUDIT]
    return {**entry, "types": types}


def _of_azure(inventory: Inventory, cluster: Manifest, closes: tuple[str, ...]) -> Proposal | None:
    """The category in the setting that is about the cluster: by its owner, or the only one."""
    settings = inventory.of(*DIAGNOSTIC_SETTING)
    owned = [s for s in settings if strings(s.spec.get("owner")).get("name") == cluster.name]
    chosen = owned or settings
    if len(chosen) != 1:
        return None
    log = {"category": "kube-audit", "enabled": True}
    for index, entry in enumerate(sequence(chosen[0].spec.get("logs"))):
        if strings(entry).get("category") == "kube-audit":
            edit = Operation("replace", pointer("spec", "logs", index), log)
            return Edit(chosen[0].id, (edit,), closes, _AKS_WHY)
    operation = placed(chosen[0].object, ("spec", "logs"), [log])
    return Edit(chosen[0].id, (operation,), closes, _AKS_WHY)


def _of_google(inventory: Inventory, cluster: Manifest, closes: tuple[str, ...]) -> Proposal | None:
    project = _annotation(cluster) or _annotation(
        inventory.find("Namespace", "", "", cluster.namespace)
    )
    if not project:
        return None
    kind, group = AUDIT_CONFIG
    new: dict[str, Any] = {
        "apiVersion": f"{group}/v1beta1",
        "kind": kind,
        "metadata": {"name": "kubernetes-reads", "namespace": cluster.namespace},
        "spec": {
            "service": _SERVICE,
            "auditLogConfigs": [{"logType": text} for text in _READS],
            "resourceRef": {"kind": "Project", "external": f"projects/{project}"},
        },
    }
    return Create(new, closes, _GKE_WHY)


def _annotation(holder: Manifest | None) -> str:
    metadata = mapping(holder.object.get("metadata")) if holder else {}
    return strings(metadata.get("annotations")).get(_PROJECT, "")


def _told(configuration: Configuration, closes: tuple[str, ...]) -> Proposal:
    """The setting of Terraform where the input is a plan, and the provider's command."""
    how = configuration.how
    command = f"with the provider's command line: {_COMMANDS[how]}"
    if "_" not in configuration.ref.kind:
        return Cannot(closes, _NOT_EDITED[how], command)
    setting = _TERRAFORM[how].format(address=configuration.ref.name)
    reason = "a plan is made from Terraform's configuration, which is not in the input"
    return Cannot(closes, reason, f"write {setting}; or {command}")
