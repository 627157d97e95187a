# SPDX-License-Identifier: Apache-2.0
"""Do ClusterNetworkPolicies decide about packets as kube-network-policies decides?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.cnp_random.vectors import SUITES


@pytest.mark.parametrize("name", SUITES)
def test_agrees_on_every_packet(shared: Path, name: str) -> None:
    found = list(SUITES[name](shared / "conformance" / "cnp-random"))
    assert len(found) == 1000
    assert [identity for identity, recorded, ours in found if recorded != ours] == []
