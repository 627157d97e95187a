# SPDX-License-Identifier: Apache-2.0
"""Which Services are there, where do their ports lead, and which does the API server call?"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.mtls.semantics.visibility import exported_by
from kguard.model.manifests import Manifest, mapping, sequence, strings


class ServicePort(msgspec.Struct, frozen=True):
    """One port of a Service; `target` is a number, a port name, or 0 where neither is written."""

    number: int
    name: str
    target: int | str
    protocol: str
    application: str = ""
    """Its `appProtocol`."""


class Service(msgspec.Struct, frozen=True, eq=False):
    """A Service that selects pods."""

    manifest: Manifest
    selector: dict[str, str]
    ports: tuple[ServicePort, ...]
    headless: bool
    export: frozenset[str] = frozenset()
    """The namespaces that its annotation names; empty where the mesh's default counts."""

    def targets(self, port: ServicePort, workload: Workload) -> list[int]:
        """The ports of the workload's pods that a port of the Service leads to."""
        if isinstance(port.target, int):
            return [port.target or port.number]
        return sorted({p.number for p in workload.ports if p.name == port.target})


HTTPS = 443
"""The port that the API server calls where none is written."""


def service_of(manifest: Manifest) -> Service:
    """Read a Service; what is malformed counts as absent."""
    spec = manifest.spec
    return Service(
        manifest,
        strings(spec.get("selector")),
        tuple(_ports(spec.get("ports"))),
        spec.get("clusterIP") == "None",
        exported_by(manifest.annotations),
    )


def _ports(value: object) -> Iterator[ServicePort]:
    for entry in sequence(value):
        fields = mapping(entry)
        number, target = fields.get("port"), fields.get("targetPort")
        if type(number) is not int:
            continue
        if isinstance(target, str) and target.isdecimal() and target.isascii():
            target = int(target)
        known = target if type(target) is int or isinstance(target, str) else 0
        words = strings(entry)
        protocol, application = words.get("protocol", "TCP"), words.get("appProtocol", "")
        yield ServicePort(number, words.get("name", ""), known, protocol, application)


def api_references(inventory: Inventory) -> Iterator[tuple[str, dict[str, object]]]:
    """What the API server calls: (`Manifest.id` of what says so, the reference to a Service)."""
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"):
        for manifest in inventory.of(kind, "admissionregistration.k8s.io"):
            for entry in sequence(manifest.object.get("webhooks")):
                config = mapping(mapping(entry).get("clientConfig"))
                yield manifest.id, mapping(config.get("service"))
    for manifest in inventory.of("APIService", "apiregistration.k8s.io"):
        yield manifest.id, mapping(manifest.spec.get("service"))
    for manifest in inventory.of("CustomResourceDefinition", "apiextensions.k8s.io"):
        webhook = mapping(mapping(manifest.spec.get("conversion")).get("webhook"))
        yield manifest.id, mapping(mapping(webhook.get("clientConfig")).get("service"))
