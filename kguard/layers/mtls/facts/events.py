# SPDX-License-Identifier: Apache-2.0
"""Do sources of events talk to their brokers in plaintext?

Kafka lies outside the mesh as a rule: no PeerAuthentication protects what a KafkaSource reads, only
its own TLS settings do. Authority: knative-extensions/eventing-kafka-broker, KafkaNetSpec.
"""

from __future__ import annotations

from kguard.layers.mtls.facts.view import View
from kguard.model.facts import mtls as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest, mapping, sequence


def event_facts(view: View) -> list[model.EventSource]:
    """Every KafkaSource of the input, by name."""
    return [_source(found) for found in view.inventory.of("KafkaSource", "sources.knative.dev")]


def _source(manifest: Manifest) -> model.EventSource:
    servers = manifest.spec.get("bootstrapServers")
    names = [text for text in sequence(servers) if isinstance(text, str)]
    if isinstance(servers, str):
        names = [servers]
    tls = mapping(mapping(manifest.spec.get("net")).get("tls"))
    encrypted = tls.get("enable") is True
    pointer = "/spec/net/tls" if tls else "/spec/bootstrapServers"
    note = (
        "TLS is on" if encrypted else "no spec.net.tls.enable: the brokers are asked in plaintext"
    )
    return model.EventSource(
        ref=manifest.ref,
        brokers=", ".join(names) or "its brokers",
        transport="tls" if encrypted else "plaintext",
        because=[Evidence(manifest.id, pointer, note)],
    )
