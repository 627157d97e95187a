# SPDX-License-Identifier: Apache-2.0
"""What does a registry have, and what is believed of its answers?

Authority: opencontainers/distribution-spec spec.md 1.1 (pulling, `referrers`). What is asked for by
digest must have it; whatever has a digest is asked for once, and kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from kguard.model.digests import digest_of
from kguard.sources.registry.credentials import Keychain
from kguard.sources.registry.errors import RegistryError
from kguard.sources.registry.routes import Route, routes
from kguard.sources.registry.settings import Settings
from kguard.sources.registry.tokens import MAX_TOKEN_BYTES, Tokens
from kguard.sources.registry.transport import Answer, Request, Transport

T = TypeVar("T")

MAX_MANIFEST_BYTES = 4 << 20
MAX_BLOB_BYTES = 16 << 20
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MANIFESTS = ", ".join(_TYPES)
_GONE = (HTTPStatus.NOT_FOUND,)
_NO_API = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_ACCEPTABLE)
"""Registries without the referrers API answer in one of these ways, as go-containerregistry reads
them (pkg/v1/remote/referrers.go)."""
_NO_HEAD = (HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED, HTTPStatus.BAD_REQUEST)
MAX_PAGES = 20
MAX_LINK = 4096
"""Characters of a header that are searched for the next page."""
_NEXT = re.compile(r'<([^<>]{1,2000})>\s*;\s*rel="?next"?')
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Client:
    """Asks registries, through their mirrors; safe to be used by several threads.

    Args:
        settings: what the user says.
        keychain: where logins come from.

    A CA file that cannot be read makes every request fail.
    """

    def __init__(self, settings: Settings, keychain: Keychain | None = None) -> None:
        self.settings = settings
        self._transport = Transport(settings.ca_files)
        self._tokens = Tokens(keychain or Keychain(), self._fetch_token)

    @property
    def requests(self) -> int:
        """How many requests were made, about."""
        return self._transport.sent

    def manifest(self, registry: str, repository: str, reference: str) -> bytes | None:
        """A manifest by digest or tag; None where the registry has none.

        Raises:
            RegistryError: it does not answer, or with other bytes.
        """
        path = f"manifests/{quote(reference, safe=':')}"
        tagged = ":" not in reference

        def ask(route: Route) -> bytes | None:
            found = self._ask(route, path, MANIFESTS, MAX_MANIFEST_BYTES)
            return None if found is None else _proved(found.body, reference)

        return self._first(self._routes(registry, repository, tagged=tagged), ask)

    def pointer(self, registry: str, repository: str, reference: str) -> str | None:
        """The digest of a manifest, as the registry says; empty where it does not say.

        None where there is none, or the registry does not answer to HEAD.

        Raises:
            RegistryError: it does not answer.
        """
        path = f"manifests/{quote(reference, safe=':')}"
        tagged = ":" not in reference

        def ask(route: Route) -> str | None:
            found = self._ask(route, path, MANIFESTS, 0, (*_GONE, *_NO_HEAD), "HEAD")
            if found is None:
                return None
            digest = found.headers.get("Docker-Content-Digest", "")
            return digest if _DIGEST.match(digest) else ""

        return self._first(self._routes(registry, repository, tagged=tagged), ask)

    def blob(
        self, registry: str, repository: str, digest: str, size: int = MAX_BLOB_BYTES
    ) -> bytes | None:
        """A blob of at most so many bytes; None where the registry has none.

        Raises:
            RegistryError: it does not answer, or with other bytes.
        """
        path = f"blobs/{quote(digest, safe=':')}"
        limit = min(size, MAX_BLOB_BYTES)

        def ask(route: Route) -> bytes | None:
            found = self._ask(route, path, "*/*", limit)
            return None if found is None else _proved(found.body, digest)

        return self._first(self._routes(registry, repository, tagged=False), ask)

    def referrers(self, registry: str, repository: str, digest: str) -> list[bytes] | None:
        """The pages of the index of what refers to a manifest; None where there is no such API.

        Raises:
            RegistryError: it does not answer, or has no end of pages.
        """
        found = self._routes(registry, repository, tagged=False)
        return self._first(found, lambda route: self._pages(route, digest))

    def _pages(self, route: Route, digest: str) -> list[bytes] | None:
        path = f"referrers/{quote(digest, safe=':')}"
        found = self._ask(route, path, MANIFESTS, MAX_MANIFEST_BYTES, _NO_API)
        pages = []
        while found is not None:
            pages.append(found.body)
            following = _NEXT.search(found.headers.get("Link", "")[:MAX_LINK])
            if not following:
                return pages
            if len(pages) == MAX_PAGES:
                raise RegistryError("too_large", f"more than {MAX_PAGES} pages of referrers")
            path = f"referrers/{following[1].rpartition('/referrers/')[2]}"
            found = self._ask(route, path, MANIFESTS, MAX_MANIFEST_BYTES)
        if pages:
            raise RegistryError("unreachable", f"a page of {route.registry}'s referrers is gone")
        return None

    def _routes(self, registry: str, repository: str, *, tagged: bool) -> Iterator[Route]:
        for route in routes(self.settings, registry, repository):
            if route.tags if tagged else route.digests:
                yield route

    def _first(self, places: Iterator[Route], ask: Callable[[Route], T | None]) -> T | None:
        """What the first place has; nothing only where every place answered and has nothing."""
        failed = None
        for route in places:
            try:
                found = ask(route)
            except RegistryError as error:
                failed = failed or error
                continue
            if found is not None:
                return found
        if failed is not None:
            raise failed
        return None

    def _ask(
        self,
        route: Route,
        path: str,
        accept: str,
        limit: int,
        absent: tuple[int, ...] = _GONE,
        method: str = "GET",
    ) -> Answer | None:
        url = route.of(path)
        headers = {"Accept": accept}
        if known := self._tokens.header(route.registry, route.repository):
            headers["Authorization"] = known
        request = Request(url, headers, limit, self._transport.end(), method)
        answer = self._transport.followed(request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            challenge = answer.headers.get("WWW-Authenticate", "")
            for login in self._tokens.answers(route.registry, route.repository, url, challenge):
                if login != known:
                    headers["Authorization"] = login
                    answer = self._transport.followed(request)
                if answer.status != HTTPStatus.UNAUTHORIZED:
                    break
        return None if answer.status in absent else _judged(answer, route.registry)

    def _fetch_token(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        end = self._transport.end()
        answer = self._transport.send(Request(url, headers, MAX_TOKEN_BYTES, end, method, body))
        return answer.status, answer.body


def _proved(body: bytes, reference: str) -> bytes:
    if ":" in reference and digest_of(body) != reference:
        raise RegistryError(
            "wrong_bytes", f"the registry answers with other bytes than {reference}"
        )
    return body


def _judged(answer: Answer, registry: str) -> Answer:
    match answer.status:
        case HTTPStatus.OK:
            return answer
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise RegistryError("auth", f"{registry} asks for a login, or this one may not read")
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise RegistryError("rate_limited", f"{registry} refuses further requests for now")
        case status:
            raise RegistryError("unreachable", f"{registry} answers {status}")
