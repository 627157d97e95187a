# SPDX-License-Identifier: Apache-2.0
"""What does `kguard runtime` print, and how does it end?"""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from kguard.cli.runtime import command

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
