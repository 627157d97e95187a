# SPDX-License-Identifier: Apache-2.0
"""Is pod-to-pod traffic restricted, and what exactly is open?"""

from __future__ import annotations

from kguard.layers.network.facts import compute, coverage
from kguard.layers.network.order import compare
from kguard.model.facts.network import Facts
from kguard.model.layer import Layer

LAYER = Layer(
    name="network",
    facts_type=Facts,
    facts=compute,
    coverage=coverage,
    compare=compare,
    plugins=("antrea", "calico", "cilium", "kube-network-policies", "ovn-kubernetes"),
)
