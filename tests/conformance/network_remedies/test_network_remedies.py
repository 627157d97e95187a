# SPDX-License-Identifier: Apache-2.0
"""Are the findings of real applications closed, without cutting or opening anything?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.network_remedies import vectors

pytestmark = pytest.mark.xdist_group("network_remedies")
"""The plans of the applications are made once, for the worker that runs this file."""


@pytest.fixture(scope="module")
def conformance(shared: Path) -> Path:
    return shared / "conformance"


def test_every_promise_is_kept(conformance: Path) -> None:
    points = list(vectors.applications(conformance))
    assert len(points) == 20
    assert {identity: ours for identity, promised, ours in points if ours != promised} == {}


def test_they_admit_no_more_than_synthesised_policies(conformance: Path) -> None:
    """And keep intended flows that those policies cut."""
    for name in ("bookinfo", "k8s_guestbook", "onlineboutique", "openshift", "qotd"):
        _, ours, theirs = vectors.beside(conformance / "cluster-topology" / name)
        assert theirs is not None
        assert ours.connections <= theirs.connections
        assert (ours.closed, ours.kept) == (ours.findings, ours.intended)
        assert theirs.kept <= ours.kept
        assert ours.policies <= theirs.policies * 2


def test_the_table_has_a_line_for_each(conformance: Path) -> None:
    lines = list(vectors.table(conformance))
    assert len(lines) == 1 + 10 * 2 + 5
    assert sum("cluster-topology-analyzer" in line for line in lines) == 5


def test_the_kafka_dispatcher_of_the_article_may_reach_its_brokers(conformance: Path) -> None:
    folder = conformance.parent / "corpus" / "practice-article"
    flows = vectors.remedied(folder, tighten=True).after.facts["network"].flows
    kafka = [(f.source, f.target, f.port, f.verdict) for f in flows if f.basis == "kafka"]
    dispatcher = "the KafkaSource dispatcher"
    assert kafka == [(dispatcher, "kafka.example.com", "9092/TCP", "allowed")]
