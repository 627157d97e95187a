# SPDX-License-Identifier: Apache-2.0
"""What is one Falco of the input?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from kguard.inventory import Inventory, Workload
from kguard.layers.runtime.facts.sidekicks import Sidekick
from kguard.layers.runtime.facts.texts import Filesystem, Text
from kguard.layers.runtime.semantics.loader import Selection
from kguard.layers.runtime.semantics.settings import Settings
from kguard.layers.runtime.semantics.versions import Version, parse_version
from kguard.model.facts.runtime import Kind, VersionBasis
from kguard.model.manifests import JsonObject, ObjectRef

CONFIG_PATH = "/etc/falco/falco.yaml"
CONFIG_FOLDER = "/etc/falco/config.d"
RULES_FOLDER = "/etc/falco/rules.d"


class Falco(msgspec.Struct):
    """One Falco with everything that the input tells of it."""

    ref: ObjectRef
    id: str
    """`Manifest.id` or the id of the document that stands for it."""
    kind: Kind
    version: Version
    version_basis: VersionBasis
    settings: Settings
    config: Literal["read", "default", "unknown"]
    config_text: Text | None
    pod: JsonObject
    pod_pointer: str
    files: Filesystem
    selections: tuple[Selection, ...]
    workload: Workload | None = None
    sidekick: Sidekick | None = None
    """The Falcosidekick that one set of values installs along with it."""
    nodes: tuple[str, ...] = ()
    """The nodes that it is judged for, where its rules differ from node to node; empty: all."""
    labels: Mapping[str, str] | None = None
    """The labels of these nodes, for the selectors of the operator's objects."""


def version_of(inventory: Inventory, text: str) -> tuple[Version, VersionBasis]:
    """The version that a tag tells, else the one that the user says the cluster has."""
    version = parse_version(text)
    if version.is_known:
        return version, "written"
    assumed = inventory.assumed.get("falco")
    if assumed is not None and assumed.how == "configured":
        return parse_version(assumed.value), "assumed"
    return version, "unknown"
