# SPDX-License-Identifier: Apache-2.0
"""Twenty ways in which a workload is or is not selected by a NetworkPolicy: are all told apart?

Presence checkers err on four to nine of them; the last two say what they are silent about.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from kguard.layers.network import LAYER
from kguard.model.facts.network import Facts, Workload
from kguard.model.layer import Request
from tests.objects import folder_inventory

FOLDER = Path(__file__).parents[3] / "cases" / "network" / "micro-suite" / "in"
COVERED = {1, 3, 5, 9, 10, 11, 12, 14, 15, 19, 20}


@pytest.fixture(scope="module")
def found() -> dict[int, Workload]:
    return workloads()


def workloads() -> dict[int, Workload]:
    """The workload of each case, by its number."""
    request = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
    facts = LAYER.facts(folder_inventory(FOLDER), request)
    assert isinstance(facts, Facts)
    return {_number(entry.ref.namespace): entry for entry in facts.workloads}


def _number(namespace: str) -> int:
    return int(namespace.removeprefix("shop-")) if namespace != "default" else 19


@pytest.mark.parametrize("number", range(1, 21))
def test_selected(found: dict[int, Workload], number: int) -> None:
    assert selected(found[number]) == (number in COVERED)


def selected(entry: Workload) -> bool:
    """Whether a policy selects the workload in a direction."""
    return "true" in (entry.ingress.selected, entry.egress.selected)


def test_allow_all_restricts_nothing(found: dict[int, Workload]) -> None:
    assert found[11].ingress.isolation == found[11].egress.isolation == "open"


def test_a_policy_for_ingress_leaves_egress_open(found: dict[int, Workload]) -> None:
    assert (found[12].ingress.isolation, found[12].egress.isolation) == ("closed", "none")
