# SPDX-License-Identifier: Apache-2.0
"""Which pods does the API server call: admission webhooks, aggregated APIs, conversions?

Authority: admissionregistration/v1 types.go (clientConfig.service, port 443 by default),
kube-aggregator apiregistration/v1 types.go (APIService `spec.service`), apiextensions/v1 types.go
(CustomResourceDefinition `spec.conversion.webhook`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory
from kguard.layers.network.intent.components import API_SERVER
from kguard.layers.network.intent.model import Flow, Party, flows
from kguard.layers.network.intent.names import Names
from kguard.layers.network.intent.targets import behind
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_WEBHOOKS = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
_HTTPS = 443

_Call = tuple[Manifest, str, JsonObject]
"""The object, where it names a Service, and how."""


def webhook_flows(names: Names) -> Iterator[Flow]:
    """The API server to the pods behind the Services that it is told to call."""
    source = Party("address", API_SERVER)
    for manifest, place, client in _calls(names.inventory):
        words = strings(client)
        service = names.service(f"{words.get('name', '')}.{words.get('namespace', '')}", "")
        if service is None:
            continue
        port = client.get("port")
        found = behind(names, service, port if type(port) is int and port else _HTTPS)
        note = f"{manifest.kind} {manifest.name} lets the API server call it"
        targets = [msgspec.structs.replace(target, basis="webhook") for target in found]
        yield from flows(source, targets, Evidence(manifest.id, place, note))


def _calls(inventory: Inventory) -> Iterator[_Call]:
    for kind in _WEBHOOKS:
        for manifest in inventory.of(kind, "admissionregistration.k8s.io"):
            for number, entry in enumerate(sequence(manifest.object.get("webhooks"))):
                client = mapping(mapping(mapping(entry).get("clientConfig")).get("service"))
                yield manifest, pointer("webhooks", number, "clientConfig", "service"), client
    for manifest in inventory.of("APIService", "apiregistration.k8s.io"):
        yield manifest, "/spec/service", mapping(manifest.spec.get("service"))
    for manifest in inventory.of("CustomResourceDefinition", "apiextensions.k8s.io"):
        webhook = mapping(mapping(manifest.spec.get("conversion")).get("webhook"))
        client = mapping(mapping(webhook.get("clientConfig")).get("service"))
        if client:
            yield manifest, "/spec/conversion/webhook/clientConfig/service", client
