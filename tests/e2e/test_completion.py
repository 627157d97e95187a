# SPDX-License-Identifier: Apache-2.0
"""Does a real shell complete the words of a command line?"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

KUBECONFIG = "apiVersion: v1\nkind: Config\ncontexts: [{name: prod}, {name: test, context: {}}]\n"
LINES = {
    "kguard sn": "snapshot",
    "kguard network l": "list",
    "kguard scan --layer m": "mtls manifests",
    "kguard scan --policy network/open-to-c": "network/open-to-cluster",
    "kguard explain audit/events-l": "audit/events-lost",
    "kguard policies show images/uns": "images/unsigned",
    "kguard scan --policies mine --policy manifests/main": "manifests/main-deny",
    "kguard scan -o ju": "junit",
    "kguard scan --context ''": "prod test",
    "kguard scan --assume cn": "cni=",
    "kguard schema rep": "report",
    "kguard completion f": "fish",
}
"""What is typed, and what the shell offers; `''` is an empty word."""
SCRIPT = """
source <(kguard completion bash) || exit 1
compopt() { FILES=yes; }  # it works inside of a real completion alone
while read -r line; do
  COMP_WORDS=($line); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMP_WORDS=("${COMP_WORDS[@]//\\'\\'/}"); COMPREPLY=(); FILES=
  _kguard_completion kguard
  echo "${COMPREPLY[*]}$FILES"
done
"""


@pytest.fixture
def shell(tmp_path, checkout):
    """``shell(program, text, input)`` runs a script with ``kguard`` on PATH."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.rego").write_text('package main\ndeny contains "x" if input.kind\n')
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    command = tmp_path / "bin" / "kguard"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kguard "$@"\n')
    command.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(checkout),
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
    }

    def run(program, text, lines=""):
        if not shutil.which(program):
            pytest.skip(f"there is no {program}")
        return subprocess.run(
            [program, "-c", text],
            input=lines,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_bash_completes_names_and_files(shell):
    lines = {**LINES, "kguard scan --policies mi": "yes", "kguard scan dep": "yes"}
    done = shell("bash", SCRIPT, "".join(f"{line}\n" for line in lines))
    assert done.stderr == ""
    assert dict(zip(lines, done.stdout.splitlines(), strict=True)) == lines


@pytest.mark.parametrize("name", ["zsh", "fish"])
def test_other_shells_take_the_script(shell, name):
    done = shell(name, f"kguard completion {name} > script && {name} -n script")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_every_script_calls_the_command(kguard, name):
    done = kguard("completion", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"_KGUARD_COMPLETE={name}_complete" in done.stdout
