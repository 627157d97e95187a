# SPDX-License-Identifier: Apache-2.0
"""Which attributes does the API server give a request, and which stages does it write?

Authority: k8s.io/apiserver pkg/endpoints/request/requestinfo.go (`NewRequestInfo`),
pkg/endpoints/filters/audit.go (`WithAudit`), authn_audit.go and request_deadline.go (a failed
authentication and a bad `timeout` are only recorded as `ResponseStarted`, without a user).
Compared with the log of a 1.36.3 server.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import msgspec

from kguard.layers.audit.semantics.evaluate import Attributes

_VERBS = {
    "POST": "create",
    "GET": "get",
    "HEAD": "get",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
_NAMESPACE_SUBRESOURCES = ("status", "finalize")
_NO_SUBRESOURCE = ("proxy", "watch")

LONG_RUNNING_VERBS = frozenset({"watch", "proxy"})
LONG_RUNNING_SUBRESOURCES = frozenset({"attach", "exec", "proxy", "log", "portforward"})
LONG_RUNNING_PATHS = ("/debug/pprof/",)


def attributes(method: str, uri: str, user: str | None, groups: tuple[str, ...] = ()) -> Attributes:
    """The attributes of a request as the audit policy sees them.

    Args:
        method: the HTTP method, upper case.
        uri: path and query.
        user: the authenticated user; None where authentication failed.
        groups: the groups of the user.
    """
    parts = urlsplit(uri)
    held = groups if user is not None else ()
    tokens = [token for token in parts.path.strip("/").split("/") if token]
    found = _resource(method, tokens, parts.query)
    if found is None:
        verb = method.lower()
        return Attributes(user, held, verb, resource_request=False, path=parts.path)
    return msgspec.structs.replace(found, user=user, groups=held, path=parts.path)


def long_running(request: Attributes) -> bool:
    """Whether the server writes `ResponseStarted` for it."""
    if not request.resource_request:
        return request.path.startswith(LONG_RUNNING_PATHS)
    return request.verb in LONG_RUNNING_VERBS or request.subresource in LONG_RUNNING_SUBRESOURCES


def stages(request: Attributes) -> tuple[str, ...]:
    """The stages that a request goes through when nothing panics and it comes to an end."""
    if request.user is None:
        return ("ResponseStarted",)
    if long_running(request):
        return ("RequestReceived", "ResponseStarted", "ResponseComplete")
    return ("RequestReceived", "ResponseComplete")


def _resource(method: str, tokens: list[str], query: str) -> Attributes | None:
    """The attributes of a resource request; None for a path that is not about a resource."""
    group = ""
    if tokens[:1] == ["apis"]:
        group, tokens = tokens[1] if len(tokens) > 1 else "", tokens[1:]
    elif tokens[:1] != ["api"]:
        return None
    rest = tokens[2:]
    if not rest:
        return None
    verb, rest = _special_verb(_VERBS.get(method, ""), rest)
    namespace, rest = _namespace(rest)
    resource, name, subresource = [*rest, "", "", ""][:3]
    if resource in _NO_SUBRESOURCE:
        subresource = ""
    verb, selected = _collection(verb, name, query)
    return Attributes(
        verb=verb,
        api_group=group,
        namespace=namespace,
        resource=resource,
        name=name or selected,
        subresource=subresource,
    )


def _special_verb(verb: str, tokens: list[str]) -> tuple[str, list[str]]:
    """Legacy prefixes (`/api/v1/watch/...`, `/api/v1/proxy/...`) are verbs."""
    if tokens[0] in ("proxy", "watch") and tokens[1:]:
        return tokens[0], tokens[1:]
    return verb, tokens


def _namespace(tokens: list[str]) -> tuple[str, list[str]]:
    if tokens[0] != "namespaces" or not tokens[1:]:
        return "", tokens
    inside = tokens[2:]
    if inside and inside[0] not in _NAMESPACE_SUBRESOURCES:
        return tokens[1], inside
    return tokens[1], tokens


def _collection(verb: str, name: str, query: str) -> tuple[str, str]:
    """`list`, `watch` and `deletecollection` have no name in the path, but may select one."""
    if name or verb not in ("get", "delete", "watch"):
        return verb, ""
    if verb == "delete":
        return "deletecollection", _selected_name(query)
    watching = parse_qs(query, keep_blank_values=True).get("watch", ["false"])[0]
    if verb == "get":
        verb = "list" if watching.lower() in ("false", "0") else "watch"
    return verb, _selected_name(query)


def _selected_name(query: str) -> str:
    """`fieldSelector=metadata.name=x` names the object."""
    for selector in parse_qs(query).get("fieldSelector", []):
        for term in selector.split(","):
            key, _, value = term.partition("=")
            if key == "metadata.name" and value:
                return value.removeprefix("=")
    return ""
