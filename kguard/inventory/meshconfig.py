# SPDX-License-Identifier: Apache-2.0
"""What is the mesh's own configuration: MeshConfig, the injector's?

Read from the ConfigMaps that istiod reads (`istio[-REV]` key `mesh`, `istio-sidecar-injector[-REV]`
key `config`) or from the objects that installers turn into them (IstioOperator, the Sail
operator's Istio). Defaults: istio/istio pkg/config/mesh/mesh.go `DefaultMeshConfig`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import injection
from kguard.inventory.index import Inventory
from kguard.inventory.injection import NodeAgent
from kguard.model.manifests import JsonObject, Manifest, mapping, sequence, strings

_MAX_DIGITS = 5
MAX_EMBEDDED = 1 << 20
"""Longest embedded document that is parsed, in characters: what a ConfigMap can hold."""


class MeshConfig(msgspec.Struct, frozen=True):
    """The settings that matter to mutual TLS."""

    ref: str = ""
    """The object that holds them; empty for Istio's defaults."""
    pointer: str = ""
    auto_mtls: bool = True
    default_export: tuple[str, ...] = ("*",)
    """Of DestinationRules."""
    default_route_export: tuple[str, ...] = ("*",)
    """Of VirtualServices."""
    default_service_export: tuple[str, ...] = ("*",)
    proxy_metadata: dict[str, str] = {}
    discovery_selectors: tuple[JsonObject, ...] = ()
    outbound: str = "ALLOW_ANY"
    """What proxies do with calls to what they do not know; `REGISTRY_ONLY` drops them."""


def mesh_config(inventory: Inventory) -> MeshConfig:
    """The mesh's configuration; Istio's defaults where the input has none."""
    for ref, place, value in _sources(inventory):
        outbound = mapping(value.get("outboundTrafficPolicy")).get("mode", "ALLOW_ANY")
        metadata = mapping(mapping(value.get("defaultConfig")).get("proxyMetadata"))
        return MeshConfig(
            ref,
            place,
            auto_mtls=value.get("enableAutoMtls") is not False,
            default_export=_export(value, "defaultDestinationRuleExportTo"),
            default_route_export=_export(value, "defaultVirtualServiceExportTo"),
            default_service_export=_export(value, "defaultServiceExportTo"),
            proxy_metadata={str(k): str(v) for k, v in metadata.items()},
            discovery_selectors=tuple(
                mapping(s) for s in sequence(value.get("discoverySelectors"))
            ),
            outbound=str(outbound),
        )
    return MeshConfig()


def _export(value: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(str(entry) for entry in sequence(value.get(key)) if entry) or ("*",)


class CaptureDefault(msgspec.Struct, frozen=True):
    """What an annotation about captured traffic is for pods that do not bear it."""

    value: str
    ref: str
    pointer: str


_VALUES = {
    "includeInboundPorts": "traffic.sidecar.istio.io/includeInboundPorts",
    "excludeInboundPorts": "traffic.sidecar.istio.io/excludeInboundPorts",
    "includeOutboundPorts": "traffic.sidecar.istio.io/includeOutboundPorts",
    "excludeOutboundPorts": "traffic.sidecar.istio.io/excludeOutboundPorts",
    "includeIPRanges": "traffic.sidecar.istio.io/includeOutboundIPRanges",
    "excludeIPRanges": "traffic.sidecar.istio.io/excludeOutboundIPRanges",
}


def capture_defaults(inventory: Inventory) -> dict[str, CaptureDefault]:
    """What the injector and MeshConfig say about captured traffic, by annotation.

    The charts write their values `global.proxy` into the injector's ConfigMap; the injection
    template (files/injection-template.yaml) takes them where a pod has no annotation.
    """
    found = {}
    for manifest in inventory.of("ConfigMap"):
        if manifest.name.startswith("istio-sidecar-injector"):
            proxy = mapping(mapping(embedded(manifest, "values").get("global")).get("proxy"))
            for key, annotation in _VALUES.items():
                if isinstance(proxy.get(key), str):
                    found[annotation] = CaptureDefault(proxy[key], manifest.id, "/data/values")
            break
    for ref, place, value in _sources(inventory):
        mode = mapping(value.get("defaultConfig")).get("interceptionMode")
        if isinstance(mode, str):
            found["sidecar.istio.io/interceptionMode"] = CaptureDefault(mode, ref, place)
        break
    return found


def injector_config(inventory: Inventory) -> JsonObject:
    """The injector's configuration, empty where the input has none."""
    for manifest in inventory.of("ConfigMap"):
        if manifest.name.startswith("istio-sidecar-injector"):
            return embedded(manifest, "config")
    return {}


def node_agent(inventory: Inventory) -> NodeAgent:
    """What istio-cni is told about ambient; its chart's defaults where the input has none."""
    for manifest in inventory.of("ConfigMap"):
        if manifest.name == "istio-cni-config":
            data = strings(manifest.object.get("data"))
            selectors = parsed_value(data.get("AMBIENT_ENABLEMENT_SELECTOR", ""))
            return injection.node_agent(data, manifest.namespace, selectors, manifest.id)
    return NodeAgent()


def injects_by_default(inventory: Inventory) -> bool:
    """Whether the charts' value `enableNamespacesByDefault` is set where it can be seen."""
    for manifest in inventory.of("ConfigMap"):
        if manifest.name.startswith("istio-sidecar-injector"):
            return _by_default(embedded(manifest, "values"))
    for kind, group in (("IstioOperator", "install.istio.io"), ("Istio", "sailoperator.io")):
        for manifest in inventory.of(kind, group):
            if _by_default(mapping(manifest.spec.get("values"))):
                return True
    return False


def _by_default(values: JsonObject) -> bool:
    webhook = mapping(values.get("sidecarInjectorWebhook"))
    return webhook.get("enableNamespacesByDefault") is True


def embedded(manifest: Manifest, key: str) -> JsonObject:
    """A YAML document inside a ConfigMap; empty where it is missing or cannot be read."""
    return parsed(strings(manifest.object.get("data")).get(key, ""))


def parsed(text: str) -> JsonObject:
    """A YAML document inside a string; empty where it cannot be read."""
    return mapping(parsed_value(text))


def parsed_value(text: str) -> object:
    """The same for a document that need not be an object; None where it cannot be read."""
    if not text or len(text) > MAX_EMBEDDED:
        return None
    from kguard.sources.yaml import Document, load

    for document in load(text.encode(errors="replace")):
        return document.value if isinstance(document, Document) else None
    return None


def _sources(inventory: Inventory) -> Iterator[tuple[str, str, JsonObject]]:
    for manifest in inventory.of("ConfigMap"):
        if manifest.name == "istio" or manifest.name.startswith("istio-"):
            value = embedded(manifest, "mesh")
            if value:
                yield manifest.id, "/data/mesh", value
    for manifest in inventory.of("IstioOperator", "install.istio.io"):
        value = mapping(manifest.spec.get("meshConfig"))
        if value:
            yield manifest.id, "/spec/meshConfig", value
    for manifest in inventory.of("Istio", "sailoperator.io"):
        value = mapping(mapping(manifest.spec.get("values")).get("meshConfig"))
        if value:
            yield manifest.id, "/spec/values/meshConfig", value


def providers(inventory: Inventory) -> Iterator[tuple[str, str, str, int]]:
    """(object, place, host, port) of each Service that proxies send traces or logs to."""
    for ref, place, value in _sources(inventory):
        for entry in sequence(value.get("extensionProviders")):
            for provider in mapping(entry).values():
                host = strings(provider).get("service", "").rpartition("/")[2]
                port = mapping(provider).get("port")
                if host and type(port) is int:
                    yield ref, place, host, port
        tracing = mapping(mapping(value.get("defaultConfig")).get("tracing"))
        for provider in tracing.values():
            host, _, text = strings(provider).get("address", "").rpartition(":")
            if host and text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
                yield ref, place, host, int(text)
