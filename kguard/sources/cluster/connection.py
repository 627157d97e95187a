# SPDX-License-Identifier: Apache-2.0
"""How is an API server asked, and what do its refusals mean?

Authority: kubeconfig and client authentication are the official client's; status codes are
https://kubernetes.io/docs/reference/using-api/api-concepts/ (410 Gone, 429 with Retry-After).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from kguard.errors import ClusterError, UsageError
from kguard.model.manifests import JsonObject, mapping

IN_CLUSTER = "in-cluster"
"""The name under which a pod reaches its own cluster by its service account."""

CONNECT_SECONDS = 5
READ_SECONDS = 60
BUSY_RETRIES = 4
MAX_WAIT_SECONDS = 10.0
OK = 200
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
GONE = 410
BUSY = frozenset({429, 500, 502, 503, 504})


class Refused(Exception):  # noqa: N818 - an answer, not an error of ours
    """The API server answered with another code than 200.

    Args:
        code: the HTTP status.
        message: what the server's Status object says.
        token: the `continue` token that a 410 offers for a list that goes on inconsistently.
    """

    def __init__(self, code: int, message: str, token: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.token = token


class Connection(msgspec.Struct):
    """One context of the user, ready to be asked."""

    context: str
    client: Any

    def fetch(
        self, path: str, query: Sequence[tuple[str, str]] = (), accept: str = "application/json"
    ) -> JsonObject:
        """The decoded answer to one GET.

        Raises:
            Refused: the server answered with an error, after retries where it was busy.
            ClusterError: it cannot be reached, or does not speak JSON.
        """
        return self._decoded(self.body(path, query, accept))

    def body(
        self, path: str, query: Sequence[tuple[str, str]] = (), accept: str = "text/plain"
    ) -> bytes:
        """The answer to one GET as it came.

        Raises:
            Refused: the server answered with an error, after retries where it was busy.
            ClusterError: it cannot be reached.
        """
        status, headers, body = self._ask(path, query, accept)
        for attempt in range(BUSY_RETRIES):
            if status not in BUSY:
                break
            time.sleep(_pause(headers, attempt))
            status, headers, body = self._ask(path, query, accept)
        if status != OK:
            raise _refusal(status, body)
        return body

    def lines(self, path: str, query: Sequence[tuple[str, str]], silence: float) -> Iterator[bytes]:
        """The lines of an answer that goes on, each as it comes, after an empty one at its begin.

        Args:
            path: what to ask for.
            query: how.
            silence: seconds without a byte after which the server counts as gone.

        Raises:
            Refused: the server answered with an error.
            ClusterError: it cannot be reached, or the connection broke.
        """
        response = self._answer(path, query, "application/json", silence)
        if response.status != OK:
            raise _refusal(response.status, response.read())
        try:
            rest = b""
            yield rest
            for piece in response.response.stream(amt=None, decode_content=True):
                *whole, rest = (rest + piece).split(b"\n")
                yield from whole
        except Exception as error:  # the client and urllib3 share no base class
            raise self._unreachable(error) from error
        finally:
            response.response.close()

    def _ask(
        self, path: str, query: Sequence[tuple[str, str]], accept: str
    ) -> tuple[int, Mapping[str, str], bytes]:
        response = self._answer(path, query, accept, READ_SECONDS)
        try:
            return response.status, response.headers, response.read()
        except Exception as error:  # the client and urllib3 share no base class
            raise self._unreachable(error) from error

    def _answer(
        self, path: str, query: Sequence[tuple[str, str]], accept: str, silence: float
    ) -> Any:
        request = self.client.param_serialize(
            method="GET",
            resource_path=path,
            query_params=list(query),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        try:
            return self.client.call_api(*request, _request_timeout=(CONNECT_SECONDS, silence))
        except Exception as error:  # the client and urllib3 share no base class
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ClusterError:
        return ClusterError(
            f"the API server does not answer ({type(error).__name__})",
            where=f"context {self.context}",
            hint="`kubectl --context NAME get namespaces` shows what stands in the way",
        )

    def _decoded(self, body: bytes) -> JsonObject:
        try:
            return mapping(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise ClusterError(
                "the API server's answer is no JSON", where=f"context {self.context}"
            ) from error


def connect(context: str, kubeconfig: str = "") -> Connection:
    """A connection for a context of a kubeconfig, or for a pod's own cluster.

    Args:
        context: the name of the context, or `in-cluster`; empty for the current one.
        kubeconfig: the file; empty for the user's own.

    Raises:
        UsageError: there is no such context, or the kubeconfig cannot be used.
    """
    config = _library().config
    known, context = contexts(kubeconfig), context or _current(kubeconfig)
    if context not in (*known, IN_CLUSTER):
        hint = f"the kubeconfig knows {', '.join(known)}" if known else "there is no kubeconfig"
        raise UsageError("there is no such context", where=f"context {context}", hint=hint)
    try:
        if context not in known:
            return Connection(context, _own_cluster())
        client = config.new_client_from_config(kubeconfig or None, context=context)
        return Connection(context, client)
    except config.ConfigException as error:
        raise UsageError(str(error).splitlines()[0], where=f"context {context}") from error


def _own_cluster() -> Any:
    library = _library()
    settings = library.client.Configuration()
    library.config.load_incluster_config(client_configuration=settings)
    return library.client.ApiClient(configuration=settings)


def contexts(kubeconfig: str = "") -> list[str]:
    """The names of all contexts of a kubeconfig (the user's own), sorted; none without one."""
    return sorted(entry["name"] for entry in _entries(kubeconfig)[0])


def _current(kubeconfig: str) -> str:
    current = _entries(kubeconfig)[1]
    return str(current["name"]) if current else ""


def _entries(kubeconfig: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """All contexts of a kubeconfig, and the current one; none where there is no kubeconfig."""
    config = _library().config
    try:
        known, current = config.list_kube_config_contexts(kubeconfig or None)
    except config.ConfigException:
        return [], {}
    return known, current


def _library() -> Any:
    """The official client: half a second and 126 MB that only live scans need."""
    try:
        import kubernetes
    except ImportError as error:
        raise UsageError(
            "live clusters need the package kubernetes",
            hint="pip install 'kguard-scanner[cluster]'",
        ) from error
    return kubernetes


def _pause(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds to wait: what the server asks for, within reason, else a growing pause."""
    asked = headers.get("Retry-After") or ""
    seconds = float(asked) if asked.isdigit() else 0.2 * 2**attempt
    return min(seconds, MAX_WAIT_SECONDS)


def _refusal(status: int, body: bytes) -> Refused:
    try:
        answer = mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        answer = {}
    token = mapping(answer.get("metadata")).get("continue")
    message = answer.get("message")
    return Refused(
        status,
        message if isinstance(message, str) and message else f"HTTP status {status}",
        token if isinstance(token, str) else "",
    )
