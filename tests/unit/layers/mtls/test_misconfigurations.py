# SPDX-License-Identifier: Apache-2.0
"""What do we find in clusters that look protected, and what does a check of single objects say?

The pattern is that of Kyverno's policy `enforce-strict-mtls`: `=(spec): =(mtls): =(mode):
"UNSET | STRICT"`, where `=(key)` means "if the key is there" and `|` separates alternatives
(https://kyverno.io/docs/policy-types/cluster-policy/validate/#anchors).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kguard.engine.embedded import EmbeddedEngine
from kguard.model.manifests import Collected
from kguard.scan import Options, scan
from tests.unit.layers.mtls.inputs import AT, inventory
from tests.unit.layers.mtls.misconfigurations import MISCONFIGURATIONS

PATTERN = {"=(spec)": {"=(mtls)": {"=(mode)": "UNSET | STRICT"}}}
HEAD = "| misconfiguration | kguard | pattern of `enforce-strict-mtls` |\n|---|---|---|\n"

FOUND: dict[str, tuple[list[str], str]] = {
    "nothing wrong: STRICT for the mesh": ([], "passes"),
    "no policy at all": (["accepts-plaintext", "mesh-not-strict"], "nothing to look at"),
    "selector in the root namespace": (
        ["accepts-plaintext", "dead-policy", "mesh-not-strict"],
        "passes",
    ),
    "port exemption": (["port-exception"], "passes"),
    "duplicate: the older one says nothing": (
        ["accepts-plaintext", "dead-policy", "mesh-not-strict"],
        "passes",
    ),
    "mesh-wide policy is UNSET": (["accepts-plaintext", "mesh-not-strict"], "passes"),
    "DestinationRule says DISABLE": (["client-without-identity"], "passes"),
    "hostNetwork": (["workload-outside-mesh"], "passes"),
    "excluded port": (["uncaptured-port"], "passes"),
    "F1: STRICT port of a PERMISSIVE workload, in ambient": (
        ["accepts-plaintext", "ambient-fails-open"],
        "fails",
    ),
    "F2: exempted port under an UNSET namespace, in ambient": (
        ["ambient-fails-open", "port-exception"],
        "passes",
    ),
    "H1: STRICT workload under DISABLE": (
        ["mesh-not-strict", "strict-under-disable"],
        "fails",
    ),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[EmbeddedEngine]:
    loaded = EmbeddedEngine()
    yield loaded
    loaded.close()


def fits(value: Any, pattern: Any) -> bool:
    """Whether a value fits a pattern of conditional anchors and alternatives."""
    if isinstance(pattern, str):
        return value in [choice.strip() for choice in pattern.split("|")]
    keys = {anchor.removeprefix("=(").removesuffix(")"): anchor for anchor in pattern}
    return isinstance(value, dict) and all(
        fits(value[key], pattern[anchor]) for key, anchor in keys.items() if key in value
    )


def pattern_says(texts: tuple[str, ...]) -> str:
    policies = inventory(*texts).of("PeerAuthentication", "security.istio.io")
    if not policies:
        return "nothing to look at"
    return "passes" if all(fits(policy.object, PATTERN) for policy in policies) else "fails"


def kguard_says(texts: tuple[str, ...], engine: EmbeddedEngine) -> list[str]:
    manifests = list(inventory(*texts))
    options = Options(scope="cluster", at=AT, layers=("mtls",))
    report = scan(Collected(manifests=manifests), options, engine).report
    return sorted({finding.policy.removeprefix("mtls/") for finding in report.findings})


@pytest.mark.parametrize("name", MISCONFIGURATIONS)
def test_what_is_found(name: str, engine: EmbeddedEngine) -> None:
    texts = MISCONFIGURATIONS[name]
    assert (kguard_says(texts, engine), pattern_says(texts)) == FOUND[name]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("STRICT", True), ("UNSET", True), ("PERMISSIVE", False), ("DISABLE", False), (None, False)],
)
def test_pattern(mode: str | None, expected: bool) -> None:
    assert fits({"spec": {"mtls": {"mode": mode}}}, PATTERN) is expected
    assert fits({"spec": {"mtls": {}}}, PATTERN)
    assert fits({"metadata": {}}, PATTERN)


def test_documentation_shows_the_table(checkout: Path) -> None:
    rows = [
        f"| {name} | {', '.join(f'`{p}`' for p in policies) or 'nothing'} | {pattern} |\n"
        for name, (policies, pattern) in FOUND.items()
    ]
    page = (checkout / "docs" / "layers" / "mtls.md").read_text(encoding="utf-8")
    assert HEAD + "".join(rows) in page
