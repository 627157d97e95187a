# SPDX-License-Identifier: Apache-2.0
"""Does `git apply` take the one patch, and can no name of a file write into another one?"""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest

from kguard.model.manifests import SourceText
from kguard.remediation.bundle import bundle

BEFORE, AFTER = "a: 1\nb: 2\n", "a: 1\nb: 3\n"


def plan(*files: str, created=None):
    originals = {(name, 0): SourceText(name, 0, 1, BEFORE) for name in files}
    applied = SimpleNamespace(
        texts=dict.fromkeys(originals, AFTER),
        originals=originals,
        created=created or {},
        patched_objects={},
    )
    return SimpleNamespace(applied=applied)


@pytest.mark.parametrize("name", ["a.yaml", "deep/er/a.yaml", "with blank.yaml", "umläut.yaml"])
def test_edits_and_new_files_apply(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(BEFORE)
    found = bundle(plan(name, created={"new.yaml": "c: 4\n", "bare.yaml": "d: 5"}))
    assert found.left_out == ()
    subprocess.run(["git", "apply", "-"], input=found.text.encode(), cwd=tmp_path, check=True)
    assert path.read_text() == AFTER
    assert (tmp_path / "remedies" / "new.yaml").read_text() == "c: 4\n"
    assert (tmp_path / "remedies" / "bare.yaml").read_text() == "d: 5"


@pytest.mark.parametrize(
    "name", ["x\n+++ b/evil.yaml", "../out.yaml", "/abs.yaml", 'q".yaml', "t\t.yaml", "-x"]
)
def test_names_that_could_write_elsewhere_are_left_out(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    found = bundle(plan(name))
    assert found.text == ""
    assert found.left_out == (name,)
