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
from collections.abc import Callable, Iterator
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import urlencode

import msgspec

from kguard.sources.registry.addresses import elsewhere
from kguard.sources.registry.credentials import NOBODY, Keychain, Login
from kguard.sources.registry.errors import RegistryError

_CHALLENGE = re.compile(r"\s*(bearer|basic)\b\s*(.*)", re.IGNORECASE | re.DOTALL)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
DEFAULT_LIFE_SECONDS = 60
EARLY_SECONDS = 10
MAX_TOKEN_BYTES = 1 << 20
MAX_CHALLENGE = 4096
"""Characters of a challenge that are read."""

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
        self._challenges: dict[str, tuple[str, str]] = {}
        """The last challenge of each registry, with the URL that met it."""
        self._refused: dict[tuple[str, str], RegistryError] = {}
        """Repositories for which no login helps."""
        self._lock = Lock()

    def header(self, registry: str, repository: str) -> str:
        """The `Authorization` that a registry takes for a repository, as far as known; else empty.

        A registry that asked for a login before is not waited for to ask again.
        """
        with self._lock:
            kept = self._kept.get((registry, repository))
            challenge = self._challenges.get(registry)
        if kept and kept.until > time.monotonic():
            return kept.header
        if challenge is None:
            return ""
        try:
            return next(self.answers(registry, repository, *challenge), "")
        except RegistryError:
            return ""

    def answers(self, registry: str, repository: str, url: str, challenge: str) -> Iterator[str]:
        """Each `Authorization` that may answer a challenge, for one login after the other.

        Raises:
            RegistryError: the realm refuses every login, or cannot be asked.
        """
        found = _CHALLENGE.match(challenge[:MAX_CHALLENGE])
        if found is None:
            return
        with self._lock:
            self._challenges[registry] = (url, challenge)
            refused = self._refused.get((registry, repository))
        if refused is not None:
            raise RegistryError(refused.reason, refused.message)
        given = False
        for login in self._keychain.logins(registry, repository) or [NOBODY]:
            try:
                header, life = self._answer(found, repository, login, url)
            except RegistryError as error:
                refused = error
                continue
            if not header:
                continue
            given = True
            with self._lock:
                self._kept[registry, repository] = _Kept(header, time.monotonic() + life)
            yield header
        if refused is not None and not given:
            with self._lock:
                self._refused[registry, repository] = refused
            raise refused

    def _answer(
        self, challenge: re.Match[str], repository: str, login: Login, url: str
    ) -> tuple[str, float]:
        """The header and its life in seconds; empty where a login does not fit the challenge."""
        if challenge[1].casefold() == "basic":
            return (login.basic if login.password else ""), float("inf")
        return self._bearer(dict(_PARAMETER.findall(challenge[2])), repository, login, url)

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
