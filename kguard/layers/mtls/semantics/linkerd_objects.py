# SPDX-License-Identifier: Apache-2.0
"""What does Linkerd's controller read in the objects of its policy API?

Authority: linkerd/linkerd2 policy-controller/k8s/index/src/inbound (server.rs,
server_authorization.rs, authorization_policy.rs, routes.rs: one forbidden parent spoils a route,
and only Servers that took it count).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.layers.mtls.semantics.linkerd_admission import (
    AUTHORIZATION_POLICY,
    IDENTITIES,
    NETWORKS,
    REFERENCES,
    ROUTES,
    SERVER,
    SERVER_AUTHORIZATION,
    Accepts,
    Reference,
    Type,
    is_refused,
    reference,
    type_of,
)
from kguard.layers.mtls.semantics.peerauth import age_key, seconds_of
from kguard.model.manifests import JsonObject, mapping, sequence, strings

CONTROLLER = "linkerd.io/policy-controller"
_Parsed = TypeVar("_Parsed")


class Server(msgspec.Struct, frozen=True):
    """A Server: the pods and the port that it is about."""

    ref: str
    """`Manifest.id`."""
    namespace: str
    name: str
    created: int | None
    labels: dict[str, str]
    selector: Selector
    port: int | str
    access: str

    @property
    def age_key(self) -> tuple[int, str, str]:
        """The older one of two that select the same port counts, then the first by name."""
        return age_key(self.created, self.name, self.namespace)


class ServerAuthorization(msgspec.Struct, frozen=True):
    """What clients of the Servers that it selects must show."""

    ref: str
    name: str
    server: str | None
    selector: Selector | None
    client: Accepts

    def selects(self, server: Server) -> bool:
        """Whether it is about the Server; a name is looked at before labels."""
        if self.server is not None:
            return self.server == server.name
        return self.selector is not None and self.selector.matches(server.labels)


class AuthorizationPolicy(msgspec.Struct, frozen=True):
    """What clients of its target must show: all that it requires, together."""

    ref: str
    name: str
    target: Reference
    required: tuple[Reference, ...]


class Route(msgspec.Struct, frozen=True):
    """A route, with the names of the Servers that took it."""

    type: Type
    name: str
    servers: frozenset[str]

    def is_target(self, target: Reference) -> bool:
        """Whether a policy targets it; names of routes are compared whatever their case."""
        return (self.type, self.name.lower()) == (target.type, target.name.lower())


@dataclass(slots=True)
class Policies:
    """Every object of Linkerd's policy API that counts, by namespace."""

    servers: dict[str, list[Server]] = field(default_factory=dict)
    older: dict[str, list[ServerAuthorization]] = field(default_factory=dict)
    policies: dict[str, list[AuthorizationPolicy]] = field(default_factory=dict)
    routes: dict[str, list[Route]] = field(default_factory=dict)
    authentications: dict[tuple[Type, str, str], bool] = field(default_factory=dict)
    """By type, namespace and name: whether it counts."""
    whole: bool = True
    """Whether a reference that leads to nothing leads to nothing in the cluster either."""


def index(objects: Iterable[tuple[str, JsonObject]], *, whole: bool) -> Policies:
    """Sort the objects of the policy API (and routes) by what they are."""
    found = Policies(whole=whole)
    for ref, value in objects:
        kind, namespace = type_of(value), strings(value.get("metadata")).get("namespace", "")
        refused = is_refused(kind, namespace, mapping(value.get("spec")))
        if kind in (IDENTITIES, NETWORKS):
            found.authentications[kind, namespace, _name(value)] = not refused
        elif refused:
            continue
        elif kind == SERVER:
            _add(found.servers, namespace, _server(ref, namespace, value))
        elif kind == SERVER_AUTHORIZATION:
            _add(found.older, namespace, _server_authorization(ref, value))
        elif kind == AUTHORIZATION_POLICY:
            _add(found.policies, namespace, _authorization_policy(ref, namespace, value))
        elif kind in ROUTES:
            _add(found.routes, namespace, _route(kind, namespace, value))
    return found


def _add(place: dict[str, list[_Parsed]], namespace: str, parsed: _Parsed | None) -> None:
    if parsed is not None:
        place.setdefault(namespace, []).append(parsed)


def _name(value: JsonObject) -> str:
    return strings(value.get("metadata")).get("name", "")


def _server(ref: str, namespace: str, value: JsonObject) -> Server | None:
    spec, metadata = mapping(value.get("spec")), mapping(value.get("metadata"))
    selector = _selector(spec.get("podSelector"))
    if selector is None:
        return None  # an ExternalWorkload's, or one that the API server refuses
    return Server(
        ref=ref,
        namespace=namespace,
        name=_name(value),
        created=seconds_of(metadata.get("creationTimestamp")),
        labels=strings(metadata.get("labels")),
        selector=selector,
        port=spec["port"],
        access=strings(spec).get("accessPolicy", "deny"),
    )


def _selector(value: object) -> Selector | None:
    try:
        return parse_selector(value)
    except InvalidSelectorError:
        return None


def _server_authorization(ref: str, value: JsonObject) -> ServerAuthorization:
    spec = mapping(value.get("spec"))
    chosen, client = mapping(spec.get("server")), mapping(spec.get("client"))
    return ServerAuthorization(
        ref=ref,
        name=_name(value),
        server=strings(chosen).get("name"),
        selector=_selector(chosen.get("selector") or {}),
        client=_client(client),
    )


def _client(client: JsonObject) -> Accepts:
    if client.get("unauthenticated") is True:
        return "unauthenticated"
    tls = mapping(client.get("meshTLS"))
    return "tls" if tls.get("unauthenticatedTLS") is True else "authenticated"


def _authorization_policy(ref: str, namespace: str, value: JsonObject) -> AuthorizationPolicy:
    spec = mapping(value.get("spec"))
    return AuthorizationPolicy(
        ref=ref,
        name=_name(value),
        target=reference(spec.get("targetRef"), namespace),
        required=tuple(reference(entry, namespace) for entry in sequence(spec.get(REFERENCES))),
    )


def _route(kind: Type, namespace: str, value: JsonObject) -> Route | None:
    servers = set()
    for entry in sequence(mapping(value.get("spec")).get("parentRefs")):
        parent = reference(entry, namespace)
        if parent.type != SERVER or not parent.name:
            continue
        if parent.namespace != namespace or entry.get("port") or entry.get("sectionName"):
            return None
        servers.add(parent.name)
    accepted = _accepted(value)
    taken = servers if accepted is None else servers & accepted
    return Route(kind, _name(value), frozenset(taken))


def _accepted(value: JsonObject) -> set[str] | None:
    """The Servers that took the route; None for a file, which the controller has yet to judge."""
    listed = [
        mapping(entry)
        for entry in sequence(mapping(value.get("status")).get("parents"))
        if mapping(entry).get("controllerName") == CONTROLLER
    ]
    if not listed:
        return None
    return {
        strings(entry.get("parentRef")).get("name", "")
        for entry in listed
        if strings(entry.get("parentRef")).get("kind") == "Server"
        and any(map(_is_acceptance, sequence(entry.get("conditions"))))
    }


def _is_acceptance(condition: object) -> bool:
    words = strings(condition)
    return words.get("type") == "Accepted" and words.get("status") == "True"
