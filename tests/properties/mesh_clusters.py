# SPDX-License-Identifier: Apache-2.0
"""Which random clusters are used to try the remedies of the mtls layer?

Small sets of names and ports, so that policies, rules and callers meet. Most are faulty.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

MODES = ("STRICT", "PERMISSIVE", "DISABLE", "UNSET", None)
NAMESPACES = ("istio-system", "shop", "data")
NAMES = ("cart", "redis", "stock", "web")
Object = dict[str, Any]
PLANES = ("istio-injection: enabled", "istio.io/dataplane-mode: ambient")


def cluster(rng: random.Random) -> Iterator[Object]:
    """The objects of one random cluster."""
    plane = rng.choice(PLANES)
    for namespace in NAMESPACES:
        if rng.random() < 0.2:
            plane = rng.choice(PLANES)
        key, _, value = plane.partition(": ")
        labels = {key: value} if namespace != "istio-system" and rng.random() < 0.8 else {}
        yield _object("v1", "Namespace", namespace, "", metadata={"labels": labels})
    if rng.random() < 0.25:
        yield from _settings(rng)
    for namespace in NAMESPACES[1:]:
        for name in rng.sample(NAMES, rng.randint(1, 4)):
            yield _deployment(rng, namespace, name)
            yield _service(rng, namespace, name)
    for number in range(rng.randint(0, 5)):
        yield _policy(rng, number)
    for number in range(rng.randint(0, 2)):
        yield _rule(rng, number)
    if rng.random() < 0.3:
        yield _webhook()
    if rng.random() < 0.25:
        yield from _knative(rng)
    if rng.random() < 0.2:
        yield _gateway(rng)


def _object(version: str, kind: str, name: str, namespace: str, **fields: Any) -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    metadata.update(fields.pop("metadata", {}))
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _deployment(rng: random.Random, namespace: str, name: str) -> Object:
    labels = {"app": name, "tier": rng.choice("ab")}
    annotations = {}
    if rng.random() < 0.15:
        labels["sidecar.istio.io/inject"] = "false"
    if rng.random() < 0.05:
        labels["security.istio.io/tlsMode"] = "disabled"
    if rng.random() < 0.05:
        annotations["sidecar.istio.io/rewriteAppHTTPProbers"] = "false"
    if rng.random() < 0.1:
        annotations["traffic.sidecar.istio.io/excludeInboundPorts"] = "9090"
    container: Object = {
        "name": "c",
        "image": "example.test/c:1",
        "ports": [{"containerPort": port} for port in rng.sample([8080, 8443, 9090], 2)],
    }
    if rng.random() < 0.5:
        peer = f"{rng.choice(NAMES)}.{rng.choice(NAMESPACES[1:])}"
        container["env"] = [{"name": "PEER_URL", "value": f"http://{peer}:80/"}]
    template = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {
            "containers": [container],
            **({"hostNetwork": True} if rng.random() < 0.05 else {}),
        },
    }
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    return _object("apps/v1", "Deployment", name, namespace, spec=spec)


def _service(rng: random.Random, namespace: str, name: str) -> Object:
    ports = [{"name": "http", "port": 80, "targetPort": rng.choice([8080, 8443])}]
    spec: Object = {"selector": {"app": name}, "ports": ports}
    if rng.random() < 0.15:
        spec["type"] = "LoadBalancer"
    elif rng.random() < 0.15:
        spec["clusterIP"] = "None"
    return _object("v1", "Service", name, namespace, spec=spec)


def _policy(rng: random.Random, number: int) -> Object:
    spec: Object = {}
    mode = rng.choice(MODES)
    if mode:
        spec["mtls"] = {"mode": mode}
    if rng.random() < 0.5:
        spec["selector"] = {"matchLabels": {"app": rng.choice(NAMES)}}
        if rng.random() < 0.6:
            port = rng.choice(["8080", "8443", "80"])
            spec["portLevelMtls"] = {port: {"mode": rng.choice(MODES[:4])}}
    metadata: Object = {}
    if rng.random() < 0.5:
        metadata["creationTimestamp"] = f"2026-01-0{rng.randint(1, 3)}T00:00:00Z"
    namespace = rng.choice(NAMESPACES)
    version, kind = "security.istio.io/v1", "PeerAuthentication"
    return _object(version, kind, f"p{number}", namespace, metadata=metadata, spec=spec)


def _rule(rng: random.Random, number: int) -> Object:
    tls = {"mode": rng.choice(["DISABLE", "SIMPLE", "ISTIO_MUTUAL"])}
    policy: Object = {"tls": tls}
    if rng.random() < 0.3:
        policy = {"portLevelSettings": [{"port": {"number": 80}, "tls": tls}]}
    host = f"{rng.choice(NAMES)}.{rng.choice(NAMESPACES[1:])}.svc.cluster.local"
    spec = {"host": rng.choice([host, "*.svc.cluster.local"]), "trafficPolicy": policy}
    namespace = rng.choice(NAMESPACES)
    version, kind = "networking.istio.io/v1", "DestinationRule"
    return _object(version, kind, f"r{number}", namespace, spec=spec)


def _webhook() -> Object:
    service = {"name": "web", "namespace": "shop", "port": 80}
    webhook = {"name": "check.example.test", "clientConfig": {"service": service}}
    version, kind = "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"
    return _object(version, kind, "check", "", webhooks=[webhook])


def _settings(rng: random.Random) -> Iterator[Object]:
    """MeshConfig: automatic mutual TLS off, or tunnels for sidecars."""
    lines = rng.choice(
        [
            "enableAutoMtls: false\n",
            "defaultConfig: {proxyMetadata: {ISTIO_META_ENABLE_HBONE: 'true'}}\n",
            "rootNamespace: istio-system\n",
        ]
    )
    yield _object("v1", "ConfigMap", "istio", "istio-system", data={"mesh": lines})


def _knative(rng: random.Random) -> Iterator[Object]:
    """A Knative Service, the activator in front of it, and how pods are called."""
    labels = {"istio-injection": "enabled"} if rng.random() < 0.5 else {}
    yield _object("v1", "Namespace", "knative-serving", "", metadata={"labels": labels})
    template = {"spec": {"containers": [{"image": "example.test/c:1"}]}}
    version = "serving.knative.dev/v1"
    yield _object(version, "Service", "hello", "shop", spec={"template": template})
    mode = {"mesh-compatibility-mode": rng.choice(["auto", "enabled", "disabled"])}
    yield _object("v1", "ConfigMap", "config-network", "knative-serving", data=mode)
    ports = [{"containerPort": 8012}, {"containerPort": 8013}]
    pods = {
        "metadata": {"labels": {"app": "activator"}},
        "spec": {"containers": [{"name": "c", "image": "example.test/c:1", "ports": ports}]},
    }
    spec = {"selector": {"matchLabels": {"app": "activator"}}, "template": pods}
    yield _object("apps/v1", "Deployment", "activator", "knative-serving", spec=spec)


def _gateway(rng: random.Random) -> Object:
    servers: list[Object] = [
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["a.example"]}
    ]
    if rng.random() < 0.5:
        port = {"number": 443, "name": "https", "protocol": "HTTPS"}
        tls = {"mode": "SIMPLE", "credentialName": "edge"}
        servers.append({"port": port, "hosts": ["a.example"], "tls": tls})
    spec = {"selector": {"istio": "ingressgateway"}, "servers": servers}
    return _object("networking.istio.io/v1", "Gateway", "edge", "istio-system", spec=spec)
