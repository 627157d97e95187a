# SPDX-License-Identifier: Apache-2.0
"""Does the mtls layer say what istiod's own code says of meshes that nobody has written?

The recorded slice comes from ``support/oracles/istio`` (istio.io/istio
v0.0.0-20260827124520-eed52ebb66ad, release line 1.31) with the seed ``oracle.RECORDED_SEED``;
``oracle.record`` writes it again, and ``python -m support.oracle_runs`` asks further seeds.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conformance.istio.oracle import SUITES, replayed

SIZES = {
    "istiod 1.31 server side": 2304,
    "istiod 1.31 client side": 1576,
    "istiod 1.31 listeners": 640,
    "istiod 1.31 imports": 684,
    "istiod 1.31 Sidecar ingress": 320,
    "istiod 1.31 exports": 664,
    "istiod 1.31 listeners around remedies": 1547,
}


@pytest.mark.parametrize("name", SUITES)
def test_recorded_answers(name: str) -> None:
    points = list(SUITES[name](Path()))
    assert len(points) == SIZES[name]
    assert [point for point in points if point[1] != point[2]] == []


def test_the_slice_holds_every_kind_of_answer() -> None:
    modes = Counter(recorded for _, recorded, _ in replayed("server"))
    assert min(modes[mode] for mode in ("STRICT", "PERMISSIVE", "DISABLE")) > 200
    clusters = [recorded for _, recorded, _ in replayed("client")]
    sockets = Counter(cluster["socket"] for cluster in clusters)
    assert set(sockets) == {"AUTO", "ISTIO_MUTUAL", "MUTUAL", "PLAINTEXT", "SIMPLE"}
    assert sum(len(cluster["rules"]) > 1 for cluster in clusters) > 10
    refused = [call for _, calls, _ in replayed("inbound") for call in calls.items() if not call[1]]
    kinds = {
        f"{sent}{inside}" for sent in ("plaintext", "mtls", "tls") for inside in ("HTTP", "TCP")
    }
    assert {name for name, _ in refused} == kinds
    known = Counter(recorded for _, recorded, _ in replayed("imports"))
    assert min(known[True], known[False]) > 200
