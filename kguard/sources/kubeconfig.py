# SPDX-License-Identifier: Apache-2.0
"""Which contexts does the user's kubeconfig name, told without the cluster client?

Authority: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/:
`KUBECONFIG` is a list of files that are merged, else `~/.kube/config` counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from kguard.model.manifests import mapping, sequence
from kguard.sources import yaml

DEFAULT = "~/.kube/config"
"""Where the kubeconfig lies that nobody names."""


def context_names() -> list[str]:
    """The names of all contexts, sorted; files that cannot be read are left out."""
    return sorted({name for path in _files() for name in _names(path)})


def _files() -> list[Path]:
    listed = [Path(name) for name in os.environ.get("KUBECONFIG", "").split(os.pathsep) if name]
    return listed or [Path(DEFAULT).expanduser()]


def _names(path: Path) -> Iterator[str]:
    try:
        data = path.read_bytes()
    except OSError:
        return
    for document in yaml.load(data):
        if isinstance(document, yaml.Document):
            for entry in sequence(mapping(document.value).get("contexts")):
                name = mapping(entry).get("name")
                if isinstance(name, str):
                    yield name
