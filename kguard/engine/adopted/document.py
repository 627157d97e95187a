# SPDX-License-Identifier: Apache-2.0
"""What do policies of conftest and Gatekeeper see of the input?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kguard.engine.adopted.matching import UndecidedError, applies
from kguard.inventory import Inventory
from kguard.model.findings import Policy
from kguard.model.manifests import JsonObject, Manifest


def document(policies: Iterable[Policy], inventory: Inventory) -> JsonObject:
    """The input of a batch of adopted policies.

    It holds `subjects`, `range`, `constraints` and `inventory`. A subject is
    `{"ref", "id", "kind", "object", "placed"?}`: `placed` is the object with the namespace that the
    API server would fill in, for reviews. A constraint holds the numbers of the subjects that it
    applies to, and of those for which that is not known. `range` says from which subject to which
    is judged.
    """
    constraints = {p.id: p.constraint for p in policies if p.constraint is not None}
    manifests = inventory.manifests
    wanted = any(constraint["inventory"] for constraint in constraints.values())
    return {
        "subjects": [_subject(m, placed=bool(constraints)) for m in manifests],
        "range": [0, len(manifests)],
        "constraints": {
            name: _matched(constraint, manifests, inventory)
            for name, constraint in constraints.items()
        },
        "inventory": _inventory(manifests) if wanted else {},
    }


def _subject(manifest: Manifest, *, placed: bool) -> JsonObject:
    subject: JsonObject = {"ref": manifest.ref, "id": manifest.id, "object": manifest.object}
    if not placed:
        return subject
    version = manifest.api_version.rpartition("/")[2]
    subject["kind"] = {"group": manifest.group, "version": version, "kind": manifest.kind}
    if manifest.namespace and not manifest.metadata.get("namespace"):
        subject["placed"] = _placed(manifest)
    return subject


def _placed(manifest: Manifest) -> JsonObject:
    metadata = {**manifest.metadata, "namespace": manifest.namespace}
    return {**manifest.object, "metadata": metadata}


def _matched(
    constraint: JsonObject, manifests: Sequence[Manifest], inventory: Inventory
) -> JsonObject:
    matched: list[int] = []
    undecided: list[JsonObject] = []
    for place, manifest in enumerate(manifests):
        try:
            if applies(constraint["match"], manifest, inventory):
                matched.append(place)
        except UndecidedError as error:
            undecided.append({"place": place, "reason": str(error)})
    return {
        "parameters": constraint["parameters"],
        "matched": matched,
        "undecided": undecided,
    }


def _inventory(manifests: Iterable[Manifest]) -> JsonObject:
    """Every object as `data.inventory` has it: by namespace, apiVersion, kind and name."""
    found: dict[str, Any] = {"cluster": {}, "namespace": {}}
    for manifest in manifests:
        place = found["cluster"]
        kept = manifest.object
        if manifest.namespace:
            place = found["namespace"].setdefault(manifest.namespace, {})
            kept = _placed(manifest)
        kinds = place.setdefault(manifest.api_version, {})
        kinds.setdefault(manifest.kind, {})[manifest.name] = kept
    return found
