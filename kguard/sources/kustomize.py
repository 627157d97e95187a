# SPDX-License-Identifier: Apache-2.0
"""Which objects does a kustomization apply?

A kustomization that only lists local resources is read directly, with exact positions, in the
dialect of kustomize's own YAML reader. Any other is rendered by the user's `kustomize` or
`kubectl kustomize`. Nothing is fetched: remote bases are not evaluated.

Authority: the Kustomization fields of kubernetes-sigs/kustomize, api/types/kustomization.go.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from kguard.model.manifests import (
    Collected,
    NotEvaluated,
    Recipe,
    Root,
    SourceText,
    Unreadable,
    mapping,
    sequence,
)
from kguard.sources.contents import contents, inside
from kguard.sources.files import File, selected
from kguard.sources.limits import MAX_FILE_BYTES, MAX_RENDERED_BYTES, RENDER_SECONDS
from kguard.sources.options import Options
from kguard.sources.processes import run
from kguard.sources.reading import parse, read_bytes, read_manifests
from kguard.sources.renderers import version
from kguard.sources.yaml import Document, load

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_HINT = "install kubectl or kustomize where the check runs; --online where it fetches"
_PLAIN_KEYS = {"apiVersion", "kind", "metadata", "resources"}
_FOLDER_KEYS = ("resources", "bases", "components")
_FILE_KEYS = (
    *("crds", "configurations", "generators", "transformers", "validators"),
    *("patchesStrategicMerge", "patchesJson6902", "patches", "replacements"),
)
_REMOTE = re.compile(r"://|^git@|^git::|^(www\.)?(github|gitlab|bitbucket)\.(com|org)[/:]|[?&]ref=")
_NO_NETWORK = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_TERMINAL_PROMPT": "0",
}


class Kustomization(msgspec.Struct, frozen=True):
    """One kustomization file."""

    file: File
    component: bool
    plain: bool
    """Whether it does nothing but list resources."""
    folders: tuple[str, ...]
    """What it builds on: displayed paths of files and folders, in its order."""
    files: tuple[str, ...]
    """Other files that it reads."""
    remote: tuple[str, ...]
    charts: bool
    """Whether it inflates Helm charts."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be done with the kustomizations of an input."""

    roots: tuple[Kustomization, ...]
    consumed: frozenset[str]
    """Displayed files that are read through a kustomization only."""
    known: Mapping[str, Kustomization]
    """By displayed folder."""

    def governs(self, display: str) -> bool:
        """Whether a kustomization lies in the folder of a file, or above it."""
        return any(str(folder) in self.known for folder in PurePosixPath(display).parents)


def plan(files: Iterable[File], into: Collected) -> Plan:
    """Find the kustomizations that nothing else refers to, and what belongs to them."""
    known = {f.folder: _parsed(f, into) for f in files if f.name in NAMES}
    built_on = {path for entry in known.values() for path in entry.folders}
    roots = [known[folder] for folder in sorted(known) if folder not in built_on]
    consumed = {entry.file.display for entry in known.values()}
    for entry in known.values():
        consumed.update(entry.folders, entry.files)
    return Plan(tuple(roots), frozenset(consumed), known)


def _parsed(file: File, into: Collected) -> Kustomization:
    data = read_bytes(file, MAX_FILE_BYTES)
    if isinstance(data, Unreadable):
        into.unreadable.append(data)
        data = b""
    entry = next(iter(load(data, profile="kustomize")), None)
    value = mapping(entry.value) if isinstance(entry, Document) else {}
    local = {key: list(_texts(value.get(key))) for key in (*_FOLDER_KEYS, *_FILE_KEYS)}
    folders = [text for key in _FOLDER_KEYS for text in local[key]]
    others = [text for key in _FILE_KEYS for text in local[key]]
    others += _generator_files(value)
    return Kustomization(
        file=file,
        component=value.get("kind") == "Component",
        plain=bool(value) and set(value) <= _PLAIN_KEYS,
        folders=tuple(_place(file.folder, text) for text in folders if not _REMOTE.search(text)),
        files=tuple(_place(file.folder, text) for text in others if "\n" not in text),
        remote=tuple(text for text in folders if _REMOTE.search(text)),
        charts=bool(value.get("helmCharts") or value.get("helmChartInflationGenerator")),
    )


def _texts(value: Any) -> Iterator[str]:
    for entry in sequence(value):
        text = entry if isinstance(entry, str) else mapping(entry).get("path")
        if isinstance(text, str) and text:
            yield text


def _generator_files(value: Mapping[str, Any]) -> list[str]:
    found = []
    for key in ("configMapGenerator", "secretGenerator"):
        for generator in sequence(value.get(key)):
            fields = mapping(generator)
            names = [*sequence(fields.get("files")), *sequence(fields.get("envs"))]
            names.append(fields.get("env"))
            found += [name.rpartition("=")[2] for name in names if isinstance(name, str)]
    return found


def _place(folder: str, text: str) -> str:
    return posixpath.normpath(posixpath.join(folder, text))


def evaluate(
    root: Kustomization, found: Plan, files: Mapping[str, File], options: Options
) -> Collected:
    """Read or render one root; `files` are the files of the input by displayed path."""
    into = Collected()
    folder = root.file.folder
    tree = list(_tree(root, found, set()))
    resources = _plain_resources(root, found, files)
    if not selected(root.file.display, options):
        return into
    into.recipes += [_recipe(entry.file, folder) for entry in tree]
    reason = "" if resources is not None else _why_not(root, tree, options)
    if resources is not None:
        for file in resources:
            read_manifests(file, into, fast=options.fast_yaml, profile="kustomize", group=folder)
        return into
    if not root.component and options.render != "never":
        into.roots.append(_root(root, tree, files, reason))
    if reason:
        into.not_evaluated.append(NotEvaluated(folder, f"a kustomization: {reason}"))
    else:
        _render(root, into, online=options.online)
    return into


def _root(
    root: Kustomization,
    tree: Sequence[Kustomization],
    files: Mapping[str, File],
    unrendered: str,
) -> Root:
    """A root with all that it reads; what is not among the files of the input, too."""
    top, shown = posixpath.dirname(root.file.path), root.file.folder
    known = {entry.file.folder for entry in tree}
    paths = inside([entry.file.folder for entry in tree if entry.charts], files.values())
    for entry in tree:
        for name in {entry.file.display, *entry.folders, *entry.files} - known:
            place = posixpath.join(top, posixpath.relpath(name, shown))
            paths[name] = files[name].path if name in files else place
    return Root(shown, contents(shown, paths), unrendered, _HINT if unrendered else "")


def _tree(root: Kustomization, found: Plan, seen: set[str]) -> Iterator[Kustomization]:
    if root.file.folder in seen:
        return
    seen.add(root.file.folder)
    yield root
    for path in root.folders:
        if path in found.known:
            yield from _tree(found.known[path], found, seen)


def _plain_resources(
    root: Kustomization, found: Plan, files: Mapping[str, File], depth: int = 0
) -> list[File] | None:
    """The resource files of a kustomization that does nothing else, or None."""
    if not root.plain or root.component or root.remote or depth > len(found.known):
        return None
    resources: list[File] = []
    for path in root.folders:
        if path in files:
            resources.append(files[path])
        elif path in found.known:
            inner = _plain_resources(found.known[path], found, files, depth + 1)
            if inner is None:
                return None
            resources += inner
        else:
            return None
    return resources


def _recipe(file: File, group: str) -> Recipe:
    data = read_bytes(file, MAX_FILE_BYTES)
    text = "" if isinstance(data, Unreadable) else data.decode(errors="replace")
    return Recipe(file.display, text, group)


def _why_not(root: Kustomization, tree: list[Kustomization], options: Options) -> str:
    remote = [text for entry in tree for text in entry.remote]
    if root.component:
        return "a component that nothing here uses"
    if remote and not options.online:
        return f"it would fetch {remote[0]}"
    if any(entry.charts for entry in tree):
        return "it inflates Helm charts"
    if options.render == "never":
        return "not rendered (--render never)"
    return "" if _renderer() else "neither kustomize nor kubectl was found on PATH"


def _renderer() -> list[str] | None:
    if program := shutil.which("kustomize"):
        return [program, "build"]
    if program := shutil.which("kubectl"):
        return [program, "kustomize"]
    return None


def _render(root: Kustomization, into: Collected, *, online: bool) -> None:
    folder = Path(root.file.path).parent
    renderer = _renderer() or ["kustomize", "build"]
    with tempfile.TemporaryDirectory(prefix="kguard-") as home:
        outcome = run(
            [*renderer, str(folder)],
            folder=folder,
            seconds=RENDER_SECONDS,
            limit=MAX_RENDERED_BYTES,
            environment={"HOME": home} if online else {**_NO_NETWORK, "HOME": home},
        )
    if outcome.error:
        reason = f"the kustomization cannot be built: {outcome.error}"
        into.unreadable.append(Unreadable(root.file.display, reason=reason))
        return
    name = Path(renderer[0]).stem
    into.renderers[name] = version(name, renderer[0])
    shown = root.file.display
    origin = SourceText(shown, 0, 1, "", rendered_by="kustomize", apply_set=root.file.folder)
    parse(outcome.output, origin, into)
