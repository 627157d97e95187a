# SPDX-License-Identifier: Apache-2.0
"""How does the API server read an audit policy?

Authority: k8s.io/apiserver pkg/audit/policy/reader.go (`LoadPolicyFromBytes`: a strict decoding
error, that is an unknown or duplicate field, falls back to lenient decoding) and the types of
pkg/apis/audit/v1/types.go; compared with answers recorded from a 1.36.3 server. Only
`audit.k8s.io/v1` is registered; a missing `kind` is accepted, a missing `apiVersion` is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from kguard.model.locations import pointer

API_VERSION = "audit.k8s.io/v1"

Level = Literal["None", "Metadata", "Request", "RequestResponse"]
LEVELS: tuple[str, ...] = ("None", "Metadata", "Request", "RequestResponse")
"""From weakest to strongest (pkg/apis/audit/helpers.go `ordLevel`)."""

STAGES: tuple[str, ...] = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")


class GroupResources(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Resources of one API group; no resources stands for all of the group."""

    group: str = ""
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """One rule as decoded; `level` may be anything until the policy is validated."""

    level: str = ""
    users: tuple[str, ...] = ()
    user_groups: tuple[str, ...] = msgspec.field(name="userGroups", default=())
    verbs: tuple[str, ...] = ()
    resources: tuple[GroupResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    non_resource_urls: tuple[str, ...] = msgspec.field(name="nonResourceURLs", default=())
    omit_stages: tuple[str, ...] = msgspec.field(name="omitStages", default=())
    omit_managed_fields: bool | None = msgspec.field(name="omitManagedFields", default=None)


class Policy(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """An audit policy: the first rule that matches a request decides."""

    rules: tuple[Rule, ...] = ()
    omit_stages: tuple[str, ...] = ()
    omit_managed_fields: bool = False


class UnknownField(msgspec.Struct, frozen=True, order=True):
    """A field that the API server ignores (with a warning in its log)."""

    pointer: str
    name: str
    rule: int
    """Index of the rule that holds it; -1 outside of the rules."""


class Decoded(msgspec.Struct, frozen=True):
    """What decoding yields: a policy, or the reason why the server would not start."""

    policy: Policy | None
    error: str = ""
    error_pointer: str = ""
    ignored: tuple[UnknownField, ...] = ()


class _DecodeError(Exception):
    """A value has another type than the field."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.place = place


def decode(value: Any) -> Decoded:
    """Decode the first document of a policy file as the API server does.

    Args:
        value: the document as JSON values.
    """
    problem = _type_problem(value)
    if problem:
        return Decoded(None, *problem)
    ignored: list[UnknownField] = []
    try:
        policy = _policy(value, ignored)
    except _DecodeError as error:
        return Decoded(None, str(error), error.place)
    return Decoded(policy, ignored=tuple(ignored))


def _type_problem(value: Any) -> tuple[str, str] | None:
    """What is wrong with apiVersion and kind, with the place."""
    if value is None:
        return "the document is empty: it has no apiVersion", ""
    if not isinstance(value, dict):
        return "the document is not an object", ""
    version, kind = value.get("apiVersion"), value.get("kind")
    for name, found in (("apiVersion", version), ("kind", kind)):
        if found is not None and not isinstance(found, str):
            return f"{name} is not a string", pointer(name)
    if not version:
        return f"apiVersion is missing (it must be {API_VERSION})", ""
    if version != API_VERSION:
        return f"apiVersion {version} is not served (only {API_VERSION} is)", "/apiVersion"
    if kind and kind != "Policy":
        return f"kind {kind} is not Policy", "/kind"
    return None


def _policy(value: dict[str, Any], ignored: list[UnknownField]) -> Policy:
    _metadata(value.get("metadata"))
    _unknown(value, ("apiVersion", "kind", "metadata", "rules", *_POLICY_FIELDS), "", -1, ignored)
    rules = _list(value.get("rules"), "/rules")
    return Policy(
        rules=tuple(_rule(rule, index, ignored) for index, rule in enumerate(rules)),
        omit_stages=_strings(value.get("omitStages"), "/omitStages"),
        omit_managed_fields=_boolean(value.get("omitManagedFields"), "/omitManagedFields") or False,
    )


_POLICY_FIELDS = ("omitStages", "omitManagedFields")


def _rule(value: Any, index: int, ignored: list[UnknownField]) -> Rule:
    place = pointer("rules", index)
    fields = _object(value, place)
    _unknown(fields, _RULE_FIELDS, place, index, ignored)
    read = {key: decoder(fields.get(key), f"{place}/{key}") for key, decoder in _SIMPLE.items()}
    entries = _list(fields.get("resources"), f"{place}/resources")
    resources = tuple(
        _group_resources(entry, f"{place}/resources/{number}", index, ignored)
        for number, entry in enumerate(entries)
    )
    return msgspec.convert({**read, "resources": resources}, Rule)


def _group_resources(
    value: Any, place: str, rule: int, ignored: list[UnknownField]
) -> GroupResources:
    fields = _object(value, place)
    _unknown(fields, ("group", "resources", "resourceNames"), place, rule, ignored)
    return GroupResources(
        group=_string(fields.get("group"), f"{place}/group"),
        resources=_strings(fields.get("resources"), f"{place}/resources"),
        resource_names=_strings(fields.get("resourceNames"), f"{place}/resourceNames"),
    )


def _metadata(value: Any) -> None:
    fields = _object(value, "/metadata")
    for key in ("name", "namespace", "generateName"):
        _string(fields.get(key), f"/metadata/{key}")
    for key in ("labels", "annotations"):
        for name, text in _object(fields.get(key), f"/metadata/{key}").items():
            _string(text, f"/metadata/{key}/{name}")


def _unknown(
    fields: dict[str, Any],
    known: tuple[str, ...],
    place: str,
    rule: int,
    ignored: list[UnknownField],
) -> None:
    extra = sorted(str(key) for key in fields if key not in known)
    ignored.extend(UnknownField(place + pointer(key), key, rule) for key in extra)


def _object(value: Any, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _DecodeError(place, f"{_words(place)} is not an object")
    return value


def _list(value: Any, place: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _DecodeError(place, f"{_words(place)} is not a list")
    return value


def _string(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _DecodeError(place, f"{_words(place)} is not a string")
    return value


def _strings(value: Any, place: str) -> tuple[str, ...]:
    entries = _list(value, place)
    return tuple(_string(entry, f"{place}/{index}") for index, entry in enumerate(entries))


def _boolean(value: Any, place: str) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _DecodeError(place, f"{_words(place)} is neither true nor false")
    return value


def _words(place: str) -> str:
    """A JSON pointer as the field path that the API server prints: `rules[0].users[1]`."""
    parts = place.split("/")[1:]
    return "".join(f"[{p}]" if p.isdigit() else f".{p}" for p in parts).lstrip(".")


_SIMPLE: dict[str, Callable[[Any, str], Any]] = {
    "level": _string,
    "users": _strings,
    "userGroups": _strings,
    "verbs": _strings,
    "namespaces": _strings,
    "nonResourceURLs": _strings,
    "omitStages": _strings,
    "omitManagedFields": _boolean,
}
_RULE_FIELDS = (*_SIMPLE, "resources")
