# SPDX-License-Identifier: Apache-2.0
"""Whom does Linkerd's inbound proxy let in on a port?

Authority: linkerd/linkerd2 policy-controller/k8s/index/src: inbound/index.rs (`reindex_servers`:
a Server that selects pod and port replaces the default; `client_authzs`: what its authorizations
and `accessPolicy` add up to; `policy_client_authz`: a policy whose references do not exist is
ignored, one without references admits everyone), defaults.rs (the default policies; `audit` lets
everything through), inbound/pod.rs (annotations of the pod), inbound/server_authorization.rs,
ports.rs (lists of ports), and the CRD of Server (`accessPolicy` is `deny` where none is written).
Which of several Servers of one port counts is left to the order of a hash table there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.model.manifests import JsonObject, mapping, sequence, strings

GROUP = "policy.linkerd.io"
Accepts = Literal["nobody", "authenticated", "tls", "unauthenticated", "unknown"]
"""`tls`: TLS of the mesh in which the client shows no identity."""

DEFAULTS: Mapping[str, Accepts] = {
    "all-authenticated": "authenticated",
    "cluster-authenticated": "authenticated",
    "all-unauthenticated": "unauthenticated",
    "cluster-unauthenticated": "unauthenticated",
    "audit": "unauthenticated",
    "deny": "nobody",
}
CLUSTER_DEFAULT = "all-unauthenticated"
DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
IDENTITY_PORTS = "config.linkerd.io/proxy-require-identity-inbound-ports"
_WIDEST: tuple[Accepts, ...] = ("nobody", "authenticated", "tls", "unknown", "unauthenticated")
_MAX_PORT = 65535
_ROUTES = ("HTTPRoute", "GRPCRoute")


class Grant(msgspec.Struct, frozen=True):
    """Whom one object admits to a port."""

    accepts: Accepts
    ref: str
    """`Manifest.id`; empty for a default."""
    note: str


class Verdict(msgspec.Struct, frozen=True):
    """Whom a port admits, and what decides."""

    accepts: Accepts
    decided_by: str
    """The Server, or the default policy, in words."""
    grants: tuple[Grant, ...]


class Pod(msgspec.Struct, frozen=True):
    """What the policy controller looks at in a pod."""

    namespace: str
    labels: dict[str, str]
    annotations: dict[str, str]
    names: dict[str, frozenset[int]]
    """TCP ports by name."""


class Server(msgspec.Struct, frozen=True):
    """A Server: the pods and the port that it is about."""

    ref: str
    namespace: str
    name: str
    labels: dict[str, str]
    selector: Selector
    port: int | str
    access: str

    def matches(self, pod: Pod, port: int) -> bool:
        """Whether it is about this port of the pod."""
        if not self.selector.matches(pod.labels):
            return False
        return port == self.port or port in pod.names.get(str(self.port), ())


@dataclass(slots=True)
class Policies:
    """Every object of Linkerd's policy API, by namespace."""

    servers: dict[str, list[Server]] = field(default_factory=dict)
    grants: dict[str, list[tuple[str, JsonObject]]] = field(default_factory=dict)
    """ServerAuthorizations and AuthorizationPolicies with their `Manifest.id`."""
    routes: dict[str, list[JsonObject]] = field(default_factory=dict)
    authentications: set[tuple[str, str, str]] = field(default_factory=set)
    """Kind, namespace and name."""
    whole: bool = True
    """Whether a reference that leads to nothing leads to nothing in the cluster either."""


def index(objects: Iterable[tuple[str, JsonObject]], *, whole: bool) -> Policies:
    """Sort the objects of the policy API (and routes) by what they are."""
    found = Policies(whole=whole)
    for ref, value in objects:
        metadata = strings(value.get("metadata"))
        kind, namespace = strings(value).get("kind", ""), metadata.get("namespace", "")
        if kind == "Server":
            found.servers.setdefault(namespace, []).extend(_server(ref, namespace, value))
        elif kind in ("ServerAuthorization", "AuthorizationPolicy"):
            found.grants.setdefault(namespace, []).append((ref, value))
        elif kind in _ROUTES:
            found.routes.setdefault(namespace, []).append(value)
        elif kind.endswith("Authentication"):
            found.authentications.add((kind, namespace, metadata.get("name", "")))
    return found


def _server(ref: str, namespace: str, value: JsonObject) -> Iterator[Server]:
    spec, metadata = mapping(value.get("spec")), mapping(value.get("metadata"))
    port = spec.get("port")
    try:
        selector = parse_selector(spec.get("podSelector"))
    except InvalidSelectorError:
        selector = None
    if selector is None or not isinstance(port, int | str):
        return  # an ExternalWorkload's, or one that the API server refuses
    yield Server(
        ref=ref,
        namespace=namespace,
        name=strings(metadata).get("name", ""),
        labels=strings(metadata.get("labels")),
        selector=selector,
        port=port,
        access=strings(spec).get("accessPolicy", "deny"),
    )


def verdict(policies: Policies, pod: Pod, port: int, cluster_default: str) -> Verdict:
    """Whom a port of a meshed pod admits.

    Args:
        policies: the objects of the policy API.
        pod: labels and annotations as the proxy injector leaves them.
        port: 0 stands for a port that nothing names.
        cluster_default: the policy controller's `--default-policy`.
    """
    matching = [s for s in policies.servers.get(pod.namespace, ()) if s.matches(pod, port)]
    if not matching:
        return _default(pod, port, cluster_default)
    found = [_of_server(policies, server) for server in matching]
    if len({each.accepts for each in found}) == 1:
        return found[0]
    named = " and ".join(sorted(server.name for server in matching))
    note = f"Servers {named} select the same port: which one counts is left to chance"
    return Verdict("unknown", f"Servers {named}", (Grant("unknown", matching[0].ref, note),))


def _default(pod: Pod, port: int, cluster_default: str) -> Verdict:
    written = pod.annotations.get(DEFAULT_POLICY, "")
    name = written if written in DEFAULTS else cluster_default
    accepts = DEFAULTS.get(name, DEFAULTS[CLUSTER_DEFAULT])
    title = f"default policy {name}"
    named = port in port_set(pod.annotations.get(IDENTITY_PORTS, ""))
    if named and name != "audit" and accepts == "unauthenticated":
        note = f"{IDENTITY_PORTS} names the port"
        return Verdict("authenticated", title, (Grant("authenticated", "", note),))
    where = "an annotation says" if written in DEFAULTS else "the cluster's default is"
    return Verdict(accepts, title, (Grant(accepts, "", f"no Server; {where} {name}"),))


def _of_server(policies: Policies, server: Server) -> Verdict:
    grants = [grant for grant in _grants(policies, server) if grant is not None]
    if server.access in DEFAULTS and DEFAULTS[server.access] != "nobody":
        note = f"Server {server.name} has accessPolicy {server.access}"
        grants.append(Grant(DEFAULTS[server.access], server.ref, note))
    if not grants:
        note = f"nothing authorizes a client of Server {server.name}"
        grants.append(Grant("nobody", server.ref, note))
    widest = max((grant.accepts for grant in grants), key=_WIDEST.index)
    deciding = tuple(grant for grant in grants if grant.accepts == widest)
    return Verdict(widest, f"Server {server.namespace}/{server.name}", deciding)


def _grants(policies: Policies, server: Server) -> Iterator[Grant | None]:
    routes = {
        strings(route.get("metadata")).get("name", "")
        for route in policies.routes.get(server.namespace, ())
        if server.name in _parents(route)
    }
    for ref, value in policies.grants.get(server.namespace, ()):
        spec, name = mapping(value.get("spec")), strings(value.get("metadata")).get("name", "")
        if value.get("kind") == "ServerAuthorization":
            if _selects(mapping(spec.get("server")), server):
                yield _of_client(ref, name, mapping(spec.get("client")))
        elif _targets(strings(spec.get("targetRef")), server, routes):
            yield _of_policy(policies, ref, name, server.namespace, spec)


def _parents(route: JsonObject) -> set[str]:
    """The Servers to which a route is attached."""
    parents = sequence(mapping(route.get("spec")).get("parentRefs"))
    return {strings(p).get("name", "") for p in parents if strings(p).get("kind") == "Server"}


def _selects(chosen: JsonObject, server: Server) -> bool:
    name = strings(chosen).get("name")
    if name is not None:
        return name == server.name
    try:
        selector = parse_selector(chosen.get("selector") or {})
    except InvalidSelectorError:
        return False
    return selector is not None and selector.matches(server.labels)


def _targets(target: dict[str, str], server: Server, routes: Collection[str]) -> bool:
    match target.get("kind"):
        case "Server":
            return target.get("name") == server.name
        case "Namespace":
            return True
        case kind:
            return kind in _ROUTES and target.get("name") in routes


def _of_client(ref: str, name: str, client: JsonObject) -> Grant | None:
    """What the client of a ServerAuthorization must show; None where the object is ignored."""
    title = f"ServerAuthorization {name}"
    tls = client.get("meshTLS")
    if client.get("unauthenticated") is True:
        return Grant("unauthenticated", ref, f"{title} admits clients without identity")
    if not isinstance(tls, dict):
        return None
    if tls.get("unauthenticatedTLS") is True:
        return Grant("tls", ref, f"{title} admits TLS without an identity of the client")
    if sequence(tls.get("identities")) or sequence(tls.get("serviceAccounts")):
        return Grant("authenticated", ref, f"{title} names identities")
    return None


def _of_policy(
    policies: Policies, ref: str, name: str, namespace: str, spec: JsonObject
) -> Grant | None:
    """What an AuthorizationPolicy requires of clients; None where it is ignored."""
    title, identities, networks = f"AuthorizationPolicy {name}", 0, 0
    for entry in sequence(spec.get("requiredAuthenticationRefs")):
        words = strings(entry)
        kind, place = words.get("kind", ""), words.get("namespace", namespace)
        key = (kind, place, words.get("name", ""))
        if kind != "ServiceAccount" and key not in policies.authentications:
            note = f"{title} asks for {kind} {place}/{words.get('name', '')}, which is not there"
            return None if policies.whole else Grant("unknown", ref, note)
        networks += kind == "NetworkAuthentication"
        identities += kind in ("MeshTLSAuthentication", "ServiceAccount")
    if identities > 1 or networks > 1:
        return None
    if identities:
        return Grant("authenticated", ref, f"{title} asks for an identity")
    where = "from some networks" if networks else "from anywhere"
    return Grant("unauthenticated", ref, f"{title} admits clients without identity {where}")


def port_set(text: str) -> frozenset[int]:
    """The numbers of a list like `80,8000-8010`; a list with a mistake is empty."""
    found: set[int] = set()
    for part in text.split(","):
        low, dash, high = (word.strip() for word in part.partition("-"))
        if not low and not dash:
            continue
        first, last = _port(low), _port(high) if dash else _port(low)
        if not 0 < first <= last:
            return frozenset()
        found.update(range(first, last + 1))
    return frozenset(found)


def _port(text: str) -> int:
    digits = text.isascii() and text.isdecimal() and len(text) <= len(str(_MAX_PORT))
    return int(text) if digits and int(text) <= _MAX_PORT else 0
