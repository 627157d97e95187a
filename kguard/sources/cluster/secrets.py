# SPDX-License-Identifier: Apache-2.0
"""What of a Secret may enter kguard? Its certificates, and nothing else.

Secrets are only listed when the user asks for it, to see when certificates expire. Everything
that is no certificate is dropped as soon as it arrives, so that it reaches no fact, no report and
no log. Where registries are asked as well, the logins for pulling are kept apart from all
manifests.
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
    rb"-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]*-----END CERTIFICATE-----\s*", re.ASCII
)
_KEPT_METADATA = ("name", "namespace", "uid", "creationTimestamp", "labels")
_KEPT_ANNOTATIONS = "cert-manager.io/"


def login_of(item: JsonObject) -> list[str] | None:
    """Type and data (base64) of a Secret for pulling images; None for others."""
    kind = strings(item).get("type", "")
    data = strings(item.get("data")).get(TYPES.get(kind, ""), "")
    return [kind, data] if data and len(data) <= MAX_VALUE else None


def certificates_only(item: JsonObject) -> JsonObject:
    """A Secret with those of its values that are certificates and nothing but certificates."""
    metadata = mapping(item.get("metadata"))
    annotations = strings(metadata.get("annotations"))
    kept = {key: metadata[key] for key in _KEPT_METADATA if key in metadata}
    kept["annotations"] = {k: v for k, v in annotations.items() if k.startswith(_KEPT_ANNOTATIONS)}
    data = {k: v for k, v in strings(item.get("data")).items() if _is_certificates(v)}
    return {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": kept,
        "type": item.get("type"),
        "data": data,
    }


def _is_certificates(value: str) -> bool:
    if len(value) > MAX_VALUE:
        return False
    try:
        text = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(text.strip()) and not _BLOCK.sub(b"", text).strip()
