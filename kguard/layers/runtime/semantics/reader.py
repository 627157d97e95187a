# SPDX-License-Identifier: Apache-2.0
"""Which definitions does one rules file add, or where does Falco stop reading it?

Authority: falcosecurity/falco userspace/engine/rule_loader_reader.cpp (0.42 to 0.44).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from kguard.layers.runtime.semantics import decode
from kguard.layers.runtime.semantics.definitions import (
    PRIORITIES,
    Definitions,
    ListInfo,
    MacroInfo,
    Requirement,
    RuleInfo,
)
from kguard.layers.runtime.semantics.results import Context, LoadError, LoadResult, whole_file
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Node, Scalar, Sequence

_RULE_KEYS = frozenset(
    {"rule", "condition", "output", "desc", "priority", "source", "enabled", "capture"}
    | {"capture_duration", "warn_evttypes", "skip-if-unknown-filter", "tags", "exceptions"}
    | {"override", "append"}
)
_LIST_KEYS = frozenset({"list", "items", "append", "override"})
_MACRO_KEYS = frozenset({"macro", "condition", "append", "override"})
_APPENDABLE = ("condition", "exceptions", "output", "desc", "tags")
_REPLACEABLE = (
    *_APPENDABLE,
    *("priority", "enabled", "warn_evttypes", "skip-if-unknown-filter"),
    *("capture", "capture_duration"),
)
_ATTRIBUTES = {"desc": "description", "skip-if-unknown-filter": "skip_if_unknown_filter"}
_MACRO_NAME = re.compile(r"[a-zA-Z]+[a-zA-Z0-9_]*")
_LIST_NAME = re.compile(r"[^()\"'\t\n\v\f\r =,]+")
_VERSION = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})\.([0-9]{1,9})(?:[-+][0-9A-Za-z.+-]*)?")

_REMEMBERED = 4 << 20
"""Characters of a text whose nodes are kept for a while."""

_APPEND_DEPRECATED = (
    "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under "
    "'override' instead."
)
_APPEND_AND_OVERRIDE = (
    "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. "
    "'condition: append') under 'override' instead."
)
_ENABLED_DEPRECATED = (
    "The standalone 'enabled' key usage is deprecated. The correct approach requires also a "
    "'replace' entry under the 'override' key (i.e. 'enabled: replace')."
)


def read(
    result: LoadResult, definitions: Definitions, without: frozenset[tuple[str, int]] = frozenset()
) -> None:
    """Read a file into the definitions; stops at the first error, which goes to the result.

    Items at the places (file, line) of `without` are passed over, to see what they change.
    """
    context = whole_file(result.name)
    try:
        documents = _documents(result.content)
    except untyped.UntypedError as error:
        place = context.at(
            Scalar("", plain=True, line=error.line, column=error.column), "value for"
        )
        result.errors.append(LoadError("LOAD_ERR_YAML_PARSE", error.message, place).problem)
        return
    try:
        for document in documents:
            _Reader(result, definitions, context, without).document(document)
    except LoadError as error:
        result.errors.append(error.problem)


def _documents(content: str) -> list[Node]:
    """The documents of a text. The same files are loaded again and again without one item."""
    return _remembered(content) if len(content) <= _REMEMBERED else untyped.load(content)


@lru_cache(maxsize=4)
def _remembered(content: str) -> list[Node]:
    return untyped.load(content)


class _Reader:
    def __init__(
        self,
        result: LoadResult,
        definitions: Definitions,
        context: Context,
        without: frozenset[tuple[str, int]],
    ) -> None:
        self.result = result
        self.definitions = definitions
        self.context = context
        self.without = without

    def document(self, node: Node) -> None:
        if isinstance(node, Scalar):
            if node.is_null:
                return
            raise decode.refuse("Rules content is not yaml", self.context)
        if isinstance(node, Mapping):
            raise decode.refuse("Rules content is not yaml array of objects", self.context)
        for item in node.items:
            left_out = (self.result.name, item.line) in self.without
            if not left_out and not (isinstance(item, Scalar) and item.is_null):
                self.item(item)

    def item(self, item: Node) -> None:
        if not isinstance(item, Mapping):
            message = "Unexpected element type. Each element should be a yaml associative array."
            raise decode.refuse(message, self.context.at(item, "rules content item"))
        kinds: tuple[tuple[str, Callable[[Mapping], None]], ...] = (
            ("required_engine_version", self.engine_version),
            ("required_plugin_versions", self.plugin_versions),
            ("list", self.list_item),
            ("macro", self.macro_item),
            ("rule", self.rule_item),
        )
        for key, handler in kinds:
            if decode.has(item, key):
                handler(item)
                return
        place = self.context.at(item, "rules content item")
        self.result.warn("LOAD_UNKNOWN_ITEM", "Unknown top level item", place)

    def engine_version(self, item: Mapping) -> None:
        key = "required_engine_version"
        context = self.context.at(item, key)
        node = decode.scalar(item, key, context)
        number = node.integer()
        if number is not None and number >= 0:
            self.definitions.require_engine((0, number, 0), context)
            return
        found = _VERSION.fullmatch(node.text)
        if found is None:
            message = (
                f"Unable to parse engine version '{node.text}' as a semver string. "
                'Expected "x.y.z" semver format.'
            )
            raise decode.refuse(message, context)
        major, minor, patch = (int(part) for part in found.groups())
        self.definitions.require_engine((major, minor, patch), context)

    def plugin_versions(self, item: Mapping) -> None:
        node = item.get("required_plugin_versions")
        if not isinstance(node, Sequence):
            message = "Value of required_plugin_versions must be a sequence"
            place = self.context.at(node or item, "required plugin versions")
            raise decode.refuse(message, place)
        context = self.context.at(node, "required plugin versions")
        for entry in node.items:
            self.definitions.require_plugin(self.requirement(entry, context))

    def requirement(self, node: Node, parent: Context) -> Requirement:
        context = parent.at(node, "required plugin versions entry")
        if not isinstance(node, Mapping):
            raise decode.refuse("Plugin version must be a mapping", context)
        found = [self.plugin(node, context)]
        alternatives = node.get("alternatives")
        if alternatives is not None and not isinstance(alternatives, Sequence):
            message = "Value of plugin version alternatives must be a sequence"
            raise decode.refuse(message, context)
        for entry in alternatives.items if alternatives else []:
            if not isinstance(entry, Mapping):
                raise decode.refuse("Plugin version alternative must be a mapping", context)
            found.append(self.plugin(entry, context))
        return Requirement(tuple(found), context)

    def plugin(self, node: Mapping, context: Context) -> tuple[str, str]:
        name = decode.text(node, "name", context)
        version = decode.text(node, "version", context)
        if not _VERSION.fullmatch(version):
            message = f"Invalid required version '{version}' for plugin '{name}'"
            raise LoadError("LOAD_ERR_VALIDATE", message, context)
        return name, version

    def known_keys(self, item: Mapping, keys: frozenset[str], context: Context) -> None:
        if not self.definitions.environment.engine.warns_of_keys:
            return
        for name, _ in item.entries:
            if isinstance(name, Scalar) and name.text not in keys:
                message = f"Unknown key '{name.text}'. The key will be ignored."
                self.result.warn("LOAD_UNKNOWN_KEY", message, context.at(name, "value for"))

    def appended(self, item: Mapping, context: Context) -> bool:
        """Whether the deprecated `append: true` stands there."""
        append = decode.boolean(item, "append", context, default=False)
        if append:
            self.result.warn("LOAD_DEPRECATED_ITEM", _APPEND_DEPRECATED, context)
        return append

    def simple_append(self, item: Mapping, key: str, context: Context) -> bool:
        """Whether a list or a macro is appended to."""
        append = self.appended(item, context)
        appends, replaces = decode.overrides(item, (key,), (key,), context)
        if append and (appends or replaces):
            raise decode.refuse(_APPEND_AND_OVERRIDE, context)
        return append or bool(appends)

    def list_item(self, item: Mapping) -> None:
        name = decode.text(item, "list", self.context.at(item, "list"))
        context = self.context.at(item, "list", name)
        self.known_keys(item, _LIST_KEYS, context)
        if not _LIST_NAME.fullmatch(name):
            message = (
                "List has an invalid name. List names should match a regular expression: "
                "([^()\"'[:space:]=,]+)"
            )
            self.result.warn("LOAD_INVALID_LIST_NAME", message, context)
        info = ListInfo(name, decode.texts(item, "items", context), context)
        if self.simple_append(item, "items", context):
            self.definitions.append_list(info)
        else:
            self.definitions.define_list(info)

    def macro_item(self, item: Mapping) -> None:
        name = decode.text(item, "macro", self.context.at(item, "macro"))
        context = self.context.at(item, "macro", name)
        self.known_keys(item, _MACRO_KEYS, context)
        if not _MACRO_NAME.fullmatch(name):
            message = (
                "Macro has an invalid name. Macro names should match a regular expression: "
                "([a-zA-Z]+[a-zA-Z0-9_]*)"
            )
            self.result.warn("LOAD_INVALID_MACRO_NAME", message, context)
        condition = decode.scalar(item, "condition", context)
        info = MacroInfo(name, condition.text, context, context.at(condition, "macro condition"))
        if self.simple_append(item, "condition", context):
            self.definitions.append_macro(info)
        else:
            self.definitions.define_macro(info)

    def rule_item(self, item: Mapping) -> None:
        name = decode.text(item, "rule", self.context.at(item, "rule"))
        context = self.context.at(item, "rule", name)
        self.known_keys(item, _RULE_KEYS, context)
        append = self.appended(item, context)
        appends, replaces = decode.overrides(item, _APPENDABLE, _REPLACEABLE, context)
        if append and (appends or replaces):
            raise decode.refuse(_APPEND_AND_OVERRIDE, context)
        if appends or replaces:
            self.override(item, name, appends, replaces, context)
        elif append:
            keys = [key for key in ("condition", "exceptions") if decode.has(item, key)]
            changes = self.changes(item, keys, context, append=True)
            self.definitions.append_rule(name, changes, context, _source(item))
        elif not any(decode.has(item, key) for key in ("condition", "output", "desc", "priority")):
            enabled = decode.boolean(item, "enabled", context)
            self.result.warn("LOAD_DEPRECATED_ITEM", _ENABLED_DEPRECATED, context)
            self.definitions.enable_rule(name, context, enabled=enabled)
        else:
            self.definitions.define_rule(self.whole_rule(item, name, context), self.result)

    def override(
        self, item: Mapping, name: str, appends: set[str], replaces: set[str], context: Context
    ) -> None:
        written = {key for key in _REPLACEABLE if decode.has(item, key)}
        for way, keys in (("append", appends), ("replace", replaces)):
            ordered = [key for key in _REPLACEABLE if key in keys]
            for key in ordered:
                if key not in written:
                    message = (
                        f"An {way} override for '{key}' was specified but '{key}' is not defined"
                    )
                    raise decode.refuse(message, context)
                written.remove(key)
            if not ordered:
                continue
            changes = self.changes(item, ordered, context, append=way == "append")
            if way == "append":
                self.definitions.append_rule(name, changes, context, _source(item))
            else:
                self.definitions.replace_in_rule(name, changes, context, _source(item))
        for key in sorted(written):
            message = f"Unexpected key '{key}': no corresponding entry under 'override' is defined."
            raise decode.refuse(message, context.at(item.get(key) or item, "overrides", key))

    def changes(
        self, item: Mapping, keys: list[str], context: Context, *, append: bool
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key in keys:
            found[_ATTRIBUTES.get(key, key)] = self.value(item, key, context, append=append)
            if key in ("condition", "output") and not append:
                place = context.at(item.get(key) or item, f"rule {key}")
                found[f"{key}_context"] = place
        return found

    def value(self, item: Mapping, key: str, context: Context, *, append: bool) -> Any:
        match key:
            case "exceptions":
                return decode.exceptions(item, context, self.result, append=append)
            case "tags":
                return frozenset(decode.texts(item, "tags", context))
            case "priority":
                return self.priority(item, context)
            case "enabled" | "warn_evttypes" | "skip-if-unknown-filter" | "capture":
                return decode.boolean(item, key, context)
            case "capture_duration":
                return decode.unsigned(item, key, context)
            case _:
                return decode.text(item, key, context)

    def priority(self, item: Mapping, context: Context) -> int:
        node = decode.scalar(item, "priority", context)
        found = priority_number(node.text)
        if found is None:
            raise decode.refuse("Invalid priority", context.at(node, "rule priority"))
        return found

    def whole_rule(self, item: Mapping, name: str, context: Context) -> RuleInfo:
        condition = decode.scalar(item, "condition", context)
        output = decode.scalar(item, "output", context)
        info = RuleInfo(
            name=name,
            condition=condition.text,
            output=output.text.strip(),
            description=decode.text(item, "desc", context),
            priority=self.priority(item, context),
            context=context,
            condition_context=context.at(condition, "rule condition"),
            output_context=context.at(output, "rule output"),
        )
        for key in ("source", "enabled", "capture", "capture_duration"):
            if decode.has(item, key):
                setattr(info, key, self.value(item, key, context, append=False))
        for key in ("warn_evttypes", "skip-if-unknown-filter", "tags"):
            if decode.has(item, key):
                value = self.value(item, key, context, append=False)
                setattr(info, _ATTRIBUTES.get(key, key), value)
        info.exceptions = decode.exceptions(item, context, self.result, append=False)
        return info


def _source(item: Mapping) -> str:
    """The source that an item names for a rule that exists; empty where it names none."""
    node = item.get("source")
    return node.text if isinstance(node, Scalar) and not node.is_null else ""


def priority_number(text: str) -> int | None:
    """The place of a priority in `PRIORITIES`, whatever its case; `info` is an alias."""
    word = text.lower()
    names = [name.lower() for name in PRIORITIES]
    if word == "info":
        word = "informational"
    return names.index(word) if word in names else None
