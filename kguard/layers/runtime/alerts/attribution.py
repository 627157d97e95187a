# SPDX-License-Identifier: Apache-2.0
"""Whose pod was it that an alert speaks of?

Falco's fields name the pod (`k8s.*` of the container plugin, `k8smeta.*` of the metadata plugin,
`ka.*` of audit events). The workload is found among those of the input; without them, the plugin's
Deployment or the label of the Knative Service tells.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Literal

import msgspec

from kguard.inventory import Workload
from kguard.layers.runtime.alerts.alert import Alert
from kguard.layers.runtime.alerts.pods import may_have_made

_SERVICE_LABEL = "serving.knative.dev/service"
_LABEL = re.compile(rf"(?:^|[,\s]){re.escape(_SERVICE_LABEL)}\s*[:=]\s*([a-z0-9.-]+)")
_PARENTS = (
    ("k8smeta.deployment.name", "Deployment"),
    ("k8smeta.rs.name", "ReplicaSet"),
    ("k8smeta.rc.name", "ReplicationController"),
)

Basis = Literal["input", "plugin", "label", "ambiguous", "unknown"]
"""How the workload was found; `ambiguous`: several of the input can have made the pod."""


class Subject(msgspec.Struct, frozen=True, order=True):
    """What an alert is about, as far as it can be told; empty words stand for `not known`."""

    namespace: str = ""
    kind: str = ""
    name: str = ""
    pod: str = ""
    container: str = ""
    image: str = ""
    knative_service: str = ""
    basis: Basis = "unknown"

    @property
    def workload(self) -> str:
        """`Kind namespace/name`, the pod where no workload is known, or the empty word."""
        if self.name:
            return f"{self.kind} {self.namespace}/{self.name}"
        return f"Pod {self.namespace}/{self.pod}" if self.pod else ""


class Attribution:
    """Finds the workloads of alerts among those of an input."""

    def __init__(self, workloads: Iterable[Workload] = ()) -> None:
        self._by_namespace: dict[str, list[Workload]] = defaultdict(list)
        self._known: dict[tuple[str, str], tuple[Workload, ...]] = {}
        for workload in workloads:
            self._by_namespace[workload.namespace].append(workload)

    def subject(self, alert: Alert) -> Subject:
        """What the alert is about."""
        namespace, pod = _pod(alert)
        kind, name, service, basis = self._owner(alert, namespace, pod)
        return Subject(
            namespace=namespace,
            kind=kind,
            name=name,
            pod=pod,
            container=alert.field("container.name"),
            image=alert.field("container.image.repository"),
            knative_service=service,
            basis=basis,
        )

    def workload(self, alert: Alert) -> Workload | None:
        """The workload of the input that the alert is about, if it is certain."""
        found = self._candidates(*_pod(alert))
        return found[0] if len(found) == 1 else None

    def _owner(self, alert: Alert, namespace: str, pod: str) -> tuple[str, str, str, Basis]:
        service = _knative_service(alert)
        found = self._candidates(namespace, pod)
        if len(found) == 1:
            workload = found[0]
            if workload.knative == "serving":
                service = service or workload.name
            return workload.owner_kind, workload.name, service, "input"
        if service:
            return "Service", service, service, "label"
        for field, kind in _PARENTS:
            if name := alert.field(field):
                return kind, name, "", "plugin"
        return "", "", "", "ambiguous" if found else "unknown"

    def _candidates(self, namespace: str, pod: str) -> tuple[Workload, ...]:
        key = (namespace, pod)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = tuple(
                workload
                for workload in self._by_namespace.get(namespace, ())
                if pod and may_have_made(workload.owner_kind, workload.name, pod)
            )
        return self._known[key]


_REMEMBERED = 20_000
"""Pods whose workloads are remembered; a flood of invented names must not fill the memory."""


def _pod(alert: Alert) -> tuple[str, str]:
    """Namespace and name of the pod, as far as fields tell."""
    namespace = alert.field("k8s.ns.name", "k8smeta.ns.name", "ka.target.namespace")
    pod = alert.field("k8s.pod.name", "k8smeta.pod.name", "ka.target.pod.name")
    if not pod and alert.field("ka.target.resource") == "pods":
        pod = alert.field("ka.target.name")
    return namespace, pod


def _knative_service(alert: Alert) -> str:
    labels = alert.field("k8s.pod.labels", "k8smeta.pod.labels")
    direct = alert.field(f"k8s.pod.label[{_SERVICE_LABEL}]", f"k8smeta.pod.label[{_SERVICE_LABEL}]")
    found = _LABEL.search(labels)
    return direct or (found[1] if found else "")
