# SPDX-License-Identifier: Apache-2.0
"""Which admission enforcers does the input show, and with which settings?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kguard.inventory import Inventory, Workload
from kguard.layers.images.semantics import kyverno, openshift, policy_controller
from kguard.layers.images.semantics.enforcement import (
    Installed,
    Subject,
    absent,
)
from kguard.model.facts.common import Scope
from kguard.model.manifests import Manifest, sequence, strings

_KYVERNO = re.compile(r"/kyverno(?:[:@]|\Z)")
_WEBHOOKS = "admissionregistration.k8s.io"
_IMAGE_POLICIES = ("ImageValidatingPolicy", "NamespacedImageValidatingPolicy")


def find_enforcers(inventory: Inventory, scope: Scope) -> list[Installed]:
    """The enforcers, those of whose policies the input has some."""
    found = (
        _policy_controller(inventory, scope),
        _kyverno(inventory, scope),
        _openshift(inventory),
    )
    return [enforcer for enforcer in found if enforcer is not None]


def _policy_controller(inventory: Inventory, scope: Scope) -> Installed | None:
    policies = inventory.of("ClusterImagePolicy", policy_controller.GROUP)
    webhook = _webhook(inventory)
    if not policies and webhook is None:
        return None
    config = _config(inventory)
    readable = not inventory.unknown_kinds("ConfigMap")
    found = policy_controller.installed(
        policies,
        webhook,
        config,
        config_absent=scope == "cluster" and readable,
    )
    hooks_readable = not inventory.unknown_kinds("ValidatingWebhookConfiguration", _WEBHOOKS)
    if webhook is None and scope == "cluster" and hooks_readable:
        note = "policy-controller has policies, but no ValidatingWebhookConfiguration asks it"
        return absent("policy-controller", found.policies, note)
    return found


def _webhook(inventory: Inventory) -> Manifest | None:
    for manifest in inventory.of("ValidatingWebhookConfiguration", _WEBHOOKS):
        hooks = sequence(manifest.object.get("webhooks"))
        if any(strings(hook).get("name") == policy_controller.WEBHOOK for hook in hooks):
            return manifest
    return None


def _config(inventory: Inventory) -> Manifest | None:
    name = policy_controller.CONFIG_MAP
    return next((m for m in inventory.of("ConfigMap") if m.name == name), None)


def _kyverno(inventory: Inventory, scope: Scope) -> Installed | None:
    candidates = _of(inventory, ("ClusterPolicy", "Policy"), kyverno.GROUP)
    policies = [m for m in candidates if any(True for _ in kyverno.read_rules(m))]
    newer = _of(inventory, _IMAGE_POLICIES, kyverno.NEW_GROUP)
    if not policies and not newer:
        return None
    exceptions = inventory.of("PolicyException", kyverno.GROUP)
    found = kyverno.installed(policies, newer, exceptions)
    if scope == "cluster" and not _kyverno_runs(inventory):
        note = "Kyverno has policies, but its admission controller is not in the cluster"
        return absent("kyverno", found.policies, note)
    return found


def _kyverno_runs(inventory: Inventory) -> bool:
    if inventory.unknown_kinds("Deployment", "apps"):
        return True
    return any(
        _KYVERNO.search(container.image)
        for workload in inventory.workloads
        for container in workload.containers
    )


def demanding(inventory: Inventory) -> list[Manifest]:
    """Every policy that says whose signature it demands."""
    return [
        *inventory.of("ClusterImagePolicy", policy_controller.GROUP),
        *_of(inventory, ("ClusterPolicy", "Policy"), kyverno.GROUP),
        *_of(inventory, _IMAGE_POLICIES, kyverno.NEW_GROUP),
    ]


def _of(inventory: Inventory, kinds: Iterable[str], group: str) -> list[Manifest]:
    return [manifest for kind in kinds for manifest in inventory.of(kind, group)]


def _openshift(inventory: Inventory) -> Installed | None:
    policies = _of(inventory, ("ClusterImagePolicy", "ImagePolicy"), openshift.GROUP)
    return openshift.installed(policies) if policies else None


def subject_of(inventory: Inventory, workload: Workload) -> Subject:
    """The pods of a workload as an enforcer sees them."""
    namespace = inventory.namespaces.get(workload.namespace)
    manifest = namespace.manifest if namespace else None
    return Subject(
        namespace=workload.namespace,
        namespace_labels=inventory.namespace_labels(workload.namespace),
        namespace_known=bool(namespace and namespace.known),
        labels=workload.labels,
        owner=workload.ref,
        namespace_id=manifest.id if manifest else "",
        owner_labels=strings(workload.manifest.metadata.get("labels")),
    )
