# SPDX-License-Identifier: Apache-2.0
"""How do the pods look that Knative really makes?

Sources: knative/serving pkg/reconciler/revision/resources/{deploy,queue,meta}.go and
pkg/networking/constants.go; knative/eventing pkg/reconciler/containersource/resources/labels.go.
"""

from __future__ import annotations

import msgspec

from kguard.inventory.workload import Container, ContainerPort, Workload
from kguard.model.manifests import mapping

SERVING = "serving.knative.dev"
_EVENTING = ("eventing.knative.dev", "sources.knative.dev", "sinks.knative.dev")

TEMPLATES = {
    ("Service", SERVING): "/spec/template",
    ("Configuration", SERVING): "/spec/template",
    ("ContainerSource", "sources.knative.dev"): "/spec/template",
    ("JobSink", "sinks.knative.dev"): "/spec/job/spec/template",
}

USER_PORT = 8080
QUEUE_HTTP1 = 8012
QUEUE_H2C = 8013
QUEUE_HTTPS = 8112
QUEUE_ADMIN = 8022
QUEUE_METRICS = 9090
USER_METRICS = 9091

_QUEUE_PROXY = "queue-proxy"


def part(group: str) -> str:
    """Which part of Knative owns an API group: `serving`, `eventing` or empty."""
    if group == SERVING:
        return "serving"
    return "eventing" if group in _EVENTING else ""


def as_controller_makes_it(workload: Workload) -> Workload:
    """The workload with the labels, ports and containers that Knative's controllers add."""
    if workload.knative == "serving":
        return _serving(workload)
    if workload.manifest.kind == "ContainerSource":
        workload.labels = {
            **workload.labels,
            "eventing.knative.dev/source": "container-source-controller",
            "eventing.knative.dev/sourceName": workload.name,
        }
    return workload


def revision_name(workload: Workload) -> str:
    """The name of the revision: as given, else the first that the controller would choose."""
    if workload.manifest.kind == "Revision":
        return workload.name
    template = mapping(workload.manifest.spec.get("template"))
    name = mapping(template.get("metadata")).get("name")
    return name if isinstance(name, str) and name else f"{workload.name}-00001"


def _serving(workload: Workload) -> Workload:
    revision = revision_name(workload)
    labels = {"app": revision, **workload.labels, "serving.knative.dev/revision": revision}
    if workload.manifest.kind in ("Service", "Configuration"):
        labels["serving.knative.dev/configuration"] = workload.name
    if workload.manifest.kind == "Service":
        labels["serving.knative.dev/service"] = workload.name
    workload.labels = labels
    users = tuple(_user_container(c) for c in workload.containers)
    workload.containers = (*users, _queue_proxy(workload))
    return workload


def _user_container(container: Container) -> Container:
    if container.role != "container":
        return container
    name = container.name or "user-container"
    return msgspec.structs.replace(container, name=name, ports=_user_ports(container, name))


def _user_ports(container: Container, name: str) -> tuple[ContainerPort, ...]:
    """Serving accepts at most one port; without one the serving container gets 8080."""
    numbers = [port.number for port in container.ports]
    return tuple(ContainerPort(n, "TCP", "user-port", name) for n in (numbers or [USER_PORT])[:1])


def _queue_proxy(workload: Workload) -> Container:
    """The proxy in front of the user's container (queue.go: the serving port is named alike)."""
    declared = [port for c in workload.containers for port in c.ports]
    h2c = any(port.name == "h2c" for port in declared)
    ports = (
        (QUEUE_ADMIN, "http-queueadm"),
        (QUEUE_METRICS, "http-autometric"),
        (USER_METRICS, "http-usermetric"),
        (QUEUE_H2C if h2c else QUEUE_HTTP1, "queue-port"),
        (QUEUE_HTTPS, "https-port"),
    )
    return Container(
        name=_QUEUE_PROXY,
        image="",
        role="container",
        ports=tuple(ContainerPort(number, "TCP", name, _QUEUE_PROXY) for number, name in ports),
        raw={},
        pointer="",
        added_by="knative",
    )
