# SPDX-License-Identifier: Apache-2.0
"""Which pipeline does a repository have, and what makes kguard a part of it?"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

_GITHUB = """\
# Only what a change brings makes it fail: kguard.yaml and its baseline say what was there before,
# and on pull requests those of the base count.
name: kguard
on:
  push:
    branches: [main, master]
  pull_request:

permissions:
  contents: read

jobs:
  kguard:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@08c6903cd8c0fde910a37f88322edcfb5dd907a8 # v5.0.0
        with:
          fetch-depth: 0
          persist-credentials: false
      - uses: OWNER/kguard@v0 # the repository with the Action, pinned by its commit
        with:
          paths: |
{paths}
          fail-on-new: "true"
"""
_GITLAB = """\
# Only what a change brings makes it fail: kguard.yaml and its baseline say what was there before,
# and in merge requests those of the target branch count.
kguard:
  image: python:3.12 # it has git, which reads what was there before
  variables:
    GIT_DEPTH: "0"
  before_script:
    - pip install --quiet kguard-scanner
  script:
    - >-
      kguard scan{paths}
      ${{CI_MERGE_REQUEST_DIFF_BASE_SHA:+--settings-from "$CI_MERGE_REQUEST_DIFF_BASE_SHA"
      --baseline "rev:$CI_MERGE_REQUEST_DIFF_BASE_SHA"}}
      --fail-on-new
      -o terminal -o gitlab-quality=gl-code-quality-report.json -o gitlab-sast=gl-sast-report.json
  artifacts:
    when: always
    reports:
      codequality: gl-code-quality-report.json
      sast: gl-sast-report.json
"""
_INCLUDE = ".gitlab/kguard.yml"


class Pipeline(NamedTuple):
    """A pipeline with the file that is to be written, if one is, and what is left to do."""

    why: str
    file: str = ""
    text: str = ""
    next: str = ""


def root(folder: Path) -> Path:
    """The top of the repository that a folder lies in; the folder itself outside of any."""
    absolute = folder.resolve()
    for place in (absolute, *absolute.parents):
        if (place / ".git").exists():
            return place
    return absolute


def found(top: Path, paths: Sequence[str], chosen: str) -> Pipeline:
    """The pipeline of a repository.

    Args:
        top: of the repository.
        paths: what is to be scanned, from there.
        chosen: `github`, `gitlab`, `none`, or `auto` for what is there.
    """
    if chosen == "none":
        return Pipeline("none is wanted (--ci none)")
    if chosen != "auto":
        return _MAKERS[chosen](top, paths, f"--ci {chosen}")
    for name, mark in _MARKS.items():
        if (top / mark).exists():
            return _MAKERS[name](top, paths, f"{mark} is there")
    host = next((name for name in ("github", "gitlab") if name in _origin(top)), "")
    if host:
        return _MAKERS[host](top, paths, f"the remote is {host}")
    return Pipeline(
        "no pipeline is found",
        next="for a pipeline: `kguard init --ci github` or `--ci gitlab`, or docs/ci.md",
    )


_MARKS = {
    "github": ".github",
    "gitlab": ".gitlab-ci.yml",
    "azure": "azure-pipelines.yml",
    "jenkins": "Jenkinsfile",
}


def _origin(top: Path) -> str:
    """What git's settings say of remotes."""
    try:
        text = (top / ".git" / "config").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line for line in text.splitlines() if line.strip().startswith("url"))


def _github(top: Path, paths: Sequence[str], why: str) -> Pipeline:
    del top
    listed = "\n".join(f"            {path}" for path in paths)
    file = ".github/workflows/kguard.yml"
    todo = f"put the repository and commit of the Action in place of OWNER/kguard@v0 in {file}"
    return Pipeline(why, file, _GITHUB.format(paths=listed), todo)


def _gitlab(top: Path, paths: Sequence[str], why: str) -> Pipeline:
    words = "".join(f" {shlex.quote(path)}" for path in paths)
    text = _GITLAB.format(paths=words)
    if not (top / ".gitlab-ci.yml").exists():
        return Pipeline(why, ".gitlab-ci.yml", text)
    todo = f"add to .gitlab-ci.yml: `include: [{{local: {_INCLUDE}}}]`"
    return Pipeline(why, _INCLUDE, text, todo)


def _by_hand(top: Path, paths: Sequence[str], why: str) -> Pipeline:
    del top
    words = shlex.join(paths)
    step = f"kguard scan {words} --fail-on-new -o terminal -o junit=kguard.xml"
    return Pipeline(why, next=f"add a step: `{step}` (docs/ci.md has examples)")


_MAKERS: dict[str, Callable[[Path, Sequence[str], str], Pipeline]] = {
    "github": _github,
    "gitlab": _gitlab,
    "azure": _by_hand,
    "jenkins": _by_hand,
}
CHOICES = ("auto", "none", *_MAKERS)
