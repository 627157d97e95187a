# SPDX-License-Identifier: Apache-2.0
"""Which settings count where a change must not switch off its own check?

Those of a git revision that the change is judged against: kguard.yaml and what it names, baseline,
waivers, policies and keys. Waivers that stand in manifests count where that revision has them, too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kguard.cli.inputs import collect, options, settings
from kguard.cli.output import note
from kguard.config import Config, discover, read
from kguard.inventory.acceptances import acceptances
from kguard.scan import Options, inventory_of
from kguard.sources import git
from kguard.sources.files import GLOB_CHARACTERS, is_glob
from kguard.triage import waivers

_FILES = ("config", "waivers_file", "baseline_file")
_LISTS = ("policy_dirs", "trust_roots")


class Wanted(NamedTuple):
    """What a scan is asked for, its settings found."""

    arguments: dict[str, Any]
    config: Config
    options: Options


@contextmanager
def judged_by(arguments: dict[str, Any]) -> Iterator[Wanted]:
    """The settings of a scan, from the working tree or from `--settings-from`.

    Raises:
        SourceError: there is no git, no repository or no such revision.
        ConfigError: the settings are wrong.
        UsageError: an option has a value that makes no sense.
    """
    revision = arguments["settings_from"]
    if not revision:
        config = settings(arguments)
        yield Wanted(arguments, config, options(arguments, config))
        return
    with tempfile.TemporaryDirectory(prefix="kguard-") as folder:
        git.check_out(f"{git.PREFIX}{revision}", Path(folder))
        base = _Base(revision, git.top_level(), Path(folder))
        then = base.arguments(arguments)
        config = base.config(then)
        yield Wanted(then, config, base.options(then, config))


class _Base:
    """The files of a revision beside those of the working tree."""

    def __init__(self, revision: str, root: Path, tree: Path) -> None:
        self._revision, self._root, self._tree = revision, root, tree
        (tree / ".git").mkdir()  # settings are looked for up to here

    def arguments(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments, with the files of the revision for those that are settings."""
        files = {name: "".join(self._then([arguments[name]])) for name in _FILES if arguments[name]}
        lists = {name: tuple(self._then(arguments[name])) for name in _LISTS}
        settled = (str(self._root), str(self._tree))
        return {**arguments, **files, **lists, "settled": settled}

    def _then(self, names: Sequence[str]) -> Iterator[str]:
        for name in names:
            inside = None if name.startswith(git.PREFIX) else self._inside(name)
            if inside is None:
                yield name  # not in the repository: no change of it can have touched the file
            elif inside.exists():
                yield str(inside)
            else:
                note(f"{name}: {self._revision} has no such file, it does not count")

    def _inside(self, name: str) -> Path | None:
        path = Path(name).resolve()
        return (
            self._tree / path.relative_to(self._root) if path.is_relative_to(self._root) else None
        )

    def config(self, arguments: dict[str, Any]) -> Config:
        """The settings of the revision, for files of the working tree."""
        found = (
            Path(arguments["config"]) if arguments["config"] else discover(self._start(arguments))
        )
        if found is None:
            return Config(tree=str(self._root))
        config = read(found)
        if not found.is_relative_to(self._tree):
            return config
        tree = self._root / found.parent.relative_to(self._tree)
        return msgspec.structs.replace(config, tree=str(tree))

    def _start(self, arguments: dict[str, Any]) -> Path:
        inside = next(filter(None, map(self._inside, arguments["inputs"] or ["."])), self._tree)
        return next(p for p in (inside, *inside.parents) if p.exists())

    def options(self, arguments: dict[str, Any], config: Config) -> Options:
        """What the user asked for, with the waivers that the revision has."""
        found = options(arguments, config)
        return msgspec.structs.replace(found, approved=self._approved(arguments, config, found))

    def _approved(
        self, arguments: dict[str, Any], config: Config, chosen: Options
    ) -> frozenset[str]:
        named = arguments["inputs"] or [config.subject(name) for name in config.inputs]
        inputs = [str(p) for p in filter(None, map(self._inside, named)) if p.exists()]
        if not inputs:
            return frozenset()
        plain = msgspec.structs.replace(config, inputs=(), flows=(), helm=())
        beside = {"inputs": inputs, "flow_files": (), "falco_rules": ()}
        collected = collect({**arguments, **beside}, plain, report=True)
        if not waivers.marked(collected):
            return frozenset()
        inventory = inventory_of(collected, chosen)
        waived = {waiver.identity for waiver in waivers.inline(collected, inventory)}
        return acceptances(inventory) | waived


def _fixed(name: str) -> str:
    """The folder that a glob begins with; a path as it is."""
    if not is_glob(name):
        return name
    parts = Path(name).parts
    return str(Path(*takewhile(lambda part: not GLOB_CHARACTERS & set(part), parts)))
