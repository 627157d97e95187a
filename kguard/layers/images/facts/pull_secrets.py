# SPDX-License-Identifier: Apache-2.0
"""With which secrets would the kubelet pull an image of a workload?

Authority: kubernetes plugin/pkg/admission/serviceaccount/admission.go (a pod that names no
`imagePullSecrets` gets those of its service account).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

from kguard.inventory import Inventory, Workload
from kguard.layers.images.facts.uses import Use
from kguard.layers.images.registries import Registries
from kguard.model.manifests import JsonObject, mapping, sequence, strings
from kguard.sources.registry.pull_secrets import TYPES, Entries, lookup, read_secret


def give_logins(inventory: Inventory, uses: list[Use], registries: Registries) -> None:
    """Let registries be asked about each image with the secrets of its pods."""
    known: dict[str, list[Entries | None]] = {}
    for use in uses:
        if use.reference is None:
            continue
        if use.workload.id not in known:
            known[use.workload.id] = list(_secrets(inventory, use.workload))
        reference, secrets = use.reference, known[use.workload.id]
        found = lookup(secrets, reference.registry, reference.repository)
        registries.give(reference, [login for login in found or () if login])


def _secrets(inventory: Inventory, workload: Workload) -> Iterator[Entries | None]:
    names = _names(workload.pod)
    if not names:
        account = inventory.find("ServiceAccount", "", workload.namespace, workload.service_account)
        names = _names(account.object) if account else []
    for name in names:
        yield read_secret(*_secret(inventory, workload.namespace, name))


def _names(holder: JsonObject) -> list[str]:
    entries = sequence(holder.get("imagePullSecrets"))
    return [name for entry in entries if (name := strings(entry).get("name"))]


def _secret(inventory: Inventory, namespace: str, name: str) -> tuple[str, str]:
    """Type and login (base64) of a secret, of a live cluster or of the input."""
    kept = inventory.collected.pull_secrets.get(f"{namespace}/{name}")
    if kept is not None:
        return kept[0], kept[1]
    found = inventory.find("Secret", "", namespace, name)
    if found is None:
        return "", ""
    kind = strings(found.object).get("type", "")
    key = TYPES.get(kind, "")
    plain = strings(mapping(found.object.get("stringData"))).get(key)
    if plain is not None:
        return kind, base64.b64encode(plain.encode()).decode()
    return kind, strings(found.object.get("data")).get(key, "")
