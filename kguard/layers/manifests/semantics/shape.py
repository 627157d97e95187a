# SPDX-License-Identifier: Apache-2.0
"""Which fields of an object does the API server not know, or not accept the type of?

Authority: strict decoding of k8s.io/apimachinery (pkg/runtime/serializer/json) for built-in types
and structural schemas of CRDs (pkg/apiserver/schema): `kubectl apply` asks for strict validation,
which refuses unknown fields; a client that does not ask (Helm, older controllers,
`--validate=ignore`) has them dropped without a word. Names are case-sensitive; null is absence.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, Literal

import msgspec

from kguard.layers.manifests.semantics.tables import fields
from kguard.model.locations import escape_pointer
from kguard.model.manifests import JsonObject

Sort = Literal["unknown_field", "invalid", "internal", "unknown_kind", "wrong_scope"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """One reason why an object is not stored as it is written."""

    pointer: str
    sort: Sort
    detail: str
    """In words, without the name of the object."""


def shape(key: str, value: JsonObject) -> list[Problem]:
    """Everything that contradicts the field table of a kind (`group/Kind`); none if it has none."""
    table = fields()["kinds"].get(key)
    return sorted(_check(value, table, "")) if table else []


def effect(key: str) -> str:
    """What happens with an unknown field: `refused` by kubectl, or `ignored` by everyone."""
    table = fields()["kinds"].get(key)
    return str(table["effect"]) if table else "refused"


def _check(value: Any, schema: Any, place: str) -> Iterator[Problem]:
    if isinstance(schema, str) and schema.startswith("@"):
        schema = fields()["definitions"][schema[1:]]
    if value is None or schema == "any":
        return
    if isinstance(schema, str):
        yield from _scalar(value, schema, place)
    elif isinstance(schema, list):
        yield from _array(value, schema[0], place)
    elif "enum" in schema:
        if value not in schema["enum"]:
            known = ", ".join(schema["enum"])
            yield Problem(place, "invalid", f"{_shown(value)} is not one of {known}")
    elif "map" in schema:
        yield from _map(value, schema["map"], place)
    else:
        yield from _object(value, schema, place)


def _scalar(value: Any, schema: str, place: str) -> Iterator[Problem]:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    number = whole and not isinstance(value, bool)
    good = {
        "string": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": number,
        "intOrString": number or isinstance(value, str),
    }[schema]
    if not good:
        wanted = {"int": "a number", "intOrString": "a number or a name", "bool": "true or false"}
        text = f"{_shown(value)} stands where {wanted.get(schema, 'a string')} is expected"
        yield Problem(place, "invalid", text)


def _array(value: Any, schema: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield Problem(place, "invalid", f"{_shown(value)} stands where a list is expected")
        return
    for index, item in enumerate(value):
        yield from _check(item, schema, f"{place}/{index}")


def _map(value: Any, schema: Any, place: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(place, "invalid", f"{_shown(value)} stands where an object is expected")
        return
    for key, item in value.items():
        yield from _check(item, schema, f"{place}/{escape_pointer(key)}")


def _object(value: Any, schema: JsonObject, place: str) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(place, "invalid", f"{_shown(value)} stands where an object is expected")
        return
    known = schema["fields"]
    for key, item in value.items():
        inside = f"{place}/{escape_pointer(key)}"
        if key in known:
            yield from _check(item, known[key], inside)
        else:
            yield Problem(inside, "unknown_field", _unknown(key, known, place))
    for key in schema.get("required", ()):
        if value.get(key) is None:
            yield Problem(place, "invalid", f"the field `{key}` is missing")


def _unknown(key: str, known: JsonObject, place: str) -> str:
    names = [token for token in place.split("/")[1:] if not token.isdecimal()]
    where = f" in `{'.'.join(names)}`" if names else ""
    by_case = {name.lower(): name for name in known}
    near = by_case.get(key.lower()) or next(iter(get_close_matches(key, sorted(known), 1)), "")
    hint = f"; `{near}` is meant" if near else ""
    return f"there is no field `{key}`{where}{hint}"


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value[:60]}`"
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    if isinstance(value, int | float):
        return f"`{value}`"
    return "a list" if isinstance(value, list) else "an object"
