# SPDX-License-Identifier: Apache-2.0
"""What does a person get who types a command, right or wrong?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.manifests import OPEN_WEB


@pytest.fixture
def web(tmp_path):
    (tmp_path / "web.yaml").write_text(OPEN_WEB)
    return tmp_path


def _json(done):
    assert done.stdout, done.stderr
    return json.loads(done.stdout)


def test_version_and_help_load_nothing_heavy(kguard):
    done = kguard("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("kguard ")
    assert "scan" in kguard("--help").stdout


def test_findings_at_the_gate_are_code_1_and_below_it_0(kguard, web):
    assert kguard("scan", web, "--fail-on", "info").returncode == 1
    assert kguard("scan", web, "--fail-on", "none").returncode == 0


def test_the_code_is_the_same_in_every_format(kguard, web):
    for name in ("terminal", "json", "sarif", "junit", "markdown", "html"):
        done = kguard("scan", web, "-o", name, "--fail-on", "info")
        assert (name, done.returncode, done.stderr) == (name, 1, "")
        assert done.stdout.strip()


def test_reports_go_to_files(kguard, web):
    done = kguard("scan", web, "-o", f"json={web}/out.json", "-o", f"sarif={web}/out.sarif")
    assert done.stdout == ""
    assert json.loads((web / "out.json").read_text())["schema"] == "kguard/report/v1"
    assert json.loads((web / "out.sarif").read_text())["version"] == "2.1.0"


def test_same_input_same_bytes_whatever_the_file_is_called(kguard, web):
    first = kguard("scan", "web.yaml", "-o", "json", "--at", "2026-11-23T12:00:00Z", cwd=web)
    again = kguard("scan", "web.yaml", "-o", "json", "--at", "2026-11-23T12:00:00Z", cwd=web)
    assert first.stdout == again.stdout
    (web / "web.yaml").rename(web / "bew.yaml")
    renamed = kguard("scan", "bew.yaml", "-o", "json", "--at", "2026-11-23T12:00:00Z", cwd=web)
    assert renamed.stdout.replace("bew.yaml", "web.yaml") == first.stdout


def test_a_broken_file_is_named_and_the_rest_is_scanned(kguard, web):
    (web / "bad.yaml").write_text("kind: Pod\n\tapiVersion: v1\n")
    done = kguard("scan", web, "-o", "json", "--fail-on", "none")
    assert done.returncode == 3
    report = _json(done)
    assert not report["complete"]
    assert report["incomplete"][0]["source"].endswith("bad.yaml:2:1")
    assert {f["target"]["name"] for f in report["findings"]} >= {"web"}
    allowed = kguard("scan", web, "--fail-on", "none", "--allow-incomplete")
    assert allowed.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["scan"], 2, "kguard: nothing to read"),
        (["scan", ".", "--policy", "network/default-denny"], 2, "did you mean"),
        (["scan", ".", "-o", "xml"], 2, "unknown format"),
        (["scan", ".", "--at", "noon"], 2, "kguard: --at noon is no time"),
        (["scan", ".", "--assume", "cni"], 2, "kguard: --assume cni is not KEY=VALUE"),
        (["scan", ".", "--engine", "opa"], 2, "kguard: --engine opa needs --opa-url"),
        (["scan", ".", "--baseline", "none.json"], 2, "none.json: the baseline cannot be read"),
        (["scan", ".", "--waivers", "none.yaml"], 2, "none.yaml: the waivers file cannot be read"),
        (["scan", ".", "--policies", "none"], 2, "none: there is no such folder of policies"),
        (["scan", ".", "--offline", "--registry"], 2, "--offline excludes"),
        (["explain", "network/nothing"], 2, "unknown policy"),
        (["frobnicate"], 2, "kguard: there is no command `frobnicate`"),
        (["scna", "."], 2, "hint: did you mean scan?"),
        (["scan", "--lyer", "x"], 2, "hint: did you mean --layer?"),
        (["network", "lst"], 2, "kguard: there is no command `kguard network lst`"),
        (["scan", "--scope", "x"], 2, "kguard: --scope: there is no 'x'"),
        (["policies", "show"], 2, "`kguard policies show --help`"),
        (["scan", ""], 2, "kguard: an input is empty"),
        (["scan", ".", "-n", "Bad_NS"], 2, "kguard: -n: 'Bad_NS' is no name of a namespace"),
        (["manifests", ".", "-n", ""], 2, "kguard: -n: '' is no name of a namespace"),
        (["scan", ".", "--policies", "."], 2, "kguard: .: the folder holds no policy"),
        (["diff", "."], 2, "diff compares two inputs"),
    ],
)
def test_mistakes_are_one_sentence(kguard, web, arguments, code, message):
    done = kguard(*arguments, cwd=web)
    assert done.returncode == code
    assert message in done.stderr
    assert [line[:7] for line in done.stderr.splitlines()] in (["kguard:"], ["kguard:", "  hint:"])


def test_nothing_to_scan_is_code_3(kguard, tmp_path):
    (tmp_path / "notes.yaml").write_text("hello: world\n")
    done = kguard("scan", tmp_path / "notes.yaml")
    assert done.returncode == 3
    assert "no manifest found" in " ".join(done.stdout.split())


def test_a_folder_without_manifests_says_what_it_holds(kguard, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")
    done = kguard("scan", tmp_path)
    assert done.returncode == 3
    assert "(it holds no YAML or JSON file)" in " ".join(done.stdout.split())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this platform")
def test_a_full_disk_is_no_bug(checkout, web):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "kguard", "scan", str(web), "-q"],
            env={**os.environ, "PYTHONPATH": str(checkout)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr == "kguard: cannot write to standard output: No space left on device\n"


def test_stdin(kguard, web):
    done = kguard("scan", "-", "-o", "json", input=OPEN_WEB)
    assert {f["target"]["name"] for f in _json(done)["findings"]} >= {"web"}


def test_a_finding_is_explained_from_inputs_and_from_a_report(kguard, web):
    done = kguard("scan", web, "-o", "json")
    (web / "report.json").write_text(done.stdout)
    first = _json(done)["findings"][0]
    prefix = first["fingerprint"][:8]
    live = kguard("explain", prefix, web)
    stored = kguard("explain", prefix, "--report", web / "report.json")
    assert live.returncode == stored.returncode == 0
    assert first["message"] in live.stdout
    assert live.stdout == stored.stdout


def test_only_new_findings_count_with_a_baseline(kguard, web):
    baseline = web / "baseline.json"
    assert kguard("baseline", web / "web.yaml", "-o", baseline).returncode == 0
    gate = ("--baseline", baseline, "--fail-on", "info")
    assert kguard("scan", web / "web.yaml", *gate).returncode == 1
    assert kguard("scan", web / "web.yaml", *gate, "--fail-on-new").returncode == 0
    (web / "more.yaml").write_text(OPEN_WEB.replace("name: web,", "name: more,"))
    both = (web / "web.yaml", web / "more.yaml")
    assert kguard("scan", *both, *gate, "--fail-on-new").returncode == 1


def test_no_policy_of_the_user_can_stop_a_scan(kguard, web):
    mine = web / "mine"
    mine.mkdir()
    metadata = "# METADATA\n# title: t\n# custom: {severity: high, layer: network}\n"
    (mine / "crash.rego").write_text(
        metadata + "package mine.crash\n\n_f(x) if _g(x)\n\n_g(x) if _f(x)\n\n"
        'deny contains {"target": {"kind": "Pod"}, "message": "m"} if _f(1)\n'
    )
    done = kguard("scan", web / "web.yaml", "--policies", mine, "-o", "json", "--fail-on", "none")
    assert done.returncode == 3
    report = _json(done)
    assert [entry["source"] for entry in report["incomplete"]] == ["policy network/crash"]
    assert {f["target"]["name"] for f in report["findings"]} >= {"web"}


def test_a_policy_on_objects(kguard, web):
    mine = web / "mine"
    mine.mkdir()
    (mine / "named_web.rego").write_text(
        "# METADATA\n# title: t\n# custom: {severity: high, layer: network, input: objects}\n"
        "package mine.named_web\n\ndeny contains finding if {\n"
        '\tsome object in input.objects\n\tobject.metadata.name == "web"\n'
        '\tfinding := {"target": {"apiVersion": object.apiVersion, "kind": object.kind, '
        '"namespace": object.metadata.namespace, "name": object.metadata.name}, '
        '"message": "named web"}\n}\n'
    )
    done = kguard("scan", web / "web.yaml", "--policies", mine, "-o", "json")
    assert "named web" in {f["message"] for f in _json(done)["findings"]}


def test_control_characters_never_reach_the_terminal(kguard, tmp_path):
    (tmp_path / "web.yaml").write_text(OPEN_WEB.replace("name: web,", 'name: "w\\e[2Jeb\\u202e",'))
    for name in ("terminal", "markdown", "html", "junit"):
        text = kguard("scan", tmp_path, "-o", name).stdout
        assert "\x1b" not in text
        assert "\u202e" not in text


@pytest.mark.skipif(not shutil.which("unshare"), reason="no unshare on this machine")
def test_a_scan_needs_no_network(kguard, web, checkout):
    probe = subprocess.run(["unshare", "-rn", "true"], check=False, capture_output=True)
    if probe.returncode:
        pytest.skip("user namespaces are not allowed here")
    import sys

    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-m", "kguard", "scan", str(web), "-o", "json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(checkout)},
    )
    assert _json(done)["complete"]


@pytest.mark.parametrize(
    "words",
    [
        ("diff", "{web}", "{web}/nowhere"),
        ("fix", "{web}/nowhere", "--out", "{web}/out"),
        ("mtls", "list", "{web}/nowhere"),
        ("runtime", "coverage", "{web}/nowhere"),
        ("images", "list", "{web}/nowhere"),
    ],
)
def test_an_input_that_is_not_there_is_one_sentence_and_code_3(kguard, web, words):
    done = kguard(*(word.format(web=web) for word in words))
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        f"kguard: {web}/nowhere: no such file or folder\n"
        "  hint: name the folder with your manifests, or `-` for stdin\n"
    )


@pytest.mark.parametrize("content", ["{}", "junk", "-----BEGIN PUBLIC KEY-----\nx\n"])
def test_a_trusted_root_that_is_none_is_refused(kguard, web, content):
    (web / "root").write_text(content)
    done = kguard("scan", "web.yaml", "--trusted-root", "root", cwd=web)
    assert done.returncode == 2
    assert done.stderr.startswith("kguard: --trusted-root root: ")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--evidence", "nowhere"), "--evidence nowhere: no such file or folder"),
        (("--trusted-root", "nowhere"), "--trusted-root nowhere: no such file or folder"),
        (("--assume", "kubernetes=new"), "--assume kubernetes=new: that is no version"),
        (("--waivers", "nowhere"), "the waivers file cannot be read: no such file or directory"),
        (("--policies", "nowhere"), "nowhere: there is no such folder of policies"),
    ],
)
def test_an_option_that_leads_nowhere_is_refused(kguard, web, options, sentence):
    done = kguard("scan", web, *options)
    assert done.returncode == 2
    assert sentence in done.stderr


def test_a_file_name_that_is_no_utf_8_is_shown_with_escapes(kguard, tmp_path):
    (tmp_path / os.fsdecode(b"\xff.yaml")).write_text(OPEN_WEB)
    for name in ("terminal", "json", "sarif", "junit", "markdown", "html"):
        assert "xff.yaml" in kguard("scan", tmp_path, "-o", name).stdout


def test_a_git_revision_is_not_edited_in_place(kguard, web):
    done = kguard("fix", "rev:HEAD", "--in-place", cwd=web)
    assert done.returncode == 2
    assert "--in-place edits files" in done.stderr


def test_a_history_that_cannot_be_written_takes_no_report_away(kguard, checkout, tmp_path):
    missing = tmp_path / "no" / "folder" / "audits.db"
    done = kguard("scan", "examples/shop", "--history", missing, cwd=checkout)
    assert done.returncode == 3
    assert "cannot be opened" in done.stderr
    assert "network/open-to-cluster" in done.stdout


def test_only_what_the_last_audit_had_not_fails_with_a_history(kguard, web, tmp_path):
    history = ("--history", tmp_path / "audits.db", "--subject", "web", "--fail-on-new")
    gate = ("--fail-on", "medium", "-o", "json")
    first = kguard("scan", web, "--at", "2026-11-29T12:00:00Z", *history, *gate)
    assert first.returncode == 1
    second = kguard("scan", web, "--at", "2026-11-30T12:00:00Z", *history, *gate)
    assert second.returncode == 0
    states = {finding["state"] for finding in json.loads(second.stdout)["findings"]}
    assert states == {"open"}
    (web / "other.yaml").write_text(OPEN_WEB.replace("web", "other"))
    third = kguard("scan", web, "--at", "2026-12-01T12:00:00Z", *history, *gate)
    assert third.returncode == 1


def test_explain_knows_the_policies_of_the_settings(kguard, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "p.rego").write_text(
        'package own\n\ndeny contains "no" if input.kind == "ConfigMap"\n'
    )
    (tmp_path / "kguard.yaml").write_text("policy-dirs: [own]\n")
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    report = json.loads(kguard("scan", ".", "-o", "json", cwd=tmp_path).stdout)
    (mark,) = (f["fingerprint"] for f in report["findings"] if f["policy"] == "manifests/own-deny")
    told = kguard("explain", mark, ".", cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert "manifests/own-deny" in told.stdout
    assert kguard("explain", "manifests/own-deny", cwd=tmp_path).returncode == 0
