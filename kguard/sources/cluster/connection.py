# SPDX-License-Identifier: Apache-2.0
"""How is an API server asked, and what do its refusals mean?

Authority: status codes are https://kubernetes.io/docs/reference/using-api/api-concepts/ (410 Gone,
429 with Retry-After).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import orjson

from kguard.errors import ClusterError
from kguard.model.manifests import JsonObject, mapping
from kguard.sources.cluster.answers import CHUNK, TooMuch, is_slow, whole, why
from kguard.sources.cluster.clients import client_of, current

CONNECT_SECONDS = 5
READ_SECONDS = 60
BUSY_RETRIES = 4
MAX_WAIT_SECONDS = 10.0
RETURN_PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Seconds between attempts to reach a server again that was there before: it may be restarting."""
REST_SECONDS = 30.0
"""How long a server is left alone that did not come back."""
MAX_LINE_BYTES = 16 << 20
"""Of one event of a watch: ten times what an API server stores of an object."""
OK = 200
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
GONE = 410
BUSY = frozenset({429, 500, 502, 503, 504})

Query = Sequence[tuple[str, str]]


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


class Answer(msgspec.Struct, frozen=True):
    """Status, headers and body as they came."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(msgspec.Struct):
    """One context of the user, ready to be asked."""

    context: str
    client: Any
    reached: bool = False
    """Whether the server has answered once."""
    lost: str = ""
    """Why it did not answer the last time."""
    rest_until: float = 0.0
    """Until when it is not asked again, on the monotonic clock."""

    def fetch(self, path: str, query: Query = (), accept: str = "application/json") -> JsonObject:
        """The decoded answer to one GET.

        Raises:
            Refused: the server answered with an error, after retries where it was busy.
            ClusterError: it cannot be reached, or does not speak JSON.
        """
        body = self.body(path, query, accept)
        try:
            return mapping(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise self._error("the API server's answer is no JSON") from error

    def body(self, path: str, query: Query = (), accept: str = "text/plain") -> bytes:
        """The answer to one GET as it came.

        Raises:
            Refused: the server answered with an error, after retries where it was busy.
            ClusterError: it cannot be reached, or its answer does not end.
        """
        answer = self._ask(path, query, accept)
        for attempt in range(BUSY_RETRIES):
            if answer.status not in BUSY:
                break
            time.sleep(_pause(answer.headers, attempt))
            answer = self._ask(path, query, accept)
        if answer.status != OK:
            raise _refusal(answer)
        return answer.body

    def lines(self, path: str, query: Query, silence: float) -> Iterator[bytes]:
        """The lines of an answer that goes on, each as it comes, after an empty one at its begin.

        Args:
            path: what to ask for.
            query: how.
            silence: seconds without a byte after which the server counts as gone.

        Raises:
            Refused: the server answered with an error.
            ClusterError: it cannot be reached, or the connection broke.
        """
        response = self._begun(path, query, silence)
        try:
            rest = b""
            yield rest
            while len(rest) <= MAX_LINE_BYTES and (piece := response.response.read1(CHUNK)):
                *ended, rest = (rest + piece).split(b"\n")
                yield from ended
        except Exception as error:  # the client and urllib3 share no base class
            raise self._error(_silence(error)) from error
        finally:
            response.response.close()
        if len(rest) > MAX_LINE_BYTES:
            raise self._error(f"a line is longer than {MAX_LINE_BYTES >> 20} MiB")

    def _begun(self, path: str, query: Query, silence: float) -> Any:
        """An answer of the client that the server means well."""
        try:
            response = self._sent(path, query, "application/json", silence)
            body = b"" if response.status == OK else whole(response)
        except Exception as error:  # the client and urllib3 share no base class
            raise self._error(_silence(error)) from error
        if response.status != OK:
            raise _refusal(Answer(response.status, response.headers, body))
        return response

    def _ask(self, path: str, query: Query, accept: str) -> Answer:
        """One answer; a server that was there and went away is given time to come back.

        Where it does not, it is asked for nothing else for a while.
        """
        pauses = list(RETURN_PAUSES) if self.reached else []
        while time.monotonic() >= self.rest_until:
            try:
                response = self._sent(path, query, accept, READ_SECONDS)
                answer = Answer(response.status, response.headers, whole(response))
            except TooMuch as error:
                raise self._error(str(error)) from None
            except Exception as error:
                if is_slow(error):
                    raise self._error(_silence(error)) from error
                if not pauses:
                    self.lost, self.rest_until = _silence(error), time.monotonic() + REST_SECONDS
                    raise self._error(self.lost) from error
            else:
                self.reached = True
                return answer
            time.sleep(pauses.pop(0))
        raise self._error(self.lost)

    def _sent(self, path: str, query: Query, accept: str, silence: float) -> Any:
        """The client's answer, its body not read."""
        request = self.client.param_serialize(
            method="GET",
            resource_path=path,
            query_params=list(query),
            header_params={"Accept": accept},
            auth_settings=["BearerToken"],
        )
        return self.client.call_api(*request, _request_timeout=(CONNECT_SECONDS, silence))

    def _error(self, message: str) -> ClusterError:
        return ClusterError(
            message,
            where=f"context {self.context}",
            hint="`kubectl --context NAME get namespaces` shows what stands in the way",
        )


def connect(context: str, kubeconfig: str = "") -> Connection:
    """A connection for a context of a kubeconfig, or for a pod's own cluster.

    Args:
        context: the name of the context, or `in-cluster`; empty for the current one.
        kubeconfig: the file; empty for the user's own.

    Raises:
        UsageError: there is no such context, or the kubeconfig cannot be used.
        ClusterError: the program that the kubeconfig names for logging in fails.
    """
    client = client_of(context, kubeconfig)
    return Connection(context or current(kubeconfig), client)


def _pause(headers: Mapping[str, str], attempt: int) -> float:
    """Seconds to wait: what the server asks for, within reason, else a growing pause."""
    asked = headers.get("Retry-After") or ""
    seconds = float(asked) if asked.isdigit() else 0.2 * 2**attempt
    return min(seconds, MAX_WAIT_SECONDS)


def _silence(error: Exception) -> str:
    return f"the API server does not answer: {why(error)}"


def _refusal(answer: Answer) -> Refused:
    try:
        told = mapping(orjson.loads(answer.body))
    except orjson.JSONDecodeError:
        told = {}
    token = mapping(told.get("metadata")).get("continue")
    message = told.get("message")
    return Refused(
        answer.status,
        message if isinstance(message, str) and message else f"HTTP status {answer.status}",
        token if isinstance(token, str) else "",
    )
