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

from kguard.sources.registry.credentials import Login
from kguard.sources.registry.routes import HUB

TYPES = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
"""The types of secrets that hold logins, with the key of their data."""


def read_secret(kind: str, text: str) -> Entries | None:
    """The entries of a secret's logins, by key; None where the kubelet refuses the secret.

    Args:
        kind: the secret's type; one that is not of `TYPES` holds no logins.
        text: its data, in base64.
    """
    if kind not in TYPES or not text:
        return {}
    try:
        found = _go(json.loads(base64.b64decode(text, validate=True)))
        entries = _go(found.get("auths")) if TYPES[kind] == ".dockerconfigjson" else found
        return {place: _login(_go(entry)) for place, entry in entries.items()}
    except (binascii.Error, ValueError, RecursionError):
        return None


Entries = dict[str, Login]


def lookup(secrets: Iterable[Entries | None], registry: str, repository: str) -> list[Login] | None:
    """The logins for an image, in the order in which the kubelet tries them.

    None where one of the pod's secrets is refused: then the kubelet uses none.
    """
    keys: dict[str, list[Login]] = {}
    for entries in secrets:
        if entries is None:
            return None
        for place, login in entries.items():
            if key := _key(place):
                keys.setdefault(key, []).append(login)
    host = "docker.io" if registry == HUB else registry
    found = [k for k in sorted(keys, reverse=True) if _matches(k, f"{host}/{repository}")]
    if not found and registry == HUB and HUB in keys:
        found = [HUB]
    return [login for key in found for login in keys[key]]


def _key(place: str) -> str:
    """Where an entry counts; empty for nowhere: Go takes no brackets and such for a host."""
    host, path = _split(re.sub(r"\Ahttps?://", "", place))
    path = path[3:] if path.startswith(("/v1/", "/v2/")) else path
    if not _HOST.fullmatch(host):
        return ""
    return host + ("" if path == "/" else path)


_HOST = re.compile(r"[^\[\]\\\s<>\"^`{|}]*")


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
    """Go's `filepath.Match` of one part of a host name; brackets never get as far as this.

    In linear space and quadratic time: whoever writes a secret chooses the pattern.
    """
    at, place, star, taken = 0, 0, -1, 0
    while place < len(text):
        here = pattern[at] if at < len(pattern) else ""
        if here == "*":
            star, taken = at, place
            at += 1
        elif here in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            taken += 1
            at, place = star + 1, taken
        else:
            return False
    return not pattern[at:].strip("*")


class _Folded(dict[str, Any]):
    """An object as Go's `encoding/json` reads it into a struct: names match in any case."""

    def get(self, name: str, default: Any = None) -> Any:
        found = [value for key, value in self.items() if key.casefold() == name]
        return found[-1] if found else default


def _go(value: Any) -> _Folded:
    """An object; null is an empty one.

    Raises:
        ValueError: it is something else.
    """
    if value is not None and not isinstance(value, dict):
        raise ValueError
    return _Folded(value or {})


def _login(entry: _Folded) -> Login:
    """Name and password of an entry; `auth` counts before them."""
    fields = {name: entry.get(name) or "" for name in ("username", "password", "email", "auth")}
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError
    if not fields["auth"]:
        return Login(fields["username"], fields["password"])
    text = fields["auth"].strip()
    padding = "" if text.endswith("=") else "=" * (-len(text) % 4)
    decoded = base64.b64decode(text + padding, validate=True).decode(errors="replace")
    username, colon, password = decoded.partition(":")
    if not colon:
        raise ValueError
    return Login(username, password)
