# SPDX-License-Identifier: Apache-2.0
"""Can an audit log have been written under a policy?

Authority: k8s.io/apiserver pkg/audit/request.go (`LogRequestPart` ...) for what an event holds.
The attributes are rebuilt from `requestURI` and `verb`, because `objectRef.name` may be filled in
from the body; an event without a user name is one of a request that was never authenticated.
"""

from __future__ import annotations

import msgspec

from kguard.layers.audit.semantics.evaluate import Attributes, Decision, evaluate
from kguard.layers.audit.semantics.policy import Policy
from kguard.layers.audit.semantics.requests import attributes

FIRST = "RequestReceived"
_LAST = ("ResponseComplete", "Panic")
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


class Event(msgspec.Struct, frozen=True):
    """The fields of an audit event that decide."""

    level: str = ""
    stage: str = ""
    verb: str = ""
    user: User = User()
    request_uri: str = msgspec.field(name="requestURI", default="")
    audit_id: str = msgspec.field(name="auditID", default="")
    received: str = msgspec.field(name="requestReceivedTimestamp", default="")
    written: str = msgspec.field(name="stageTimestamp", default="")


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
    """Holds the events of a log against a policy, in order; remembers open requests only."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._open: set[str] = set()
        self._since = ""

    def feed(self, event: Event) -> Contradiction | None:
        """Why the event cannot have been written under the policy; None if it can."""
        self._since = self._since or event.written
        request = request_of(event)
        decision = evaluate(self._policy, request)
        reason = _wrong_event(event, decision)
        announced = FIRST not in decision.omit_stages
        if not reason and announced and self._unannounced(event, request):
            reason = f"the policy records {FIRST}, but the log does not hold it"
        if event.stage == FIRST:
            self._open.add(event.audit_id)
        elif event.stage in _LAST:
            self._open.discard(event.audit_id)
        if not reason:
            return None
        return Contradiction(event, request, decision.level, decision.rule, reason)

    def _unannounced(self, event: Event, request: Attributes) -> bool:
        """Whether the request arrived after the log began and its first stage was not seen."""
        late = event.received > self._since
        known = event.audit_id in self._open
        return event.stage in _LAST and request.user is not None and late and not known


def _wrong_event(event: Event, decision: Decision) -> str:
    if decision.level != event.level:
        return f"the policy records it at {decision.level}, the log holds {event.level}"
    if event.stage in decision.omit_stages:
        return f"the policy leaves {event.stage} out, the log holds it"
    return ""
