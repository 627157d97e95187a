# SPDX-License-Identifier: Apache-2.0
"""What do the facts of the whole layer say of a recorded combination of policies?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kguard.inventory import Inventory, build
from kguard.inventory.mesh import Mesh
from kguard.layers.mtls import LAYER
from kguard.layers.mtls.facts.clients import sent
from kguard.layers.mtls.facts.services import Service, ServicePort
from kguard.layers.mtls.facts.view import View
from kguard.model.facts.mtls import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.sources.yaml.emit import emit

_REQUEST = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
_DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "a", "namespace": "foo"},
    "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a"}},
            "spec": {
                "containers": [
                    {"name": "a", "ports": [{"containerPort": 8080}, {"containerPort": 9090}]}
                ]
            },
        },
    },
}


def modes(policies: list[dict[str, Any]], label: tuple[str, str]) -> dict[str, str]:
    """The effective mode of each port (7777 is one that nothing names), as `kguard mtls list`."""
    key, value = label
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "foo", "labels": {key: value}},
    }
    found = _facts([namespace, _DEPLOYMENT, *policies])
    listed = {
        port: group.effective.upper()
        for workload in found.workloads
        for group in workload.modes
        for port in group.ports
    }
    return {port: listed.get(port, listed["other"]) for port in ("7777", "8080", "9090")}


def plane(objects: list[dict[str, Any]], injector: dict[str, Any]) -> str:
    """Where the only pod of a snapshot ends up: `sidecar`, `ambient` or `none`."""
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio-sidecar-injector", "namespace": "istio-system"},
        "data": {"config": emit(injector)},
    }
    made = _inventory([config, *objects])
    return Mesh(made).enrolment(made.workloads[0]).plane


def intended(objects: list[dict[str, Any]], root: str) -> dict[str, dict[str, str]]:
    """What policy says for each port of each workload, by `namespace/Kind/name`."""
    return {
        f"{workload.ref.namespace}/{workload.ref.kind}/{workload.ref.name}": {
            port: group.intended.upper() for group in workload.modes for port in group.ports
        }
        for workload in _facts([_rooted(root), *objects]).workloads
    }


def enforced(objects: list[dict[str, Any]], root: str) -> dict[str, dict[str, str]]:
    """What each port of each workload really does, by `namespace/name`."""
    return {
        f"{workload.ref.namespace}/{workload.ref.name}": {
            port: group.effective.upper() for group in workload.modes for port in group.ports
        }
        for workload in _facts([_rooted(root), *objects]).workloads
    }


def _rooted(root: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": root},
        "data": {"mesh": f"rootNamespace: {root}\n"},
    }


def _facts(objects: list[dict[str, Any]]) -> Facts:
    found = LAYER.facts(_inventory(objects), _REQUEST)
    assert isinstance(found, Facts)
    return found


def _inventory(objects: list[dict[str, Any]]) -> Inventory:
    manifests = [
        Manifest(value, SourceText(f"{n}.yaml", 0, 1, "")) for n, value in enumerate(objects)
    ]
    return build(Collected(manifests=manifests))


def sent_to(snapshot: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """(id, recorded, ours) for what each client sends to each Service, from the whole layer.

    ServiceEntries are left out: no edge of the input's workloads leads there.
    """
    mesh = snapshot["meshConfig"]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": mesh.get("rootNamespace", "istio-system")},
        "data": {"mesh": emit({"rootNamespace": "istio-system", **mesh})},
    }
    callers = [_caller(number, client) for number, client in enumerate(snapshot["clients"])]
    view = View(_inventory([config, *snapshot["objects"], *callers]), _REQUEST)
    pods = {f"{w.namespace}/{w.name}": w for w in view.inventory.workloads}
    for number, client in enumerate(snapshot["clients"]):
        caller = pods[f"{client['namespace']}/caller-{number}"]
        for name, cluster in client["clusters"].items():
            service = view.services.get(tuple(cluster["service"].split(".")[1::-1]))
            if service is None:
                continue
            port = next(p for p in service.ports if p.number == cluster["port"])
            found = sent(view, caller, service, port, cluster["subset"])
            ours = {pods_of(view, service, port, key): mode for key, mode in found.sends.items()}
            wanted = {key: mode.lower() for key, mode in cluster["endpoints"].items()}
            recorded = (cluster["socket"].lower(), wanted)
            yield f"{snapshot['id']}:{number}:{name}", recorded, (found.socket, ours)


def _caller(number: int, client: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        "name": f"caller-{number}",
        "namespace": client["namespace"],
        "labels": client["labels"],
        "annotations": {"sidecar.istio.io/status": "{}"},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}


def pods_of(view: View, service: Service, port: ServicePort, identity: str) -> str:
    """An endpoint as it is recorded: `namespace/name:port`."""
    workload = next(w for w in view.workloads_of(service) if w.id == identity)
    (number,) = service.targets(port, workload)[:1]
    return f"{workload.namespace}/{workload.name}:{number}"
