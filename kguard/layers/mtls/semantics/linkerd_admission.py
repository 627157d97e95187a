# SPDX-License-Identifier: Apache-2.0
"""Which objects of Linkerd's policy API are never stored, or ignored as a whole?

Authority: linkerd/linkerd2 policy-controller/runtime/src/admission.rs (what its webhook refuses),
the CRDs (enums, required fields), policy-controller/k8s/index/src/inbound (what the index does not
take: authorization_policy.rs, meshtls_authentication.rs, network_authentication.rs,
server_authorization.rs) and policy-controller/k8s/api/src/policy.rs (`targets_kind`: groups and
kinds whatever their case; a reference without a group is one to the core group).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Literal

import msgspec

from kguard.model.manifests import JsonObject, mapping, sequence, strings

GROUP = "policy.linkerd.io"
_GATEWAY = "gateway.networking.k8s.io"
_CORE = "core"
Type = tuple[str, str]
"""Group and kind in lower case; the group is never empty."""

SERVER: Type = (GROUP, "server")
SERVER_AUTHORIZATION: Type = (GROUP, "serverauthorization")
AUTHORIZATION_POLICY: Type = (GROUP, "authorizationpolicy")
IDENTITIES: Type = (GROUP, "meshtlsauthentication")
NETWORKS: Type = (GROUP, "networkauthentication")
ROUTES: tuple[Type, ...] = (
    (GROUP, "httproute"),
    (_GATEWAY, "httproute"),
    (_GATEWAY, "grpcroute"),
)
NAMESPACE: Type = (_CORE, "namespace")
ACCOUNT: Type = (_CORE, "serviceaccount")
REFERENCES = "requiredAuthenticationRefs"

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
_PROTOCOLS = ("unknown", "HTTP/1", "HTTP/2", "gRPC", "opaque", "TLS")
_MAX_PORT = 65535


class Reference(msgspec.Struct, frozen=True):
    """A reference to an object."""

    type: Type
    namespace: str
    name: str
    kind: str
    """As it is written, for messages."""


def type_of(value: JsonObject) -> Type:
    """Group and kind of an object."""
    words = strings(value)
    return words.get("apiVersion", "").rpartition("/")[0], words.get("kind", "").lower()


def reference(value: object, namespace: str) -> Reference:
    """Read a reference that stands in an object of the namespace."""
    words = strings(value)
    kind = words.get("kind", "")
    return Reference(
        type=((words.get("group") or _CORE).lower(), kind.lower()),
        namespace=words.get("namespace", namespace),
        name=words.get("name", ""),
        kind=kind,
    )


def is_refused(kind: Type, namespace: str, spec: JsonObject) -> bool:
    """Whether an object of the policy API with this `spec` has no effect at all."""
    check = _CHECKS.get(kind)
    return check is not None and not check(spec, namespace)


def _server(spec: JsonObject, _: str) -> bool:
    port, words = spec.get("port"), strings(spec)
    named = isinstance(port, str) or (type(port) is int and 0 < port <= _MAX_PORT)
    known = words.get("proxyProtocol", "unknown") in _PROTOCOLS
    return named and known and words.get("accessPolicy", "deny") in DEFAULTS


def _server_authorization(spec: JsonObject, _: str) -> bool:
    client = mapping(spec.get("client"))
    tls, open_to_all = client.get("meshTLS"), client.get("unauthenticated") is True
    if not all(map(_network, sequence(client.get("networks")))):
        return False
    if not isinstance(tls, dict):
        return open_to_all
    named = sequence(tls.get("identities")) or sequence(tls.get("serviceAccounts"))
    return not open_to_all and bool(named) != (tls.get("unauthenticatedTLS") is True)


def _authorization_policy(spec: JsonObject, namespace: str) -> bool:
    target, listed = reference(spec.get("targetRef"), namespace), spec.get(REFERENCES)
    if not isinstance(listed, list):
        return False
    types = [reference(entry, namespace).type for entry in listed]
    networks = types.count(NETWORKS)
    if networks > 1 or len(types) - networks > 1:
        return False
    if target.type == NAMESPACE and target.name != namespace:
        return False
    known = all(found in (NETWORKS, IDENTITIES, ACCOUNT) for found in types)
    return known and target.type in (SERVER, NAMESPACE, *ROUTES)


def _identities(spec: JsonObject, namespace: str) -> bool:
    names, refs = sequence(spec.get("identities")), sequence(spec.get("identityRefs"))
    return bool(names) != bool(refs) and all(_identity(entry, namespace) for entry in refs)


def _identity(entry: Any, namespace: str) -> bool:
    found = reference(entry, namespace).type
    return found == ACCOUNT or (found == NAMESPACE and not mapping(entry).get("namespace"))


def _networks(spec: JsonObject, _: str) -> bool:
    listed = sequence(spec.get("networks"))
    return bool(listed) and all(map(_network, listed))


def _network(entry: Any) -> bool:
    """Whether every exception is a proper part of the network."""
    cidr = _cidr(mapping(entry).get("cidr"))
    parts = [_cidr(text) for text in sequence(mapping(entry).get("except"))]
    return cidr is not None and all(part is not None and _within(part, cidr) for part in parts)


def _within(part: IPv4Network | IPv6Network, whole: IPv4Network | IPv6Network) -> bool:
    if isinstance(part, IPv4Network) and isinstance(whole, IPv4Network):
        return part != whole and part.subnet_of(whole)
    if isinstance(part, IPv6Network) and isinstance(whole, IPv6Network):
        return part != whole and part.subnet_of(whole)
    return False


def _cidr(text: object) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False) if isinstance(text, str) else None
    except ValueError:
        return None


_CHECKS: Mapping[Type, Callable[[JsonObject, str], bool]] = {
    SERVER: _server,
    SERVER_AUTHORIZATION: _server_authorization,
    AUTHORIZATION_POLICY: _authorization_policy,
    IDENTITIES: _identities,
    NETWORKS: _networks,
}
