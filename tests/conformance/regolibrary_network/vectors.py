# SPDX-License-Identifier: Apache-2.0
"""Which objects do the network rules of kubescape's regolibrary alert on, and what do we say?

Their rules ask for the presence of policies; the facts that answer the same question here are
whether a policy selects a workload, selects anything, or lives in a namespace.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kguard.layers.network.facts import compute
from kguard.model.facts.network import Facts
from kguard.model.layer import Request
from tests.objects import folder_inventory

Point = tuple[str, Any, Any]
FOLDER = "regolibrary"
_REQUEST = Request(scope="app", at=datetime(2026, 11, 23, 12, 0, tzinfo=UTC))


def _unselected(facts: Facts) -> set[str]:
    """Workloads that no policy selects in any direction."""
    return {
        str(workload.ref.name)
        for workload in facts.workloads
        if workload.ingress.selected == workload.egress.selected == "false"
    }


def _half_open(facts: Facts) -> set[str]:
    """Workloads of which a direction is left open."""
    return {
        workload.ref.name
        for workload in facts.workloads
        if "false" in (workload.ingress.selected, workload.egress.selected)
    }


def _dangling(facts: Facts) -> set[str]:
    return {p.ref.name for p in facts.policies if p.named and not p.selects}


def _bare(facts: Facts) -> set[str]:
    return {space.ref.name for space in facts.namespaces if not space.policies}


def _nothing(facts: Facts) -> set[str]:
    del facts
    return set()


RULES: dict[str, Callable[[Facts], set[str]]] = {
    "agent-sandbox-egress-policy": _nothing,
    "dangling-networkpolicy": _dangling,
    "ensure_network_policy_configured_in_labels": _unselected,
    "ingress-and-egress-blocked": _half_open,
    "internal-networking": _bare,
}


def alerts(folder: Path) -> Iterator[Point]:
    """The names of the objects that each test folder alerts on."""
    for rule, ours in RULES.items():
        for case in sorted((folder / rule / "test").iterdir()):
            expected = json.loads((case / "expected.json").read_text())
            facts = compute(folder_inventory(case / "input"), _REQUEST)
            yield f"{rule}/{case.name}", _names(expected), sorted(ours(facts))


def _names(expected: list[dict[str, Any]]) -> list[str]:
    return sorted(
        found["metadata"]["name"]
        for alert in expected
        for found in alert["alertObject"].get("k8sApiObjects", ())
    )


def _skips() -> dict[str, str]:
    entries = tomllib.loads(Path(__file__).with_name("skips.toml").read_text())["alerts"]
    return {case: entry["reason"] for entry in entries for case in entry["ids"]}


SUITES = {"regolibrary network": alerts}
SKIPS = {"regolibrary network": _skips()}
