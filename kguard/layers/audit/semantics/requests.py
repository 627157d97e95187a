# SPDX-License-Identifier: Apache-2.0
"""Which attributes does the API server give a request, and which stages does it write?

Authority: k8s.io/apiserver pkg/endpoints/request/requestinfo.go (`NewRequestInfo`),
pkg/endpoints/filters/audit.go (`WithAudit`), authn_audit.go and request_deadline.go (a failed
authentication and a bad `timeout` are only recorded as `ResponseStarted`, without a user).
Compared with the log of a 1.36.3 server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qs, unquote

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
_PATH_VERBS = ("proxy", "watch")
"""Legacy verbs that stand in the path."""

_NUMBER = re.compile(r"[+-]?[0-9]+")
_NUMBERS = ("limit", "timeoutSeconds")
"""Options of a list that must be numbers: otherwise all of its options are ignored."""
_TERM = re.compile(r"(?P<key>.*?)(?P<operator>!=|==|=)(?P<value>.*)", re.DOTALL)
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")

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
    path, _, query = uri.partition("?")
    path = unquote(path)
    held = groups if user is not None else ()
    trimmed = path.strip("/")
    found = _resource(method, trimmed.split("/") if trimmed else [], query)
    if found is None:
        verb = method.lower()
        return Attributes(user, held, verb, resource_request=False, path=path)
    return msgspec.structs.replace(found, user=user, groups=held, path=path)


def long_running(request: Attributes) -> bool:
    """Whether the server writes `ResponseStarted` for it."""
    if not request.resource_request:
        return request.path.startswith(LONG_RUNNING_PATHS)
    return request.verb in LONG_RUNNING_VERBS or request.subresource in LONG_RUNNING_SUBRESOURCES


def stages(request: Attributes, *, panics: bool = False, answered: bool = True) -> tuple[str, ...]:
    """The stages that a request goes through.

    Args:
        request: what was asked.
        panics: whether its handler dies.
        answered: whether anything was written before that.
    """
    if request.user is None:
        return ("ResponseStarted",)
    started = ("ResponseStarted",) if long_running(request) and (answered or not panics) else ()
    return ("RequestReceived", *started, "Panic" if panics else "ResponseComplete")


def _resource(method: str, tokens: list[str], query: str) -> Attributes | None:
    """The attributes of a resource request; None for a path that is not about a resource."""
    prefix, group, rest = tokens[:1], "", tokens[2:]
    if prefix == ["apis"]:
        group, rest = "".join(tokens[1:2]), tokens[3:]
    if prefix not in (["api"], ["apis"]) or not rest:
        return None
    verb = _VERBS.get(method, "")
    if rest[0] in _PATH_VERBS:
        if not rest[1:]:
            return Attributes(verb=method.lower(), api_group=group)
        verb, rest = rest[0], rest[1:]
    namespace, rest = _namespace(rest)
    resource, name, subresource = [*rest, "", "", ""][:3]
    if verb == "proxy":
        subresource = ""
    if not name:
        verb, name = _collection(verb, query)
    return Attributes(
        verb=verb,
        api_group=group,
        namespace=namespace,
        resource=resource,
        name=name,
        subresource=subresource,
    )


def _namespace(tokens: list[str]) -> tuple[str, list[str]]:
    if tokens[0] != "namespaces" or not tokens[1:]:
        return "", tokens
    inside = tokens[2:]
    if inside and inside[0] not in _NAMESPACE_SUBRESOURCES:
        return tokens[1], inside
    return tokens[1], tokens


def _collection(verb: str, query: str) -> tuple[str, str]:
    """`list`, `watch` and `deletecollection` have no name in the path; reads may select one."""
    if verb == "delete":
        return "deletecollection", ""
    if verb != "get":
        return verb, ""
    options = {key: values[0] for key, values in parse_qs(query, keep_blank_values=True).items()}
    watches = options.get("watch", "false").lower() not in ("false", "0")
    return "watch" if watches else "list", _selected_name(options)


def _selected_name(options: Mapping[str, str]) -> str:
    """`fieldSelector=metadata.name=x` names the object, unless an option cannot be read."""
    numbers = [options[name] for name in _NUMBERS if name in options]
    terms = [
        term for term in sorted(_UNESCAPED_COMMA.split(options.get("fieldSelector", ""))) if term
    ]
    read = [_TERM.fullmatch(term) for term in terms]
    if not all(read) or not all(map(_NUMBER.fullmatch, numbers)):
        return ""
    names = (found["value"] for found in read if found and _is_name(found))
    name = next(names, "")
    return "" if name in (".", "..") or "/" in name or "%" in name else name


def _is_name(term: re.Match[str]) -> bool:
    return term["key"] == "metadata.name" and term["operator"] != "!="
