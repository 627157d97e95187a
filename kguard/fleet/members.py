# SPDX-License-Identifier: Apache-2.0
"""Which clusters does a run audit, and what are they called?"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from kguard.config import Config, NamedCluster
from kguard.errors import ConfigError, SourceError, UsageError, reason
from kguard.sources import snapshot

_GZIP = b"\x1f\x8b"
_OVERVIEW = "index"
"""The page about all of them."""
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class Member(msgspec.Struct, frozen=True, order=True):
    """One cluster to audit: a snapshot, or a context of a kubeconfig."""

    name: str
    """What reports and the history call it."""
    context: str = ""
    """The name of a kubeconfig context, or `in-cluster`; empty for the current one."""
    kubeconfig: str = ""
    """The file with the context; empty for the user's own."""
    snapshot: str = ""
    """A file that `kguard snapshot` wrote."""

    @property
    def file_name(self) -> str:
        """The name as that of a file in one folder, different for different clusters."""
        if _PLAIN.fullmatch(self.name) and self.name.lower() != _OVERVIEW:
            return self.name
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", self.name)[:80]
        return f"{plain}-{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"


def beside(contexts: Iterable[str], snapshots: Iterable[str]) -> list[Member]:
    """The clusters of contexts and of snapshots, by name.

    Raises:
        UsageError: two of them have the same name.
    """
    found = [Member(name, context=name) for name in dict.fromkeys(contexts)]
    found += [Member(called(path), snapshot=path) for path in dict.fromkeys(snapshots)]
    return distinct(found)


def configured(config: Config) -> list[Member]:
    """The clusters that the settings name.

    Raises:
        ConfigError: an entry says too much or too little.
        UsageError: two clusters have the same name.
    """
    return distinct(member for entry in config.clusters for member in _entry(entry, config))


def _entry(entry: NamedCluster, config: Config) -> list[Member]:
    live = bool(entry.context or entry.kubeconfig)
    if live + bool(entry.snapshot) + bool(entry.folder) != 1 or (entry.folder and entry.name):
        raise ConfigError(
            "clusters: an entry has a context, a kubeconfig, a snapshot or a folder",
            where=config.path("kguard.yaml"),
            hint="and a `name`, unless it is a folder",
        )
    if entry.folder:
        return in_folder(Path(config.path(entry.folder)))
    if entry.snapshot:
        path = config.path(entry.snapshot)
        return [Member(entry.name or called(path), snapshot=path)]
    file = config.path(entry.kubeconfig) if entry.kubeconfig else ""
    name = entry.name or entry.context or Path(file).stem
    return [Member(name, context=entry.context, kubeconfig=file)]


def in_folder(folder: Path) -> list[Member]:
    """The clusters of a folder: each file is a snapshot or a kubeconfig.

    Raises:
        ConfigError: the folder cannot be read.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
        return [_member(path) for path in files]
    except OSError as error:
        raise ConfigError(f"it cannot be read: {reason(error)}", where=str(folder)) from None


def _member(path: Path) -> Member:
    with path.open("rb") as stream:
        if stream.read(len(_GZIP)) == _GZIP:
            return Member(called(str(path)), snapshot=str(path))
    return Member(path.stem, kubeconfig=str(path))


def called(path: str) -> str:
    """The name of the cluster in a snapshot; of a file that is none, its own."""
    try:
        return snapshot.cluster_of(Path(path))
    except SourceError:  # reading it will say what is wrong
        return Path(path).name


def distinct(members: Iterable[Member]) -> list[Member]:
    """The members by name.

    Raises:
        UsageError: two of them have the same name.
    """
    found = sorted(members)
    for name, count in Counter(member.name for member in found).items():
        if count > 1:
            hint = "each cluster needs a name of its own: `clusters:` in kguard.yaml gives names"
            raise UsageError(f"{count} clusters are called {name}", hint=hint)
    return found
