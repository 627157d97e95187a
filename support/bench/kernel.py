# SPDX-License-Identifier: Apache-2.0
"""How fast is the question "who can open what of whom" answered, without any reading of files?

``python -m support.bench.kernel PODS POLICIES`` evaluates each direction of every class of pods and
prints nothing; the caller measures the process.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence

from kguard.inventory.workload import ContainerPort
from kguard.layers.network.semantics.endpoints import NAME_LABEL, Endpoint, NamespaceLabels
from kguard.layers.network.semantics.networkpolicy import parse
from kguard.layers.network.semantics.policy import DIRECTIONS, PodPolicy
from kguard.layers.network.semantics.profiles import PROFILES
from kguard.layers.network.semantics.reach import Reachability
from kguard.model.manifests import Manifest, SourceText

PODS_PER_NAMESPACE = 50
TIERS = 5
"""Labels repeat as in real clusters: an own one for each pod, and a few shared ones."""


def main(arguments: Sequence[str]) -> int:
    """Build and evaluate; the exit code is 0."""
    gc.disable()
    pods, policies = map(int, arguments)
    spaces = max(1, pods // PODS_PER_NAMESPACE)
    names = [f"team-{number}" for number in range(spaces)]
    labels = {name: NamespaceLabels({NAME_LABEL: name}) for name in names}
    reach = Reachability(
        list(_endpoints(pods, names)),
        list(_policies(policies, pods, names)),
        labels,
        PROFILES["generic"],
    )
    for number in range(reach.classes.count):
        for direction in DIRECTIONS:
            reach.row(direction, number)
    return 0


def _endpoints(count: int, names: Sequence[str]) -> Iterator[Endpoint]:
    ports = (ContainerPort(8080, name="http"), ContainerPort(9090, name="metrics"))
    for number in range(count):
        labels = {"app": f"app-{number}", "tier": f"t{number % TIERS}"}
        yield Endpoint(names[number % len(names)], labels, ports)


def _policies(count: int, pods: int, names: Sequence[str]) -> Iterator[PodPolicy]:
    for number in range(count):
        namespace = names[number % len(names)]
        peer = names[(number * 7 + 1) % len(names)]
        own = (number * 13) % pods
        selector = {"tier": f"t{number % TIERS}"} if number % 3 else {"app": f"app-{own}"}
        rule = {
            "from": [
                {"podSelector": {"matchLabels": {"tier": f"t{(number + 1) % TIERS}"}}},
                {"namespaceSelector": {"matchLabels": {NAME_LABEL: peer}}},
            ],
            "ports": [{"port": "http"}],
        }
        block = f"10.{number % 256}.0.0/16"
        out = {"to": [{"ipBlock": {"cidr": block}}], "ports": [{"protocol": "TCP", "port": 443}]}
        spec = {
            "podSelector": {"matchLabels": selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [rule],
            "egress": [out],
        }
        metadata = {"name": f"policy-{number}", "namespace": namespace}
        yield parse(_manifest({"metadata": metadata, "spec": spec}, namespace))


def _manifest(value: dict[str, object], namespace: str) -> Manifest:
    text = SourceText("", 0, 1, "")
    return Manifest(value, text, kind="NetworkPolicy", namespace=namespace)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
