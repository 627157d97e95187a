# SPDX-License-Identifier: Apache-2.0
"""Do we expect what the conformance suite of ClusterNetworkPolicy expects?"""

from __future__ import annotations

from pathlib import Path

from tests.conformance.network_policy_api.answers import probes


def test_agrees_on_every_probe(shared: Path) -> None:
    found = list(probes(shared / "conformance" / "network-policy-api"))
    assert len(found) == 301
    assert [name for name, expected, ours in found if expected is not ours] == []
