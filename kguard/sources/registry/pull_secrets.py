# SPDX-License-Identifier: Apache-2.0
"""Which logins would the kubelet try for an image, given a pod's pull secrets?

Authority: kubernetes 1.36 pkg/credentialprovider/keyring.go (`Add`, `Lookup`, `URLsMatch`): a key
may have globs in each part of the host and is a prefix of the path; all that fit are tried, in the
reverse order of their texts, so that longer ones come first; config.go and secrets/secrets.go: the
secret types `kubernetes.io/dockerconfigjson` and `kubernetes.io/dockercfg`, and an entry's `auth`
counts before `username` and `password`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable
from typing import Any

from kguard.sources.registry.credentials import MAX_CONFIG_BYTES, Login
from kguard.sources.registry.routes import HUB

TYPES = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
"""The types of secrets that hold logins, with the key of their data."""


def read_secret(kind: str, text: str) -> dict[str, Any]:
    """The entries of a secret's logins; nothing where it has none or cannot be read.

    Args:
        kind: the secret's type, one of `TYPES`.
        text: its data, in base64.
    """
    if not text or len(text) > MAX_CONFIG_BYTES:
        return {}
    try:
        found = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    if kind == "kubernetes.io/dockerconfigjson" and isinstance(found, dict):
        found = found.get("auths")
    return found if isinstance(found, dict) else {}


def lookup(secrets: Iterable[dict[str, Any]], registry: str, repository: str) -> list[Login]:
    """The logins for an image, in the order in which the kubelet tries them."""
    keys: dict[str, list[Login]] = {}
    for entries in secrets:
        for place, entry in entries.items():
            key, login = _key(place), _login(entry)
            if key and login:
                keys.setdefault(key, []).append(login)
    host = "docker.io" if registry == HUB else registry
    found = [k for k in sorted(keys, reverse=True) if _matches(k, f"{host}/{repository}")]
    if not found and registry == HUB and HUB in keys:
        found = [HUB]
    return [login for key in found for login in keys[key]]


def _key(place: str) -> str:
    host, path = _split(re.sub(r"\Ahttps?://", "", place))
    path = path[3:] if path.startswith(("/v1/", "/v2/")) else path
    return host + ("" if path == "/" else path)


def _split(text: str) -> tuple[str, str]:
    """Host with port, and path; `urlsplit` refuses globs with brackets."""
    host, slash, path = re.split(r"[?#]", text, maxsplit=1)[0].partition("/")
    return host.rpartition("@")[2], slash + path


def _matches(key: str, image: str) -> bool:
    (glob, prefix), (target, path) = _split(key), _split(image)
    (parts, port), (others, other_port) = _labels(glob), _labels(target)
    if not path.startswith(prefix) or port != other_port or len(parts) != len(others):
        return False
    return all(_glob(part, other) for part, other in zip(parts, others, strict=True))


def _labels(host: str) -> tuple[list[str], str]:
    name, colon, port = host.rpartition(":")
    return (name.split("."), port) if colon else (host.split("."), "")


def _glob(pattern: str, text: str) -> bool:
    """Go's `filepath.Match` of one part of a host name, which has no separators."""
    found, at = "", 0
    while at < len(pattern):
        piece, at = _piece(pattern, at)
        if piece is None:
            return False
        found += piece
    return re.fullmatch(found, text, re.DOTALL) is not None


def _piece(pattern: str, at: int) -> tuple[str | None, int]:
    """One element of a pattern as a regular expression, and where the next begins."""
    match pattern[at]:
        case "*":
            return "[^/]*", at + 1
        case "?":
            return "[^/]", at + 1
        case "\\":
            return (re.escape(pattern[at + 1]), at + 2) if at + 1 < len(pattern) else (None, at + 1)
        case "[":
            found = _CLASS.match(pattern, at)
            return (None, len(pattern)) if found is None else (_class(found), found.end())
        case character:
            return re.escape(character), at + 1


_CLASS = re.compile(r"\[(\^?)((?:[^\]\[\\-](?:-[^\]\[\\-])?)+)\]")


def _class(found: re.Match[str]) -> str:
    return f"[{found[1]}{re.sub(r'[^-A-Za-z0-9]', lambda m: re.escape(m[0]), found[2])}]"


def _login(entry: object) -> Login | None:
    fields = entry if isinstance(entry, dict) else {}
    username, password = fields.get("username"), fields.get("password")
    if auth := fields.get("auth"):
        try:
            text = base64.b64decode(f"{auth}{'=' * (-len(str(auth)) % 4)}", validate=True).decode()
        except (binascii.Error, ValueError):
            return None
        username, colon, password = text.partition(":")
        if not colon:
            return None
    if isinstance(username, str) and isinstance(password, str) and password:
        return Login(username, password)
    return None
