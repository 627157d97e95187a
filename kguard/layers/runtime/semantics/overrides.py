# SPDX-License-Identifier: Apache-2.0
"""What do overrides do to rules that are not at hand?

The rules that come with Falco are often not in the input, only what somebody changed about them.
Whatever the changes need is put in front of them: macros and rules about which nothing is known but
that they can be true. What can no longer be true afterwards is so because of the changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from kguard.layers.runtime.semantics.definitions import ListInfo, MacroInfo, RuleInfo, Step
from kguard.layers.runtime.semantics.environment import Environment
from kguard.layers.runtime.semantics.loader import Ruleset, RulesFile, load
from kguard.layers.runtime.semantics.satisfiability import satisfiable
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Scalar
from kguard.sources.yaml.untyped import Sequence as Items

PRELUDE = "<rules that are not in the input>"
MAX_STAND_INS = 100
"""Macros that are stood in for before the changes count as unreadable."""

_UNDEFINED = re.compile(r"Undefined macro '(.+)' used in filter\.")
_HOOKS = re.compile(r"(?:user|allowed|known|trusted|excluded)_.*|.*_(?:conditions?|activities)")
"""Macros that upstream leaves to users; rules exclude what they match."""
_NEEDED_MACROS = frozenset(
    {"container", "spawned_process", "open_read", "open_write", "inbound", "outbound"}
    | {"inbound_outbound", "shell_procs", "sensitive_files", "modify", "rename", "remove"}
    | {"proc_name_exists", "container_started", "interactive", "kevt", "kevt_started"}
)
"""Macros of the upstream files that rules ask for."""
_NEEDED_LISTS = frozenset({"shell_binaries", "sensitive_file_names", "network_tool_binaries"})

Kind = Literal["macro", "list", "rule"]


class Override(msgspec.Struct, frozen=True):
    """One change that takes something away, whatever the rules are that it changes."""

    effect: Literal["dead", "disabled"]
    kind: Kind
    name: str
    step: Step
    conflict: tuple[str, ...] = ()


def harmful(files: Sequence[RulesFile], environment: Environment) -> list[Override]:
    """The changes that silence or disable rules which are not among the files."""
    names = list(_targets(files))
    whole = _with_stand_ins(files, environment, names)
    if not whole:
        return []
    ruleset = load(whole, environment)
    changed = {name for kind, name in names if kind != "rule"}
    return [
        *(
            found
            for m in ruleset.definitions.macros.values()
            for found in _macro(ruleset, m, changed)
        ),
        *(found for m in ruleset.definitions.lists.values() for found in _list(m, changed)),
        *(found for m in ruleset.definitions.rules.values() for found in _rule(ruleset, m)),
    ]


def _targets(files: Sequence[RulesFile]) -> Iterator[tuple[Kind, str]]:
    """What the files change without having defined it, and macros and lists that they override."""
    defined: set[tuple[Kind, str]] = set()
    for item in _items(files):
        for kind in ("list", "macro", "rule"):
            name = item.get(kind)
            if not isinstance(name, Scalar):
                continue
            key: tuple[Kind, str] = (kind, name.text)
            changes = item.get("override") is not None or item.get("append") is not None
            toggles = kind == "rule" and item.get("condition") is None
            if (changes or toggles or _is_upstream(*key)) and key not in defined:
                yield key
            defined.add(key)
            break


def _is_upstream(kind: Kind, name: str) -> bool:
    """Whether the name is one of the upstream files, so that a definition changes those."""
    if kind == "list":
        return name in _NEEDED_LISTS
    return kind == "macro" and (name in _NEEDED_MACROS or _HOOKS.fullmatch(name) is not None)


def _items(files: Sequence[RulesFile]) -> Iterator[Mapping]:
    for file in files:
        try:
            documents = untyped.load(file.content)
        except untyped.UntypedError:
            continue
        for document in documents:
            if isinstance(document, Items):
                yield from (item for item in document.items if isinstance(item, Mapping))


def stood_in(files: Sequence[RulesFile], environment: Environment) -> list[RulesFile]:
    """The files on top of stand-ins for what they change; empty where nothing loads even so."""
    return _with_stand_ins(files, environment, list(_targets(files)))


def _with_stand_ins(
    files: Sequence[RulesFile], environment: Environment, names: Sequence[tuple[Kind, str]]
) -> list[RulesFile]:
    stand_ins = [_stand_in(kind, name) for kind, name in dict.fromkeys(names)]
    for _ in range(MAX_STAND_INS):
        whole = [RulesFile(PRELUDE, "".join(stand_ins)), *files]
        ruleset = load(whole, environment)
        if ruleset.successful:
            return whole
        errors = [problem.message for result in ruleset.results for problem in result.errors]
        missing = {found[1] for text in errors if (found := _UNDEFINED.fullmatch(text))}
        if not missing:
            break
        stand_ins += [_stand_in("macro", name) for name in sorted(missing)]
    return []


def _stand_in(kind: Kind, name: str) -> str:
    quoted = json.dumps(name)
    if kind == "list":
        return f"- list: {quoted}\n  items: [kguard_unknown]\n"
    if name.endswith("never_true"):
        condition = "(evt.num=0)"
    elif name.endswith("always_true"):
        condition = "(evt.num>=0)"
    else:
        inside = name.replace("\\", "").replace('"', "")
        condition = f'(proc.aenv["{inside}"] exists)'
    text = f"- {kind}: {quoted}\n  condition: {json.dumps(condition)}\n"
    if kind == "rule":
        text += "  desc: unknown\n  output: unknown\n  priority: DEBUG\n  warn_evttypes: false\n"
    return text


def _is_change(info: MacroInfo | ListInfo | RuleInfo) -> bool:
    return len(info.steps) > 1 and info.steps[0].file == PRELUDE


def _macro(ruleset: Ruleset, info: MacroInfo, changed: set[str]) -> Iterator[Override]:
    """What rules ask for and is never true, or a hook of exclusions that is always true."""
    macros = ruleset.compiled.macros
    condition = macros.condition(info.name) if macros else None
    needed = info.name in _NEEDED_MACROS
    judged = needed or _HOOKS.fullmatch(info.name) is not None
    if condition is None or not judged or info.name not in changed or not _is_change(info):
        return
    answer = satisfiable(condition, negated=not needed)
    if answer.verdict == "dead":
        yield Override("dead", "macro", info.name, info.steps[-1], answer.conflict)


def _list(info: ListInfo, changed: set[str]) -> Iterator[Override]:
    needed = info.name in changed and info.name in _NEEDED_LISTS
    if needed and not info.items and _is_change(info):
        yield Override("dead", "list", info.name, info.steps[-1], ("an empty list",))


def _rule(ruleset: Ruleset, info: RuleInfo) -> Iterator[Override]:
    if not _is_change(info):
        return
    if not info.enabled:
        off = [
            s for s in info.steps[1:] if s.how in ("disabled", "redefined") or "enabled" in s.keys
        ]
        yield Override("disabled", "rule", info.name, (off or info.steps)[-1])
    rule = ruleset.compiled.rules.get(info.name)
    answer = satisfiable(rule.condition) if rule else None
    if answer is not None and answer.verdict == "dead":
        changed = [step for step in info.steps[1:] if "condition" in step.keys or not step.keys]
        if changed:
            yield Override("dead", "rule", info.name, changed[-1], answer.conflict)
