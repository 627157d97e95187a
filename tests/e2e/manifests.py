# SPDX-License-Identifier: Apache-2.0
"""Which small workloads do end-to-end tests scan?"""

from __future__ import annotations

OPEN_WEB = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "registry.example.com/web:1.4.2", ports: [{containerPort: 8080}]}
"""
"""Not isolated, and not signed as far as manifests tell."""
LATEST_WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: registry.example/web:latest}]}
"""
"""The same without a port, and from a tag that moves."""
