# SPDX-License-Identifier: Apache-2.0
"""With which name and password is a registry asked?

Authority: docker/cli cli/config (`auths`, `credsStore`, `credHelpers` of config.json) and
docker/docker-credential-helpers (a program gets the host on stdin and answers with JSON);
containers/image reads `${XDG_RUNTIME_DIR}/containers/auth.json` in the same form. A key is a
registry, or a registry with the beginning of a repository: the longest that fits is used.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

HELPER_SECONDS = 20
MAX_CONFIG_BYTES = 4 << 20
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")


class Login(msgspec.Struct, frozen=True):
    """A name and a password, or an identity token (Azure); both empty for nobody."""

    username: str = ""
    password: str = ""
    identity_token: str = ""

    def __bool__(self) -> bool:
        return bool(self.password or self.identity_token)

    def __repr__(self) -> str:
        return "Login(...)"

    @property
    def basic(self) -> str:
        """The value of a basic `Authorization` header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Basic " + base64.b64encode(pair).decode()


NOBODY = Login()


class Keychain:
    """What the files of a user know about registries.

    Args:
        environment: the process' environment; where the files lie.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._lock = Lock()
        self._helped: dict[tuple[str, str], Login] = {}
        self._given: dict[tuple[str, str], list[Login]] = {}

    def give(self, registry: str, repository: str, logins: Iterable[Login]) -> None:
        """Logins from elsewhere (pull secrets), which are tried before those of the files."""
        known = self._given.setdefault((registry, repository), [])
        for login in logins:
            if login not in known:
                known.append(login)

    def logins(self, registry: str, repository: str) -> list[Login]:
        """What may be said to a registry about a repository, in the order to try."""
        own = self._own(registry, repository)
        return [*self._given.get((registry, repository), ()), *([own] if own else [])]

    def _own(self, registry: str, repository: str) -> Login:
        for config in self._configs:
            helper = _helper_of(config, registry)
            found = self._from_helper(helper, registry) if helper else NOBODY
            found = found or _from_auths(config.get("auths"), registry, repository)
            if found:
                return found
        return NOBODY

    @cached_property
    def _configs(self) -> list[dict[str, Any]]:
        found = (_read(path) for path in self._paths())
        return [config for config in found if config]

    def _paths(self) -> Iterator[Path]:
        home = self._environment.get("HOME", "")
        if folder := self._environment.get("DOCKER_CONFIG"):
            yield Path(folder) / "config.json"
        elif home:
            yield Path(home) / ".docker" / "config.json"
        if file := self._environment.get("REGISTRY_AUTH_FILE"):
            yield Path(file)
        if folder := self._environment.get("XDG_RUNTIME_DIR"):
            yield Path(folder) / "containers" / "auth.json"

    def _from_helper(self, name: str, registry: str) -> Login:
        asked = _HUB_KEYS[0] if registry == "index.docker.io" else registry
        with self._lock:
            if (name, asked) not in self._helped:
                self._helped[name, asked] = _ask(name, asked)
            return self._helped[name, asked]


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            return {}
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _helper_of(config: dict[str, Any], registry: str) -> str:
    helpers = config.get("credHelpers")
    name = helpers.get(registry) if isinstance(helpers, dict) else None
    name = name or config.get("credsStore")
    return name if isinstance(name, str) and _HELPER.fullmatch(name) else ""


def _ask(name: str, registry: str) -> Login:
    """What a credential helper answers; nobody where it has nothing or fails."""
    try:
        done = subprocess.run(
            [f"docker-credential-{name}", "get"],
            input=registry.encode(),
            capture_output=True,
            timeout=HELPER_SECONDS,
            check=False,
        )
        found = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.SubprocessError):
        return NOBODY
    if not isinstance(found, dict):
        return NOBODY
    username, secret = str(found.get("Username", "")), str(found.get("Secret", ""))
    if username == "<token>":
        return Login(identity_token=secret)
    return Login(username, secret)


def _from_auths(auths: object, registry: str, repository: str) -> Login:
    if not isinstance(auths, dict):
        return NOBODY
    wanted = f"{registry}/{repository}"
    best = max(
        (key for key in auths if isinstance(key, str) and _fits(key, wanted)),
        key=lambda key: len(_plain(key)),
        default=None,
    )
    entry = auths.get(best) if best is not None else None
    return _login(entry) if isinstance(entry, dict) else NOBODY


def _plain(key: str) -> str:
    """A key as `host/path`: docker writes URLs for Docker Hub and old ones for others."""
    if key in _HUB_KEYS:
        return "index.docker.io"
    text = key.removeprefix("https://").removeprefix("http://").rstrip("/")
    return text.removesuffix("/v1").removesuffix("/v2")


def _fits(key: str, wanted: str) -> bool:
    plain = _plain(key)
    return wanted == plain or wanted.startswith(f"{plain}/")


def _login(entry: dict[str, Any]) -> Login:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Login(identity_token=token)
    username, password = entry.get("username"), entry.get("password")
    if isinstance(username, str) and isinstance(password, str) and password:
        return Login(username, password)
    try:
        text = base64.b64decode(str(entry.get("auth", "")), validate=True).decode()
    except (binascii.Error, ValueError):
        return NOBODY
    username, colon, password = text.partition(":")
    return Login(username, password.rstrip("\x00")) if colon else NOBODY
