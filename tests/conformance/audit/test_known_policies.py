# SPDX-License-Identifier: Apache-2.0
"""What do well-known audit policies record, in figures and as proved on the exact regions?"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kguard.layers.audit.semantics.coverage import cover
from tests.conformance.audit import known

# Whether failed logins are recorded, and what gets into the log that must not.
PROVED = {
    "GCE": (True, set()),
    "OpenShift Default": (True, set()),
    "OpenShift WriteRequestBodies": (True, {"token_bodies", "configmap_bodies"}),
    "RKE2 cis": (False, set()),
    "Talos": (True, set()),
    "writes only": (False, set()),
    "no ResponseStarted": (False, set()),
}


def test_the_universe_has_the_size_of_the_recorded_one():
    assert (len(list(known.operations())), len(known.UNIVERSE)) == (515, 20_510)


@pytest.mark.parametrize("name", known.POLICIES)
def test_figures(name):
    assert known.figures(known.policy_of(known.POLICIES[name])) == known.EXPECTED[name]


@pytest.mark.parametrize("name", known.POLICIES)
def test_proved(name):
    logins, excesses = PROVED[name]
    coverage = cover(known.policy_of(known.POLICIES[name]))
    families = {found.family.id: found for found in coverage.families}
    assert (not families["failed_logins"].holes) is logins
    assert {found.limit.id for found in coverage.limits if found.excesses} == excesses
    holes = {name for name in ("knative_objects", "istio_objects") if families[name].holes}
    bodies = known.EXPECTED[name].layer_bodies == 100
    assert holes == (set() if bodies else {"knative_objects", "istio_objects"})


def test_the_example_of_falco(shared: Path):
    path = shared / "corpus" / "falco-rules" / "configs" / "audit-policy.yaml"
    policy = known.policy_of(yaml.safe_load(path.read_text()))
    coverage = cover(policy)
    lost = {f.family.id: f.holes[0].witness for f in coverage.families if f.level == "None"}
    assert list(lost) == ["writes", "failed_logins"]
    assert {witness.name for witness in lost.values()} == {"controller-leader"}
    assert {f.limit.id for f in coverage.limits if f.excesses} == {"configmap_bodies"}
    assert known.figures(policy) == known.FALCO
