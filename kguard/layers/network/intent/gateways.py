# SPDX-License-Identifier: Apache-2.0
"""From which pods do requests come that enter through an ingress or a gateway?

Authority: knative-extensions/net-istio config/203-local-gateway.yaml and
net-kourier config (the ports that Knative's gateways listen on), istio.io "Gateway injection" (pods
of a Gateway API gateway carry `gateway.networking.k8s.io/gateway-name`).
"""

from __future__ import annotations

from kguard.inventory import Inventory
from kguard.layers.network.intent.components import (
    ISTIO_GATEWAY,
    KNATIVE_GATEWAY,
    KOURIER_GATEWAY,
)
from kguard.layers.network.intent.model import Party, pods, somewhere
from kguard.model.manifests import Manifest, strings

LOCAL_HTTP, LOCAL_HTTPS = 8081, 8444
"""Where Knative's cluster-local gateway listens on the gateway pods."""

_CONTROLLERS = {
    "nginx": pods("ingress-nginx", "ingress-nginx", **{"app.kubernetes.io/name": "ingress-nginx"}),
    "traefik": pods("Traefik", "traefik", **{"app.kubernetes.io/name": "traefik"}),
    "istio": ISTIO_GATEWAY,
}


def knative_gateway(inventory: Inventory) -> Party:
    """The pods of Knative's ingress gateway."""
    if "kourier-system" in inventory.namespaces:
        return KOURIER_GATEWAY
    if _has_istio(inventory):
        root = inventory.value("root-namespace") or "istio-system"
        return pods(ISTIO_GATEWAY.name, root, istio="ingressgateway")
    return KNATIVE_GATEWAY


def local_gateway(inventory: Inventory, *, tls: bool) -> tuple[Party, int]:
    """The gateway that cluster-local requests to Knative Services go through, and its port."""
    return knative_gateway(inventory), LOCAL_HTTPS if tls else LOCAL_HTTP


def _has_istio(inventory: Inventory) -> bool:
    if "istio-system" in inventory.namespaces:
        return True
    return any(group.endswith(".istio.io") for group in inventory.groups)


def ingress_controller(manifest: Manifest) -> Party:
    """The controller that serves an Ingress, as far as its class tells."""
    words = strings(manifest.spec)
    named = words.get("ingressClassName") or manifest.annotations.get("kubernetes.io/ingress.class")
    found = _CONTROLLERS.get(named or "")
    return found or somewhere("the ingress controller")


def gateway_pods(gateway: Manifest) -> Party:
    """The pods of an Istio or Gateway API gateway."""
    if gateway.group == "networking.istio.io":
        selector = strings(gateway.spec.get("selector"))
        if not selector:
            return somewhere(f"gateway {gateway.name}")
        # Istio looks for the pods in every namespace; by default they are in the root namespace.
        labels = tuple(sorted(selector.items()))
        place = "istio-system" if selector.get("istio") else gateway.namespace
        return Party("pods", f"gateway {gateway.name}", namespace=place, labels=labels)
    if strings(gateway.spec).get("gatewayClassName") == "istio":
        label = (("gateway.networking.k8s.io/gateway-name", gateway.name),)
        name = f"gateway {gateway.name}"
        return Party("pods", name, namespace=gateway.namespace, labels=label)
    return somewhere(f"gateway {gateway.name}")
