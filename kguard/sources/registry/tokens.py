# SPDX-License-Identifier: Apache-2.0
"""How is the challenge of a registry answered?

Authority: distribution/distribution docs/spec/auth/token.md and oauth.md: a `Bearer` challenge
names a realm, which gives a token for a login (or to nobody) with GET, for an identity token with
POST; a `Basic` challenge wants the login itself. Only `pull` is ever asked for.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import msgspec

from kguard.sources.registry.addresses import elsewhere
from kguard.sources.registry.credentials import Keychain, Login
from kguard.sources.registry.errors import RegistryError

_CHALLENGE = re.compile(r"\s*(bearer|basic)\b\s*(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
DEFAULT_LIFE_SECONDS = 60
EARLY_SECONDS = 10
MAX_TOKEN_BYTES = 1 << 20

Fetch = Callable[[str, str, dict[str, str], bytes | None], tuple[int, bytes]]
"""Method, URL, headers and body to status and body."""


class _Kept(msgspec.Struct, frozen=True):
    header: str
    until: float


class Tokens:
    """Answers challenges, and remembers what a registry gave for a repository."""

    def __init__(self, keychain: Keychain, fetch: Fetch) -> None:
        self._keychain = keychain
        self._fetch = fetch
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._lock = Lock()

    def header(self, registry: str, repository: str) -> str:
        """The `Authorization` that a registry took before for a repository; else empty."""
        with self._lock:
            kept = self._kept.get((registry, repository))
        return kept.header if kept and kept.until > time.monotonic() else ""

    def answer(self, registry: str, repository: str, url: str, challenge: str) -> str:
        """The `Authorization` that a challenge asks for; empty where we have none to give.

        Raises:
            RegistryError: the realm refuses or cannot be asked.
        """
        found = _CHALLENGE.match(challenge)
        login = self._keychain.login(registry, repository)
        if found is None:
            return ""
        if found[1].casefold() == "basic":
            header, life = (login.basic if login.password else ""), float("inf")
        else:
            fields = dict(_PARAMETER.findall(found[2]))
            header, life = self._bearer(fields, repository, login, url)
        with self._lock:
            self._kept[registry, repository] = _Kept(header, time.monotonic() + life)
        return header

    def _bearer(
        self, fields: dict[str, str], repository: str, login: Login, url: str
    ) -> tuple[str, float]:
        realm = elsewhere(url, fields.get("realm", "")).geturl()
        query = {"service": fields.get("service", ""), "scope": f"repository:{repository}:pull"}
        if login.identity_token:
            form = {"grant_type": "refresh_token", "refresh_token": login.identity_token, **query}
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            status, body = self._fetch("POST", realm, headers, urlencode(form).encode())
        else:
            headers = {"Authorization": login.basic} if login else {}
            mark = "&" if "?" in realm else "?"
            status, body = self._fetch("GET", f"{realm}{mark}{urlencode(query)}", headers, None)
        return _token(status, body)


def _token(status: int, body: bytes) -> tuple[str, float]:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RegistryError("auth", "the registry's token service refuses the login")
    if status != HTTPStatus.OK:
        raise RegistryError("unreachable", f"the registry's token service answers {status}")
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    fields = found if isinstance(found, dict) else {}
    token = fields.get("token") or fields.get("access_token")
    if not isinstance(token, str) or not token.isprintable():
        raise RegistryError("auth", "the registry's token service gives no token")
    life = fields.get("expires_in")
    seconds = life if isinstance(life, int | float) and life > 0 else DEFAULT_LIFE_SECONDS
    return f"Bearer {token}", max(seconds - EARLY_SECONDS, 1.0)
