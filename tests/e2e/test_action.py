# SPDX-License-Identifier: Apache-2.0
"""Do the Action's steps scan, report and fail as promised, whatever an input or manifest holds?

The steps of action.yml are run by bash with the files and variables that the runner gives them.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.e2e.manifests import LATEST_WEB, OPEN_WEB
from tests.repositories import commit, git

EXPRESSION = re.compile(r"\$\{\{\s*(\S+)\s*\}\}")
COMMAND_TEXT = "::error::owned ##[error]owned ::set-output name=findings::0"
OPEN_OTHER = OPEN_WEB.replace("name: web, namespace", "name: other, namespace")
PLAIN_CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain, namespace: shop}\n"


class Runner:
    """As much of GitHub's runner as a composite action sees."""

    def __init__(self, action: Path, folder: Path, temporary: Path):
        self.action = yaml.safe_load((action / "action.yml").read_text())
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        self.output = folder / "output"
        self.summary = folder / "summary"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "python3").symlink_to(Path(sys.executable).resolve())
        self.variables = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(action),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(temporary),
        }

    def step(self, name: str, **inputs: str) -> subprocess.CompletedProcess:
        """Run one step; inputs by their names with ``_`` for ``-``."""
        (step,) = (step for step in self.action["runs"]["steps"] if step["name"] == name)
        values = {key: str(given["default"]) for key, given in self.action["inputs"].items()}
        values.update({key.replace("_", "-"): value for key, value in inputs.items()})
        assert set(values) == set(self.action["inputs"])
        environment = {
            key: values[EXPRESSION.fullmatch(text)[1].removeprefix("inputs.")]
            for key, text in step.get("env", {}).items()
        }
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace,
            env={**self.variables, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def scan(self, **inputs: str) -> subprocess.CompletedProcess:
        return self.step("Scan", **inputs)

    def outputs(self) -> dict[str, str]:
        """The outputs as the runner would parse them."""
        text = self.output.read_text()
        parsed = re.findall(r"^(\S+)<<(\S+)\n(.*?)\n\2$", text, re.MULTILINE | re.DOTALL)
        return {name: value for name, _, value in parsed}


@pytest.fixture(scope="module")
def installed(checkout, tmp_path_factory):
    """RUNNER_TEMP after the first step: it needs the package registry."""
    temporary = tmp_path_factory.mktemp("runner")
    runner = Runner(checkout, tmp_path_factory.mktemp("install"), temporary)
    packaging = {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    runner.variables.update(packaging)
    done = runner.step("Install kguard from its lock")
    if done.returncode and os.environ.get("KGUARD_TESTBED") != "required":
        pytest.skip("the Action's lock could not be installed (no package registry?)")
    assert done.returncode == 0, done.stdout + done.stderr
    return temporary


@pytest.fixture
def runner(checkout, installed, tmp_path):
    return Runner(checkout, tmp_path, installed)


WANTED_INPUTS = {
    *("paths", "config", "fail-on", "format", "output", "sarif-file", "baseline", "base-ref"),
    *("only-changed", "layers", "engine", "summary", "annotations", "settings-from", "online"),
}
WANTED_OUTPUTS = {
    *("sarif-file", "json-file", "findings", "new-findings", "highest-severity", "exit-code"),
    "patch-file",
}


def test_the_action_has_every_input_and_output_that_workflows_need(checkout):
    action = yaml.safe_load((checkout / "action.yml").read_text())
    assert set(action["inputs"]) >= WANTED_INPUTS
    assert set(action["outputs"]) >= WANTED_OUTPUTS
    page = (checkout / "docs" / "github-action.md").read_text()
    for name in (*action["inputs"], *action["outputs"]):
        assert f"`{name}`" in page, f"docs/github-action.md does not explain {name}"


@pytest.mark.parametrize(
    ("found", "enough"), [("26.0.1", True), ("22.3", True), ("22.2.2", False), ("dev", False)]
)
def test_a_pip_of_the_runner_is_taken_where_it_can_install_elsewhere(
    checkout, monkeypatch, found, enough
):
    monkeypatch.syspath_prepend(str(checkout / "support" / "action"))
    install = importlib.import_module("install")
    monkeypatch.setattr(install, "version", lambda _: found)
    assert install._has_pip() is enough


def test_inputs_reach_scripts_by_the_environment_only(checkout):
    action = yaml.safe_load((checkout / "action.yml").read_text())
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["run"].startswith('python3 -I "${GITHUB_ACTION_PATH}/')
        for text in step.get("env", {}).values():
            assert EXPRESSION.fullmatch(text)[1].startswith("inputs.")
    used = set(re.findall(r"inputs\.([\w-]+)", (checkout / "action.yml").read_text()))
    assert used == set(action["inputs"])


@pytest.fixture
def pull_request(runner):
    """The checkout of a pull request that accepts its own finding, and its base's commit."""

    git(runner.workspace, "init", "-q", "-b", "main")
    base = commit(runner.workspace, {"shop.yaml": LATEST_WEB})
    settings = "policies: {images/mutable-tag: {enabled: false}}\nfail-on: critical\n"
    commit(runner.workspace, {"kguard.yaml": settings})
    event = runner.workspace.parent / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    runner.variables |= {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(event)}
    return event


def _policies(runner: Runner) -> set[str]:
    report = json.loads(Path(runner.outputs()["json-file"]).read_text())
    return {finding["policy"] for finding in report["findings"]}


def test_a_pull_request_is_judged_with_the_settings_of_its_base(runner, pull_request):
    done = runner.scan(paths="shop.yaml", fail_on="medium")
    assert done.returncode == 1, done.stdout
    assert "images/mutable-tag" in _policies(runner)


def test_the_settings_of_the_request_count_where_the_workflow_says_so(runner, pull_request):
    runner.scan(paths="shop.yaml", fail_on="medium", settings_from="head")
    found = _policies(runner)
    assert found
    assert "images/mutable-tag" not in found


def test_only_what_a_request_brings_fails_it(runner, pull_request):
    done = runner.scan(paths="shop.yaml", fail_on="low", fail_on_new="true")
    assert done.returncode == 0, done.stdout
    assert int(runner.outputs()["known-findings"]) > 0
    runner.output.unlink()
    second = LATEST_WEB.replace("name: web, namespace", "name: second, namespace")
    (runner.workspace / "shop.yaml").write_text(f"{LATEST_WEB}---{second}")
    done = runner.scan(paths="shop.yaml", fail_on="low", fail_on_new="true")
    assert done.returncode == 1, done.stdout


def test_a_checkout_without_the_base_fails_the_job(runner, pull_request):
    pull_request.write_text(json.dumps({"pull_request": {"base": {"sha": "0" * 39 + "1"}}}))
    done = runner.scan(paths="shop.yaml", fail_on="none", allow_incomplete="true")
    assert done.returncode == 3
    assert "fetch-depth: 0" in done.stdout


def test_a_request_is_told_by_what_it_does(runner, pull_request):
    (runner.workspace / "shop.yaml").write_text(LATEST_WEB + "---" + OPEN_OTHER)
    runner.scan(paths="shop.yaml", only_changed="true", fail_on="low")
    outputs = runner.outputs()
    assert outputs["new-findings"] == outputs["findings"] != "0"
    assert "this change" in Path(outputs["change-file"]).read_text()
    assert runner.summary.read_text() == Path(outputs["change-file"]).read_text()
    sarif = json.loads(Path(outputs["sarif-file"]).read_text())
    states = [result.get("baselineState") for result in sarif["runs"][0]["results"]]
    assert states.count(None) == int(outputs["new-findings"])


def test_remedies_come_as_a_patch_that_git_applies(checkout, runner, pull_request):
    case = checkout / "tests" / "cases" / "pulls" / "network-empty-rule" / "head"
    shutil.copytree(case, runner.workspace / "deploy")
    runner.scan(paths="deploy", fail_on="none")
    patch = runner.outputs()["patch-file"]
    done = subprocess.run(
        ["git", "apply", patch], cwd=runner.workspace, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "ingress: []" in (runner.workspace / "deploy" / "policies.yaml").read_text()
    assert list((runner.workspace / "remedies").glob("*.yaml"))


def test_hooks_and_monitors_of_the_repository_do_not_run(runner, pull_request):
    script = runner.workspace / "evil.sh"
    script.write_text(f"#!/bin/sh\ntouch {runner.workspace}/owned\n")
    script.chmod(0o755)
    for name in ("post-checkout", "pre-commit", "reference-transaction", "post-index-change"):
        shutil.copy(script, runner.workspace / ".git" / "hooks" / name)
    settings = ("core.fsmonitor", "core.pager", "core.sshCommand", "diff.external", "core.editor")
    for name in settings:
        command = ["git", "config", name, str(script)]
        subprocess.run(command, cwd=runner.workspace, check=True)
    filters = ["git", "config", "filter.x.smudge", str(script)]
    subprocess.run(filters, cwd=runner.workspace, check=True)
    (runner.workspace / ".gitattributes").write_text("* filter=x diff=x\n")
    done = runner.scan(paths="shop.yaml", fail_on="none", fail_on_new="true")
    assert done.returncode == 0, done.stdout
    assert not (runner.workspace / "owned").exists()


def test_links_out_of_the_tree_are_not_followed(runner, pull_request):
    secret = runner.workspace.parent / "secret.yaml"
    secret.write_text(LATEST_WEB.replace("name: web, namespace", "name: secret, namespace"))
    (runner.workspace / "link.yaml").symlink_to(secret)
    (runner.workspace / "folder").symlink_to(runner.workspace.parent)
    done = runner.scan(paths=".", fail_on="none")
    assert done.returncode == 3
    report = json.loads(Path(runner.outputs()["json-file"]).read_text())
    assert "secret" not in {finding["target"]["name"] for finding in report["findings"]}


def test_a_name_of_megabytes_is_bounded_everywhere(runner, pull_request):
    long = "x" * 5_000_000
    hostile = LATEST_WEB.replace("name: web, namespace", f'name: "{long}", namespace')
    (runner.workspace / "shop.yaml").write_text(hostile)
    done = runner.scan(paths="shop.yaml", fail_on="none")
    assert done.returncode in {0, 3}
    assert len(runner.summary.read_bytes()) < 1024 * 1024
    assert max(map(len, _annotations(done))) < 10_000


def test_a_merge_group_has_a_base(runner, pull_request):
    event = json.loads(pull_request.read_text())["pull_request"]
    pull_request.write_text(json.dumps({"merge_group": {"base_sha": event["base"]["sha"]}}))
    runner.variables["GITHUB_EVENT_NAME"] = "merge_group"
    runner.scan(paths="shop.yaml", fail_on="medium")
    assert "images/mutable-tag" in {
        f["policy"] for f in json.loads(Path(runner.outputs()["json-file"]).read_text())["findings"]
    }


def test_a_base_can_be_named(runner, pull_request):
    runner.variables["GITHUB_EVENT_NAME"] = "push"
    (runner.workspace / "kguard.yaml").unlink()
    done = runner.scan(paths="shop.yaml", base_ref="HEAD~1", only_changed="true", fail_on="low")
    assert done.returncode == 0, done.stdout
    assert int(runner.outputs()["known-findings"]) > 0


def _annotations(done: subprocess.CompletedProcess) -> list[str]:
    return [
        line for line in done.stdout.splitlines() if re.match(r"::(error|warning|notice) ", line)
    ]


def test_annotations_stay_within_what_the_runner_shows(runner):
    names = [f"web-{number}" for number in range(30)]
    many = "---".join(LATEST_WEB.replace("name: web, n", f"name: {name}, n") for name in names)
    (runner.workspace / "shop.yaml").write_text(many)
    done = runner.scan(paths="shop.yaml", fail_on="none")
    levels = [line.split(" ")[0] for line in _annotations(done)]
    assert max(map(levels.count, levels)) == 10
    assert re.search(
        r"^::\w+ title=kguard::\d+ more are in the reports$", done.stdout, re.MULTILINE
    )
    assert any("file=shop.yaml,line=" in line for line in _annotations(done))
    assert not _annotations(runner.scan(paths="shop.yaml", fail_on="none", annotations="false"))


def test_another_report_is_written_where_the_inputs_say(runner):
    (runner.workspace / "plain.yaml").write_text(PLAIN_CONFIG)
    runner.scan(paths="plain.yaml", format="junit", output="kguard.xml")
    assert (runner.workspace / "kguard.xml").read_text().startswith("<?xml")
    assert "needs the input format" in runner.scan(paths="plain.yaml", output="x").stdout


def test_the_example_of_the_readme_works_in_an_empty_repository(checkout, runner):
    (block,) = re.findall(
        r"```yaml\n(name: kguard\n.*?)```", (checkout / "README.md").read_text(), re.DOTALL
    )
    workflow = yaml.safe_load(block)
    (job,) = workflow["jobs"].values()
    assert workflow["permissions"] == {"contents": "read"}
    (step,) = [s for s in job["steps"] if "kguard@" in s["uses"]]
    inputs = {name.replace("-", "_"): str(value) for name, value in step.get("with", {}).items()}
    (runner.workspace / "deploy").mkdir()
    (runner.workspace / "deploy" / "web.yaml").write_text(LATEST_WEB)
    done = runner.scan(**inputs)
    assert done.returncode in {0, 1}, done.stdout
    assert int(runner.outputs()["findings"]) > 0
    (upload,) = [s for s in job["steps"] if "upload-sarif@" in s["uses"]]
    assert upload["with"]["sarif_file"] == "${{ steps.kguard.outputs.sarif-file }}"


def test_a_push_is_judged_with_its_own_settings(runner, pull_request):
    runner.variables["GITHUB_EVENT_NAME"] = "push"
    runner.scan(paths="shop.yaml", fail_on="medium")
    assert "images/mutable-tag" not in _policies(runner)


def test_every_output_is_one_that_the_scan_step_writes(runner):
    (runner.workspace / "plain.yaml").write_text(PLAIN_CONFIG)
    runner.scan(paths="plain.yaml")
    named = {
        EXPRESSION.fullmatch(given["value"])[1].removeprefix("steps.scan.outputs.")
        for given in runner.action["outputs"].values()
    }
    assert named == set(runner.outputs())


def test_findings_fail_the_job_and_are_reported(runner):
    (runner.workspace / "shop.yaml").write_text(LATEST_WEB)
    done = runner.scan(paths="shop.yaml", fail_on="medium")
    assert done.returncode == 1, done.stdout
    outputs = runner.outputs()
    assert outputs["exit-code"] == "1"
    report = json.loads(Path(outputs["json-file"]).read_text())
    still_open = [f for f in report["findings"] if f["state"] == "open"]
    assert outputs["findings"] == str(len(still_open)) != "0"
    assert outputs["highest-severity"] in {"medium", "high", "critical"}
    sarif = json.loads(Path(outputs["sarif-file"]).read_text())
    uris = {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in sarif["runs"][0]["results"]
    }
    assert uris == {"shop.yaml"}
    assert "web" in runner.summary.read_text()


def test_a_baseline_leaves_only_new_findings(runner):
    (runner.workspace / "shop.yaml").write_text(LATEST_WEB)
    runner.scan(paths="shop.yaml", json_file="accepted.json")
    done = runner.scan(
        paths="shop.yaml", baseline="accepted.json", fail_on_new="true", fail_on="low"
    )
    assert done.returncode == 0, done.stdout
    outputs = runner.outputs()
    assert outputs["findings"] == "0"
    assert int(outputs["known-findings"]) > 0


def test_reports_go_where_the_inputs_say(runner):
    (runner.workspace / "plain.yaml").write_text(PLAIN_CONFIG)
    runner.scan(paths="plain.yaml", sarif_file="a b.sarif", json_file="c.json", summary="false")
    assert (runner.workspace / "a b.sarif").is_file()
    assert (runner.workspace / "c.json").is_file()
    assert not runner.summary.exists()


HOSTILE = [
    "$(touch owned)",
    "`touch owned`",
    "; touch owned",
    "'; touch owned; '",
    '"; touch owned; "',
    "$HOME/../owned",
    "a\rtouch owned",
    "${{ github.token }}",
]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hostile_path_is_a_path(runner, value):
    done = runner.scan(paths=value)
    assert done.returncode in {2, 3}
    assert not list(runner.workspace.rglob("owned"))
    assert runner.outputs().get("exit-code", "2") == str(done.returncode)


@pytest.mark.parametrize("value", ["-x", "shop.yaml\n--policies\n/tmp", "--output=json=/tmp/x"])
def test_an_option_among_the_paths_is_refused(runner, value):
    done = runner.scan(paths=value)
    assert done.returncode == 2
    assert "must not hold an option" in done.stdout


@pytest.mark.parametrize("name", ["fail_on", "baseline", "scope", "namespace", "sarif_file"])
def test_an_option_as_a_value_is_refused(runner, name):
    done = runner.scan(**{name: "--allow-incomplete"})
    assert done.returncode == 2
    assert "must not start with a dash" in done.stdout


def test_a_boolean_that_is_none_is_refused(runner):
    done = runner.scan(fail_on_new="yes; touch owned")
    assert done.returncode == 2
    assert "must be true or false" in done.stdout


def test_an_input_cannot_write_a_workflow_command(runner):
    done = runner.scan(summary="x\n::set-output name=findings::0")
    commands = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert len(commands) == 1
    assert commands[0].startswith("::error::input summary must be true or false")


def test_a_manifest_cannot_write_a_workflow_command(runner):
    hostile = LATEST_WEB.replace("name: web, namespace", f'name: "{COMMAND_TEXT}", namespace')
    hostile += f"---\n{COMMAND_TEXT}\n---\nfoo: [\n::error::owned\n"
    (runner.workspace / "::error::owned.yaml").write_text(hostile)
    done = runner.scan(paths="::error::owned.yaml")
    lines = done.stdout.splitlines()
    commands = [line for line in lines if line.lstrip().startswith("::") and line[0] == ":"]
    first, second, *annotations = commands
    assert first.startswith("::stop-commands::")
    assert second == f"::{first.removeprefix('::stop-commands::')}::"
    for line in annotations:  # their own words, and the file with its colons escaped
        assert re.match(r"::(error|warning|notice) title=kguard [a-z/-]+(,file=%3A%3A|::)", line)
    assert "##[" not in done.stdout


def test_an_output_value_cannot_add_an_output(runner):
    (runner.workspace / "shop.yaml").write_text(LATEST_WEB)
    runner.scan(paths="shop.yaml", json_file="x\nfindings<<E\n0\nE\n")
    assert runner.outputs().get("findings") != "0"


def test_the_scanned_repository_cannot_replace_a_module(runner):
    for name in ("yaml", "json", "kguard", "sitecustomize", "click"):
        (runner.workspace / f"{name}.py").write_text("open('owned', 'w').close()\n")
    (runner.workspace / "plain.yaml").write_text(PLAIN_CONFIG)
    runner.variables["PYTHONPATH"] = str(runner.workspace)
    done = runner.scan(paths="plain.yaml")
    assert done.returncode == 0, done.stdout
    assert not (runner.workspace / "owned").exists()


def test_a_long_summary_is_cut_between_lines(checkout, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(checkout))
    from support.action import scan

    markdown, summary = tmp_path / "long.md", tmp_path / "summary"
    markdown.write_text("| ü | row |\n" * 200_000)
    scan._write_summary(summary, markdown, tmp_path / "absent")
    text = summary.read_text()
    assert len(text.encode()) < 1024 * 1024
    assert text.splitlines()[-1].endswith("more lines are in the JSON and SARIF reports.")
