# SPDX-License-Identifier: Apache-2.0
"""How is a registry asked, and what is believed of its answers?

Authority: opencontainers/distribution-spec spec.md 1.1 (pulling, `referrers`). What is asked for by
digest must have it; sizes and times are limited; 429 and 503 are asked again when the registry
says so. Proxies are those of the environment.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3

from kguard.sources.registry.addresses import base_url, elsewhere
from kguard.sources.registry.credentials import Keychain
from kguard.sources.registry.errors import RegistryError
from kguard.sources.registry.tokens import MAX_TOKEN_BYTES, Tokens

MAX_MANIFEST_BYTES = 4 << 20
MAX_BLOB_BYTES = 128 << 20
CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
REQUEST_SECONDS = 180.0
"""For one answer with everything that it takes, redirects and repetitions included."""

CONNECTIONS_PER_HOST = 16
ATTEMPTS = 4
LONGEST_WAIT_SECONDS = 30.0
REDIRECTS = 5
_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
MANIFESTS = ", ".join(_TYPES)
_CHUNK = 1 << 16
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_NO_API = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_ACCEPTABLE)
"""Registries without the referrers API answer in one of these ways, as go-containerregistry reads
them (pkg/v1/remote/referrers.go)."""
MAX_PAGES = 20
_NEXT = re.compile(r'<([^<>]{1,2000})>\s*;\s*rel="?next"?')


class Settings(msgspec.Struct, frozen=True):
    """What the user says about registries."""

    plain_http: bool = False
    """Whether registries may be asked without TLS."""
    ca_file: str = ""
    """PEM file of further certificate authorities."""


class _Request(msgspec.Struct, frozen=True):
    url: str
    headers: dict[str, str]
    limit: int
    """Bytes of the answer's body."""
    end: float
    """When the answer must be there, on the monotonic clock."""
    method: str = "GET"
    body: bytes | None = None


class _Answer(msgspec.Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """Asks registries; safe to be used by several threads.

    Args:
        settings: what the user says.
        keychain: where logins come from.

    A CA file that cannot be read makes every request fail.
    """

    def __init__(self, settings: Settings, keychain: Keychain | None = None) -> None:
        self._settings = settings
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._deaf: dict[str, str] = {}
        """Hosts with which no connection could be made, and why."""
        self._tokens = Tokens(keychain or Keychain(), self._fetch_token)

    def manifest(self, registry: str, repository: str, reference: str) -> bytes | None:
        """A manifest by digest or tag; None where the registry has none.

        Raises:
            RegistryError: it does not answer, or with other bytes.
        """
        path = f"manifests/{quote(reference, safe=':')}"
        found = self._ask(registry, repository, path, MANIFESTS, MAX_MANIFEST_BYTES)
        return None if found is None else _proved(found.body, reference)

    def blob(self, registry: str, repository: str, digest: str) -> bytes | None:
        """A blob; None where the registry has none.

        Raises:
            RegistryError: it does not answer, or with other bytes.
        """
        path = f"blobs/{quote(digest, safe=':')}"
        found = self._ask(registry, repository, path, "*/*", MAX_BLOB_BYTES)
        return None if found is None else _proved(found.body, digest)

    def referrers(self, registry: str, repository: str, digest: str) -> list[bytes] | None:
        """The pages of the index of what refers to a manifest; None where there is no such API.

        Raises:
            RegistryError: it does not answer, or has no end of pages.
        """
        path = f"referrers/{quote(digest, safe=':')}"
        found = self._ask(registry, repository, path, MANIFESTS, MAX_MANIFEST_BYTES, _NO_API)
        pages = []
        while found is not None:
            pages.append(found.body)
            following = _NEXT.search(found.headers.get("Link", ""))
            if not following:
                return pages
            if len(pages) == MAX_PAGES:
                raise RegistryError("too_large", f"more than {MAX_PAGES} pages of referrers")
            path = f"referrers/{following[1].rpartition('/referrers/')[2]}"
            found = self._ask(registry, repository, path, MANIFESTS, MAX_MANIFEST_BYTES)
        if pages:
            raise RegistryError("unreachable", f"a page of {registry}'s referrers is gone")
        return None

    def _ask(
        self,
        registry: str,
        repository: str,
        path: str,
        accept: str,
        limit: int,
        absent: tuple[int, ...] = (HTTPStatus.NOT_FOUND,),
    ) -> _Answer | None:
        url = f"{base_url(registry, plain=self._settings.plain_http)}/v2/{repository}/{path}"
        headers = {"Accept": accept}
        if known := self._tokens.header(registry, repository):
            headers["Authorization"] = known
        request = _Request(url, headers, limit, time.monotonic() + REQUEST_SECONDS)
        answer = self._followed(request)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            challenge = answer.headers.get("WWW-Authenticate", "")
            login = self._tokens.answer(registry, repository, url, challenge)
            if login and login != known:
                headers["Authorization"] = login
                answer = self._followed(request)
        return None if answer.status in absent else _judged(answer, registry)

    def _followed(self, request: _Request) -> _Answer:
        """The answer after redirects; a login is shown to the registry's own host alone."""
        for _ in range(REDIRECTS + 1):
            answer = self._repeated(request)
            if answer.status not in _MOVED:
                return answer
            target = elsewhere(
                request.url, urljoin(request.url, answer.headers.get("Location", ""))
            )
            here, sent = urlsplit(request.url), dict(request.headers)
            if (target.scheme, target.netloc) != (here.scheme, here.netloc):
                sent.pop("Authorization", None)
            request = msgspec.structs.replace(request, url=target.geturl(), headers=sent)
        raise RegistryError("unreachable", f"more than {REDIRECTS} redirects")

    def _repeated(self, request: _Request) -> _Answer:
        host = _host(request.url)
        for attempt in range(ATTEMPTS):
            if host in self._deaf:
                raise RegistryError("unreachable", self._deaf[host])
            if time.monotonic() >= request.end:
                break
            last = attempt + 1 == ATTEMPTS
            try:
                answer = self._once(request)
            except urllib3.exceptions.HTTPError as error:
                if last or _is_final(error):
                    raise self._unreachable(host, error) from None
                answer = None
            if answer is not None and (answer.status not in _BUSY or last):
                return answer
            asked = answer.headers.get("Retry-After", "") if answer else ""
            time.sleep(max(min(_wait(asked, attempt), request.end - time.monotonic()), 0))
        raise RegistryError("unreachable", f"{host} took longer than {REQUEST_SECONDS:g} s")

    def _unreachable(self, host: str, error: urllib3.exceptions.HTTPError) -> RegistryError:
        """What to say of a host; one with which no connection can be made is not asked again."""
        reason = _reason(host, error)
        if isinstance(error, _NO_CONNECTION):
            self._deaf[host] = reason
        return RegistryError("unreachable", reason)

    def _once(self, request: _Request) -> _Answer:
        response = self._pool(request.url).request(
            request.method,
            request.url,
            headers={"User-Agent": "kguard", **request.headers},
            body=request.body,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        try:
            body = _body(response, request.limit, request.end)
            return _Answer(response.status, response.headers, body)
        finally:
            response.release_conn()

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = "" if proxy_bypass(host) else getproxies().get(parts.scheme, "")
        if proxy not in self._pools:
            arguments: dict[str, Any] = {"maxsize": CONNECTIONS_PER_HOST, "block": True}
            if self._settings.ca_file:
                arguments["ssl_context"] = _context(self._settings.ca_file)
            self._pools[proxy] = (
                urllib3.ProxyManager(proxy, **arguments)
                if proxy
                else urllib3.PoolManager(**arguments)
            )
        return self._pools[proxy]

    def _fetch_token(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        end = time.monotonic() + REQUEST_SECONDS
        answer = self._repeated(_Request(url, headers, MAX_TOKEN_BYTES, end, method, body))
        return answer.status, answer.body


def _context(ca_file: str) -> Any:
    import ssl

    try:
        context = ssl.create_default_context()
        context.load_verify_locations(ca_file)
    except (OSError, ssl.SSLError):
        message = f"the certificate authorities in {ca_file} cannot be read"
        raise RegistryError("unreachable", message) from None
    return context


def _body(response: Any, limit: int, end: float) -> bytes:
    found = bytearray()
    for chunk in response.stream(_CHUNK):
        found += chunk
        if len(found) > limit:
            response.close()
            raise RegistryError("too_large", f"an answer of more than {limit >> 20} MiB")
        if time.monotonic() > end:
            response.close()
            raise RegistryError("unreachable", f"an answer took longer than {REQUEST_SECONDS:g} s")
    return bytes(found)


def _proved(body: bytes, reference: str) -> bytes:
    algorithm, colon, wanted = reference.partition(":")
    if not colon:
        return body
    if algorithm != "sha256" or hashlib.sha256(body).hexdigest() != wanted:
        raise RegistryError(
            "wrong_bytes", f"the registry answers with other bytes than {reference}"
        )
    return body


def _judged(answer: _Answer, registry: str) -> _Answer:
    match answer.status:
        case HTTPStatus.OK:
            return answer
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise RegistryError("auth", f"{registry} asks for a login, or this one may not read")
        case HTTPStatus.TOO_MANY_REQUESTS:
            raise RegistryError("rate_limited", f"{registry} refuses further requests for now")
        case status:
            raise RegistryError("unreachable", f"{registry} answers {status}")


def _wait(asked: str, attempt: int) -> float:
    if asked.isascii() and asked.isdigit():
        return min(float(asked), LONGEST_WAIT_SECONDS)
    return min(float(1 << attempt) / 2, LONGEST_WAIT_SECONDS)


_NO_CONNECTION = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)


def _is_final(error: urllib3.exceptions.HTTPError) -> bool:
    """Whether asking again cannot help."""
    return isinstance(error, urllib3.exceptions.SSLError | urllib3.exceptions.LocationValueError)


def _host(url: str) -> str:
    return urlsplit(url).netloc.rpartition("@")[2]


def _reason(host: str, error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"{host}: its certificate is not trusted, or it speaks no TLS"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return f"{host}: there is no such host"
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
        return f"{host} does not answer in time"
    return f"{host} cannot be reached"
