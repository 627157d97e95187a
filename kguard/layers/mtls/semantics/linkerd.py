# SPDX-License-Identifier: Apache-2.0
"""Whom does Linkerd's inbound proxy let in on a port?

Authority: linkerd/linkerd2 policy-controller/k8s/index/src: inbound/index.rs (`reindex_servers`:
a Server that selects pod and port replaces the default; of several the oldest counts, then the
first by name; `client_authzs` and `route_client_authzs`: what authorizations and `accessPolicy` add
up to; `policy_client_authz`: a policy whose references do not exist is ignored, one without
references admits everyone), defaults.rs (the default policies; `audit` lets everything through),
inbound/pod.rs (annotations of the pod), ports.rs (lists of ports), and the CRD of Server
(`accessPolicy` is `deny` where none is written). Before edge-25.2.3 the order of a hash table told
which of several Servers of one port counts, and most such Servers were refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from kguard.layers.mtls.semantics.linkerd_admission import (
    ACCOUNT,
    DEFAULTS,
    NAMESPACE,
    NETWORKS,
    SERVER,
    Accepts,
    Reference,
)
from kguard.layers.mtls.semantics.linkerd_objects import (
    AuthorizationPolicy,
    Policies,
    Route,
    Server,
    ServerAuthorization,
)

CLUSTER_DEFAULT = "all-unauthenticated"
DEFAULT_POLICY = "config.linkerd.io/default-inbound-policy"
IDENTITY_PORTS = "config.linkerd.io/proxy-require-identity-inbound-ports"
_WIDEST: tuple[Accepts, ...] = ("nobody", "authenticated", "tls", "unknown", "unauthenticated")
_MAX_PORT = 65535
_CLIENTS: Mapping[Accepts, str] = {
    "unauthenticated": "admits clients without identity",
    "tls": "admits TLS without an identity of the client",
    "authenticated": "names identities",
}


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

    def is_selected(self, server: Server, port: int) -> bool:
        """Whether the Server is about this port of the pod."""
        if not server.selector.matches(self.labels):
            return False
        return port == server.port or port in self.names.get(str(server.port), ())


def verdict(policies: Policies, pod: Pod, port: int, cluster_default: str) -> Verdict:
    """Whom a port of a meshed pod admits.

    Args:
        policies: the objects of the policy API.
        pod: labels and annotations as the proxy injector leaves them.
        port: 0 stands for a port that nothing names.
        cluster_default: the policy controller's `--default-policy`.
    """
    matching = [s for s in policies.servers.get(pod.namespace, ()) if pod.is_selected(s, port)]
    if not matching:
        return _default(pod, port, cluster_default)
    matching.sort(key=lambda server: server.age_key)
    oldest = _of_server(policies, matching[0])
    if matching[0].created is not None:
        return oldest
    if all(_of_server(policies, server).accepts == oldest.accepts for server in matching):
        return oldest
    named = " and ".join(sorted(server.name for server in matching))
    note = f"Servers {named} select the same port, and files do not tell which will be older"
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
    grants = list(_grants(policies, server))
    if DEFAULTS[server.access] != "nobody":
        note = f"Server {server.name} has accessPolicy {server.access}"
        grants.append(Grant(DEFAULTS[server.access], server.ref, note))
    if not grants:
        note = f"nothing authorizes a client of Server {server.name}"
        grants.append(Grant("nobody", server.ref, note))
    widest = max((grant.accepts for grant in grants), key=_WIDEST.index)
    deciding = tuple(grant for grant in grants if grant.accepts == widest)
    return Verdict(widest, f"Server {server.namespace}/{server.name}", deciding)


def _grants(policies: Policies, server: Server) -> Iterator[Grant]:
    for older in policies.older.get(server.namespace, ()):
        if older.selects(server):
            yield _of_client(older)
    routes = [r for r in policies.routes.get(server.namespace, ()) if server.name in r.servers]
    for policy in policies.policies.get(server.namespace, ()):
        if _targets(policy, server, routes):
            yield from _of_policy(policies, policy)


def _targets(policy: AuthorizationPolicy, server: Server, routes: list[Route]) -> bool:
    target = policy.target
    if target.type == SERVER:
        return target.name == server.name
    return target.type == NAMESPACE or any(route.is_target(target) for route in routes)


def _of_client(older: ServerAuthorization) -> Grant:
    note = f"ServerAuthorization {older.name} {_CLIENTS[older.client]}"
    return Grant(older.client, older.ref, note)


def _of_policy(policies: Policies, policy: AuthorizationPolicy) -> Iterator[Grant]:
    """What an AuthorizationPolicy requires of clients; nothing where it is ignored."""
    title = f"AuthorizationPolicy {policy.name}"
    states = {wanted: _state(policies, wanted) for wanted in policy.required}
    if "malformed" in states.values():
        return
    missing = next((wanted for wanted, state in states.items() if state == "missing"), None)
    if missing is not None:
        place = f"{missing.kind} {missing.namespace}/{missing.name}"
        if not policies.whole:
            yield Grant("unknown", policy.ref, f"{title} asks for {place}, which is not there")
        return
    if any(wanted.type != NETWORKS for wanted in policy.required):
        yield Grant("authenticated", policy.ref, f"{title} asks for an identity")
        return
    where = "from some networks" if policy.required else "from anywhere"
    note = f"{title} admits clients without identity {where}"
    yield Grant("unauthenticated", policy.ref, note)


def _state(policies: Policies, wanted: Reference) -> Literal["there", "missing", "malformed"]:
    if wanted.type == ACCOUNT:
        return "there"  # an account is an identity, whether it exists or not
    good = policies.authentications.get((wanted.type, wanted.namespace, wanted.name))
    return "missing" if good is None else "there" if good else "malformed"


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
