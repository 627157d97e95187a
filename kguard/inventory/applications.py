# SPDX-License-Identifier: Apache-2.0
"""Which objects are an application's own, and which of them are alike?

Whatever may look at all pods of a cluster (meshes, network plugins, detectors, enforcers, gateways,
monitoring) is none: names, labels and images that could be such a component's count as its.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from kguard.inventory.overlay import owners
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

MAKERS = frozenset(
    {
        ("Pod", ""),
        ("Deployment", "apps"),
        ("ReplicaSet", "apps"),
        ("StatefulSet", "apps"),
        ("Job", "batch"),
        ("CronJob", "batch"),
    }
)
"""Pods, and what applications make them with, by kind and group."""

_APPLICATIONS = MAKERS | frozenset(
    {
        ("Service", ""),
        ("ServiceAccount", ""),
        ("Endpoints", ""),
        ("EndpointSlice", "discovery.k8s.io"),
        ("NetworkPolicy", "networking.k8s.io"),
        ("Role", "rbac.authorization.k8s.io"),
        ("RoleBinding", "rbac.authorization.k8s.io"),
        ("ConfigMap", ""),
        ("PeerAuthentication", "security.istio.io"),
    }
)
"""What applications are made of, by kind and group."""

_WORD = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_MAX_TEXT = 100_000
SYSTEM = re.compile(r"kube-.*|.*-system|openshift.*|knative-.*|default|.*gatekeeper.*")
"""Names of namespaces that hold more than applications."""
_COMPONENT = re.compile(
    "falco|istio|envoy|linkerd|ztunnel|consul|cilium|calico|antrea|flannel|weave|multus|cni|"
    "prometheus|victoria|thanos|grafana|alloy|vector|fluent|logstash|otel|opentelemetry|jaeger|"
    "zipkin|ingress|gateway|traefik|haproxy|kong|contour|apisix|dns|kube|apiserver|etcd|"
    "knative|queue|activator|autoscaler|kyverno|policy|cosign|sigstore|ratify|connaisseur|"
    "kubewarden|cert-manager|trivy|kubescape|metrics|monitor|kafka|strimzi|konnectivity|webhook|"
    "admission|operator|controller|argo|flux|audit|siem"
)
"""Parts of the names of images, objects and labels that are no application's."""


def is_foreign(manifest: Manifest) -> bool:
    """Whether an object is none that applications are made of."""
    if (manifest.kind, manifest.group) not in _APPLICATIONS:
        return True
    if _COMPONENT.search(manifest.name):
        return True
    pod = pod_metadata(manifest)
    labels = {**manifest.labels, **strings(pod.get("labels"))}
    annotations = {*manifest.annotations, *mapping(pod.get("annotations"))}
    if any(_COMPONENT.search(text) for text in (*labels, *labels.values(), *annotations)):
        return True
    images = (entry.get("image") for entry in _dicts(manifest.spec))
    return any(isinstance(image, str) and _COMPONENT.search(image.lower()) for image in images)


def pod_metadata(manifest: Manifest) -> JsonObject:
    """The metadata of the pods that an object makes, or is; empty where it makes none."""
    if manifest.kind == "Pod":
        return manifest.metadata
    spec = manifest.spec
    if manifest.kind == "CronJob":
        spec = mapping(mapping(spec.get("jobTemplate")).get("spec"))
    return mapping(mapping(spec.get("template")).get("metadata"))


def _dicts(value: Any) -> Iterator[JsonObject]:
    """All objects inside a JSON value."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            yield one
            pending += one.values()
        elif isinstance(one, list):
            pending += one


def words(value: Any) -> Iterator[str]:
    """The words of all texts in a JSON value that could be parts of a host name."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += one.values()
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, str):
            yield from _WORD.findall(one[:_MAX_TEXT])


_HOST = re.compile(r"(?<![\w.-])([a-z0-9-]+)\.([a-z0-9-]+)")


def hosts(value: Any) -> Iterator[tuple[str, str]]:
    """The first two parts of all texts that could be host names, images apart."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += (inner for key, inner in one.items() if key != "image")
        elif isinstance(one, list):
            pending += one
        elif isinstance(one, str):
            yield from _HOST.findall(one[:_MAX_TEXT])


Ports = frozenset[tuple[str, str]]
"""Names and numbers of ports."""


def port_names(manifest: Manifest) -> Ports:
    """Names and numbers of the ports that the pods of a workload declare."""
    found = set()
    for entry in _dicts(manifest.spec):
        if "containerPort" in entry:
            found.add((str(entry.get("name")), str(entry["containerPort"])))
    return frozenset(found)


_TOKENS = re.compile(rb"kube-api-access-[a-z0-9]{5}")
"""The name that the API server gives to the volume with the token, another one in each pod."""


def shape_of(manifest: Manifest) -> bytes:
    """The same for objects of the same owner that differ in nothing that is judged."""
    inside = dict(manifest.object)
    metadata = {key: manifest.metadata.get(key) for key in ("namespace", "annotations")}
    labels = manifest.labels
    if manifest.kind == "Pod":
        inside["spec"] = {k: v for k, v in manifest.spec.items() if k not in _OF_ITS_OWN}
        inside["status"] = _seen(mapping(inside.get("status")))
        labels = {k: v for k, v in labels.items() if k not in _OF_ITS_OWN}
    else:
        metadata["name"] = manifest.name
    inside["metadata"] = {**metadata, "labels": labels}
    text = msgspec.json.encode((inside, [*owners(manifest)]), order="deterministic")
    return hashlib.blake2b(_TOKENS.sub(b"", text), digest_size=16).digest()


_OF_ITS_OWN = frozenset(
    {
        "nodeName",
        "hostname",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
    }
)
"""Fields and labels in which the pods of one controller differ."""


def _seen(status: dict[str, Any]) -> list[Any]:
    """What is judged of the status of a pod."""
    found: list[Any] = [status.get("phase")]
    for key in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        found += [
            [key, *(entry.get(k) for k in ("name", "image", "imageID", "ready"))]
            for entry in map(mapping, sequence(status.get(key)))
        ]
    return found
