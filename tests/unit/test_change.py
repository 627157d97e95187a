# SPDX-License-Identifier: Apache-2.0
"""Is a change judged against what it meets?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kguard import sources
from kguard.change import Compared, around, compare
from kguard.engine.embedded import EmbeddedEngine
from kguard.scan import Options, scan
from kguard.sources import overlaid
from tests.e2e.manifests import OPEN_WEB

DENY = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
OPTIONS = Options(
    at=datetime(2026, 11, 23, tzinfo=UTC),
    layers=("network",),
    policies=("network/open-to-cluster",),
)


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        (tmp_path / name).write_text(text)
        return sources.collect([name])

    return write


def judged(collected):
    engine = EmbeddedEngine()
    try:
        return scan(collected, OPTIONS, engine)
    finally:
        engine.close()


def test_what_the_head_no_longer_brings_is_gone_from_the_cluster(read):
    cluster = read("cluster.yaml", OPEN_WEB + "---\n" + DENY)
    base = read("base.yaml", DENY)
    head = read("head.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    context = around(cluster, base, OPTIONS)
    sides = [judged(overlaid(context, side)) for side in (base, head)]
    found = compare(Compared(sides[0], sides[1], OPTIONS))
    (effect,) = found.effects
    assert effect.text == "opens every port of shop/web to the internet and any pod of the cluster"
    assert (effect.cause.file, effect.cause.side) == ("base.yaml", "base")
    assert [one.finding.policy for one in found.new] == ["network/open-to-cluster"]
    assert [manifest.id for manifest in cluster.manifests if manifest.kind == "NetworkPolicy"]


def test_a_change_that_the_cluster_already_has_does_nothing(read):
    cluster = read("cluster.yaml", OPEN_WEB + "---\n" + DENY)
    base, head = read("base.yaml", DENY), read("head.yaml", DENY)
    context = around(cluster, base, OPTIONS)
    sides = [judged(overlaid(context, side)) for side in (base, head)]
    assert compare(Compared(sides[0], sides[1], OPTIONS)).silent
