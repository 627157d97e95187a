# SPDX-License-Identifier: Apache-2.0
"""Which meshes do we ask istiod's own code about?

Random snapshots of Kubernetes and Istio objects, the same for the same seed: policies of every
scope with equal and different ages and names, rules that hide and merge one another, Services of
every kind, pods with and without a sidecar. Names and labels come from small sets, so that things
meet. What Istio's validation refuses is not made.
"""

from __future__ import annotations

from random import Random
from typing import Any

from support.generators.mesh_rules import egress, rule

Json = dict[str, Any]

PORTS = (80, 443, 3306, 8080, 8443, 9000, 9090)
UNNAMED_PORT = 65001
"""A port that no policy and no Service names."""
_ROOTS = ("istio-system", "istio-system", "istio-system", "mesh-root", "shop")
_REVISIONS = ("default", "default", "", "canary")
_MODES = ("STRICT", "STRICT", "PERMISSIVE", "DISABLE", "UNSET")
_NAMES = ("a", "b", "default", "legacy", "m", "strict-all", "x1", "zz")
_LABELS = {"app": ("a", "b", "c"), "tier": ("db", "web"), "version": ("v1", "v2")}
_TIMES = ("2025-03-01T12:00:00Z", "2025-03-01T12:00:01Z", "2025-03-02T12:00:00Z")
_TLS_LABEL = "security.istio.io/tlsMode"
_SERVER_TLS = {
    "mode": "SIMPLE",
    "serverCertificate": "/etc/certs/s.pem",
    "privateKey": "/etc/certs/k.pem",
}
_EXPORTS = ("*", ".", "~", "client", "shop", " web", "x")
_POLICY_COUNTS = ((0, 0, 1, 1, 2, 3), (0, 1, 2, 4))


class Mesh:
    """One random mesh; its objects share a root namespace, a revision and sets of names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.random = Random(name)
        self.root = self.random.choice(_ROOTS)
        self.revision = self.random.choice(_REVISIONS)
        self.dated = not self.chance(0.2)
        self.places = sorted({"shop", "web", self.root, "istio-system"})
        self.settings: Json = {"rootNamespace": self.root}
        self.objects: list[Json] = []
        self._used: set[tuple[str, str, str]] = set()
        for place in sorted({*self.places, "client"}):
            self.add("v1", "Namespace", {"name": place}, None)

    def chance(self, share: float) -> bool:
        """True in a share of the cases."""
        return self.random.random() < share

    def add(self, version: str, kind: str, metadata: Json, spec: Json | None) -> Json:
        """Put an object into the mesh."""
        made = {"apiVersion": version, "kind": kind, "metadata": metadata}
        self.objects.append(made if spec is None else {**made, "spec": spec})
        return self.objects[-1]

    def meta(self, kind: str, namespace: str) -> Json:
        """Metadata under a name that is free; dated, and of a revision, or not."""
        name = self.random.choice(_NAMES)
        while (kind, namespace, name) in self._used:
            name += self.random.choice("0123456789")
        self._used.add((kind, namespace, name))
        found: Json = {"name": name, "namespace": namespace}
        if self.dated:
            found["creationTimestamp"] = self.random.choice(_TIMES)
        if self.chance(0.1):
            found["labels"] = {"istio.io/rev": self.random.choice(("default", "canary", "old"))}
        return found

    def labels(self) -> dict[str, str]:
        """Labels of a pod."""
        found = {k: self.random.choice(v) for k, v in _LABELS.items() if self.chance(0.7)}
        return found or {"app": "a"}

    def wanted(self) -> dict[str, str]:
        """Labels that a selector asks for."""
        key = self.random.choice(sorted(_LABELS))
        found = {key: self.random.choice(_LABELS[key])}
        return {**found, **self.labels()} if self.chance(0.3) else found

    def snapshot(self, ask: Json) -> Json:
        """The line for the oracle; the order of the objects means nothing."""
        self.random.shuffle(self.objects)
        return {
            "id": self.name,
            "meshConfig": self.settings,
            "revision": self.revision,
            "objects": self.objects,
            "ask": ask,
        }

    def policies(self) -> None:
        """PeerAuthentications of all scopes."""
        wide, narrow = _POLICY_COUNTS
        for place in self.places:
            for _ in range(self.random.choice(wide)):
                self._policy(place, self.random.choice(({}, None, {"matchLabels": {}})))
            for _ in range(self.random.choice(narrow)):
                self._policy(place, {"matchLabels": self.wanted()})

    def _policy(self, place: str, selector: Json | None) -> None:
        spec: Json = {} if selector is None else {"selector": selector}
        mtls = self.random.choice((None, {}, *({"mode": mode} for mode in _MODES * 2)))
        if mtls is not None:
            spec["mtls"] = mtls
        if selector and selector["matchLabels"] and self.chance(0.5):
            ports = self.random.sample(PORTS, self.random.choice((1, 1, 2, 3)))
            spec["portLevelMtls"] = {
                str(port): {"mode": self.random.choice(_MODES)} if self.chance(0.9) else {}
                for port in ports
            }
        metadata = self.meta("PeerAuthentication", place)
        self.add("security.istio.io/v1", "PeerAuthentication", metadata, spec)

    def pods(self, count: int, sidecars: float) -> list[Json]:
        """Pods with addresses; a share of them says that it has a sidecar."""
        return [self._pod(number, sidecars) for number in range(count)]

    def _pod(self, number: int, sidecars: float) -> Json:
        labels = self.labels()
        if self.chance(sidecars):
            labels[_TLS_LABEL] = "istio" if self.chance(0.9) else "disabled"
        numbers = self.random.sample(PORTS, self.random.choice((1, 2, 3)))
        ports: list[Json] = [{"containerPort": port, "protocol": "TCP"} for port in numbers]
        ports[0]["name"] = "main"
        place = self.random.choice(("shop", "web", "web"))
        metadata = {"name": f"p{number}", "namespace": place, "labels": labels}
        container = {"name": "main", "image": "example.test/app:1", "ports": ports}
        pod = self.add("v1", "Pod", metadata, {"containers": [container]})
        address = f"10.1.0.{number + 10}"
        ready = [{"type": "Ready", "status": "True"}]
        ips = [{"ip": address}]
        pod["status"] = {"phase": "Running", "podIP": address, "podIPs": ips, "conditions": ready}
        return pod

    def services(self, count: int) -> list[str]:
        """Services with a selector, headless or not; their full names."""
        return [self._service(number) for number in range(count)]

    def _service(self, number: int) -> str:
        place = self.random.choice(("shop", "web", "web"))
        ports: list[Json] = []
        for port in self.random.sample((80, 8000, 8080), self.random.choice((1, 1, 2))):
            name = f"{self.random.choice(('http', 'tcp', 'https', 'grpc', 'web'))}-{len(ports)}"
            entry: Json = {"name": name, "port": port, "protocol": "TCP"}
            if self.chance(0.8):
                entry["targetPort"] = self.random.choice((*PORTS, "main"))
            ports.append(entry)
        address = "None" if self.chance(0.25) else f"10.96.0.{number + 10}"
        spec = {"clusterIP": address, "selector": self.wanted(), "ports": ports}
        self.add("v1", "Service", {"name": f"s{number}", "namespace": place}, spec)
        return f"s{number}.{place}.svc.cluster.local"

    def entry(self) -> str:
        """A ServiceEntry; its host."""
        resolution = self.random.choice(("STATIC", "DNS", "NONE"))
        location = self.random.choice(("MESH_INTERNAL", "MESH_EXTERNAL"))
        spec: Json = {
            "hosts": ["db.example.com"],
            "resolution": resolution,
            "location": location,
            "ports": [{"number": 5432, "name": "tcp", "protocol": "TCP"}],
        }
        if resolution == "STATIC":
            labels = {**self.labels(), **({_TLS_LABEL: "istio"} if self.chance(0.5) else {})}
            spec["endpoints"] = [{"address": "192.0.2.1", "labels": labels}]
        place = self.random.choice(("shop", "web"))
        metadata = self.meta("ServiceEntry", place)
        metadata.pop("labels", None)
        self.add("networking.istio.io/v1", "ServiceEntry", metadata, spec)
        return "db.example.com"

    def client(self, place: str) -> Json:
        """A pod that calls."""
        return {"namespace": place, "labels": {"app": "curl", "role": self.random.choice("xy")}}

    def sidecar(self, hosts: list[str]) -> None:
        """A Sidecar that imports some services."""
        spec = self._selected({"egress": egress(self.random, hosts)})
        self.add("networking.istio.io/v1", "Sidecar", self._sidecar_meta(), spec)

    def ending(self) -> None:
        """A Sidecar that ends TLS of its own on some ports."""
        listed = []
        for number in self.random.sample(PORTS, self.random.choice((1, 2))):
            protocol = self.random.choice(("HTTPS", "TLS"))
            port = {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}
            entry: Json = {"port": port, "defaultEndpoint": "127.0.0.1:8080"}
            if self.chance(0.7):
                entry["tls"] = dict(_SERVER_TLS)
            listed.append(entry)
        spec = self._selected({"ingress": listed})
        self.add("networking.istio.io/v1", "Sidecar", self._sidecar_meta(), spec)

    def _sidecar_meta(self) -> Json:
        return self.meta("Sidecar", self.random.choice((*self.places, "client", self.root)))

    def _selected(self, spec: Json) -> Json:
        role = {"role": self.random.choice("xy")} if "egress" in spec else self.wanted()
        return {**spec, "workloadSelector": {"labels": role}} if self.chance(0.4) else spec

    def rules(self, count: int, hosts: list[str]) -> None:
        """DestinationRules for some of the hosts."""
        for _ in range(count):
            place = self.random.choice((*self.places, "client", "client"))
            spec = rule(self.random, hosts)
            self.add(
                "networking.istio.io/v1",
                "DestinationRule",
                self.meta("DestinationRule", place),
                spec,
            )


def imports(name: str) -> Json:
    """A mesh with Sidecars; which services the proxies of some namespaces know is asked."""
    mesh = Mesh(name)
    hosts = mesh.services(6)
    if mesh.chance(0.5):
        hosts.append(mesh.entry())
    for _ in range(mesh.random.choice((1, 2, 3, 5))):
        mesh.sidecar(hosts)
    places = ("client", "shop", "web", mesh.root)
    return mesh.snapshot({"clients": [mesh.client(place) for place in places]})


def exports(name: str) -> Json:
    """A mesh whose Services hide from namespaces; which of them proxies know is asked."""
    mesh = Mesh(name)
    hosts = mesh.services(6)
    for entry in mesh.objects:
        if entry["kind"] == "Service" and mesh.chance(0.7):
            text = ",".join(mesh.random.sample(_EXPORTS, mesh.random.choice((1, 1, 2))))
            entry["metadata"]["annotations"] = {"networking.istio.io/exportTo": text}
    if mesh.chance(0.4):
        mesh.settings["defaultServiceExportTo"] = [mesh.random.choice((".", "*", "~"))]
    if mesh.chance(0.3):
        mesh.sidecar(hosts)
    places = ("client", "shop", "web", mesh.root)
    return mesh.snapshot({"clients": [mesh.client(place) for place in places]})


def ingress(name: str) -> Json:
    """A mesh of pods whose Sidecars end TLS of their own; which calls they accept is asked."""
    mesh = Mesh(name)
    mesh.policies()
    pods = mesh.pods(4, sidecars=1.0)
    for _ in range(mesh.random.choice((1, 2, 3))):
        mesh.ending()
    ports = [*PORTS, UNNAMED_PORT]
    names = (f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
    return mesh.snapshot({"accepts": dict.fromkeys(names, ports)})


def server(name: str, workloads: int = 24) -> Json:
    """A mesh with many policies; the modes of all ports of some pods are asked."""
    mesh = Mesh(name)
    mesh.policies()
    asked = {
        f"w{number}": {
            "namespace": mesh.random.choice(mesh.places),
            "labels": mesh.labels(),
            "ports": [*PORTS, UNNAMED_PORT],
        }
        for number in range(workloads)
    }
    return mesh.snapshot({"modes": asked})


def client(name: str, clients: int = 4) -> Json:
    """A mesh with rules; what sidecars of some namespaces send to every Service is asked."""
    mesh = Mesh(name)
    if mesh.chance(0.1):
        mesh.settings["enableAutoMtls"] = False
    if mesh.chance(0.15):
        mesh.settings["defaultDestinationRuleExportTo"] = [mesh.random.choice((".", "*"))]
    mesh.policies()
    mesh.pods(5, sidecars=0.7)
    hosts = mesh.services(4)
    if mesh.chance(0.4):
        hosts.append(mesh.entry())
    mesh.rules(mesh.random.choice((1, 2, 3, 4, 6)), hosts)
    asked = []
    for _ in range(clients):
        labels = {"app": "curl", "role": mesh.random.choice("xy")}
        place = mesh.random.choice(("client", "shop", "web", mesh.root))
        asked.append({"namespace": place, "labels": labels})
    return mesh.snapshot({"clients": asked})


def inbound(name: str) -> Json:
    """A mesh of pods with sidecars; which calls their listeners accept is asked."""
    mesh = Mesh(name)
    mesh.policies()
    pods = mesh.pods(4, sidecars=1.0)
    mesh.services(4)
    ports = [*PORTS, UNNAMED_PORT]
    names = (f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod in pods)
    return mesh.snapshot({"accepts": dict.fromkeys(names, ports)})
