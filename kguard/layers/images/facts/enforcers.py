# SPDX-License-Identifier: Apache-2.0
"""Which admission enforcers does the input show, and with which settings?"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from kguard.inventory import Inventory, Workload
from kguard.inventory.serving import silent
from kguard.layers.images.semantics import (
    connaisseur,
    gatekeeper,
    kyverno,
    node_policy,
    openshift,
    policy_controller,
)
from kguard.layers.images.semantics.enforcement import (
    Installed,
    Subject,
    absent,
)
from kguard.layers.images.semantics.mirrors import MAX_TOML_BYTES
from kguard.layers.images.semantics.node_policy import is_policy
from kguard.model.facts.common import Scope
from kguard.model.manifests import JsonObject, Manifest, PlainFile, mapping, sequence, strings
from kguard.sources.yaml import untyped

_KYVERNO = re.compile(r"/kyverno(?:[:@]|\Z)")
_WEBHOOKS = "admissionregistration.k8s.io"
_IMAGE_POLICIES = ("ImageValidatingPolicy", "NamespacedImageValidatingPolicy")


def find_enforcers(inventory: Inventory, scope: Scope) -> list[Installed]:
    """The enforcers, those of whose policies the input has some."""
    found = (
        _policy_controller(inventory, scope),
        _kyverno(inventory, scope),
        _openshift(inventory),
        _gatekeeper(inventory, scope),
        _connaisseur(inventory),
        *_node_files(inventory),
    )
    return [enforcer for enforcer in found if enforcer is not None]


def _policy_controller(inventory: Inventory, scope: Scope) -> Installed | None:
    policies = inventory.of("ClusterImagePolicy", policy_controller.GROUP)
    webhook = _webhook(inventory, policy_controller.WEBHOOK)
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
    return _answering(inventory, found, webhook)


def _webhook(
    inventory: Inventory, name: str, kind: str = "ValidatingWebhookConfiguration"
) -> Manifest | None:
    """The configuration with a webhook whose name begins so."""
    for manifest in inventory.of(kind, _WEBHOOKS):
        hooks = sequence(manifest.object.get("webhooks"))
        if any(strings(hook).get("name", "").startswith(name) for hook in hooks):
            return manifest
    return None


def _answering(inventory: Inventory, found: Installed, webhook: Manifest | None) -> Installed:
    """Without the policies that let everything in while nobody answers their webhook."""
    service = _unanswered(inventory, webhook) if webhook else ""
    if not service or webhook is None or not any(p.fails_open for p in found.policies):
        return found
    closed = [policy for policy in found.policies if not policy.fails_open]
    if closed:
        return replace(found, policies=closed)
    note = f"{webhook.ref} lets pods in, because Service {service} has no ready endpoint"
    return absent(found.enforcer, found.policies, note, webhook.id)


def _unanswered(inventory: Inventory, webhook: Manifest) -> str:
    """The Service of a webhook that nobody is behind; empty where somebody may be."""
    for hook in sequence(webhook.object.get("webhooks")):
        service = strings(mapping(mapping(hook).get("clientConfig")).get("service"))
        name, namespace = service.get("name", ""), service.get("namespace", "")
        if silent(inventory, namespace, name):
            return f"{namespace}/{name}"
    return ""


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
    webhook = _webhook(inventory, kyverno.WEBHOOK, "MutatingWebhookConfiguration")
    return _answering(inventory, found, webhook)


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


def _gatekeeper(inventory: Inventory, scope: Scope) -> Installed | None:
    templates = inventory.of("ConstraintTemplate", gatekeeper.TEMPLATES)
    kinds = sorted(gatekeeper.asking_kinds(templates))
    constraints = _of(inventory, kinds, gatekeeper.CONSTRAINTS)
    if not constraints:
        return None
    webhook = _webhook(inventory, gatekeeper.WEBHOOK)
    verifiers = inventory.of("Verifier", gatekeeper.RATIFY)
    found = gatekeeper.installed(constraints, webhook, verifiers)
    readable = not inventory.unknown_kinds("ValidatingWebhookConfiguration", _WEBHOOKS)
    if webhook is None and scope == "cluster" and readable:
        note = "Gatekeeper has constraints, but no ValidatingWebhookConfiguration asks it"
        return absent("gatekeeper-ratify", found.policies, note)
    return _answering(inventory, found, webhook)


def _connaisseur(inventory: Inventory) -> Installed | None:
    maps = inventory.of("ConfigMap")
    for config in maps:
        text = strings(config.object.get("data")).get(connaisseur.CONFIG_KEY, "")
        if not config.name.endswith(connaisseur.CONFIG_SUFFIX) or "validators" not in text:
            continue
        name = config.name.removesuffix(connaisseur.CONFIG_SUFFIX) + connaisseur.ENVIRONMENT_SUFFIX
        environment = inventory.find("ConfigMap", "", config.namespace, name)
        kind = "MutatingWebhookConfiguration"
        webhook = _webhook(inventory, connaisseur.WEBHOOK_PREFIX, kind)
        found = connaisseur.installed(config, _content(text), environment, webhook)
        return _answering(inventory, found, webhook)
    return None


def _content(text: str) -> Any:
    """A YAML text without types: every scalar is its text."""
    try:
        documents = untyped.load(text)
    except untyped.UntypedError:
        return None
    return _plain(documents[0]) if documents else None


def _plain(node: untyped.Node) -> Any:
    if isinstance(node, untyped.Mapping):
        keys = list(node.keys())
        return {key: _plain(value) for key in keys if (value := node.get(key)) is not None}
    if isinstance(node, untyped.Sequence):
        return [_plain(item) for item in node.items]
    return node.text


def _node_files(inventory: Inventory) -> Iterator[Installed]:
    """What the files of nodes say, where the input has some."""
    for document in inventory.documents:
        name = document.text.file
        if name.rpartition("/")[2] == node_policy.POLICY_FILE and is_policy(document.value):
            yield node_policy.installed_policy(name, document.id, document.value)
    for file in inventory.files:
        value = _toml(file) if file.file.endswith(".toml") else {}
        folder = node_policy.verifier_of(value)
        if folder is not None:
            lines = file.content.splitlines()
            line = next((n for n, t in enumerate(lines, 1) if node_policy.VERIFIER in t), 1)
            yield node_policy.installed_verifier(file.file, file.id, line, folder)


def _toml(file: PlainFile) -> JsonObject:
    """The content of a file; what cannot be read is reported where mirrors are looked for."""
    try:
        return tomllib.loads(file.content[:MAX_TOML_BYTES])
    except (ValueError, RecursionError):
        return {}


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
