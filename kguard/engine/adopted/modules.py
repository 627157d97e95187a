# SPDX-License-Identifier: Apache-2.0
"""Which modules belong together, and what do they ask for that kguard has not got?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from kguard.engine.adopted.syntax import SHIM, SHIM_PACKAGE, Syntax, syntax

SHIM_FILE = f"{SHIM_PACKAGE}.rego"
_ENTRY = re.compile(r"(deny|violation|warn)(_[a-zA-Z0-9]+)*")
_REFUSED = {
    "http.send": "asks a server",
    "net.lookup_ip_addr": "asks a server",
    "external_data": "asks an external data provider",
    "opa.runtime": "reads the environment of its process",
    "parse_config": "reads other files",
    "parse_config_file": "reads other files",
    "parse_combined_config_files": "reads other files",
}
"""Functions that no scan can answer for."""
_OF_REVIEW = frozenset({"", "uid", "operation", "kind", "name", "namespace", "object", "oldObject"})
"""What a review has of which manifests tell; a new object has no older one."""
_UNKNOWN_OF_REVIEW = {
    "userInfo": "which user makes the request",
    "_unstable": "the object of the namespace",
    "options": "the options of the request",
}
_COMBINED = re.compile(r"\binput\[\w+\]\.contents\b")


class Module(msgspec.Struct, frozen=True):
    """One module of a user's, read."""

    path: str
    source: str
    """As the user wrote it."""
    syntax: Syntax


class Group(msgspec.Struct, frozen=True):
    """The modules of a package with all that they refer to."""

    package: str
    modules: tuple[Module, ...]

    @property
    def libraries(self) -> dict[str, str]:
        """What the engine has to load, by path."""
        shim = {SHIM_FILE: SHIM} if any(m.syntax.shim for m in self.modules) else {}
        return {m.path: m.syntax.text for m in self.modules} | shim

    def reads(self, root: str, name: str) -> bool:
        """Whether something behind `input.NAME` or `data.NAME` is read."""
        paths = (p for m in self.modules for p in getattr(m.syntax, root))
        return any(path == name or path.startswith(f"{name}.") for path in paths)


def module(path: str, source: str) -> Module:
    """A module from its text."""
    return Module(path, source, syntax(source))


def entries(found: Module) -> Iterator[tuple[str, str]]:
    """The rules that yield results, each with why it cannot (empty if it can)."""
    kinds: dict[str, set[str]] = {}
    for head in found.syntax.heads:
        if _ENTRY.fullmatch(head.name):
            kinds.setdefault(head.name, set()).add(head.kind)
    for name, kind in kinds.items():
        yield name, "" if kind == {"set"} else f"`{name}` is no set of messages"


def group(package: str, known: Iterable[Module]) -> Group:
    """A package with the modules that it refers to, and what they refer to."""
    by_package: dict[str, list[Module]] = {}
    for entry in known:
        by_package.setdefault(entry.syntax.package, []).append(entry)
    wanted, seen = [package], set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        for entry in by_package.get(name, ()):
            wanted += [p for r in entry.syntax.references for p in by_package if _inside(r, p)]
    chosen = [m for name in sorted(seen) for m in by_package.get(name, ())]
    return Group(package, tuple(sorted(chosen, key=lambda m: m.path)))


def _inside(reference: str, package: str) -> bool:
    return f"{reference}.".startswith(f"{package}.") or package.startswith(f"{reference}.")


def refusals(found: Group) -> Iterator[tuple[str, str, str]]:
    """The places where modules ask for what kguard has not got: place, reason, hint."""
    packages = {m.syntax.package for m in found.modules}
    for entry in found.modules:
        for call in sorted(entry.syntax.calls & _REFUSED.keys()):
            yield _place(entry, call), f"`{call}` {_REFUSED[call]}, which a scan does not do", ""
        for path in sorted(entry.syntax.references):
            if path and path.partition(".")[0] != "inventory" and not _known(path, packages):
                hint = "kguard passes no data files; write the data as a rule of a module"
                yield _place(entry, path), f"nothing in the folder defines `data.{path}`", hint
        yield from _of_input(entry)


def _known(path: str, packages: set[str]) -> bool:
    return any(_inside(path, package) for package in packages)


def _of_input(entry: Module) -> Iterator[tuple[str, str, str]]:
    for path in sorted(entry.syntax.inputs):
        root, _, rest = path.partition(".")
        field = rest.partition(".")[0]
        if root == "review" and field not in _OF_REVIEW:
            what = _UNKNOWN_OF_REVIEW.get(field, "this of the request")
            reason = f"manifests do not tell {what} (`input.{path}`)"
            yield _place(entry, field), reason, ""
    if combined := _COMBINED.search(entry.source):
        hint = "judge one object at a time; what others must hold is in `data.inventory`"
        reason = "it is written for all files at once (`conftest --combine`)"
        yield _place(entry, combined[0]), reason, hint


def _place(entry: Module, word: str) -> str:
    """`file:line` of a word, as far as the source has it in one piece."""
    for word_ in (word, word.rpartition(".")[2]):
        at = entry.source.find(word_)
        if at >= 0:
            return f"{entry.path}:{entry.source.count(chr(10), 0, at) + 1}"
    return entry.path


def relocated(source: str, root: str, names: Mapping[str, str]) -> str:
    """A module of a template, below a name of its own, so that templates do not meet.

    Args:
        source: the module.
        root: the package that takes its place, or the prefix of its own where `names` is empty.
        names: words to replace in references, such as `data.lib`.
    """
    moved = re.sub(r"^(\s*package\s+)\S+", rf"\g<1>{root}", source, count=1, flags=re.MULTILINE)
    for old, new in names.items():
        moved = re.sub(rf"\b{re.escape(old)}\b", new, moved)
    return moved
