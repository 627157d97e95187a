# SPDX-License-Identifier: Apache-2.0
"""Do the examples for CI systems do what docs/ci.md says, with the real command?"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
import yaml

from tests.repositories import commit, git

OPEN = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: everyone, namespace: shop}
spec: {podSelector: {}, ingress: [{}]}
"""


@pytest.fixture
def repository(tmp_path, checkout):
    """A repository whose last commit is the shop's namespace, closed."""
    folder = tmp_path / "repository"
    deploy = folder / "deploy"
    deploy.mkdir(parents=True)
    for name in ("apps/cart.yaml", "apps/catalog.yaml"):
        shutil.copy(checkout / "examples" / "shop" / name, deploy)
    closed = OPEN.replace("everyone", "nobody").replace("ingress: [{}]", "policyTypes: [Ingress]")
    (deploy / "closed.yaml").write_text(closed)
    git(folder, "init", "--quiet")
    commit(folder, {})
    return folder


@pytest.fixture
def shell(tmp_path, checkout):
    """``shell(text, folder)`` runs a script with ``kguard`` on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "kguard"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kguard "$@"\n')
    command.chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def run(text, folder, **variables):
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(checkout), **variables}
        return subprocess.run(
            ["bash", "-c", text],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def document(checkout, name):
    return yaml.safe_load((checkout / name).read_text())


def test_gitlab_fails_a_merge_request_for_what_it_brings(repository, shell, checkout):
    job = document(checkout, "docs/ci/gitlab-ci.yml")["kguard"]
    script, variables = "\n".join(job["script"]), {"KGUARD_INPUT": job["variables"]["KGUARD_INPUT"]}
    base = git(repository, "rev-parse", "HEAD")
    request = {**variables, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    same = shell(script, repository, **request)
    assert same.returncode == 0, same.stderr
    (repository / "deploy" / "open.yaml").write_text(OPEN)
    commit(repository, {})
    done = shell(script, repository, **request)
    assert done.returncode == 1, done.stderr
    for name in job["artifacts"]["reports"].values():
        assert json.loads((repository / name).read_text())


def test_gitlab_judges_a_branch_as_a_whole(repository, shell, checkout):
    script = "\n".join(document(checkout, "docs/ci/gitlab-ci.yml")["kguard"]["script"])
    (repository / "deploy" / "open.yaml").write_text(OPEN)
    done = shell(script, repository, KGUARD_INPUT="deploy/")
    assert done.returncode == 1, done.stderr
    assert "any pod in the cluster can open cart:8080" in done.stdout


def test_azure_publishes_what_the_scan_writes(repository, shell, checkout):
    steps = document(checkout, "docs/ci/azure-pipelines.yml")["steps"]
    scripts = [step["script"] for step in steps if "script" in step]
    assert shell(scripts[-1], repository).returncode in (0, 1)
    published = next(step["inputs"] for step in steps if "task" in step)
    root = ET.parse(repository / published["testResultsFiles"]).getroot()  # noqa: S314 - our own
    assert root.tag == "testsuites"


def test_jenkins_publishes_what_the_scan_writes(repository, shell, checkout):
    text = (checkout / "docs" / "ci" / "Jenkinsfile").read_text()
    scripts = re.findall(r"sh '(.*)'", text)
    assert shell(scripts[-1], repository).returncode in (0, 1)
    published = re.search(r"junit '(.*)'", text)[1]
    assert (repository / published).stat().st_size > 0


def test_the_hooks_of_pre_commit_run(repository, shell, checkout):
    hooks = {hook["id"]: hook for hook in document(checkout, ".pre-commit-hooks.yaml")}
    for hook in hooks.values():
        assert hook["language"] == "python"
        assert hook["pass_filenames"] is False
    changed = " ".join([hooks["kguard-diff"]["entry"], *hooks["kguard-diff"]["args"]])
    whole = " ".join([hooks["kguard"]["entry"], *hooks["kguard"]["args"]])
    assert shell(changed, repository).returncode == 0
    (repository / "deploy" / "open.yaml").write_text(OPEN)
    assert shell(changed, repository).returncode == 1
    assert shell(whole, repository).returncode == 1


def test_the_job_of_argo_cd_runs_a_command_that_is_one(checkout, shell, tmp_path):
    pod = document(checkout, "docs/ci/argocd-presync.yaml")["spec"]["template"]["spec"]
    words = ["kguard", *pod["containers"][0]["args"]]
    (tmp_path / "open.yaml").write_text(OPEN)
    text = " ".join(words).replace("/manifests", str(tmp_path))
    done = shell(text, tmp_path, KUBECONFIG="/dev/null", KUBERNETES_SERVICE_HOST="")
    assert done.returncode == 2
    assert "in-cluster" in done.stderr
