# SPDX-License-Identifier: Apache-2.0
"""Which API servers do Talos, kOps, Gardener, OpenShift and Rancher make?

Authority: Talos' configuration (cluster.apiServer, or KubeAPIServerConfig and KubeAuditPolicyConfig
since 1.14; its default policy is one Metadata rule and it sets the log path itself), kOps' Cluster
(spec.kubeAPIServer, spec.fileAssets), Gardener's Shoot (auditConfig.auditPolicy.configMapRef, key
`policy`), Rancher's provisioning Cluster (rkeConfig.machineGlobalConfig is the config.yaml of k3s
or RKE2, with the policy inline; machineSelectorFiles puts files on machines).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts import distributions
from kguard.layers.audit.facts.configuration import Configuration, InlineFile
from kguard.layers.audit.facts.openshift import policy_of_profile
from kguard.layers.audit.facts.texts import documents
from kguard.layers.audit.semantics.flags import Flag, normalized
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

TALOS_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "rules": [{"level": "Metadata"}],
}
_TALOS_FLAGS = {
    "audit-policy-file": "/etc/kubernetes/auditpolicy.yaml",
    "audit-log-path": "/var/log/audit/kube/kube-apiserver.log",
    "audit-log-maxage": "30",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "100",
}
KOPS_FIELDS = {
    "auditPolicyFile": "audit-policy-file",
    "auditLogPath": "audit-log-path",
    "auditLogMaxAge": "audit-log-maxage",
    "auditLogMaxBackups": "audit-log-maxbackup",
    "auditLogMaxSize": "audit-log-maxsize",
    "auditWebhookConfigFile": "audit-webhook-config-file",
    "auditWebhookMode": "audit-webhook-mode",
}
_SHOOT_LOG = "where the events of a shoot go is decided by its seed"
_OPENSHIFT_FLAGS = {
    "audit-policy-file": "/etc/kubernetes/static-pod-resources/configmaps/policy.yaml",
    "audit-log-path": "/var/log/kube-apiserver/audit.log",
    "audit-log-maxage": "0",
    "audit-log-maxbackup": "10",
    "audit-log-maxsize": "200",
}


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every API server of these platforms in the input."""
    yield from _talos(inventory)
    for manifest in inventory.of("Cluster", "kops.k8s.io"):
        yield _of_kops(manifest)
    for manifest in inventory.of("Shoot", "core.gardener.cloud"):
        yield _of_shoot(inventory, manifest)
    for manifest in inventory.of("APIServer", "config.openshift.io"):
        yield _of_openshift(inventory, manifest)
    for manifest in inventory.of("Cluster", "provisioning.cattle.io"):
        yield _of_rancher(inventory, manifest)
    for manifest in inventory.of("Node"):
        yield from _of_node(manifest)


def _flags(given: dict[str, str], place: str = "") -> list[Flag]:
    return [Flag(name, value, place) for name, value in given.items()]


def _inline(path: str, content: Any, place: str, holder: str = "") -> InlineFile:
    """A policy file from its object, or from its text."""
    if isinstance(content, str):
        content = next(iter(documents(content)), None)
    return InlineFile(path, content, place, holder)


def _talos(inventory: Inventory) -> Iterator[Configuration]:
    settings = inventory.of("KubeAPIServerConfig")
    seen = set()
    for document in sorted(inventory.documents, key=lambda found: found.id):
        value = mapping(document.value)
        server = mapping(mapping(value.get("cluster")).get("apiServer"))
        machine = mapping(value.get("machine"))
        beside = [one for one in settings if one.text.file == document.text.file]
        master = machine and machine.get("type") in (None, "controlplane", "init")
        if master and (server or beside):
            seen |= {one.id for one in beside}
            extra = [arguments for one in beside for arguments in _extra(one.object)]
            yield _of_talos(inventory, document, server, extra)
    for one in settings:
        if one.id not in seen:
            yield _of_talos(inventory, one, one.object, [])


def _extra(server: JsonObject) -> list[tuple[str, str]]:
    """The arguments that Talos adds; a list stands for several values."""
    given = mapping(server.get("extraArgs")).items()
    pairs = [(name, v) for name, value in given for v in (sequence(value) or [value])]
    return [(normalized(str(name)), str(value)) for name, value in pairs]


def _of_talos(
    inventory: Inventory,
    holder: PlainDocument | Manifest,
    server: JsonObject,
    more: list[tuple[str, str]],
) -> Configuration:
    """The server of a machine's configuration, or of a document of its own."""
    path, file = _TALOS_FLAGS["audit-policy-file"], holder.text.file
    place = "" if isinstance(holder, Manifest) else "/cluster/apiServer"
    files = []
    if "auditPolicy" in server:
        files.append(_inline(path, server["auditPolicy"], f"{place}/auditPolicy"))
    policies = [p for p in inventory.of("KubeAuditPolicyConfig") if p.text.file == file]
    removed = [policy for policy in policies if policy.object.get("$patch") == "delete"]
    files += [
        _inline(path, policy.object.get("configuration"), "/configuration", policy.id)
        for policy in policies
        if policy not in removed
    ]
    return Configuration(
        ref=ObjectRef("", "File", "", file.rpartition("/")[2], holder.text.cluster),
        id=holder.id,
        how="talos",
        file=file,
        flags=tuple(_flags({**_TALOS_FLAGS, **dict(_extra(server)), **dict(more)}, place)),
        version=_tag(server.get("image")),
        place=place,
        files=tuple(reversed(files)),
        unsure="a patch takes the audit policy away" if removed else "",
        built_in=None if removed else TALOS_POLICY,
        built_in_name="Talos",
    )


def _tag(image: Any) -> str:
    return image.rpartition(":")[2] if isinstance(image, str) else ""


def _of_kops(manifest: Manifest) -> Configuration:
    place = "/spec/kubeAPIServer"
    given = mapping(manifest.spec.get("kubeAPIServer"))
    flags = [
        Flag(flag, str(given[field]), place + pointer(field))
        for field, flag in KOPS_FIELDS.items()
        if given.get(field) is not None
    ]
    files = []
    for index, entry in enumerate(sequence(manifest.spec.get("fileAssets"))):
        texts = strings(entry)
        if "path" in texts and "content" in texts:
            where = pointer("spec", "fileAssets", index, "content")
            files.append(_inline(texts["path"], texts["content"], where))
    version = manifest.spec.get("kubernetesVersion")
    return Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how="kops",
        file=manifest.text.file,
        flags=tuple(flags),
        version=version if isinstance(version, str) else "",
        place=place if given else "/spec",
        files=tuple(files),
    )


def _of_shoot(inventory: Inventory, manifest: Manifest) -> Configuration:
    kubernetes = mapping(manifest.spec.get("kubernetes"))
    server = mapping(kubernetes.get("kubeAPIServer"))
    audit = mapping(mapping(server.get("auditConfig")).get("auditPolicy"))
    name = strings(audit.get("configMapRef")).get("name", "")
    place = "/spec/kubernetes/kubeAPIServer"
    version = kubernetes.get("version")
    flags, files = [], []
    if name:
        where = f"{place}/auditConfig/auditPolicy/configMapRef/name"
        flags.append(Flag("audit-policy-file", f"ConfigMap {name}", where))
        holder = inventory.find("ConfigMap", "", manifest.namespace, name)
        if holder is not None:
            text = strings(holder.object.get("data")).get("policy")
            files.append(_inline(f"ConfigMap {name}", text, "/data/policy", holder.id))
    return Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how="gardener",
        file=manifest.text.file,
        flags=tuple(flags),
        version=version if isinstance(version, str) else "",
        place=place if server else "/spec",
        files=tuple(files),
        unsure=_SHOOT_LOG if name else "",
    )


def _of_openshift(inventory: Inventory, manifest: Manifest) -> Configuration:
    audit = mapping(manifest.spec.get("audit"))
    path = _OPENSHIFT_FLAGS["audit-policy-file"]
    holder = inventory.find(
        "ConfigMap", "", "openshift-kube-apiserver", "kube-apiserver-audit-policies"
    )
    files = []
    if holder is not None:
        text = strings(holder.object.get("data")).get("policy.yaml")
        files = [_inline(path, text, "/data/policy.yaml", holder.id)] if text else []
    place = "/spec/audit" if audit else "/spec"
    return Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how="openshift",
        file=manifest.text.file,
        flags=tuple(_flags(_OPENSHIFT_FLAGS, place)),
        place=place,
        files=tuple(files),
        built_in=policy_of_profile(audit),
        built_in_name=f"OpenShift's profile {audit.get('profile') or 'Default'}",
    )


def _of_rancher(inventory: Inventory, manifest: Manifest) -> Configuration:
    place = "/spec/rkeConfig/machineGlobalConfig"
    config = mapping(mapping(manifest.spec.get("rkeConfig")).get("machineGlobalConfig"))
    version = manifest.spec.get("kubernetesVersion")
    text = version if isinstance(version, str) else ""
    file = distributions.RKE2_POLICY_FILE
    written = dict(config)
    if "audit-policy-file" in config:
        written["audit-policy-file"] = file
    found = distributions.of_settings(written, distributions.of_version(text))
    inline = config.get("audit-policy-file")
    files = [_inline(file, inline, f"{place}/audit-policy-file")] if inline else []
    return Configuration(
        ref=manifest.ref,
        id=manifest.id,
        how="rancher",
        file=manifest.text.file,
        flags=tuple(
            Flag(f.name, f.value, place + f.pointer if f.pointer else "") for f in found[0]
        ),
        version=text,
        place=place if config else "/spec",
        files=(*files, *_delivered(inventory, manifest)),
        built_in=found[1],
        built_in_name="RKE2" if found[1] else "",
        unsure=_selected(manifest),
    )


def _delivered(inventory: Inventory, manifest: Manifest) -> Iterator[InlineFile]:
    """Files that Rancher puts on machines, from ConfigMaps beside the cluster."""
    config = mapping(manifest.spec.get("rkeConfig"))
    for entry in sequence(config.get("machineSelectorFiles")):
        for source in sequence(mapping(entry).get("fileSources")):
            wanted = mapping(mapping(source).get("configMap"))
            name = strings(wanted).get("name", "")
            holder = inventory.find("ConfigMap", "", manifest.namespace, name)
            texts = strings(holder.object.get("data")) if holder else {}
            for item in map(strings, sequence(wanted.get("items"))):
                if holder and "path" in item and item.get("key") in texts:
                    place = pointer("data", item["key"])
                    yield _inline(item["path"], texts[item["key"]], place, holder.id)


def _selected(manifest: Manifest) -> str:
    """Settings for some machines only may set more, and imported clusters are set elsewhere."""
    if not isinstance(manifest.spec.get("rkeConfig"), dict):
        return "Rancher has imported the cluster and does not configure its API server"
    for entry in sequence(mapping(manifest.spec.get("rkeConfig")).get("machineSelectorConfig")):
        keys = mapping(mapping(entry).get("config"))
        if any("apiserver" in str(key) or "audit" in str(key) for key in keys):
            return "machineSelectorConfig sets more for some machines"
    return ""


def _of_node(manifest: Manifest) -> Iterator[Configuration]:
    """What k3s and RKE2 wrote down about the arguments of a server node."""
    annotations = strings(mapping(manifest.object.get("metadata")).get("annotations"))
    for key, how in (("k3s.io/node-args", "k3s"), ("rke2.io/node-args", "rke2")):
        words = _words(annotations.get(key, ""))
        if words[:1] != ["server"]:
            continue
        settings = _as_settings(words[1:])
        flags, built_in = distributions.of_settings(settings, how)
        place = pointer("metadata", "annotations", key)
        yield Configuration(
            ref=manifest.ref,
            id=manifest.id,
            how="k3s" if how == "k3s" else "rke2",
            flags=tuple(Flag(flag.name, flag.value, place) for flag in flags),
            place=place,
            built_in=built_in,
            built_in_name="RKE2" if built_in else "",
            replica_of=f"{manifest.text.cluster}/{how}",
        )


def _words(text: str) -> list[str]:
    import json

    try:
        found = json.loads(text) if text else []
    except (ValueError, RecursionError):
        return []
    return [word for word in found if isinstance(word, str)] if isinstance(found, list) else []


def _as_settings(words: list[str]) -> JsonObject:
    """A command line as the configuration file that says the same."""
    found: dict[str, Any] = {"kube-apiserver-arg": []}
    name = ""
    for word in words:
        if word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            if not equals:
                continue
        else:
            value = word
        if name == "kube-apiserver-arg":
            found[name].append(value)
        elif name:
            found[name] = value
    return found
