# SPDX-License-Identifier: Apache-2.0
"""What does the API server that a policy is for serve, as far as the input tells?

A live server's own discovery comes first, then the list of its version. CustomResourceDefinitions
of the input add the kinds that they define.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from kguard.inventory import Inventory
from kguard.layers.audit.semantics.resources import Catalogue, Entry, catalogue, told
from kguard.layers.audit.semantics.version import Version
from kguard.model.manifests import strings

PATH = "/apis"
"""Under which a live cluster's discovery stands among the files."""


def served(inventory: Inventory, cluster: str, version: Version | None) -> Catalogue:
    """What servers of a cluster serve; `cluster` is empty for a policy of a file."""
    pages = {f.cluster: f.content for f in inventory.files if f.cluster and f.file == PATH}
    if not cluster and len(pages) == 1:
        (cluster,) = pages
    if cluster in pages:
        try:
            return told(msgspec.json.decode(pages[cluster], type=list[Entry]))
        except msgspec.DecodeError:  # a snapshot that somebody has edited
            pass
    return catalogue(version)._replace(custom=frozenset(_defined(inventory)))


def _defined(inventory: Inventory) -> Iterator[tuple[str, str, str]]:
    for definition in inventory.of("CustomResourceDefinition", "apiextensions.k8s.io"):
        plural = strings(definition.spec.get("names")).get("plural", "")
        group = strings(definition.spec).get("group", "")
        if plural and group:
            yield group, plural, ""
