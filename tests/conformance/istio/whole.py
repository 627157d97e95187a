# SPDX-License-Identifier: Apache-2.0
"""What do the facts of the whole layer say of a recorded combination of policies?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kguard.inventory import build
from kguard.layers.mtls import LAYER
from kguard.model.facts.mtls import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText

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
    manifests = [
        Manifest(value, SourceText(f"{n}.yaml", 0, 1, "")) for n, value in enumerate(objects)
    ]
    found = LAYER.facts(build(Collected(manifests=manifests)), _REQUEST)
    assert isinstance(found, Facts)
    return found
