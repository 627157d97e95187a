# SPDX-License-Identifier: Apache-2.0
"""What of a Secret may enter kguard? Its certificates and public keys, and nothing else.

Secrets are only listed when the user asks for it, to see when certificates expire and which keys
image policies trust. Everything else is dropped as soon as it arrives, so that it reaches no fact,
no report and no log; how many values there were is kept. Where registries are asked as well, the
logins for pulling are kept apart from all manifests.
"""

from __future__ import annotations

import base64
import binascii
import re

from kguard.model.manifests import JsonObject, mapping, strings
from kguard.sources.registry.pull_secrets import TYPES

MAX_VALUE = 1 << 20
"""Longest value that is looked at, in characters: what a Secret can hold."""
_BLOCK = re.compile(
    rb"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----\s[A-Za-z0-9+/=\s]*-----END \1-----\s*", re.ASCII
)
_KEPT_METADATA = ("name", "namespace", "uid", "creationTimestamp", "labels")
_KEPT_ANNOTATIONS = "cert-manager.io/"
VALUES = "kguard.dev/values"
"""The annotation that says how many values a live Secret has: some readers want exactly one."""


def login_of(item: JsonObject) -> list[str] | None:
    """Type and data (base64) of a Secret for pulling images; None for others."""
    kind = strings(item).get("type", "")
    data = strings(item.get("data")).get(TYPES.get(kind, ""), "")
    return [kind, data] if data and len(data) <= MAX_VALUE else None


def public_only(item: JsonObject) -> JsonObject:
    """A Secret with those of its values that are certificates or public keys, and nothing else."""
    metadata = mapping(item.get("metadata"))
    annotations = strings(metadata.get("annotations"))
    kept = {key: metadata[key] for key in _KEPT_METADATA if key in metadata}
    kept["annotations"] = {k: v for k, v in annotations.items() if k.startswith(_KEPT_ANNOTATIONS)}
    kept["annotations"][VALUES] = str(len(mapping(item.get("data"))))
    data = {k: v for k, v in strings(item.get("data")).items() if _is_public(v)}
    return {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": kept,
        "type": item.get("type"),
        "data": data,
    }


def _is_public(value: str) -> bool:
    if len(value) > MAX_VALUE:
        return False
    try:
        text = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text.strip()) and not _BLOCK.sub(b"", text).strip()
