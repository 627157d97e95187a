# SPDX-License-Identifier: Apache-2.0
"""Is every mistake of a newcomer one sentence, with what to type next?"""

from __future__ import annotations

import io
import shlex
import sys

import pytest

from kguard import cli

FILES = {
    "deploy/a.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: []}\n",
    "readme.txt": "hello\n",
    "bad.yaml": "scop: app\n",
    "open.yaml": "inputs: [\n",
    "type.yaml": "waivers: 3\n",
    "list.yaml": "- policy: network/x\n",
    "no-report.json": '{"a": 1}',
    "pol/lib.rego": "package lib\nx := 1\n",
    "chart/Chart.yaml": "apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "empty/.keep": "",
}
HELP = "--help` says what there is"
MISTAKES = [
    ("scan", 2, "nothing to read", "name a file or folder, `-`, or --context NAME"),
    ("sacn deploy", 2, "there is no command `sacn`", "did you mean scan?"),
    ("policies shwo x", 2, "there is no command `kguard policies shwo`", "did you mean show?"),
    ("scan deploy --polcy x", 2, "there is no option --polcy", "did you mean --policy?"),
    ("scan deploy --frobnicate", 2, "there is no option --frobnicate", "such as `kguard scan de"),
    ("scan deploy --fail-on hihg", 2, "--fail-on: there is no 'hihg'", "did you mean high?"),
    ("scan deploy --fail-on 7", 2, "--fail-on: there is no '7'", "one of none, info, low, medium"),
    ("scan deploy --layer netwrk", 2, "--layer: there is no 'netwrk'", "did you mean network?"),
    ("scan deploy -o sarf", 2, "unknown format 'sarf'", "did you mean sarif?"),
    ("scan deploy --changes sarf", 2, "unknown format 'sarf'", "did you mean sarif?"),
    ("diff deploy empty -o html", 2, "unknown format 'html'", "one of txt, json, markdown, sarif"),
    ("scan bad.yaml open.yaml --history a.db", 2, "the history needs a name", "--subject NAME"),
    ("scan deploy --policy network/open", 2, "unknown policy `network/open`", "`kguard policies l"),
    ("scan deploy --engine opa", 2, "--engine opa needs --opa-url", "--opa-url http://127.0.0.1:"),
    (
        "scan deploy --engine opa --opa-url http://127.0.0.1:1",
        3,
        "http://127.0.0.1:1: the OPA server does not answer",
        "start one (`opa run --server`), or leave out --engine",
    ),
    ("scan deploy --config bad.yaml", 2, "bad.yaml:1:1: unknown setting `scop`", "mean scope?"),
    ("scan deploy --config open.yaml", 2, "open.yaml:2:1: the file is no valid", "a bracket or"),
    ("scan deploy --config type.yaml", 2, "type.yaml:1:1: waivers: Expected", "`kguard schema co"),
    ("scan deploy --config none.yaml", 2, "none.yaml: the file cannot be re", "`kguard init` wri"),
    ("scan deploy --waivers list.yaml", 2, "list.yaml:1:1: the waiver is", "see docs/waivers.md"),
    ("scan deploy --waivers none.yaml", 2, "none.yaml: the waivers file ca", "docs/waivers.md sho"),
    (
        "scan deploy --baseline none.json",
        2,
        "none.json: the baseline",
        "`kguard baseline INPUT -o n",
    ),
    ("scan deploy --baseline no-report.json", 2, "no-report.json: the base", "`kguard scan ... -o"),
    ("scan deploy --policies none", 2, "none: there is no such folder", "`kguard policies new LAY"),
    ("scan deploy --policies pol", 2, "pol: the folder holds no policy", "a policy is a .rego fil"),
    ("scan --context prod", 2, "context prod: there is no such", "set KUBECONFIG, or use --snaps"),
    ("scan --snapshot none.gz", 3, "none.gz: no such file", "`kguard snapshot --context NAME -o n"),
    ("scan --snapshot deploy/a.yaml", 3, "a.yaml:1: this is no snapshot", "`kguard snapshot --c"),
    ("scan deploy --assume cni", 2, "--assume cni is not KEY=VALUE", "kubernetes, istio, knative"),
    ("scan deploy --at noon", 2, "--at noon is no time", "write 2026-11-23T12:00:00Z"),
    (
        "scan deploy -n Shop_1",
        2,
        "'Shop_1' is no name of a namespace",
        "lower-case letters, digits",
    ),
    ("scan deploy --flows none.yaml", 3, "none.yaml: the file cannot be read", "docs/layers/netwo"),
    ("scan deploy --falco-rules none", 2, "--falco-rules none: no such file", "oci://REGISTRY/"),
    ("scan deploy --trusted-root readme.txt", 2, "readme.txt: no public key", "or a public key"),
    (
        "scan deploy --evidence none",
        2,
        "--evidence none: no such file",
        "says what --evidence takes",
    ),
    ("explain network/none", 2, "unknown policy `network/none`", "`kguard policies list` names"),
    ("explain abcdef1", 2, "where has abcdef1 been found?", "`kguard explain abcdef1 INPUT`"),
    ("explain abcdef1 deploy", 2, "no finding has the fingerprint", "`kguard scan -o json`"),
    ("explain abcdef1 --report bad.yaml", 2, "bad.yaml: no report of kguard", "-o json=bad.yaml`"),
    ("fix none", 3, "none: no such file or folder", "name the folder with your manifests"),
    ("diff deploy", 2, "diff compares two inputs", "kguard diff BASE HEAD"),
    ("gate deploy", 2, "gate asks for a cluster", "--context NAME, or --snapshot FILE"),
    ("admit --snapshot none", 2, "this is no AdmissionReview", "kind AdmissionReview"),
    ("schema confg", 2, "NAME: there is no 'confg'", "did you mean config?"),
    ("completion tcsh", 2, "SHELL: there is no 'tcsh'", "one of bash, zsh, fish"),
    ("snapshot", 2, "missing option '--context'", "such as `kguard snapshot --context"),
    ("history list", 2, "missing option '--history'", HELP),
    ("network explain deploy", 2, "missing option '--from'", HELP),
    ("mtls explain none deploy", 2, "no workload none in the input", "`kguard mtls list` names"),
    ("policies new nosuch/x pol", 2, "'nosuch/x' names no layer", "LAYER/NAME, with one of"),
    ("policies new mtls/A_B pol", 2, "'mtls/A_B' is no id of a policy", "lower-case words with"),
    ("init empty", 3, "empty: no manifest found", "name the folder with your manifests"),
    ("init deploy --ci circle", 2, "--ci: there is no 'circle'", "one of auto, none, github"),
]
NOTES = [
    (
        "manifests empty",
        "empty: no manifest found (it holds no YAML or JSON file); name the folder",
    ),
    ("images list empty", "empty: no manifest found"),
    ("policies test empty", "no tests in empty: they are rules `test_...` in files named"),
]


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys):
    """``typed("scan x")`` is the exit code and what stderr says."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def run(line):
        monkeypatch.setattr(sys, "argv", ["kguard", *shlex.split(line)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
        return cli._run(), capsys.readouterr().err

    return run


@pytest.mark.parametrize(("line", "code", "problem", "hint"), MISTAKES, ids=lambda v: str(v)[:40])
def test_a_mistake_is_one_sentence_with_a_hint(typed, line, code, problem, hint):
    status, said = typed(line)
    first, second = said.splitlines()
    assert status == code
    assert first.startswith("kguard: ")
    assert problem in first
    assert second.startswith("  hint: ")
    assert hint in second


@pytest.mark.parametrize(("line", "note"), NOTES)
def test_an_empty_answer_says_why_it_is_empty(typed, line, note):
    assert note in typed(line)[1]
