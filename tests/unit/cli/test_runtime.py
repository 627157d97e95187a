# SPDX-License-Identifier: Apache-2.0
"""What does `kguard runtime` print, and how does it end?"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from kguard.cli.facts import command as facts_command
from kguard.cli.runtime import command
from kguard.errors import UsageError

RULES = """\
- rule: shell
  desc: d
  condition: evt.type=execve and proc.name=bash
  output: o
  priority: NOTICE
  tags: [a]
"""
NODES = """\
apiVersion: v1
kind: Node
metadata: {name: n1}
---
apiVersion: v1
kind: Node
metadata: {name: n2}
spec: {taints: [{key: gpu, effect: NoSchedule}]}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: ops}
spec: {template: {spec: {containers: [{name: c, image: a}]}}}
"""


@pytest.fixture
def run():
    def invoke(*arguments):
        return CliRunner().invoke(command, arguments, standalone_mode=False)

    return invoke


def test_rules_as_json(run, tmp_path):
    base, config = tmp_path / "base.yaml", tmp_path / "falco.yaml"
    base.write_text(RULES)
    config.write_text("rules:\n- disable: {tag: a}\n")
    done = run("rules", str(base), "--config", str(config), "-o", "json")
    found = json.loads(done.stdout)
    assert done.return_value == 0
    assert found["result"]["falco_load_results"][0]["successful"] is True
    assert found["rules"] == [
        {
            "name": "shell",
            "enabled": False,
            "dead": False,
            "because": "disabled by `rules` of falco.yaml",
            "condition_compiled": "(evt.type = execve and proc.name = bash)",
            "events": ["asyncevent", "execve"],
        }
    ]


def test_rules_that_falco_refuses(run, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(RULES.replace("proc.name=bash", "undefined_macro"))
    done = run("rules", str(base))
    assert done.return_value == 1
    assert "refused" in done.stdout
    assert "LOAD_ERR_VALIDATE: Undefined macro 'undefined_macro' used in filter." in done.stdout


def test_coverage(run, tmp_path):
    (tmp_path / "cluster.yaml").write_text(NODES)
    done = run("coverage", str(tmp_path), "--daemonset", "ag*", "-o", "json")
    assert done.return_value == 0
    assert [(row["node"], row["covered"]) for row in json.loads(done.stdout)] == [
        ("n1", True),
        ("n2", False),
    ]
    assert json.loads(run("coverage", str(tmp_path), "-o", "json").stdout) == []
    text = run("coverage", str(tmp_path), "--daemonset", "*").stdout
    assert "taint gpu:NoSchedule is not tolerated" in text


BASE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: falco, namespace: falco}
data:
  falco.yaml: "rules_files: [/etc/falco/falco_rules.yaml]"
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: falco, namespace: falco}
spec:
  template:
    spec:
      containers:
      - name: falco
        image: falcosecurity/falco:0.44.1
        volumeMounts: [{name: c, mountPath: /etc/falco/falco.yaml, subPath: falco.yaml}]
      volumes: [{name: c, configMap: {name: falco}}]
"""


def installation(*arguments):
    done = CliRunner().invoke(facts_command, ["--layer", "runtime", *arguments])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)["runtime"]["installations"][0]


def test_rules_that_come_with_falco_are_named(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/all.yaml").write_text(BASE)
    (tmp_path / "falco_rules.yaml").write_text(RULES)
    assert installation(str(tmp_path / "in"))["rules"] == "unknown"
    named = ("--falco-rules", str(tmp_path / "falco_rules.yaml"))
    found = installation(str(tmp_path / "in"), *named)
    assert (found["rules"], found["base_rules"], found["loaded"]) == ("loads", "named", 1)
    settings = tmp_path / "kguard.yaml"
    settings.write_text("falco: {rules: [falco_rules.yaml]}")
    assert installation(str(tmp_path / "in"), "--config", str(settings))["base_rules"] == "named"


def test_offline_asks_no_registry_for_rules(tmp_path):
    (tmp_path / "all.yaml").write_text(BASE)
    named = ("--offline", "--falco-rules", "oci://registry.invalid/falco-rules:5")
    done = CliRunner().invoke(facts_command, [str(tmp_path), *named], standalone_mode=False)
    assert isinstance(done.exception, UsageError)
    assert "--offline excludes --falco-rules" in done.exception.message
