# SPDX-License-Identifier: Apache-2.0
"""Does an alert of this Falco reach anyone outside its own pod?

`true`: an output sends it somewhere, or something in the input collects the pod's log. `false`:
alerts end in the pod (its log, its file system, a syslog that is not there). `unknown`: they end
where something else would have to fetch them, or the configuration is not in the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kguard.inventory import Inventory, Workload
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.texts import line_of
from kguard.layers.runtime.semantics.settings import OUTPUTS, Output
from kguard.model.facts.common import Evidence, Truth
from kguard.model.manifests import Manifest, mapping, sequence, strings

_COLLECTORS = re.compile(
    r"(?:^|/)(?:fluent-bit|fluentd|vector|promtail|alloy|filebeat|logstash|otelcol[\w.-]*"
    r"|opentelemetry-collector[\w.-]*|datadog-agent|agent|splunk-otel-collector|log-agent)(?::|@|$)"
)
_LOG_PATHS = ("/var/log", "/var/log/pods", "/var/log/containers")
_SIDEKICK = re.compile(r"(?:^|/)falcosidekick(?::|@|$)")
_CLUSTER_NAME = re.compile(
    r"https?://([a-z0-9-]+)(?:\.([a-z0-9-]+))?(?:\.svc[\w.]*)?(?::\d+)?(?:/.*)?"
)

SIDEKICK_PORT = 2801

Answer = tuple[Truth, list[Evidence]]


def delivered(inventory: Inventory, falco: Falco) -> Answer:
    """Whether alerts are delivered, and why."""
    if falco.config == "unknown":
        note = "Falco's configuration is mounted from something that is not in the input"
        return "unknown", [Evidence(falco.id, falco.pod_pointer, note)]
    answers = [_way(inventory, falco, falco.settings.output(name)) for name in OUTPUTS]
    found = [answer for answer in answers if answer is not None]
    for wanted in ("true", "unknown", "false"):
        because = [step for truth, steps in found if truth == wanted for step in steps]
        if because:
            return wanted, because
    return "false", [written(falco, "", "no output is switched on: Falco tells nobody")]


def written(falco: Falco, section: str, note: str) -> Evidence:
    """Evidence at a section of the configuration, or at Falco itself."""
    text = falco.config_text
    if text is None:
        return Evidence(falco.id, "", note)
    return text.at(line_of(text.content, section) if section else 1, note)


def _way(inventory: Inventory, falco: Falco, output: Output) -> Answer | None:
    if not output.enabled:
        return None
    section = f"{output.name}_output"
    match output.name:
        case "http":
            return _http(inventory, falco, output)
        case "program":
            if output.target:
                return "true", [written(falco, section, f"alerts go to `{output.target}`")]
            return "false", [written(falco, section, "the program output names no program")]
        case "grpc":
            return _grpc(falco)
        case "stdout":
            return _stdout(inventory, falco)
        case _:
            return _local(falco, output)


def _http(inventory: Inventory, falco: Falco, output: Output) -> Answer:
    if not output.target:
        return "false", [written(falco, "http_output", "the HTTP output has no URL")]
    note = f"alerts are sent to {output.target}"
    sidekick = _sidekick_behind(inventory, falco, output.target)
    if sidekick is None:
        return "true", [written(falco, "http_output", note)]
    if _forwards(sidekick):
        return "true", [written(falco, "http_output", f"{note} ({sidekick.ref})")]
    silent = Evidence(sidekick.id, sidekick.pod_pointer, "Falcosidekick has no output configured")
    return "false", [written(falco, "http_output", note), silent]


def _sidekick_behind(inventory: Inventory, falco: Falco, url: str) -> Workload | None:
    service = service_of(inventory, falco, url)
    return _selected(inventory, service) if service else None


def service_of(inventory: Inventory, falco: Falco, url: str) -> Manifest | None:
    """The Service of the input that a URL in Falco's configuration leads to."""
    found = _CLUSTER_NAME.fullmatch(url)
    if found is None:
        return None
    return inventory.find("Service", "", found[2] or falco.ref.namespace, found[1])


def _selected(inventory: Inventory, service: Manifest) -> Workload | None:
    """The Falcosidekick behind a Service, if it is one."""
    selector = strings(mapping(service.spec.get("selector")))
    for workload in inventory.workloads_by_namespace.get(service.namespace, []):
        chosen = bool(selector) and selector.items() <= workload.labels.items()
        if chosen and any(_SIDEKICK.search(c.image) for c in workload.containers):
            return workload
    return None


def _forwards(sidekick: Workload) -> bool:
    """Whether Falcosidekick has any configuration; what a Secret holds is given the benefit."""
    for container in sidekick.containers:
        raw = container.raw
        if raw.get("env") or raw.get("envFrom") or raw.get("args") or raw.get("volumeMounts"):
            return True
    return False


def _grpc(falco: Falco) -> Answer:
    if falco.version.has_removed():
        note = f"Falco {falco.version.text} has no gRPC output any more"
        return "false", [written(falco, "grpc_output", note)]
    note = "alerts wait for a gRPC client, which the input does not show"
    return "unknown", [written(falco, "grpc_output", note)]


def _stdout(inventory: Inventory, falco: Falco) -> Answer:
    if falco.kind == "file":
        note = "alerts go to the standard output of a process on the node"
        return "unknown", [written(falco, "stdout_output", note)]
    for collector in _collectors(inventory):
        note = f"alerts go to the pod's log, which {collector.ref} collects"
        return "true", [written(falco, "stdout_output", note)]
    reasons = inventory.unknown_kinds("DaemonSet", "apps")
    if reasons:
        note = f"alerts go to the pod's log; whether anything collects it: {reasons[0]}"
        return "unknown", [written(falco, "stdout_output", note)]
    note = "alerts go to the pod's own log, and nothing in the input collects it"
    return "false", [written(falco, "stdout_output", note)]


def _collectors(inventory: Inventory) -> Iterator[Workload]:
    """DaemonSets that read the logs of pods on the node."""
    for workload in inventory.workloads:
        if workload.manifest.kind == "DaemonSet" and any(
            _COLLECTORS.search(container.image) for container in workload.containers
        ):
            paths = {
                str(mapping(mapping(volume).get("hostPath")).get("path", "")).rstrip("/")
                for volume in sequence(workload.pod.get("volumes"))
            }
            if paths & {*_LOG_PATHS}:
                yield workload


def _local(falco: Falco, output: Output) -> Answer:
    """Syslog and files: only a node or a shared volume could hand them on."""
    section = f"{output.name}_output"
    if falco.kind == "file":
        note = f"alerts go to {output.target or 'syslog'} on the node; the input does not show more"
        return "unknown", [written(falco, section, note)]
    path = output.target or "/dev/log"
    if _on_the_node(falco, path):
        note = f"alerts go to {path} of the node; whether anyone collects them is not in the input"
        return "unknown", [written(falco, section, note)]
    place = f"the file {path} inside the pod" if output.target else "a syslog that the pod lacks"
    return "false", [written(falco, section, f"alerts go to {place}")]


def _on_the_node(falco: Falco, path: str) -> bool:
    """Whether the path lies on a volume that outlives the pod."""
    lasting = {
        volume.get("name")
        for volume in map(mapping, sequence(falco.pod.get("volumes")))
        if "hostPath" in volume or "persistentVolumeClaim" in volume
    }
    for container in map(mapping, sequence(falco.pod.get("containers"))):
        for mount in map(strings, sequence(container.get("volumeMounts"))):
            where = mount.get("mountPath", "").rstrip("/")
            if mount.get("name") in lasting and where and f"{path}/".startswith(f"{where}/"):
                return True
    return False


def receiver(inventory: Inventory, falco: Falco) -> str:
    """The URL of a Falcosidekick of the input that sends alerts on; empty if there is none."""
    for manifest in inventory.of("Service"):
        workload = _selected(inventory, manifest)
        if workload is not None and _forwards(workload):
            near = manifest.namespace == falco.ref.namespace
            host = manifest.name if near else f"{manifest.name}.{manifest.namespace}.svc"
            return f"http://{host}:{_port(manifest)}"
    return ""


def _port(service: Manifest) -> int:
    for entry in map(mapping, sequence(service.spec.get("ports"))):
        number = entry.get("port")
        if type(number) is int:
            return number
    return SIDEKICK_PORT
