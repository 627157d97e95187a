# SPDX-License-Identifier: Apache-2.0
"""How does Falco take values out of the YAML of a rules file?

Authority: falcosecurity/falco userspace/engine/rule_loader_reader.cpp (the `decode_*` functions).
"""

from __future__ import annotations

from kguard.layers.runtime.semantics.exceptions import Entry, RuleException
from kguard.layers.runtime.semantics.results import Context, LoadError, LoadResult
from kguard.sources.yaml.untyped import Mapping, Node, Scalar, Sequence

_VALUE = "value for"


def refuse(message: str, context: Context) -> LoadError:
    """An error about the structure of the file."""
    return LoadError("LOAD_ERR_YAML_VALIDATE", message, context)


def has(item: Mapping, key: str) -> bool:
    """Whether the key is written, even if it has no value."""
    return item.get(key) is not None


def scalar(item: Mapping, key: str, context: Context) -> Scalar:
    """The scalar of a required key.

    Raises:
        LoadError: there is none, or it is empty.
    """
    node = item.get(key)
    if node is None:
        raise refuse(f"Item has no mapping for key '{key}'", context)
    if isinstance(node, Scalar) and node.is_null:
        raise refuse(f"Mapping for key '{key}' is empty", context)
    place = context.at(node, _VALUE, key)
    if not isinstance(node, Scalar):
        raise refuse("Value is not a scalar value", place)
    if not node.text:
        raise refuse("Value must be non-empty", place)
    return node


def text(item: Mapping, key: str, context: Context) -> str:
    """The text of a required key."""
    return scalar(item, key, context).text


def boolean(item: Mapping, key: str, context: Context, *, default: bool | None = None) -> bool:
    """The boolean of a key; a default makes the key optional."""
    if default is not None and not has(item, key):
        return default
    node = scalar(item, key, context)
    value = node.boolean()
    if value is None:
        raise refuse("Can't decode YAML scalar value", context.at(node, _VALUE, key))
    return value


def unsigned(item: Mapping, key: str, context: Context) -> int:
    """The number of a required key."""
    node = scalar(item, key, context)
    value = node.integer()
    if value is None or not 0 <= value < 2**32:
        raise refuse("Can't decode YAML scalar value", context.at(node, _VALUE, key))
    return value


def texts(item: Mapping, key: str, context: Context) -> list[str]:
    """The scalars of a required sequence."""
    node = item.get(key)
    if node is None:
        raise refuse(f"Item has no mapping for key '{key}'", context)
    place = context.at(node, _VALUE, key)
    if not isinstance(node, Sequence):
        raise refuse("Value is not a sequence", place)
    return [_element(entry, place) for entry in node.items]


def _element(node: Node, place: Context) -> str:
    if not isinstance(node, Scalar) or node.is_null:
        raise refuse("sequence value is not scalar", place.at(node, "list item"))
    return node.text


def overrides(
    item: Mapping, appendable: tuple[str, ...], replaceable: tuple[str, ...], context: Context
) -> tuple[set[str], set[str]]:
    """The keys that `override` wants appended and replaced.

    Raises:
        LoadError: a key or an operation that is not allowed.
    """
    node = item.get("override")
    append: set[str] = set()
    replace: set[str] = set()
    if not isinstance(node, Mapping):
        return append, replace
    for key, operation in node.entries:
        if not isinstance(key, Scalar) or not isinstance(operation, Scalar):
            raise LoadError("LOAD_ERR_YAML_VALIDATE", "bad conversion", context)
        place = context.at(key, "overrides", key.text)
        match operation.text:
            case "append" if key.text not in appendable:
                message = f"Key '{key.text}' cannot be appended to, use 'replace' instead"
                raise refuse(message, place)
            case "append":
                append.add(key.text)
            case "replace" if key.text not in replaceable:
                raise refuse(f"Key '{key.text}' cannot be replaced", place)
            case "replace":
                replace.add(key.text)
            case other:
                raise refuse(_bad_operation(key.text, other, appendable, replaceable), place)
    return append, replace


def _bad_operation(
    key: str, operation: str, appendable: tuple[str, ...], replaceable: tuple[str, ...]
) -> str:
    allowed = "append " if key in appendable else ""
    allowed += "replace " if key in replaceable else ""
    return (
        f"Invalid override operation for key '{key}': '{operation}'. Allowed values are: {allowed}"
    )


def exceptions(
    item: Mapping, context: Context, result: LoadResult, *, append: bool
) -> list[RuleException]:
    """The exceptions of a rule item; when they are appended, `fields` may be left out.

    Raises:
        LoadError: their structure is wrong.
    """
    node = item.get("exceptions")
    if node is None or (isinstance(node, Scalar) and node.is_null):
        return []
    place = context.at(node, "exceptions")
    if not isinstance(node, Sequence):
        raise refuse("Rule exceptions must be a sequence", place)
    found: list[RuleException] = []
    for entry in node.items:
        exception = _exception(entry, place, result, append=append)
        if any(other.name == exception.name for other in found):
            message = f"Multiple definitions of exception '{exception.name}' in the same rule"
            result.warn("LOAD_EXCEPTION_NAME_NOT_UNIQUE", message, exception.context)
        found.append(exception)
    return found


def _exception(node: Node, parent: Context, result: LoadResult, *, append: bool) -> RuleException:
    place = parent.at(node, "exception")
    if not isinstance(node, Mapping):
        raise refuse("Rule exception must be a mapping", place)
    name = text(node, "name", place)
    place = parent.at(node, "exception", name)
    fields = _entry(node.get("fields"), "fields", place, optional=append)
    comps = _entry(node.get("comps"), "comps", place, optional=True)
    values = _values(node.get("values"), place)
    if values is None and append:
        message = "Overriding/appending exception with no values"
        result.warn("LOAD_APPEND_NO_VALUES", message, place)
    return RuleException(name, fields, comps, values or [], place)


def _values(node: Node | None, context: Context) -> list[Entry] | None:
    if node is None:
        return None
    place = context.at(node, "exception values")
    if not isinstance(node, Sequence):
        raise refuse("Rule exception values must be a sequence", place)
    return [
        _entry(value, "", place.at(value, "exception value"), optional=False)
        for value in node.items
    ]


def _entry(node: Node | None, key: str, context: Context, *, optional: bool) -> Entry:
    if node is None:
        if optional:
            return Entry()
        raise refuse(f"Item has no mapping for key '{key}'", context)
    place = context.at(node, _VALUE, key)
    if isinstance(node, Sequence):
        items = [_entry(value, "", place, optional=False) for value in node.items]
        return Entry(items=items, is_list=True)
    if isinstance(node, Mapping) or node.is_null:
        return Entry()
    if not node.text:
        raise refuse("Value must be non-empty", place)
    return Entry(node.text)
