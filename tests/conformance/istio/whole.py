# SPDX-License-Identifier: Apache-2.0
"""What do the facts of the whole layer say of a recorded combination of policies?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kguard.inventory import Inventory, build
from kguard.inventory.mesh import Mesh
from kguard.layers.mtls import LAYER
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
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio", "namespace": root},
        "data": {"mesh": f"rootNamespace: {root}\n"},
    }
    return {
        f"{workload.ref.namespace}/{workload.ref.kind}/{workload.ref.name}": {
            port: group.intended.upper() for group in workload.modes for port in group.ports
        }
        for workload in _facts([config, *objects]).workloads
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
