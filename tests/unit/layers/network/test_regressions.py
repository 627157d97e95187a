# SPDX-License-Identifier: Apache-2.0
"""Would our own remedies have broken what other generated policies broke?

Each case folder holds an incident by name: the application, and the policies that cut something or
left something open. Here the application stands alone, is remedied in full, and must pass the check
that found the fault.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kguard import scan, sources
from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.remediation import plan
from tests.unit.layers.network.inputs import AT

_CASES = Path(__file__).parents[3] / "cases" / "network"
INCIDENTS = {
    "serverless-operator-3711": "knative-statistics-cut",
    "serving-6520": "knative-port-bypass",
    "tekton-4000": "dns-cut",
    "inspektor-gadget-5338": "dns-cut",
    "istio-chart-policies": "knative-local-gateway-cut",
}


@pytest.fixture(scope="module")
def engine() -> Any:
    found = EmbeddedEngine()
    yield found
    found.close()


def read(name: str) -> Collected:
    return sources.collect([str(_CASES / name / "in")], sources.Options(render="never"))


def judged(engine: EmbeddedEngine, collected: Collected) -> scan.Judged:
    return scan.scan(collected, scan.Options(at=AT, layers=("network",)), engine)


def open_findings(state: Any) -> set[str]:
    return {f.policy for f in state.report.findings if f.state == "open"}


def is_found(name: str, engine: EmbeddedEngine) -> bool:
    """Whether the fault of an incident is a finding."""
    return f"network/{INCIDENTS[name]}" in open_findings(judged(engine, read(name)))


def remedied(name: str, engine: EmbeddedEngine) -> Any:
    """What our remedies make of the application of an incident, without its policies."""
    whole = read(name)
    whole.manifests = [m for m in whole.manifests if m.object["kind"] != "NetworkPolicy"]
    return plan.make(
        judged(engine, whole), lambda given: judged(engine, given), plan.Wishes(tighten=True)
    )


@pytest.mark.parametrize("name", INCIDENTS)
def test_the_incident_is_found_and_our_remedies_pass_the_same_check(
    name: str, engine: EmbeddedEngine
) -> None:
    assert is_found(name, engine)
    found = remedied(name, engine)
    assert found.after.inventory.of("NetworkPolicy", "networking.k8s.io")
    # Istio's own namespace stays open where istiod, which the gateway needs, is not in the input.
    left = {f.policy for f in found.proof.remaining}
    assert left == ({"network/no-default-deny"} if name == "istio-chart-policies" else set())
    assert open_findings(found.after) == left
    flows = found.after.facts["network"].flows
    assert {flow.verdict for flow in flows} == {"allowed"}
    assert found.proof.second_run_empty
