# SPDX-License-Identifier: Apache-2.0
"""Which pods does each object make?

Covers every built-in workload kind, Knative (see `knative`), OpenShift DeploymentConfig, Argo
Rollout, KubeVirt VirtualMachine (whose pods carry the labels of its template), and the custom kinds
that the user declares with a path to their pod template.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.inventory import knative
from kguard.inventory.index import Inventory
from kguard.inventory.workload import Workload, containers_of
from kguard.model.locations import pointer_tokens
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_TEMPLATES: dict[tuple[str, str], str] = {
    ("ReplicationController", ""): "/spec/template",
    ("ReplicaSet", "apps"): "/spec/template",
    ("Deployment", "apps"): "/spec/template",
    ("StatefulSet", "apps"): "/spec/template",
    ("DaemonSet", "apps"): "/spec/template",
    ("ReplicaSet", "extensions"): "/spec/template",
    ("Deployment", "extensions"): "/spec/template",
    ("DaemonSet", "extensions"): "/spec/template",
    ("Job", "batch"): "/spec/template",
    ("CronJob", "batch"): "/spec/jobTemplate/spec/template",
    ("DeploymentConfig", "apps.openshift.io"): "/spec/template",
    ("Rollout", "argoproj.io"): "/spec/template",
    ("VirtualMachine", "kubevirt.io"): "/spec/template",
    **knative.TEMPLATES,
}
"""Where the pod template stands, by kind and group."""

_JOB_LABELS = ("job-name", "batch.kubernetes.io/job-name")


def expand(inventory: Inventory) -> Iterator[Workload]:
    """All workloads of the input, by kind, namespace and name.

    An object that another object of the input controls (a ReplicaSet of a Deployment, a Pod of a
    Job) is left out: its controller stands for it.
    """
    templates = {**_TEMPLATES, **_declared(inventory)}
    for manifest in inventory.manifests:
        if _controlled(inventory, manifest):
            continue
        kind = (manifest.kind, manifest.group)
        if kind == ("Pod", ""):
            yield _workload(manifest, "/spec", "/metadata")
        elif kind == ("Revision", knative.SERVING):
            yield knative.as_controller_makes_it(_workload(manifest, "/spec", "/metadata"))
        elif (place := templates.get(kind)) is not None:
            yield from _from_template(inventory, manifest, place)


def _declared(inventory: Inventory) -> dict[tuple[str, str], str]:
    found = {}
    for kind, place in inventory.declared_templates.items():
        name, _, group = kind.partition(".")
        found[name, group] = place
    return found


def _controlled(inventory: Inventory, manifest: Manifest) -> bool:
    for owner in sequence(manifest.metadata.get("ownerReferences")):
        fields = strings(owner)
        group = fields.get("apiVersion", "").rpartition("/")[0]
        kind, name = fields.get("kind", ""), fields.get("name", "")
        if inventory.find(kind, group, manifest.namespace, name):
            return True
    return False


def _from_template(inventory: Inventory, manifest: Manifest, place: str) -> Iterator[Workload]:
    template = _resolve(manifest.object, place)
    if not isinstance(template, dict) or not isinstance(template.get("spec"), dict):
        referenced = _workload_ref(inventory, manifest)
        if referenced is None:
            return
        yield from _from_template(inventory, referenced, "/spec/template")
        return
    workload = _workload(manifest, place + "/spec", place + "/metadata")
    if manifest.kind == "Job":
        workload.labels.update(dict.fromkeys(_JOB_LABELS, manifest.name))
    if workload.knative:
        workload = knative.as_controller_makes_it(workload)
    yield workload


def _workload_ref(inventory: Inventory, manifest: Manifest) -> Manifest | None:
    """The Deployment that an Argo Rollout refers to, unless it makes its own pods anyway."""
    fields = strings(manifest.spec.get("workloadRef"))
    found = inventory.find(
        fields.get("kind", ""), "apps", manifest.namespace, fields.get("name", "")
    )
    return found if found and mapping(found.spec).get("replicas") == 0 else None


def _workload(manifest: Manifest, pod_pointer: str, metadata_pointer: str) -> Workload:
    pod = mapping(_resolve(manifest.object, pod_pointer))
    metadata = mapping(_resolve(manifest.object, metadata_pointer))
    node = pod.get("nodeName")
    return Workload(
        manifest=manifest,
        pod=pod,
        pod_pointer=pod_pointer,
        pod_metadata_pointer=metadata_pointer,
        labels=strings(metadata.get("labels")),
        annotations=strings(metadata.get("annotations")),
        containers=containers_of(pod, pod_pointer),
        owner_kind=manifest.kind,
        knative=knative.part(manifest.group),
        replicas=_replicas(manifest),
        node_name=node if isinstance(node, str) else "",
    )


def _replicas(manifest: Manifest) -> int | None:
    if manifest.kind == "Pod":
        return 1
    if knative.part(manifest.group) or manifest.kind in ("DaemonSet", "CronJob"):
        return None
    count = manifest.spec.get("parallelism" if manifest.kind == "Job" else "replicas")
    return count if isinstance(count, int) else 1


def _resolve(value: JsonObject, place: str) -> Any:
    found: Any = value
    for token in pointer_tokens(place):
        found = found.get(token) if isinstance(found, dict) else None
    return found
