# SPDX-License-Identifier: Apache-2.0
"""Do we expect what the end-to-end tests of Kubernetes expect, but where plugins differ?"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.conformance import measure
from tests.conformance.kubernetes_e2e.answers import Json, World, answers, cases, sequences
from tests.conformance.kubernetes_e2e.vectors import SKIPS, SUITES

TESTS, CHANGING, TABLES = 48, 10, 65


@pytest.mark.parametrize("suite", SUITES)
def test_agrees_but_where_listed(suite: str) -> None:
    found = measure(suite, SUITES[suite](Path()), SKIPS.get(suite, {}))
    assert (found.cases, found.broken, found.healed) == (TESTS, [], [])


def test_every_test_of_upstream_is_there() -> None:
    found = cases()
    titles = [case["title"] for case in found]
    assert len(set(titles)) == TESTS
    assert len([p for case in found for step in case["steps"] for p in step["probes"]]) == TABLES
    by_protocol = {word: sum(t.startswith(f"{word}, ") for t in titles) for word in ("UDP", "SCTP")}
    assert by_protocol == {"UDP": 3, "SCTP": 3}


def test_sequences_end_elsewhere_than_they_began() -> None:
    found = {title: expected for title, expected, _ in answers("kube-network-policies")}
    assert len(sequences()) == CHANGING
    for title in sequences():
        tables = [rows for _, rows in found[title]]
        assert any(rows != tables[0] for rows in tables[1:]), title


def test_what_a_plugin_decides_is_said_to_depend() -> None:
    case: Json = {"pods": ["x/a", "x/b"]}
    world = World(case)
    block = {"ipBlock": {"cidr": "{x/b}/32"}}
    spec = {"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [block]}]}
    world.do({"apply": {"x/out": spec}})
    assert world.table({"port": 80}, "generic") == ["x/a -> x/b: depends", "x/b -> x/a: closed"]
