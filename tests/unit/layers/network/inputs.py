# SPDX-License-Identifier: Apache-2.0
"""How do the tests of the network layer make facts of a few lines of YAML?"""

from __future__ import annotations

from datetime import UTC, datetime

from kguard.layers.network import LAYER
from kguard.model.facts.network import Facts, Flow, Workload
from kguard.model.layer import Request
from tests.objects import inventory

AT = datetime(2026, 11, 23, tzinfo=UTC)


def facts_of(text: str, scope: str = "app") -> Facts:
    found = LAYER.facts(
        inventory(text), Request(scope="cluster" if scope == "cluster" else "app", at=AT)
    )
    assert isinstance(found, Facts)
    return found


def workload(found: Facts, name: str) -> Workload:
    return next(entry for entry in found.workloads if entry.ref.name == name)


def flows(found: Facts) -> dict[str, str]:
    """Verdicts by `source > target:port`."""
    return {_key(flow): flow.verdict for flow in found.flows}


def bases(found: Facts) -> dict[str, str]:
    return {_key(flow): flow.basis for flow in found.flows}


def _key(flow: Flow) -> str:
    return f"{flow.source} > {flow.target}:{flow.port}"


def deployment(name: str, spec: str = "", namespace: str = "shop", labels: str = "") -> str:
    """A Deployment; `spec` is the flow-style body of its only container."""
    return f"""
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}{labels}}}}}
    spec: {{containers: [{{name: main, image: x{spec}}}]}}
"""


def service(name: str, port: int, target: str = "", namespace: str = "shop", kind: str = "") -> str:
    """A Service in front of the Deployment of its name."""
    return f"""
---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  selector: {{app: {name}}}
  type: {kind or "ClusterIP"}
  ports: [{{port: {port}{f", targetPort: {target}" if target else ""}}}]
"""


def policy(name: str, spec: str, namespace: str = "shop") -> str:
    """A NetworkPolicy; `spec` in flow style."""
    return f"""
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: {name}, namespace: {namespace}}}
spec: {spec}
"""
