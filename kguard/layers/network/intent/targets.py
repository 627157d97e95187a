# SPDX-License-Identifier: Apache-2.0
"""Where does a host name lead: pods of the input, pods elsewhere, the API server, outside?

Authority: core/v1 types.go (ExternalName; a Service without selector gets its addresses from an
Endpoints object of its name); default/kubernetes is the API server
(pkg/controlplane/controller/kubernetesservice); knative/eventing
config/channels/in-memory-channel (a channel's Service `NAME-kn-channel` leads to its dispatcher);
Strimzi's labels of broker pods (strimzi.io/cluster, strimzi.io/kind).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kguard.inventory import Inventory
from kguard.inventory.mentions import Mention, is_address
from kguard.layers.network.intent import components
from kguard.layers.network.intent.gateways import local_gateway
from kguard.layers.network.intent.model import Party, Target
from kguard.layers.network.intent.names import Names, blocks
from kguard.layers.network.semantics.services import Service, target_ports
from kguard.model.facts.network import Basis
from kguard.model.manifests import mapping, sequence, strings

_HTTPS = 443
_DOMAIN = re.compile(r"\.(?!local$|svc$|internal$|cluster$)[a-z]{2,}$")
"""How a host name ends that public DNS may know."""
_TOP = frozenset(
    ("ai", "app", "cloud", "co", "com", "dev", "edu", "gov", "info", "io", "net", "org")
)
_COUNTRY = 2
_STRIMZI = re.compile(r"(?P<cluster>[a-z0-9.-]+)-kafka-(?:bootstrap|brokers)")


def targets(names: Names, mention: Mention, namespace: str) -> Iterator[Target]:
    """What an address means to pods of a namespace; nothing where that cannot be told."""
    if is_address(mention.host):
        yield from _literal(mention)
        return
    service = names.service(mention.host, namespace)
    if service is not None:
        yield from behind(names, service, mention.port)
    elif names.knative(mention.host, namespace) is not None:
        gateway, port = local_gateway(names.inventory, tls=mention.port == _HTTPS)
        note = f" (a Knative Service, reached through {gateway.name})"
        yield Target(gateway, "TCP", port, "knative", note)
    elif not mention.host.startswith("localhost"):
        yield from _elsewhere(names, mention, namespace)


def behind(names: Names, service: Service, port: int | str) -> Iterator[Target]:
    """The pods behind a Service, or what it stands for; port 0 means each of its ports."""
    if service.external_name:
        mention = Mention(service.external_name, port if isinstance(port, int) else 0)
        yield from _elsewhere(names, mention, service.manifest.namespace)
        return
    for entry in service.port(port or None):
        for index in service.workloads:
            for number in target_ports(entry, names.workloads[index]):
                party = names.parties[index]
                yield Target(party, entry.protocol, number, "environment")
        if not service.selector:
            yield from _endpoints(names, service, entry.protocol, entry.target or entry.number)


def _endpoints(names: Names, service: Service, protocol: str, port: int | str) -> Iterator[Target]:
    """The addresses that somebody wrote down for a Service without a selector."""
    manifest = service.manifest
    found = names.inventory.find("Endpoints", "", manifest.namespace, manifest.name)
    subsets = sequence(found.object.get("subsets")) if found else []
    cidrs = blocks(ip for subset in subsets for ip in _ips(subset))
    if cidrs and isinstance(port, int):
        yield Target(Party("address", manifest.name, cidrs=cidrs), protocol, port, "outside")


def _ips(subset: object) -> Iterator[str]:
    for entry in sequence(mapping(subset).get("addresses")):
        yield strings(entry).get("ip", "")


def _literal(mention: Mention) -> Iterator[Target]:
    if mention.port:
        party = Party("address", mention.host, cidrs=blocks([mention.host]))
        yield Target(party, "TCP", mention.port, "outside")


def _elsewhere(names: Names, mention: Mention, namespace: str) -> Iterator[Target]:
    """Hosts that no Service of the input stands for."""
    space, name = names.split(mention.host, namespace)
    if (space, name) == ("default", "kubernetes"):
        yield from api_server(names)
        return
    known = _known(space, name)
    if known is not None:
        party, port, basis = known
        yield Target(party, "TCP", port or mention.port or _HTTPS, basis)
    elif mention.port and _is_inside(names, mention, space, namespace):
        # The Service is not in the input, so neither are the labels of the pods behind it.
        party = Party("pods", mention.host, namespace=space)
        yield Target(party, "TCP", mention.port, "environment")
    elif mention.port and _is_outside(names, mention.host, space):
        yield Target(Party("address", mention.host), "TCP", mention.port, "outside")


def _known(space: str, name: str) -> tuple[Party, int, Basis] | None:
    """Pods that stand behind well-known Services of systems that are not in the input."""
    found = components.SERVICES.get((space, name))
    if found is not None:
        return found, components.HTTP, "eventing"
    if name.endswith("-kn-channel"):
        return components.DISPATCHER, components.HTTP, "eventing"
    strimzi = _STRIMZI.fullmatch(name)
    if strimzi and space:
        labels = (("strimzi.io/cluster", strimzi["cluster"]), ("strimzi.io/kind", "Kafka"))
        party = Party("pods", f"Kafka {strimzi['cluster']}", namespace=space, labels=labels)
        return party, 0, "kafka"
    return None


def _is_inside(names: Names, mention: Mention, space: str, own: str) -> bool:
    """Whether a host is a Service of another namespace; in the own one it would be in the input."""
    if space in ("", own):
        return False
    if names.internal(mention.host):
        return True
    top = mention.host.rpartition(".")[2]
    return space in names.inventory.namespaces or (top not in _TOP and len(top) > _COUNTRY)


def _is_outside(names: Names, host: str, space: str) -> bool:
    return space not in names.inventory.namespaces and bool(_DOMAIN.search(host))


def api_server(names: Names) -> Iterator[Target]:
    """The API server: the endpoints of default/kubernetes where they are in the input."""
    found = list(api_endpoints(names.inventory))
    for cidrs, port in found or [((), port) for port in components.API_PORTS]:
        yield Target(Party("address", components.API_SERVER, cidrs=cidrs), "TCP", port, "apiserver")


def api_endpoints(inventory: Inventory) -> Iterator[tuple[tuple[str, ...], int]]:
    """(address blocks, port) of the API server, as far as the input tells."""
    found = inventory.find("Endpoints", "", "default", "kubernetes")
    for subset in sequence(found.object.get("subsets")) if found else ():
        cidrs = blocks(_ips(subset))
        for entry in sequence(mapping(subset).get("ports")):
            port = mapping(entry).get("port")
            if cidrs and type(port) is int:
                yield cidrs, port
