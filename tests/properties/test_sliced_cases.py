# SPDX-License-Identifier: Apache-2.0
"""Does a part of a case's cluster decide on every change of it as the whole does?

The cases of `tests/cases` are clusters that people thought of. Each object of which a part decides
is created, deleted, and changed as `applications.changed` does. Some cases by default;
`KGUARD_SLICED_CASES=all` tries them all.
"""

from __future__ import annotations

import os
import random

import msgspec
import pytest

from kguard import admission
from kguard.engine.embedded import EmbeddedEngine
from kguard.engine.remembering import RememberingEngine
from kguard.inventory.identity import identify
from kguard.inventory.overlay import without
from kguard.model.manifests import Manifest, copied
from kguard.scan import Options, scan
from kguard.selection import chosen
from kguard.serve.views import View
from tests.cases.runner import AT, cases, read_inputs
from tests.properties import applications
from tests.properties.test_slices import request

SAMPLE = 12
"""Cases that are tried by default: always the same ones."""


def _tried():
    found = [case for case in cases() if not case.settings.workloads]
    if os.environ.get("KGUARD_SLICED_CASES") == "all":
        return found
    return random.Random(0).sample(found, SAMPLE)


@pytest.fixture(scope="module")
def engine():
    found = RememberingEngine(EmbeddedEngine)
    yield found
    found.close()


def _changes(there):
    """Operations on every object: what there is before, and the object."""
    for manifest in there:
        yield "CREATE", without(there, {manifest.id}), manifest
        yield "DELETE", there, manifest
        dice = random.Random(manifest.id)
        item = applications.changed(dice, copied(manifest.object))
        if item is not None:
            (changed,), _ = identify([Manifest(item, manifest.text)], manifest.namespace)
            yield "UPDATE", there, changed


@pytest.mark.parametrize("case", _tried(), ids=lambda case: case.id)
def test_a_part_of_a_case_decides_as_the_whole_does(case, engine):
    options = Options(config=case.settings, scope="cluster", at=AT)
    policies = chosen(options)

    def decide(request, collected, *, every=False):
        def judge(state, asked):
            return scan(state, options, engine, policies, asked=None if every else asked)

        return admission.decide(request, admission.Context(collected, judge))

    collected = read_inputs(case)
    there, _ = identify(collected.manifests, case.settings.namespace or "default")
    for operation, before, manifest in _changes(there):
        state = msgspec.structs.replace(collected, manifests=before)
        asked = request(operation, manifest)
        part = View(state).part(asked)
        if part.how == "slice":
            found = decide(asked, part.collected())
            assert found == decide(asked, state, every=True), (operation, manifest.id)
