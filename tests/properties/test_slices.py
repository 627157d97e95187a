# SPDX-License-Identifier: Apache-2.0
"""Does a part of a cluster decide on every change as the whole cluster does?

`KGUARD_SLICED_CLUSTERS=N` asks N random clusters instead of a few.
"""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime

import pytest

from kguard import admission
from kguard.engine.embedded import EmbeddedEngine
from kguard.engine.remembering import RememberingEngine
from kguard.inventory.identity import identify
from kguard.inventory.overlay import without
from kguard.inventory.slices import Slices
from kguard.model.manifests import Collected, Manifest, SourceText, copied
from kguard.scan import Options, scan
from kguard.selection import chosen
from tests.properties import applications

CLUSTERS = int(os.environ.get("KGUARD_SLICED_CLUSTERS", "3"))
CHANGES = 4
"""Objects of each cluster that are created, deleted and changed."""
OPTIONS = Options(scope="cluster", at=datetime(2026, 11, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def judged():
    """``judged(manifests)`` is the context of these manifests.

    ``every=True``: all policies judge the state before a request, too.
    """
    engine = RememberingEngine(EmbeddedEngine)
    policies = chosen(OPTIONS)

    def context(manifests, *, every=False):
        def judge(state, asked):
            return scan(state, OPTIONS, engine, policies, asked=None if every else asked)

        collected = Collected(manifests=manifests, versions={"kubernetes": "1.36.3"})
        return admission.Context(collected, judge)

    yield context
    engine.close()


def placed(items):
    text = [SourceText("", number, 0, "", cluster="random") for number in range(len(items))]
    found, _ = identify(map(Manifest, items, text), "default")
    return found


def request(operation, manifest):
    version = manifest.api_version.rpartition("/")[2]
    kind = admission.GroupVersionKind(manifest.group, version, manifest.kind)
    item = None if operation == "DELETE" else copied(manifest.object)
    return admission.Request("u", operation, kind, "", manifest.namespace, manifest.name, item)


def changes(dice, there):
    """Operations on some objects: state before, object."""
    for manifest in dice.sample(there, CHANGES):
        yield "CREATE", without(there, {manifest.id}), manifest
        yield "DELETE", there, manifest
        item = applications.changed(dice, copied(manifest.object))
        if item is not None:
            yield "UPDATE", there, placed([item])[0]


@pytest.mark.parametrize("seed", range(CLUSTERS))
def test_a_part_decides_as_the_whole_does(seed, judged):
    dice = random.Random(seed)
    there = placed(applications.cluster(dice))
    parts = 0
    for operation, before, manifest in changes(dice, there):
        part = Slices(before).of(manifest)
        if part is None:
            continue
        parts += 1
        asked = request(operation, manifest)
        expected = admission.decide(asked, judged(before, every=True))
        assert admission.decide(asked, judged(part)) == expected, (operation, manifest.id)
    assert parts or not _decided(there)


def _decided(manifests):
    """Whether it is certain that there is a mesh, or none."""
    meshed = any("istio-injection" in m.labels for m in manifests)
    return not meshed or any(m.kind == "PeerAuthentication" for m in manifests)


def test_a_further_pod_of_a_controller_changes_nothing(judged):
    dice = random.Random(1)
    there = placed(applications.cluster(dice))
    pods = [m for m in there if m.kind == "Pod" and "ownerReferences" in m.metadata]
    assert pods
    for pod in pods[:4]:
        item = copied(pod.object)
        item["metadata"]["name"] += "-twin"
        del item["spec"]["nodeName"]
        (twin,) = placed([item])
        assert Slices(there).has_twin(twin)
        decision = admission.decide(request("CREATE", twin), judged(there))
        assert decision == admission.Response("u", allowed=True)


def test_what_is_told_piece_by_piece_is_what_is_told_at_once():
    dice = random.Random(2)
    there = placed(applications.cluster(dice))
    pieces = Slices()
    for manifest in (*there, *there[::2]):
        pieces.add(manifest)
    gone = dice.sample(there, len(there) // 3)
    for manifest in gone:
        pieces.remove(manifest.id)
    left = [m for m in there if m not in gone]
    at_once = Slices(left)
    for manifest in there:
        ours, theirs = pieces.of(manifest), at_once.of(manifest)
        assert (ours is None) == (theirs is None)
        assert {m.id for m in ours or ()} == {m.id for m in theirs or ()}
