# SPDX-License-Identifier: Apache-2.0
"""What does a large, plain input look like? Deployments and NetworkPolicies of many teams.

``python -m support.bench.synthetic DEPLOYMENTS POLICIES FOLDER`` writes about 1.3 MB for 1,000
and 100, in files of 100 documents. The same numbers give the same bytes.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

DOCUMENTS_PER_FILE = 100
APPS_PER_TEAM = 50
TIERS = 5

_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}
  namespace: {team}
  labels: {{app: {app}, tier: {tier}}}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: {app}
  template:
    metadata:
      labels:
        app: {app}
        tier: {tier}
        team: {team}
    spec:
      serviceAccountName: {app}
      containers:
      - name: main
        image: registry.example.com/{team}/{app}:1.{minor}.0
        ports:
        - name: http
          containerPort: 8080
        - name: metrics
          containerPort: 9090
        env:
        - name: BACKEND
          value: {backend}.svc.cluster.local:8080
        - name: LOG_LEVEL
          value: info
        resources:
          limits:
            cpu: 500m
            memory: 256Mi
          requests:
            cpu: 100m
            memory: 128Mi
        securityContext:
          runAsNonRoot: true
          allowPrivilegeEscalation: false
        livenessProbe:
          httpGet:
            path: /healthz
            port: http
        readinessProbe:
          httpGet:
            path: /ready
            port: http
        volumeMounts:
        - name: config
          mountPath: /etc/app
      volumes:
      - name: config
        configMap:
          name: {app}
"""

_POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: policy-{number}
  namespace: {team}
spec:
  podSelector:
    matchLabels:
      tier: {tier}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - podSelector: {{matchLabels: {{tier: {peer_tier}}}}}
    - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {peer_team}}}}}
    ports:
    - port: http
  egress:
  - to:
    - ipBlock: {{cidr: 10.{octet}.0.0/16, except: [10.{octet}.1.0/24]}}
    ports:
    - protocol: TCP
      port: 443
"""


def write(folder: Path, deployments: int, policies: int) -> int:
    """Write the files; the number of bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = [*_deployments(deployments), *_policies(policies, _teams(deployments))]
    written = 0
    for start in range(0, len(documents), DOCUMENTS_PER_FILE):
        text = "---\n".join(documents[start : start + DOCUMENTS_PER_FILE])
        path = folder / f"part-{start // DOCUMENTS_PER_FILE:04}.yaml"
        written += path.write_bytes(text.encode())
    return written


def _teams(deployments: int) -> int:
    return max(1, deployments // APPS_PER_TEAM)


def _deployments(count: int) -> Iterator[str]:
    teams = _teams(count)
    for number in range(count):
        backend = (number * 7 + 1) % count
        yield _DEPLOYMENT.format(
            app=f"app-{number}",
            team=f"team-{number % teams}",
            tier=f"t{number % TIERS}",
            minor=number % 10,
            backend=f"app-{backend}.team-{backend % teams}",
        )


def _policies(count: int, teams: int) -> Iterator[str]:
    dice = random.Random(1)
    for number in range(count):
        yield _POLICY.format(
            number=number,
            team=f"team-{number % teams}",
            tier=f"t{dice.randrange(TIERS)}",
            peer_tier=f"t{dice.randrange(TIERS)}",
            peer_team=f"team-{dice.randrange(teams)}",
            octet=number % 256,
        )


def main(arguments: Sequence[str]) -> int:
    """Write one corpus and say how large it is."""
    deployments, policies, folder = arguments
    size = write(Path(folder), int(deployments), int(policies))
    print(f"{int(deployments) + int(policies):,} objects, {size / 1e6:.1f} MB in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
