# SPDX-License-Identifier: Apache-2.0
"""Is every JSON document that kguard prints about the shop as its published schema says?"""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from kguard import cli, sources
from kguard.cli.schemas import NAMES, schema
from kguard.sources import snapshot

SHOP = "examples/shop"
REQUESTS = """\
{"user": "jane", "verb": "get", "resourceRequest": true, "resource": "secrets"}
{"user": null, "verb": "get", "resourceRequest": false, "path": "/healthz"}
"""
ALERT = """\
{"rule": "Shell", "priority": "Notice", "time": "2026-11-23T12:00:00.0Z", "output": "o",
 "hostname": "node-1", "tags": ["t"], "output_fields": {"k8s.ns.name": "shop"}}
"""
EVENT = {
    "level": "Metadata",
    "auditID": "1",
    "stage": "ResponseComplete",
    "requestURI": "/api/v1/namespaces/shop/secrets/x",
    "verb": "delete",
    "user": {"username": "jane"},
    "objectRef": {"resource": "secrets", "namespace": "shop", "name": "x", "apiVersion": "v1"},
    "stageTimestamp": "2026-11-23T12:00:00.000000Z",
    "requestReceivedTimestamp": "2026-11-23T12:00:00.000000Z",
}
RULES = """\
- rule: Shell
  desc: d
  condition: evt.type = execve and evt.type = open
  output: o
  priority: WARNING
- macro: {}
"""
COMMANDS = {
    "report": f"scan {SHOP} -o json",
    "scan-line": f"scan {SHOP} -o jsonl",
    "baseline": f"baseline {SHOP} -o -",
    "diff": f"diff {SHOP} {{changed}} -o json",
    "gate": "gate {changed} --snapshot {snapshot} -o json",
    "admit": "admit --snapshot {snapshot}",
    "history-list": "history list --history {history} -o json",
    "history-show": "history show --history {history} -o json",
    "history-overview": "history overview --history {history} -o json",
    "history-diff": "history diff --history {history} 2026-11-23T12:00:00Z -o json",
    "facts": f"facts {SHOP}",
    "manifest": "manifests {changed}",
    "policies-list": "policies list -o json",
    "network-list": f"network list {SHOP} -o json",
    "network-diff": f"network diff {SHOP} {{changed}} -o json",
    "network-explain": f"network explain {SHOP} -o json --from any --port 6379 "
    "--to shop-data/redis",
    "mtls-list": f"mtls list {SHOP} -o json",
    "images-list": f"images list {SHOP} -o json",
    "images-verify": f"images verify registry.example.com/shop/cart:1.4.2 -o json --evidence "
    f"{SHOP}/evidence --key {SHOP}/keys/shop-release.pub",
    "audit-eval": f"audit eval --policy {SHOP}/cluster/audit-policy.yaml {{requests}}",
    "audit-replay": f"audit replay --policy {SHOP}/cluster/audit-policy.yaml --log {{log}} -o json",
    "audit-coverage": f"audit coverage {SHOP} -o json",
    "runtime-rules": "runtime rules {rules} -o json",
    "runtime-events": f"runtime events {{alerts}} -i {SHOP} -o json",
    "runtime-alert": f"runtime events {{alerts}} -i {SHOP} -o jsonl",
    "runtime-coverage": f"runtime coverage {SHOP} -o json",
}
REVIEW = {
    "apiVersion": "admission.k8s.io/v1",
    "kind": "AdmissionReview",
    "request": {
        "uid": "u",
        "operation": "CREATE",
        "kind": {"group": "networking.k8s.io", "version": "v1", "kind": "NetworkPolicy"},
        "namespace": "shop",
        "object": {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "open"},
            "spec": {"podSelector": {}, "ingress": [{}]},
        },
    },
}
STDIN = {"admit": json.dumps(REVIEW)}
LINES = {"scan-line", "manifest", "audit-eval", "runtime-alert"}
READ = {
    "config",
    "evidence",
    "flows",
    "proof",
    "snapshot",
    "waivers",
    "network",
    "mtls",
    "images",
    "audit",
    "runtime",
}
READ |= {"manifests", "cross"}
"""Documents that no command prints alone: files, parts of `facts`, the input of policies."""


@pytest.fixture(scope="module")
def files(tmp_path_factory, checkout, kguard) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("documents")
    changed = folder / "changed"
    shutil.copytree(checkout / SHOP, changed)
    (changed / "network" / "shop.yaml").write_text("kind: [\n")
    (folder / "requests.ndjson").write_text(REQUESTS)
    (folder / "rules.yaml").write_text(RULES)
    (folder / "audit.log").write_text(json.dumps(EVENT) + "\n")
    (folder / "alerts.json").write_text(ALERT.replace("\n", "") + "\n")
    state = snapshot.write(sources.collect([str(checkout / SHOP)]), "prod", datetime.now(UTC))
    (folder / "prod.kguard.gz").write_bytes(state)
    for hour, tree in ((12, SHOP), (13, changed)):
        past = ["--at", f"2026-11-23T{hour}:00:00Z", "--history", folder / "audits.db"]
        kguard("scan", tree, "--subject", "shop", *past, cwd=checkout)
    found = {
        "history": folder / "audits.db",
        "snapshot": folder / "prod.kguard.gz",
        "alerts": folder / "alerts.json",
        "changed": changed,
        "log": folder / "audit.log",
        "requests": folder / "requests.ndjson",
    }
    return {**found, "rules": folder / "rules.yaml"}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_is_as_the_schema_says(name, files, checkout, kguard):
    words = COMMANDS[name].format(**files).split()
    run = kguard(*words, cwd=checkout, input=STDIN.get(name))
    assert run.returncode in (0, 1, 3), run.stderr
    texts = run.stdout.splitlines() if name in LINES else [run.stdout]
    documents = [json.loads(text) for text in texts]
    assert all(documents)
    for document in documents:
        check(document, name)


def test_the_proof_is_as_the_schema_says(tmp_path, checkout, kguard):
    run = kguard("fix", SHOP, "--out", tmp_path, cwd=checkout)
    assert run.returncode in (0, 1), run.stderr
    check(json.loads((tmp_path / "proof.json").read_text()), "proof")


def test_files_that_are_read_are_as_the_schemas_say(checkout, files):
    header = gzip.decompress(files["snapshot"].read_bytes()).splitlines()[0]
    check(json.loads(header), "snapshot")
    check(yaml.safe_load((checkout / SHOP / "kguard.yaml").read_text()), "config")
    evidence = json.loads((checkout / SHOP / "evidence" / "evidence.json").read_text())
    check(evidence, "evidence")
    flow = {"from": {"namespace": "a"}, "to": {"host": "b.example"}, "ports": ["53/UDP", 80]}
    check({"flows": [flow]}, "flows")


def test_each_layer_has_the_schema_that_the_whole_has(files, checkout, kguard):
    whole = json.loads(kguard("facts", SHOP, cwd=checkout).stdout)
    for layer, facts in whole.items():
        check(facts, layer)


def test_every_document_is_covered():
    assert set(NAMES) == COMMANDS.keys() | READ


def test_every_command_that_prints_json_is_covered():
    covered = {" ".join(command.split()[:2]) for command in COMMANDS.values()}
    for path in _printing(cli.kguard, ()):
        assert any(entry.startswith(path) for entry in covered), path


def _printing(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    for parameter in command.params:
        if isinstance(parameter.type, click.Choice) and "json" in parameter.type.choices:
            yield " ".join(path)
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            inner = command.get_command(click.Context(command), name)
            assert inner is not None
            yield from _printing(inner, (*path, name))


def check(document: object, name: str) -> None:
    """Valid, and without a key that the schema does not name."""
    published = schema(name)
    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.Draft202012Validator(_closed(published)).validate(document)


def _closed(node: object) -> object:
    if isinstance(node, list):
        return [_closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    found = {key: _closed(value) for key, value in node.items()}
    return {"additionalProperties": False, **found} if "properties" in found else found
