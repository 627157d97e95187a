# SPDX-License-Identifier: Apache-2.0
"""What is a Falcosidekick of the input configured to send, and where?

Its settings come from environment variables and a file. Of Secrets only the names of the keys
count and whether something is in them; where a Secret or ConfigMap is not in the input, or live
(then Secrets hold nothing), an output that nothing else shows may still be on.
"""

from __future__ import annotations

import re

import msgspec

from kguard.inventory import Container, Inventory, Workload
from kguard.layers.runtime.facts.texts import Filesystem
from kguard.layers.runtime.facts.variables import variables
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.sidekick import Forward, flattened, forwards, variable
from kguard.model.manifests import sequence
from kguard.sources.yaml.untyped import Mapping, Node, Scalar

_IMAGE = re.compile(r"(?:^|/)falcosidekick(?::|@|$)")


class Sidekick(msgspec.Struct, frozen=True):
    """A Falcosidekick and what is known of its outputs."""

    ref: str
    """Where it is configured, as evidence names it."""
    pointer: str
    forwards: list[Forward]
    hidden: bool
    """Whether there may be further settings that the input does not show."""
    host: str = ""
    """The name by which the values of a chart call it."""
    urls: dict[str, str] = {}
    """Where outputs send to, as far as it is a URL that may be seen, by their names."""
    workload: Workload | None = None
    lost: list[str] = []
    """Outputs that send to nobody."""


def sidekick_of(inventory: Inventory, workload: Workload) -> Sidekick | None:
    """The Falcosidekick that a workload runs, if it does."""
    container = next((c for c in workload.containers if _IMAGE.search(c.image)), None)
    if container is None:
        return None
    known, hidden = _settings(inventory, workload, container)
    found = forwards(known)
    urls = {one.name: known[one.setting] for one in found if "://" in known[one.setting]}
    place = workload.id, workload.pod_pointer
    return Sidekick(*place, found, hidden, urls=urls, workload=workload)


def _settings(
    inventory: Inventory, workload: Workload, container: Container
) -> tuple[dict[str, str], bool]:
    known, hidden = _from_file(inventory, workload, container)
    for name, value in variables(inventory, workload.namespace, container.raw):
        if name is None:
            hidden = True
        elif setting := variable(name):
            known[setting] = value
    return known, hidden


def _from_file(
    inventory: Inventory, workload: Workload, container: Container
) -> tuple[dict[str, str], bool]:
    """The settings of the file that `-c` names."""
    words = [str(w) for w in sequence(container.raw.get("args"))]
    pairs = list(zip(words, [*words[1:], ""], strict=False))
    path = next((value for option, value in pairs if option in ("-c", "--config-file")), "")
    path = next((w.partition("=")[2] for w in words if w.startswith("--config-file=")), path)
    if not path:
        return {}, False
    text = Filesystem(inventory, workload.namespace, workload.pod, container.raw).read(path)
    node = falco_yaml.read(text.content) if text else None
    return (dict(flattened(_plain(node))), False) if node else ({}, True)


def _plain(node: Node) -> object:
    if isinstance(node, Mapping):
        return {key.text: _plain(value) for key, value in node.entries if isinstance(key, Scalar)}
    if isinstance(node, Scalar):
        return "" if node.is_null else node.text
    return []
