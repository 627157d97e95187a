# SPDX-License-Identifier: Apache-2.0
"""Is Falco found in every shape, with the rules and outputs that it really has?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from kguard.inventory import Inventory, build
from kguard.layers.runtime import LAYER
from kguard.layers.runtime.listing import list_coverage
from kguard.layers.runtime.rule_listing import list_rules
from kguard.model.facts.runtime import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainDocument, SourceText

REQUEST = Request(scope="app", at=datetime(2026, 11, 23, tzinfo=UTC))
RULE = """\
- rule: shell
  desc: d
  condition: evt.type=execve and proc.name=bash
  output: o
  priority: NOTICE
"""


def inventory(*objects: Any, files: dict[str, str] | None = None) -> Inventory:
    manifests = [Manifest(one, SourceText(f"{n}.yaml", 0, 1, "")) for n, one in enumerate(objects)]
    documents = [
        PlainDocument(yaml.safe_load(part), SourceText(name, index, 1, part))
        for name, text in (files or {}).items()
        for index, part in enumerate(text.split("---\n"))
    ]
    return build(Collected(manifests=manifests, documents=documents))


def facts(*objects: Any, files: dict[str, str] | None = None) -> Facts:
    return LAYER.facts(inventory(*objects, files=files), REQUEST)


def daemonset(config: str = "falco", **pod: Any) -> dict[str, Any]:
    container = {
        "name": "falco",
        "image": pod.pop("image", "falcosecurity/falco:0.44.1"),
        "args": pod.pop("args", []),
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/falco/falco.yaml", "subPath": "falco.yaml"},
            {"name": "rules", "mountPath": "/etc/falco/rules.d"},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": config}},
        {"name": "rules", "projected": {"sources": [{"configMap": {"name": "rules"}}]}},
    ]
    spec = {"containers": [container], "volumes": volumes, **pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "falco", "namespace": "falco"},
        "spec": {"template": {"metadata": {"labels": {"a": "b"}}, "spec": spec}},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "falco"}
    named = {key.replace("__", "."): text for key, text in data.items()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": named}


CONFIG = "rules_files: [/etc/falco/rules.d]\n"


def whole(config: str = CONFIG, rules: str = RULE, **pod: Any) -> Facts:
    return facts(
        daemonset(**pod),
        config_map("falco", falco__yaml=config),
        config_map("rules", r__yaml=rules),
    )


def test_a_daemonset_with_its_files():
    (falco,) = whole().installations
    assert (falco.kind, falco.version, falco.config, falco.rules) == (
        "daemonset",
        "0.44.1",
        "read",
        "loads",
    )
    assert (falco.loaded, falco.enabled, falco.base_rules) == (1, 1, "present")


def test_a_configuration_that_is_not_in_the_input():
    (falco,) = facts(daemonset(config="elsewhere")).installations
    assert (falco.config, falco.rules, falco.delivered) == ("unknown", "unknown", "unknown")


def test_arguments_override_the_file():
    (falco,) = whole(
        args=["-o", "http_output.enabled=true", "-o", "http_output.url=https://x.example.com"]
    ).installations
    assert falco.outputs == ["http"]
    assert falco.delivered == "true"
    (falco,) = whole(args=["/usr/bin/falco", "-D", "hel"]).installations
    assert (falco.loaded, falco.enabled, falco.rules) == (1, 0, "empty")


@pytest.mark.parametrize(
    ("config", "delivered"),
    [
        ("", "false"),
        ("stdout_output: {enabled: true}\n", "false"),
        ("http_output: {enabled: true, url: 'https://x.example'}\n", "true"),
        ("http_output: {enabled: true}\n", "false"),
        ("program_output: {enabled: true, program: 'curl -d @- x'}\n", "true"),
        ("file_output: {enabled: true, filename: /tmp/a}\n", "false"),
        ("syslog_output: {enabled: true}\n", "false"),
        ("grpc_output: {enabled: true}\n", "false"),
    ],
)
def test_delivery(config, delivered):
    (falco,) = whole(CONFIG + config).installations
    assert falco.delivered == delivered
    assert falco.delivery


def test_a_collector_of_logs_hears_the_standard_output():
    collector = daemonset()
    collector["metadata"] = {"name": "fluent-bit", "namespace": "logging"}
    collector["spec"]["template"]["spec"] = {
        "containers": [{"name": "fluent-bit", "image": "fluent/fluent-bit:4.1"}],
        "volumes": [{"name": "logs", "hostPath": {"path": "/var/log"}}],
    }
    config = config_map("falco", falco__yaml=CONFIG + "stdout_output: {enabled: true}\n")
    found = facts(daemonset(), config, config_map("rules", r__yaml=RULE), collector)
    assert found.installations[0].delivered == "true"


def test_older_versions_still_have_grpc():
    config = CONFIG + "grpc_output: {enabled: true}\n"
    (falco,) = whole(config, image="falcosecurity/falco:0.43.1").installations
    assert (falco.removed, falco.delivered) == ([], "unknown")
    (falco,) = whole(config).installations
    assert [use.feature for use in falco.removed] == ["grpc_output"]


def test_a_plain_configuration_and_its_rules():
    config = "rules_files: [/etc/falco/falco_rules.yaml]\npriority: debug\njson_output: true\n"
    found = facts(files={"etc/falco.yaml": config, "etc/falco_rules.yaml": RULE})
    (falco,) = found.installations
    assert (falco.kind, falco.rules, falco.loaded) == ("file", "loads", 1)


def test_a_rules_file_of_several_documents_is_read_as_a_whole():
    rule = RULE.replace("proc.name=bash", "late")
    base = (
        f"{rule}---\n- macro: late\n  condition: (evt.type=open)\n---\n- list: no\n  items: [a]\n"
    )
    config = "rules_files: [/etc/falco/falco_rules.yaml]\njson_output: true\npriority: debug\n"
    found = facts(files={"falco.yaml": config, "falco_rules.yaml": base})
    assert [(rule.name, rule.state) for rule in found.rules] == [("shell", "dead")]
    codes = {problem.code for problem in found.problems}
    assert codes == {"LOAD_NO_EVTTYPE", "LOAD_UNUSED_LIST"}
    alone = facts(files={"falco_rules.yaml": base})
    assert [rule.name for rule in alone.rules] == ["shell"]
    broken = f"- list: unfinished\n---\n{base}"
    refused = facts(files={"falco.yaml": config, "falco_rules.yaml": broken})
    assert {problem.code for problem in refused.problems} == {"LOAD_ERR_YAML_VALIDATE"}


@pytest.mark.parametrize("content", ["{}\n", "rules: off\n", "text\n", "- 5\n"])
def test_what_bears_the_name_of_a_rules_file_is_one(content):
    config = (
        "rules_files: [/etc/falco/falco_rules.yaml, /etc/falco/falco_rules.local.yaml]\n"
        "json_output: true\npriority: debug\n"
    )
    files = {"falco.yaml": config, "falco_rules.yaml": RULE, "falco_rules.local.yaml": content}
    found = facts(files=files)
    assert [problem.code for problem in found.problems] == ["LOAD_ERR_YAML_VALIDATE"]
    assert found.rules == []


def test_rules_without_a_falco_are_judged_but_promise_no_detection():
    found = facts(files={"falco_rules.yaml": RULE})
    assert (found.presence, found.installations, found.detections) == ("present", [], [])
    assert [rule.name for rule in found.rules] == ["shell"]
    assert LAYER.coverage(found).state == "evaluated"


def test_overrides_alone_say_what_they_take_away():
    found = facts(files={"falco_rules.local.yaml": "- rule: shell\n  enabled: false\n"})
    assert (found.rules, found.problems) == ([], [])
    assert [(loss.effect, loss.name, loss.of) for loss in found.losses] == [
        ("disabled", "shell", 0)
    ]


def test_rules_beyond_what_is_followed_are_unknown():
    macros = "- macro: m0\n  condition: evt.num=1\n" + "".join(
        f"- macro: m{n}\n  condition: m{n - 1} and m{n - 1}\n" for n in range(1, 20)
    )
    found = whole(rules=macros + RULE)
    (installation,) = found.installations
    assert installation.rules == "unknown"
    assert any("kguard does not follow" in e.note for e in installation.reasons)
    assert found.problems == []


def test_other_documents_are_no_falco():
    found = facts(files={"values.yaml": "replicas: 1\n", "list.yaml": "- a\n- b\n"})
    assert found.presence == "absent"
    assert LAYER.coverage(found).state == "no_evidence"


@pytest.mark.parametrize(
    "junk",
    [
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "x"}, "spec": []},
        {**daemonset(volumes=7, containers="x"), "metadata": {"name": "other"}},
        {**daemonset(tolerations={"a": 1}, nodeSelector=[1]), "metadata": {"name": "other"}},
        {"apiVersion": "instance.falcosecurity.dev/v1alpha1", "kind": "Falco", "spec": "no"},
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": 7}, "spec": {"taints": "x"}},
    ],
)
def test_junk_is_no_crash(junk):
    assert facts(daemonset(), junk, config_map("falco", falco__yaml="[")).presence == "present"


def node(name: str, *taints: dict[str, str], **labels: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"taints": [*taints]}}


GPU = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


def test_nodes():
    virtual = node("v", GPU, type="virtual-kubelet")
    found = facts(daemonset(), node("a"), node("b", GPU), virtual)
    states = {n.ref.name: (n.state, n.obstacle) for n in found.nodes}
    assert states == {
        "a": ("watched", "none"),
        "b": ("unwatched", "taint"),
        "v": ("unwatchable", "platform"),
    }
    assert found.installations[0].reach == "some_nodes"


def test_two_falcos_watch_together():
    second = daemonset(tolerations=[{"operator": "Exists"}])
    second["metadata"] = {"name": "falco-gpu", "namespace": "falco"}
    found = facts(daemonset(), second, node("a"), node("b", GPU))
    assert {n.state for n in found.nodes} == {"watched"}


def test_the_rows_of_coverage():
    here = inventory(daemonset(), node("a"), node("b", GPU))
    assert list_coverage(here, "") == [
        {"daemonset": "falco", "node": "a", "covered": True, "reason": ""},
        {
            "daemonset": "falco",
            "node": "b",
            "covered": False,
            "reason": "taint gpu=yes:NoSchedule is not tolerated",
        },
    ]
    assert len(list_coverage(here, "falco/*")) == 2
    twin = daemonset()
    twin["metadata"] = {"name": "falco", "namespace": "other"}
    names = {
        row["daemonset"] for row in list_coverage(inventory(daemonset(), twin, node("a")), "*")
    }
    assert names == {"falco/falco", "other/falco"}
    assert list_coverage(here, "other") == []


def test_the_rows_of_rules():
    local = "- rule: shell\n  condition: and evt.num=0\n  override: {condition: append}\n"
    found = list_rules([("base.yaml", RULE), ("local.yaml", local)], "")
    assert [result["successful"] for result in found["result"]["falco_load_results"]] == [True] * 2
    (row,) = found["rules"]
    assert (row["name"], row["enabled"], row["dead"]) == ("shell", True, True)
    assert row["because"] == "`evt.num = 0` is never true; rule shell, local.yaml:1"
    assert row["events"] == ["asyncevent", "execve"]


def test_a_configuration_selects_the_rules():
    found = list_rules([("base.yaml", RULE)], "rules:\n- disable: {rule: 'sh*'}\n")
    assert [(row["enabled"], row["because"]) for row in found["rules"]] == [
        (False, "disabled by `rules` of falco.yaml")
    ]


def test_comparison_sees_what_gets_weaker_and_stronger():
    before, after = whole(), whole(CONFIG + "priority: error\n")
    change = LAYER.compare(before, after)
    assert ("DaemonSet falco/falco", "the rule shell cannot raise an alert") in [
        (entry.target, entry.text) for entry in change.weaker
    ]
    back = LAYER.compare(after, before)
    assert back.weaker == ()
    assert back.stronger
    assert LAYER.compare(before, before) == LAYER.compare(after, after)
