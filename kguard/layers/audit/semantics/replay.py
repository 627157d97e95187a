# SPDX-License-Identifier: Apache-2.0
"""Can an audit log have been written under a policy?

Authority: k8s.io/apiserver pkg/audit/request.go (`LogRequestPart` ...) for what an event holds.
The attributes are rebuilt from `requestURI` and `verb`, because `objectRef.name` may be filled in
from the body; an event without a user name is one of a request that was never authenticated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from kguard.layers.audit.semantics.evaluate import Attributes, Decision, evaluate
from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.requests import attributes

FIRST = "RequestReceived"
LAST = ("ResponseComplete", "Panic")
MAX_KNOWN = 50_000
MAX_OPEN = 200_000
"""Requests that are remembered at once: memory stays the same for a log of any length."""

_METHODS = {
    "create": "POST",
    "update": "PUT",
    "patch": "PATCH",
    "delete": "DELETE",
    "deletecollection": "DELETE",
    "": "OPTIONS",
}


class User(msgspec.Struct, frozen=True):
    """Who sent the request, before any impersonation."""

    username: str = ""
    groups: tuple[str, ...] = ()


class Impersonated(msgspec.Struct, frozen=True):
    """As whom the request was carried out."""

    username: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What the server answered."""

    code: int = 0


class Annotations(msgspec.Struct, frozen=True):
    """Remarks of the API server."""

    truncated: str = msgspec.field(name="audit.k8s.io/truncated", default="")


class Event(msgspec.Struct, frozen=True, gc=False):
    """The fields of an audit event that decide, or that tell what happened."""

    level: str = ""
    stage: str = ""
    verb: str = ""
    user: User = User()
    impersonated: Impersonated | None = msgspec.field(name="impersonatedUser", default=None)
    request_uri: str = msgspec.field(name="requestURI", default="")
    audit_id: str = msgspec.field(name="auditID", default="")
    received: str = msgspec.field(name="requestReceivedTimestamp", default="")
    written: str = msgspec.field(name="stageTimestamp", default="")
    answer: Answer | None = msgspec.field(name="responseStatus", default=None)
    annotations: Annotations | None = None
    body: msgspec.Raw = msgspec.field(name="requestObject", default=msgspec.Raw())


class Known(NamedTuple):
    """A request that was seen, and how the policy records it."""

    request: Attributes
    decision: Decision


class Contradiction(msgspec.Struct, frozen=True):
    """An event that the policy does not explain."""

    event: Event
    request: Attributes
    level: str
    """At which the policy records the request."""
    rule: int
    reason: str


def request_of(event: Event) -> Attributes:
    """The request as the policy saw it."""
    user = event.user.username or None
    method = _METHODS.get(event.verb, "GET")
    found = attributes(method, event.request_uri, user, event.user.groups)
    return msgspec.structs.replace(found, verb=event.verb)


class Replay:
    """Holds the events of logs against a policy, in order.

    It remembers open requests and the decisions of recent ones, both up to a limit.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[tuple[str, str, str, tuple[str, ...]], Known] = {}
        self._decided: dict[tuple[Any, ...], Decision] = {}
        entries = (entry for rule in policy.rules for entry in rule.resources)
        self._named = frozenset(name for entry in entries for name in entry.resource_names)
        self._open: dict[str, None] = {}
        self._since = ""
        self.forgotten = 0
        """Open requests that were too many to be remembered."""

    @property
    def open(self) -> int:
        """How many requests began and have not ended."""
        return len(self._open)

    def begin(self) -> None:
        """Another file begins; requests that arrived before are not missed in it."""
        self._since = ""

    def known(self, event: Event) -> Known:
        """The request of an event and its decision."""
        user = event.user
        key = (event.verb, event.request_uri, user.username, user.groups)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            request = request_of(event)
            found = self._known[key] = Known(request, self._decide(request))
        return found

    def _decide(self, request: Attributes) -> Decision:
        """The decision, which is the same for all names that no rule mentions."""
        name = request.name if request.name in self._named else None
        path = "" if request.resource_request else request.path
        who = (request.user, request.groups, request.verb, request.resource_request, path)
        what = (request.api_group, request.resource, request.subresource, request.namespace, name)
        key = (*who, *what)
        found = self._decided.get(key)
        if found is None:
            if len(self._decided) >= MAX_KNOWN:
                self._decided.clear()
            found = self._decided[key] = evaluate(self._policy, request)
        return found

    def feed(self, event: Event) -> Contradiction | None:
        """Why the event cannot have been written under the policy; None if it can."""
        self._since = self._since or event.written
        request, decision = self.known(event)
        reason = _wrong_event(event, decision)
        announced = FIRST not in decision.omit_stages
        if announced and not reason and self._unannounced(event, request):
            reason = f"the policy records {FIRST}, but the log does not hold it"
        self._remember(event)
        if not reason:
            return None
        return Contradiction(event, request, decision.level, decision.rule, reason)

    def _remember(self, event: Event) -> None:
        if event.stage == FIRST:
            self._open[event.audit_id] = None
            if len(self._open) > MAX_OPEN:
                del self._open[next(iter(self._open))]
                self.forgotten += 1
        elif event.stage in LAST:
            self._open.pop(event.audit_id, None)

    def _unannounced(self, event: Event, request: Attributes) -> bool:
        """Whether the request arrived after the log began and its first stage was not seen."""
        if event.stage not in LAST or self.forgotten or event.audit_id in self._open:
            return False
        return request.user is not None and event.received > self._since


def _wrong_event(event: Event, decision: Decision) -> str:
    if decision.level != event.level:
        return f"the policy records it at {decision.level}, the log holds {event.level}"
    if event.stage in decision.omit_stages:
        return f"the policy leaves {event.stage} out, the log holds it"
    return ""
