# SPDX-License-Identifier: Apache-2.0
"""How do the recorded listeners look to our functions?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.mtls.semantics import inbound, peerauth
from tests.conformance.istio.clients import container_port

Json = dict[str, Any]
CALLS = {
    "plaintextHTTP": ("plaintext", "http"),
    "plaintextTCP": ("plaintext", "tcp"),
    "mtlsHTTP": ("mtls", "http"),
    "mtlsTCP": ("mtls", "tcp"),
    "tlsHTTP": ("tls", "http"),
    "tlsTCP": ("tls", "tcp"),
}


def listeners(snapshot: Json) -> Iterator[tuple[str, Any, Any]]:
    """(id, recorded, ours) for every port of every pod: which of four calls get through."""
    root = snapshot["meshConfig"].get("rootNamespace", "istio-system")
    found = [entry for entry in snapshot["objects"] if entry["kind"] == "PeerAuthentication"]
    policies = peerauth.index(
        (peerauth.parse(entry["metadata"]["namespace"], entry) for entry in found),
        root,
        snapshot["revision"],
    )
    for pod in (entry for entry in snapshot["objects"] if entry["kind"] == "Pod"):
        metadata = pod["metadata"]
        name = f"{metadata['namespace']}/{metadata['name']}"
        chain = policies.chain(metadata["namespace"], metadata.get("labels", {}))
        for port, recorded in snapshot["accepts"].get(name, {}).items():
            mode = peerauth.port_decision(chain, int(port)).mode
            protocol = None
            if not any(entry["kind"] == "Sidecar" for entry in snapshot["objects"]):
                protocol = protocol_at(snapshot["objects"], pod, int(port))
            calls = {call: kind for call, kind in CALLS.items() if call in recorded}
            ours = {call: inbound.accepts(mode, protocol, *kind) for call, kind in calls.items()}
            passed = {call: not recorded[call].startswith("error") for call in calls}
            yield f"{snapshot['id']}:{name}:{port}", passed, ours


def protocol_at(objects: list[Json], pod: Json, number: int) -> inbound.Protocol | None:
    """What the first Service that leads to the port says of it; None where none does."""
    services = [
        (entry["metadata"].get("creationTimestamp", ""), entry["metadata"]["name"], entry)
        for entry in objects
        if entry["kind"] == "Service"
        and entry["metadata"]["namespace"] == pod["metadata"]["namespace"]
        and entry["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    ]
    for _, _, service in sorted(services, key=lambda found: found[:2]):
        for port in service["spec"]["ports"]:
            if container_port(port, pod) == number:
                return inbound.protocol_of(
                    port["port"], port.get("name", ""), port.get("appProtocol", "")
                )
    return None
