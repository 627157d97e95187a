# SPDX-License-Identifier: Apache-2.0
"""Which API server does a literal `kubeadm init` in a script make?

Authority: kubeadm's command line (kubernetes cmd/kubeadm/app/cmd/init.go): it has no flags for
auditing, so without `--config` and `--patches` the server is started without any. Whatever the
shell only knows when it runs (variables, substitutions, later edits of the server's manifest)
makes the answer unknown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration
from kguard.model.manifests import ObjectRef, PlainFile

_COMMAND = re.compile(r"\bkubeadm\s+init\b(?!\s+phase)")
_DYNAMIC = re.compile(r"[$`*?{}]|<\(")
_ENDS = frozenset({";", "&&", "||", "|", "&", ">", ">>", "2>&1", "<"})
_BOOLEAN = frozenset({"dry-run", "upload-certs", "skip-certificate-key-print", "skip-token-print"})
_EDITS = re.compile(r"kube-apiserver\.yaml|\baudit[-_]|kubernetes/manifests")


class _Init(NamedTuple):
    line: int
    config: str
    """The argument of `--config`; empty where there is none."""
    unsure: str


def configurations(inventory: Inventory) -> Iterator[Configuration]:
    """Every `kubeadm init` of the scripts, unless it names a configuration of the input."""
    known = {
        manifest.text.file.rpartition("/")[2]
        for manifest in inventory.of("ClusterConfiguration", "kubeadm.k8s.io")
    }
    for plain in sorted(inventory.files, key=lambda found: found.file):
        if not plain.file.endswith(".sh"):
            continue
        for found in _commands(plain):
            if found.config.rpartition("/")[2] not in known or not found.config:
                yield _configuration(plain, found)


def _configuration(plain: PlainFile, found: _Init) -> Configuration:
    unsure = found.unsure
    if found.config and not unsure:
        unsure = f"the configuration {found.config} is not in the input"
    return Configuration(
        ref=ObjectRef("", "File", "", plain.file.rpartition("/")[2], ""),
        id=plain.id,
        how="script",
        file=plain.file,
        line=found.line,
        mounts=(),
        unsure=unsure,
    )


def _commands(plain: PlainFile) -> Iterator[_Init]:
    lines = plain.content.splitlines()
    edited = _edited(lines)
    number = 0
    while number < len(lines):
        start, text = number, lines[number]
        while text.endswith("\\") and number + 1 < len(lines):
            number += 1
            text = f"{text[:-1]} {lines[number]}"
        number += 1
        match = _COMMAND.search(text)
        if match and not text.lstrip().startswith("#"):
            found = _read(text[match.end() :], start + 1)
            yield found._replace(unsure=found.unsure or edited)


def _edited(lines: list[str]) -> str:
    for line in lines:
        if _EDITS.search(line) and not line.lstrip().startswith("#"):
            return "the script also touches the API server's manifest or audit settings"
    return ""


def _read(text: str, line: int) -> _Init:
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return _Init(line, "", "the command line cannot be read")
    config = ""
    pending = ""
    for word in words:
        if word in _ENDS:
            break
        if pending:
            name, value, pending = pending, word, ""
        elif word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            if _DYNAMIC.search(name):
                return _Init(line, config, f"{word} is only known when the script runs")
            if not equals and name not in _BOOLEAN:
                pending = name
                continue
        else:
            if _DYNAMIC.search(word):
                return _Init(line, config, f"{word} is only known when the script runs")
            continue
        if name == "config":
            config = value
        if name == "patches" or (name == "config" and _DYNAMIC.search(value)):
            return _Init(line, config, f"--{name} {value} may set audit flags")
    return _Init(line, config, "")
