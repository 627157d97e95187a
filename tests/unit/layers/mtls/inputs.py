# SPDX-License-Identifier: Apache-2.0
"""Inventories and facts from YAML text, for the tests of this folder."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import Any

from kguard.inventory import Inventory, build
from kguard.layers.mtls import LAYER
from kguard.model.facts.mtls import Facts, Ports, Workload
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, SourceText
from kguard.sources.yaml import Document, load

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SERVICE = """
    apiVersion: v1
    kind: Service
    metadata: {name: cart, namespace: shop}
    spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
"""
STRANGER = """
    apiVersion: batch/v1
    kind: Job
    metadata: {name: export, namespace: shop}
    spec:
      template:
        metadata: {labels: {sidecar.istio.io/inject: "false"}}
        spec:
          containers: [{name: c, image: x, env: [{name: CART, value: "http://cart/"}]}]
"""


def inventory(*texts: str) -> Inventory:
    manifests = []
    for text in texts:
        for document in load(textwrap.dedent(text).encode()):
            assert isinstance(document, Document)
            source = SourceText("in.yaml", document.index, document.line, document.text)
            manifests.append(Manifest(document.value, source))
    return build(Collected(manifests=manifests))


def facts(*texts: str, scope: Any = "app") -> Facts:
    found = LAYER.facts(inventory(*texts), Request(scope=scope, at=AT))
    assert isinstance(found, Facts)
    return found


def workload(found: Facts, name: str) -> Workload:
    return next(w for w in found.workloads if w.ref.name == name)


def port(found: Facts, name: str, number: str = "other") -> Ports:
    return next(group for group in workload(found, name).modes if number in group.ports)


NAMESPACE = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: shop, labels: {istio-injection: enabled}}
"""
STRICT = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: default, namespace: istio-system}
    spec: {mtls: {mode: STRICT}}
"""


def deployment(
    name: str = "cart", *, metadata: str = "", pod: str = "", ports: str = "8080"
) -> str:
    listed = "".join(f"{{containerPort: {number}}}, " for number in ports.split() if number)
    return f"""
    apiVersion: apps/v1
    kind: Deployment
    metadata: {{name: {name}, namespace: shop}}
    spec:
      selector: {{matchLabels: {{app: {name}}}}}
      template:
        metadata: {{labels: {{app: {name}}}{metadata}}}
        spec:
          containers: [{{name: {name}, image: x, ports: [{listed}]}}]
          {pod}
"""
