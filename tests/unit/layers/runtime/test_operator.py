# SPDX-License-Identifier: Apache-2.0
"""Which ruleset does the operator give to which node?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.runtime import LAYER
from kguard.layers.runtime.listing import list_coverage
from kguard.model.facts.runtime import Facts
from kguard.model.manifests import BaseRules
from tests.unit.layers.runtime.test_facts import GPU, REQUEST, inventory, node


def rule(name: str, condition: str = "evt.type=execve") -> dict[str, Any]:
    texts = {"desc": "d", "condition": condition, "output": "o", "priority": "NOTICE"}
    return {"rule": name, **texts}


def artifact(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "artifact.falcosecurity.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "falco"},
        "spec": spec,
    }


def falco(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "instance.falcosecurity.dev/v1alpha1",
        "kind": "Falco",
        "metadata": {"name": "falco", "namespace": "falco"},
        "spec": spec,
    }


def facts(*objects: Any, base: tuple[BaseRules, ...] = ()) -> Facts:
    found = inventory(*objects)
    found.collected.base_rules += base
    return LAYER.facts(found, REQUEST)


GPU_ONLY = {"matchLabels": {"pool": "gpu"}}
NODES = (node("a", pool="work"), node("b", pool="gpu"), node("c", pool="gpu"))


def test_a_selector_makes_two_rulesets():
    everywhere = artifact("Rulesfile", "base", inlineRules=[rule("one")])
    some = artifact("Rulesfile", "more", selector=GPU_ONLY, inlineRules=[rule("two")])
    found = facts(falco(), everywhere, some, *NODES)
    assert [(one.nodes, one.loaded) for one in found.installations] == [(["a"], 1), (["b", "c"], 2)]
    assert sorted(r.name for r in found.rules) == ["one", "two"]


def test_nodes_that_falco_never_reaches_make_no_ruleset():
    some = artifact("Rulesfile", "more", selector=GPU_ONLY, inlineRules=[rule("two")])
    found = facts(falco(), some, node("a", pool="work"), node("b", GPU, pool="gpu"))
    assert [(one.nodes, one.rules) for one in found.installations] == [([], "empty")]


def test_without_nodes_a_selector_decides_nothing():
    base = artifact("Rulesfile", "base", inlineRules=[rule("one")])
    some = artifact("Rulesfile", "more", selector=GPU_ONLY, inlineRules=[rule("two")])
    (one,) = facts(falco(), base, some).installations
    assert (one.rules, one.config) == ("unknown", "read")
    outputs = artifact("Config", "out", selector=GPU_ONLY, config={"json_output": True})
    (one,) = facts(falco(), base, outputs).installations
    assert (one.rules, one.config, one.delivered) == ("unknown", "unknown", "unknown")


@pytest.mark.parametrize(
    ("selector", "loaded"),
    [
        ({}, 1),
        ({"matchExpressions": [{"key": "pool", "operator": "Exists"}]}, 1),
        ({"matchExpressions": [{"key": "pool", "operator": "Near"}]}, 0),
        ("junk", 0),
    ],
)
def test_selectors_that_all_nodes_answer_alike(selector, loaded):
    some = artifact("Rulesfile", "more", selector=selector, inlineRules=[rule("two")])
    (one,) = facts(falco(), some, *NODES).installations
    assert (one.nodes, one.loaded) == ([], loaded)


def test_outputs_and_plugins_of_some_nodes():
    out = {"http_output": {"enabled": True, "url": "https://x.example"}}
    found = facts(
        falco(),
        artifact("Config", "out", selector=GPU_ONLY, config=out),
        artifact("Plugin", "json", selector=GPU_ONLY, config={"name": "json"}),
        artifact("Rulesfile", "r", inlineRules=[rule("one", "json.value[/a]=b")]),
        *NODES,
    )
    states = {tuple(one.nodes): (one.delivered, one.rules) for one in found.installations}
    assert states == {("a",): ("false", "invalid"), ("b", "c"): ("true", "loads")}
    worse = LAYER.compare(found, facts(falco(), *NODES))
    assert ("Falco falco/falco", "its rules: empty") in [(c.target, c.text) for c in worse.stronger]


OCI = {"image": {"repository": "falcosecurity/rules/falco-rules", "tag": "5"}}
ITEM = "- rule: one\n  desc: d\n  condition: evt.type=execve\n  output: o\n  priority: NOTICE\n"
REPOSITORY = "oci://ghcr.io/falcosecurity/rules/falco-rules"


@pytest.mark.parametrize(
    ("base", "rules"),
    [
        (None, "unknown"),
        (BaseRules(f"{REPOSITORY}:5/anything.yaml", ITEM, artifact=REPOSITORY), "loads"),
        (BaseRules("oci://other/x:5/falco_rules.yaml", ITEM, artifact="oci://other/x"), "unknown"),
        (BaseRules("given/falco_rules.yaml", ITEM), "loads"),
        (BaseRules("given/falco-sandbox_rules.yaml", ITEM), "unknown"),
    ],
)
def test_rules_in_a_registry(base, rules):
    fetched = artifact("Rulesfile", "upstream", ociArtifact=OCI)
    (one,) = facts(falco(), fetched, base=(base,) if base else ()).installations
    assert one.rules == rules


def test_the_order_is_that_of_the_file_names():
    later = artifact("Rulesfile", "a", priority=60, inlineRules=[rule("one", "evt.num=0")])
    first = artifact("Rulesfile", "z", priority=5, ociArtifact=OCI)
    (one,) = facts(falco(), later, first, base=(BaseRules("falco_rules.yaml", ITEM),)).installations
    assert (one.loaded, one.dead) == (1, 1)


def test_coverage_names_each_node_once():
    some = artifact("Rulesfile", "more", selector=GPU_ONLY, inlineRules=[rule("two")])
    rows = list_coverage(inventory(falco(), some, *NODES), "")
    assert [(row["daemonset"], row["node"]) for row in rows] == [
        ("falco", "a"),
        ("falco", "b"),
        ("falco", "c"),
    ]
