# SPDX-License-Identifier: Apache-2.0
"""Which connections were seen, as logs and metrics of the cluster's own observers tell?

Authority: cilium/cilium api/v1/flow/flow.proto as `hubble observe -o json` prints it (`verdict`,
`is_reply`, `l4`, labels `k8s:KEY=VALUE`, `reserved:world`); falcosecurity/libs fields of connect
events (`fd.sip`, `fd.sport`, `k8s.ns.name`, `k8s.pod.name`); Istio's standard metrics
(`istio_requests_total`, `istio_tcp_connections_opened_total`) as Prometheus' API or a scrape
gives them; Envoy's JSON access log with `upstream_cluster` (`outbound|PORT|SUBSET|HOST`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.inventory.mentions import Mention, is_address
from kguard.layers.network.intent.model import Flow, Party, Target, flows, pods
from kguard.layers.network.intent.names import Names, blocks
from kguard.layers.network.intent.targets import targets
from kguard.layers.network.semantics.ports import port_number
from kguard.model.facts.common import Evidence
from kguard.model.manifests import JsonObject, PlainFile, mapping, sequence, strings

MAX_LINES = 1_000_000
"""More lines of one file are not looked at."""

_SEEN = ("FORWARDED", "AUDIT", "TRACED", "TRANSLATED")
_METRICS = ("istio_requests_total", "istio_tcp_connections_opened_total")
_SAMPLE = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_TEXT_METRIC = re.compile(r"^(istio_[a-z_]+)\{(.*)\}\s")
_PASSING = re.compile(r"hash|revision|pod-name|pod-template|io\.kubernetes\.|io\.cilium\.")

_Ends = tuple[Party, list[Target]]


def observed_flows(names: Names) -> Iterator[Flow]:
    """The connections that the user's files show to have been made."""
    seen = _Observed(names)
    given = names.inventory.collected.flows
    for file in names.inventory.files:
        if file.file in given:
            yield from seen.file(file)


class _Observed:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._by_pod: dict[tuple[str, str], int | None] = {}
        self._cluster_ips = {
            ip: service.manifest
            for service in names.services
            if is_address(ip := strings(service.manifest.spec).get("clusterIP", ""))
        }

    def file(self, file: PlainFile) -> Iterator[Flow]:
        """The connections of one file, each once, with the first line that shows it."""
        known: set[tuple[Party, Target]] = set()
        for number, line in enumerate(file.content.splitlines()[:MAX_LINES], 1):
            for source, found in self._line(line):
                for target in found:
                    if (source, target) not in known:
                        known.add((source, target))
                        place = Evidence(file.id, note="seen in the cluster", line=number)
                        yield from flows(source, [target], place)

    def _line(self, line: str) -> Iterator[_Ends]:
        metric = _TEXT_METRIC.match(line)
        if metric and metric[1] in _METRICS:
            yield from self._metric(dict(_SAMPLE.findall(metric[2])))
        if not line.lstrip().startswith("{"):
            return
        try:
            event = mapping(msgspec.json.decode(line.strip().rstrip(",")))
        except (msgspec.DecodeError, RecursionError):
            return
        yield from self._event(event)

    def _event(self, event: JsonObject) -> Iterator[_Ends]:
        hubble = mapping(event.get("flow")) or (event if "l4" in event else {})
        if hubble:
            yield from self._hubble(hubble)
        elif "output_fields" in event:
            yield from self._falco(mapping(event["output_fields"]))
        elif "upstream_cluster" in event:
            yield from self._access_log(event)
        for result in sequence(mapping(event.get("data")).get("result")):
            labels = strings(mapping(result).get("metric"))
            if labels.get("__name__", _METRICS[0]) in _METRICS:
                yield from self._metric(labels)

    def _hubble(self, flow: JsonObject) -> Iterator[_Ends]:
        if strings(flow).get("verdict") not in _SEEN or flow.get("is_reply") is True:
            return
        source = self._endpoint(mapping(flow.get("source")), flow, "source")
        target = self._endpoint(mapping(flow.get("destination")), flow, "destination")
        for protocol, fields in mapping(flow.get("l4")).items():
            port = mapping(fields).get("destination_port")
            if source and target and type(port) is int and protocol in ("TCP", "UDP", "SCTP"):
                yield source, [Target(target, protocol, port, "observed")]

    def _endpoint(self, end: JsonObject, flow: JsonObject, side: str) -> Party | None:
        words = strings(end)
        namespace, name = words.get("namespace", ""), words.get("pod_name", "")
        if namespace:
            index = self._pod(namespace, name)
            if index is not None:
                return self._names.parties[index]
            return pods(f"{namespace}/{name or 'a pod'}", namespace, **_labels(end))
        named = [v for v in sequence(flow.get(f"{side}_names")) if isinstance(v, str)]
        address = strings(flow.get("IP")).get(side, "")
        if named and side == "destination":
            return Party("address", named[0].rstrip("."), cidrs=blocks([address]))
        return self._host(address)

    def _host(self, address: str) -> Party | None:
        return Party("address", address, cidrs=blocks([address])) if is_address(address) else None

    def _falco(self, fields: JsonObject) -> Iterator[_Ends]:
        words = strings(fields)
        index = self._pod(words.get("k8s.ns.name", ""), words.get("k8s.pod.name", ""))
        address = words.get("fd.sip") or words.get("fd.rip") or ""
        number = port_number(str(fields.get("fd.sport", fields.get("fd.rport"))))
        kind = words.get("evt.type", "connect")
        if index is None or not number or kind not in ("connect", "sendto", "sendmsg"):
            return
        protocol = words.get("fd.l4proto", "tcp").upper()
        source = self._names.parties[index]
        service = self._cluster_ips.get(address)
        if service is not None:
            mention = Mention(f"{service.name}.{service.namespace}", number)
            yield source, _seen(targets(self._names, mention, service.namespace))
        elif (party := self._host(address)) and protocol in ("TCP", "UDP", "SCTP"):
            yield source, [Target(party, protocol, number, "observed")]

    def _access_log(self, event: JsonObject) -> Iterator[_Ends]:
        parts = strings(event)["upstream_cluster"].split("|") if _is_text(event) else []
        where = strings(event.get("kubernetes"))
        namespace = where.get("namespace_name") or strings(event).get("namespace", "")
        pod = where.get("pod_name") or strings(event).get("pod", "")
        index = self._pod(namespace, pod)
        match parts:
            case ["outbound", port, _, host] if port_number(port) and index is not None:
                source = self._names.parties[index]
                found = targets(self._names, Mention(host, port_number(port)), namespace)
                yield source, _seen(found)

    def _metric(self, labels: dict[str, str]) -> Iterator[_Ends]:
        """Metrics tell both workloads and the Service, not the port."""
        source = self._workload(labels, "source")
        target = self._workload(labels, "destination")
        host = labels.get("destination_service", "")
        if source is None or not host:
            return
        found = _seen(targets(self._names, Mention(host, 0), ""))
        chosen = [t for t in found if target is None or t.party == target]
        yield source, chosen

    def _workload(self, labels: dict[str, str], side: str) -> Party | None:
        wanted = (labels.get(f"{side}_workload_namespace", ""), labels.get(f"{side}_workload", ""))
        for index, workload in enumerate(self._names.workloads):
            if (workload.namespace, workload.name) == wanted:
                return self._names.parties[index]
        return None

    def _pod(self, namespace: str, name: str) -> int | None:
        """The workload of a pod: pods are named after it, with hashes and numbers behind."""
        key = (namespace, name)
        if key not in self._by_pod:
            fits = [
                (len(workload.name), index)
                for index, workload in enumerate(self._names.workloads)
                if workload.namespace == namespace
                and (name == workload.name or name.startswith(f"{workload.name}-"))
            ]
            self._by_pod[key] = max(fits)[1] if fits else None
        return self._by_pod[key]


def _is_text(event: JsonObject) -> bool:
    return isinstance(event.get("upstream_cluster"), str)


def _seen(found: Iterator[Target]) -> list[Target]:
    return [msgspec.structs.replace(target, basis="observed") for target in found]


def _labels(end: JsonObject) -> dict[str, str]:
    """The labels of a pod that last."""
    pairs = (
        text.removeprefix("k8s:").partition("=")
        for text in sequence(end.get("labels"))
        if isinstance(text, str) and text.startswith("k8s:")
    )
    return {key: value for key, _, value in pairs if not _PASSING.search(key)}
