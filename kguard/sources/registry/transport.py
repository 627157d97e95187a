# SPDX-License-Identifier: Apache-2.0
"""How does a request become an answer that is bounded in size and time?

Redirects are followed to places that a registry may send us to, refusals are waited for, and
nothing is read beyond its limit. Proxies are those of the environment.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from itertools import count
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import msgspec
import urllib3

from kguard.sources.registry.addresses import elsewhere
from kguard.sources.registry.connections import POOLS
from kguard.sources.registry.errors import RegistryError
from kguard.sources.registry.gate import AT_ONCE, LONGEST_WAIT_SECONDS, Gate, wait_of

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
REQUEST_SECONDS = 180.0
"""For one answer with everything that it takes, redirects and repetitions included."""
RUN_SECONDS = 1800.0
"""For everything that one run asks; what is left over then is unknown."""

ATTEMPTS = 4
"""Of one request; more where the host serves others meanwhile, which it does under a limit."""
ATTEMPTS_BESIDE_OTHERS = 12
REDIRECTS = 5
_CHUNK = 1 << 16
_MOVED = (301, 302, 303, 307, 308)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


class Request(msgspec.Struct, frozen=True):
    """What is asked of a URL."""

    url: str
    headers: dict[str, str]
    limit: int
    """Bytes of the answer's body."""
    end: float
    """When the answer must be there, on the monotonic clock."""
    method: str = "GET"
    body: bytes | None = None


class Answer(msgspec.Struct, frozen=True):
    """What a host answered, in full."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends requests; safe to be used by several threads.

    Args:
        ca_files: PEM files of further certificate authorities; one that cannot be read makes every
            request fail.
    """

    def __init__(self, ca_files: tuple[str, ...] = ()) -> None:
        self._ca_files = ca_files
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._proxies: dict[tuple[str, str], str] = {}
        """By scheme and host, as the environment says."""
        self._gates: dict[str, Gate] = {}
        self._only_tls: set[str] = set()
        """Hosts that said so when they were asked without."""
        self._end = time.monotonic() + RUN_SECONDS
        self.sent = 0
        """Requests so far, about."""

    def end(self) -> float:
        """When the answer to a request that is made now must be there."""
        return min(time.monotonic() + REQUEST_SECONDS, self._end)

    def followed(self, request: Request) -> Answer:
        """The answer after redirects; a login is shown to the registry's own host alone.

        Raises:
            RegistryError: there is no answer, or a place is none for us.
        """
        for _ in range(REDIRECTS + 1):
            parts = urlsplit(request.url)
            if parts.scheme == "http" and parts.netloc in self._only_tls:
                encrypted = parts._replace(scheme="https").geturl()
                request = msgspec.structs.replace(request, url=encrypted)
            answer = self.send(request)
            if parts.scheme == "http" and _wants_tls(answer):
                self._only_tls.add(parts.netloc)
                continue
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

    def send(self, request: Request) -> Answer:
        """The answer of the host itself, after its refusals.

        Raises:
            RegistryError: there is no answer.
        """
        host = urlsplit(request.url).netloc.rpartition("@")[2]
        gate = self._gates.setdefault(host, Gate())
        served = gate.served
        for attempt in count():
            answer = self._tried(host, gate, request, attempt)
            if answer is None:
                continue
            if answer.status not in _BUSY:
                gate.answered()
                return answer
            wait = wait_of(answer.headers.get("Retry-After", ""), attempt)
            most = ATTEMPTS if gate.served == served else ATTEMPTS_BESIDE_OTHERS
            if attempt + 1 >= most or wait > LONGEST_WAIT_SECONDS:
                limited = answer.status == HTTPStatus.TOO_MANY_REQUESTS
                if gate.served == served if limited else not gate.served:
                    gate.closed = _refusal(host, answer.status)
                return answer
            gate.pause(wait)
        raise AssertionError

    def _tried(self, host: str, gate: Gate, request: Request, attempt: int) -> Answer | None:
        """One attempt; None where the connection failed and it is worth another one."""
        with gate.turn(request.end) as admitted:
            if gate.closed is not None:
                raise RegistryError(gate.closed.reason, gate.closed.message)
            if not admitted:
                reason = f"{host} took longer than {REQUEST_SECONDS:g} s"
                raise RegistryError("unreachable", reason)
            try:
                return self._once(request)
            except urllib3.exceptions.HTTPError as error:
                if attempt + 1 >= ATTEMPTS or _is_final(error):
                    found = RegistryError("unreachable", _reason(host, error))
                    if isinstance(error, _NO_CONNECTION) or not gate.served:
                        gate.closed = found
                    raise found from None
        time.sleep(min(wait_of("", attempt), max(request.end - time.monotonic(), 0)))
        return None

    def _once(self, request: Request) -> Answer:
        self.sent += 1
        response = self._pool(request.url).request(
            request.method,
            request.url,
            headers={"User-Agent": "kguard", "Accept-Encoding": "identity", **request.headers},
            body=request.body,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        )
        try:
            body = _body(response, request)
            return Answer(response.status, response.headers, body)
        finally:
            response.release_conn()

    def _proxy(self, url: str) -> str:
        parts = urlsplit(url)
        key = (parts.scheme, parts.hostname or "")
        if key not in self._proxies:
            self._proxies[key] = "" if proxy_bypass(key[1]) else getproxies().get(key[0], "")
        return self._proxies[key]

    def _pool(self, url: str) -> urllib3.PoolManager:
        proxy = self._proxy(url)
        if proxy not in self._pools:
            arguments: dict[str, Any] = {"maxsize": AT_ONCE, "block": True}
            if self._ca_files:
                arguments["ssl_context"] = _context(self._ca_files)
            manager = (
                urllib3.ProxyManager(proxy, **arguments)
                if proxy
                else urllib3.PoolManager(**arguments)
            )
            manager.pool_classes_by_scheme = POOLS
            self._pools[proxy] = manager
        return self._pools[proxy]


def _wants_tls(answer: Answer) -> bool:
    """Whether a host that may be asked without TLS says that it speaks TLS only."""
    told = answer.status == HTTPStatus.BAD_REQUEST
    return told and any(words in answer.body for words in _ONLY_TLS)


_ONLY_TLS = (
    b"Client sent an HTTP request to an HTTPS server",
    b"The plain HTTP request was sent to HTTPS port",
)
"""What Go's and nginx's servers answer."""


def _context(ca_files: tuple[str, ...]) -> Any:
    import ssl

    context = ssl.create_default_context()
    for name in ca_files:
        try:
            context.load_verify_locations(name)
        except (OSError, ssl.SSLError):
            message = f"the certificate authorities in {name} cannot be read"
            raise RegistryError("unreachable", message) from None
    return context


def _body(response: Any, request: Request) -> bytes:
    found = bytearray()
    while chunk := response.read1(_CHUNK):
        found += chunk
        if len(found) > request.limit:
            response.close()
            size = f"{request.limit >> 20} MiB" if request.limit >> 20 else f"{request.limit} bytes"
            raise RegistryError("too_large", f"an answer of more than {size}")
        if time.monotonic() > request.end:
            response.close()
            raise RegistryError("unreachable", f"an answer took longer than {REQUEST_SECONDS:g} s")
    return bytes(found)


def _refusal(host: str, status: int) -> RegistryError:
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RegistryError("rate_limited", f"{host} refuses further requests for now")
    return RegistryError("unreachable", f"{host} answers {status}")


_NO_CONNECTION = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
)


def _is_final(error: urllib3.exceptions.HTTPError) -> bool:
    """Whether asking again cannot help."""
    return isinstance(error, urllib3.exceptions.SSLError | urllib3.exceptions.LocationValueError)


def _reason(host: str, error: Exception) -> str:
    if isinstance(error, urllib3.exceptions.SSLError):
        return f"{host}: its certificate is not trusted, or it speaks no TLS"
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return f"{host}: there is no such host"
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
        return f"{host} does not answer in time"
    return f"{host} cannot be reached"
