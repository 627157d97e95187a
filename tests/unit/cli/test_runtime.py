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
            "weakened": [],
            "shadowed_by": "",
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


def test_rules_beyond_what_is_followed(run, tmp_path):
    base = tmp_path / "base.yaml"
    macros = "- macro: m0\n  condition: evt.num=1\n" + "".join(
        f"- macro: m{n}\n  condition: m{n - 1} and m{n - 1}\n" for n in range(1, 20)
    )
    base.write_text(macros + RULES)
    done = run("rules", str(base))
    assert done.return_value == 3
    assert "base.yaml: not judged" in done.stdout
    assert "too large with its macros written out: kguard does not follow" in done.stdout
    assert "LOAD_ERR" not in done.stdout


LOCAL = """\
- rule: shell
  condition: and not k8s.ns.name = shop
  override: {condition: append}
- rule: earlier
  desc: d
  condition: evt.type in (execve, execveat)
  output: o
  priority: DEBUG
"""


def test_rules_that_are_weaker_or_hidden(run, tmp_path):
    base, local = tmp_path / "base.yaml", tmp_path / "local.yaml"
    base.write_text(RULES.replace("shell", "second") + RULES)
    local.write_text(LOCAL)
    text = run("rules", str(base), str(local)).stdout
    assert "weaker: leaves out namespace: `k8s.ns.name = shop`; no longer sees D1" in text
    assert f"rule shell, {local}:1" in text
    assert "never heard: second matches first" in text
    assert "fires    D1           a shell opened inside a container  second (Notice)" in text


def test_rules_of_an_older_falco(run, tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(RULES.replace("proc.name=bash", "proc.name startswith oneof (ba, z)"))
    assert run("rules", str(base)).return_value == 0
    assert run("rules", str(base), "--falco", "0.43.1").return_value == 1
    refused = run("rules", str(base), "--falco", "new").exception
    assert isinstance(refused, UsageError)
    assert "no version of Falco" in str(refused)


def test_rules_whose_plugin_is_not_loaded(run, tmp_path):
    base, config = tmp_path / "base.yaml", tmp_path / "falco.yaml"
    wanted = "- required_plugin_versions:\n  - {name: k8saudit, version: 0.18.0}\n"
    base.write_text(wanted + RULES)
    config.write_text("plugins: [{name: container}]\n")
    assert run("rules", str(base)).return_value == 0
    done = run("rules", str(base), "--config", str(config))
    assert done.return_value == 1
    assert "must load one of: k8saudit (>= 0.18.0)" in done.stdout


def test_generate(run, tmp_path):
    (tmp_path / "web.yaml").write_text(WEB)
    text = run("generate", str(tmp_path)).stdout
    assert '- "api.example.com"' in text
    assert "- rule: kguard connection that nobody meant\n  enabled: true\n" in text
    assert "kguard_signed_digests" not in text


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: web
        env: [{name: API, value: "https://api.example.com/v1"}]
"""


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
