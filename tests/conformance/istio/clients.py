# SPDX-License-Identifier: Apache-2.0
"""How do the recorded snapshots of clients look to our functions?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.mtls.semantics.destination import RuleIndex, parse_rule
from kguard.layers.mtls.semantics.upstream import Client, Endpoint, Target, upstream

Answer = dict[str, Any]


def clusters(snapshot: Answer, policies: Any, *, subset_fallback: bool = True) -> Iterator[Any]:
    """(id, recorded, ours) for every cluster of every client of a snapshot."""
    mesh = snapshot["meshConfig"]
    rules = RuleIndex(
        [
            parse_rule(entry["metadata"]["namespace"], entry)
            for entry in snapshot["objects"]
            if entry["kind"] == "DestinationRule"
        ],
        policies.root,
        mesh.get("defaultDestinationRuleExportTo", ["*"]),
        snapshot["revision"],
    )
    client = Client(policies, mesh.get("enableAutoMtls", True), subset_fallback)
    known = dict(targets(snapshot))
    for number, caller in enumerate(snapshot["clients"]):
        for name, recorded in caller["clusters"].items():
            target = known[recorded["service"], recorded["port"]]
            rule = rules.rule_for(
                caller["namespace"], caller["labels"], recorded["service"], target.namespace
            )
            found = upstream(client, target, rule, recorded["subset"])
            ours = {
                "socket": found.socket.upper(),
                "endpoints": {key: value.upper() for key, value in found.sends.items()},
                "original": found.original_destination,
                "rules": sorted(rule.names) if rule else [],
            }
            yield f"{snapshot['id']}:{number}:{name}", _recorded(recorded), ours


def _recorded(cluster: Answer) -> Answer:
    return {
        "socket": cluster["socket"],
        "endpoints": cluster["endpoints"],
        "original": cluster.get("type") == "ORIGINAL_DST",
        "rules": sorted(cluster.get("destinationRules", [])),
    }


def targets(snapshot: Answer) -> Iterator[tuple[tuple[str, int], Target]]:
    """Every port of every Service and ServiceEntry, by host and number."""
    pods = [entry for entry in snapshot["objects"] if entry["kind"] == "Pod"]
    for entry in snapshot["objects"]:
        if entry["kind"] == "Service":
            yield from _service(entry, pods)
        elif entry["kind"] == "ServiceEntry":
            yield from _service_entry(entry)


def _service(entry: Answer, pods: list[Answer]) -> Iterator[tuple[tuple[str, int], Target]]:
    name, namespace = entry["metadata"]["name"], entry["metadata"]["namespace"]
    chosen = entry["spec"].get("selector") or {"": ""}
    for port in entry["spec"]["ports"]:
        found = []
        for pod in pods:
            metadata = pod["metadata"]
            labels = metadata.get("labels", {})
            number = container_port(port, pod)
            if metadata["namespace"] == namespace and chosen.items() <= labels.items() and number:
                title = f"{namespace}/{metadata['name']}:{number}"
                found.append(Endpoint(title, namespace, labels, number))
        headless = entry["spec"].get("clusterIP") == "None"
        host = f"{name}.{namespace}.svc.cluster.local"
        yield (
            (host, port["port"]),
            Target(namespace, port["port"], tuple(found), passthrough=headless),
        )


def container_port(port: Answer, pod: Answer) -> int | None:
    """The number of a Service port's target in one pod."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for declared in container.get("ports", []):
            if declared.get("name") == target:
                return int(declared["containerPort"])
    return None


def _service_entry(entry: Answer) -> Iterator[tuple[tuple[str, int], Target]]:
    spec, namespace = entry["spec"], entry["metadata"]["namespace"]
    for host in spec["hosts"]:
        for port in spec["ports"]:
            default = port.get("targetPort", port["number"])
            found = []
            for endpoint in spec.get("endpoints", []):
                number = endpoint.get("ports", {}).get(port["name"], default)
                title = f"{endpoint['address']}:{number}"
                found.append(Endpoint(title, namespace, endpoint.get("labels", {}), number))
            if not found and spec.get("resolution") == "DNS":
                found.append(Endpoint(f"{host}:{default}", namespace, {}, default))
            yield (
                (host, port["number"]),
                Target(
                    namespace,
                    port["number"],
                    tuple(found),
                    passthrough=spec.get("resolution", "NONE") == "NONE",
                    external=spec.get("location", "MESH_EXTERNAL") == "MESH_EXTERNAL",
                ),
            )
