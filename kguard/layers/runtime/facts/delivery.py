# SPDX-License-Identifier: Apache-2.0
"""On which ways does an alert of this Falco leave its pod, and does it reach anyone?

`true`: an output sends it somewhere, or something in the input collects the pod's log. `false`:
alerts end in the pod (its log, its file system, a syslog that is not there), or at a receiver that
cannot take them. `unknown`: they end where something else would have to fetch them, or what
decides is not in the input.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.receivers import (
    Behind,
    Url,
    behind,
    parsed,
    receivers,
    selected,
)
from kguard.layers.runtime.facts.sidekicks import Sidekick, sidekick_of
from kguard.layers.runtime.facts.texts import line_of
from kguard.layers.runtime.semantics.configuration import is_open
from kguard.layers.runtime.semantics.definitions import PRIORITIES
from kguard.layers.runtime.semantics.settings import OUTPUTS, Output
from kguard.layers.runtime.semantics.sidekick import LEAST, PORT
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence, Scope, Truth
from kguard.model.manifests import Manifest, mapping, sequence, strings

_COLLECTORS = re.compile(
    r"(?:^|/)(?:fluent-bit|fluentd|vector|promtail|alloy|filebeat|logstash|otelcol[\w.-]*"
    r"|opentelemetry-collector[\w.-]*|datadog-agent|agent|splunk-otel-collector|log-agent)(?::|@|$)"
)
_LOG_PATHS = ("/var/log", "/var/log/pods", "/var/log/containers")

_NO_OUTPUT = "Falcosidekick has no output configured"

Answer = tuple[Truth, list[Evidence]]


class Ways(msgspec.Struct):
    """Every way out, and who is at its end."""

    routes: list[model.Route] = []
    receivers: list[model.Receiver] = []

    def delivered(self, falco: Falco) -> Answer:
        """Whether alerts are delivered, and why."""
        if falco.config == "unknown":
            note = "Falco's configuration is mounted from something that is not in the input"
            return "unknown", [Evidence(falco.id, falco.pod_pointer, note)]
        wanted: Truth
        for wanted in ("true", "unknown", "false"):
            because = [s for route in self.routes if route.state == wanted for s in route.because]
            if because:
                return wanted, because
        return "false", [written(falco, "", "no output is switched on: Falco tells nobody")]


def ways(inventory: Inventory, falco: Falco, scope: Scope) -> Ways:
    """The ways of a Falco's alerts, in the order of its configuration."""
    found = Ways()
    for name in OUTPUTS:
        output = falco.settings.output(name)
        if not output.enabled:
            continue
        if name == "http":
            _http(inventory, falco, output, scope, found)
        else:
            truth, because = _way(inventory, falco, output)
            found.routes.append(_route(falco, name, truth, because))
    return found


def _route(falco: Falco, output: str, state: Truth, because: list[Evidence]) -> model.Route:
    return model.Route(
        installation=falco.ref,
        output=output,
        destination="",
        state=state,
        least_priority=PRIORITIES[LEAST],
        protection="local",
        inside=True,
        because=because,
    )


def written(falco: Falco, section: str, note: str) -> Evidence:
    """Evidence at a section of the configuration, or at Falco itself."""
    text = falco.config_text
    if text is None:
        return Evidence(falco.id, "", note)
    return text.at(line_of(text.content, section) if section else 1, note)


def _way(inventory: Inventory, falco: Falco, output: Output) -> Answer:
    section = f"{output.name}_output"
    match output.name:
        case "program":
            if output.target:
                return "true", [written(falco, section, "alerts go to a program")]
            return "false", [written(falco, section, "the program output names no program")]
        case "grpc":
            return _grpc(falco)
        case "stdout":
            return _stdout(inventory, falco)
        case _:
            return _local(falco, output)


def _http(inventory: Inventory, falco: Falco, output: Output, scope: Scope, into: Ways) -> None:
    if is_open(output.target):
        note = "the URL comes from a variable whose value is not in the input"
        because = [written(falco, "http_output", note)]
        into.routes.append(_route(falco, "http", "unknown", because))
        return
    url = parsed(output.target)
    if url is None:
        note = (
            "the HTTP output has no URL" if not output.target else "the HTTP output's URL is none"
        )
        because = [written(falco, "http_output", note)]
        into.routes.append(_route(falco, "http", "false", because))
        return
    place = written(falco, "http_output", f"alerts are sent to {url.shown}")
    if falco.sidekick is not None and url.host == falco.sidekick.host:
        taker = Behind("workload")
    else:
        taker = behind(inventory, falco.ref.namespace, url, scope)
    route = _route(falco, "http", "true", [place])
    route.destination = url.shown
    route.inside = taker.inside
    route.protection = _protection(url, output)
    into.routes.append(route)
    into.receivers += receivers(inventory, (falco.ref, falco.ref), taker, url.port, [place])
    sidekick = _judge(inventory, falco, route, taker, url)
    if sidekick is not None:
        _through(falco, route, _reaching(inventory, falco, sidekick, scope, into))


def _protection(url: Url, output: Output) -> model.Protection:
    if url.is_local:
        return "local"
    if url.scheme == "http":
        return "plain"
    return "unverified" if output.insecure else "tls"


def _judge(
    inventory: Inventory, falco: Falco, route: model.Route, taker: Behind, url: Url
) -> Sidekick | None:
    """Fill in whether alerts arrive at who takes them; a Falcosidekick if that is who it is."""
    if taker.state in ("nobody", "unknown"):
        route.state = "false" if taker.state == "nobody" else "unknown"
        ref = taker.service.id if taker.service else ""
        route.because.append(Evidence(ref, "/spec" if ref else "", taker.note))
        return None
    workload = taker.workload
    if taker.state == "pod" and url.port == PORT:
        workload = falco.workload
    return sidekick_of(inventory, workload) if workload else falco.sidekick


def _reaching(
    inventory: Inventory, falco: Falco, sidekick: Sidekick, scope: Scope, into: Ways
) -> Sidekick:
    """A Falcosidekick with those of its outputs that lead anywhere; who takes them is noted."""
    workload = sidekick.workload
    lost = set()
    for name, text in sidekick.urls.items() if workload else ():
        url = parsed(text)
        if url is None or workload is None:
            continue
        taker = behind(inventory, workload.namespace, url, scope)
        place = Evidence(sidekick.ref, sidekick.pointer, f"{name} sends to {url.shown}")
        ends = falco.ref, workload.ref
        into.receivers += receivers(inventory, ends, taker, url.port, [place])
        if taker.state == "nobody":
            lost.add(name)
    kept = [one for one in sidekick.forwards if one.name not in lost]
    return msgspec.structs.replace(sidekick, forwards=kept, lost=sorted(lost))


def _through(falco: Falco, route: model.Route, sidekick: Sidekick) -> None:
    """What a Falcosidekick does with the alerts."""
    place = Evidence(sidekick.ref, sidekick.pointer)
    if not falco.settings.json_output:
        route.state = "false"
        note = "Falcosidekick takes JSON only, and json_output is off"
        route.because.append(written(falco, "json_output", note))
    elif sidekick.forwards:
        route.least_priority = PRIORITIES[max(one.least for one in sidekick.forwards)]
        names = ", ".join(one.name for one in sidekick.forwards)
        note = f"Falcosidekick sends them on to {names}"
        route.because.append(msgspec.structs.replace(place, note=note))
    elif sidekick.hidden:
        route.state = "unknown"
        note = "whether Falcosidekick sends them on stands in a Secret or file that is not read"
        route.because.append(msgspec.structs.replace(place, note=note))
    else:
        route.state = "false"
        lost = ", ".join(sidekick.lost)
        note = f"nobody is where Falcosidekick sends them ({lost})" if lost else _NO_OUTPUT
        route.because.append(msgspec.structs.replace(place, note=note))


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
    """The URL of a Falcosidekick of the input that may send alerts on; empty if there is none."""
    for manifest in inventory.of("Service"):
        sidekick = next(_sidekicks(inventory, manifest), None)
        if sidekick is not None and (sidekick.forwards or sidekick.hidden):
            near = manifest.namespace == falco.ref.namespace
            host = manifest.name if near else f"{manifest.name}.{manifest.namespace}.svc"
            return f"http://{host}:{_port(manifest)}"
    return ""


def _sidekicks(inventory: Inventory, service: Manifest) -> Iterator[Sidekick]:
    for workload in selected(inventory, service):
        found = sidekick_of(inventory, workload)
        if found is not None:
            yield found


def _port(service: Manifest) -> int:
    for entry in map(mapping, sequence(service.spec.get("ports"))):
        number = entry.get("port")
        if type(number) is int:
            return number
    return PORT


def unheard(found: Sequence[model.Route], enabled: Sequence[tuple[str, int]]) -> list[str]:
    """The rules in force whose alerts no way takes, because it wants graver ones.

    Args:
        found: the ways of one Falco.
        enabled: names and priorities (places in `PRIORITIES`) of its rules in force.
    """
    open_ways = [route for route in found if route.state != "false"]
    if not open_ways:
        return []
    least = max(PRIORITIES.index(route.least_priority) for route in open_ways)
    return sorted(name for name, priority in enabled if priority > least)
