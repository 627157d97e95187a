# SPDX-License-Identifier: Apache-2.0
"""Which values of options make sense, and what do they mean?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kguard.config import Config
from kguard.errors import UsageError, suggested
from kguard.model.shards import Shard

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_VERSION = re.compile(r"v?\d+(\.\d+)+[\w.+-]*|devel")
_VERSIONS = ("kubernetes", "istio", "knative", "falco")
ASSUMABLE = (
    "kubernetes",
    "istio",
    "knative",
    "falco",
    "cni",
    "enforcer",
    "root-namespace",
    "trust-domain",
    "cluster-domain",
)


def existing(option: str, names: Sequence[str]) -> None:
    """Refuse names of files and folders that are not there."""
    for name in names:
        if not Path(name).exists():
            hint = f"`kguard scan --help` says what {option} takes"
            raise UsageError(f"{option} {name}: no such file or folder", hint=hint)


def trust_files(names: Sequence[str]) -> None:
    """Refuse files that are neither a trusted root nor a key: what they were to prove is not."""
    existing("--trusted-root", names)
    if names:
        from kguard.layers.images.trust import read_trust

        for problem in read_trust(names, ()).problems:
            hint = "give a trusted_root.json or a public key (PEM)"
            raise UsageError(f"--trusted-root {problem}", hint=hint)


def namespace(arguments: dict[str, Any], config: Config) -> str:
    """The namespace of objects that name none: a DNS label (RFC 1123), as the API server asks."""
    given = arguments.get("namespace")
    name = config.namespace if given is None else given
    if not _LABEL.fullmatch(name):
        place = "`namespace` of kguard.yaml" if given is None else "-n"
        hint = "up to 63 lower-case letters, digits and `-`, such as shop-prod"
        raise UsageError(f"{place}: {name!r} is no name of a namespace", hint=hint)
    return name


def time(text: str | None) -> datetime:
    """The time of a scan, aware; a text without a zone is in UTC."""
    if not text:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--at {text} is no time", hint="write 2026-11-23T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def contexts(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    """The contexts that were named, or all of the kubeconfig."""
    named = dict.fromkeys(arguments.get("contexts") or ())
    if not arguments.get("all_contexts"):
        return tuple(named)
    from kguard.sources import cluster

    found = tuple(cluster.contexts())
    if named or not found:
        hint = "leave --context out" if named else "the kubeconfig knows none"
        raise UsageError("--all-contexts finds no context", hint=hint)
    return found


def known_contexts(names: Sequence[str]) -> None:
    """Refuse names of contexts that the kubeconfig does not have, before any cluster is read."""
    from kguard.sources import cluster

    known = cluster.contexts() if names else []
    for name in names:
        if name not in known and name != "in-cluster":
            nowhere = "there is no kubeconfig: set KUBECONFIG, or use --snapshot FILE"
            hint = f"the kubeconfig knows {', '.join(known)}" if known else nowhere
            raise UsageError("there is no such context", where=f"context {name}", hint=hint)


def form(text: str, known: Sequence[str]) -> tuple[str, str]:
    """A format and where it goes, of `FORMAT[=FILE]`.

    Raises:
        UsageError: the format is unknown.
    """
    name, _, destination = text.partition("=")
    if name not in known:
        hint = suggested(name, known, f"one of {', '.join(known)}")
        raise UsageError(f"unknown format {name!r}", hint=hint)
    return name, destination


def shard(text: str | None) -> Shard:
    """`I/N`; without it what a pod of an Indexed Job is told: its index and KGUARD_SHARDS.

    Raises:
        UsageError: it is no part of a whole.
    """
    total, index = os.environ.get("KGUARD_SHARDS"), os.environ.get("JOB_COMPLETION_INDEX")
    told = text or (f"{index or ''}/{total}" if total else "0/1")
    first, _, last = told.partition("/")
    if not (first.isdigit() and last.isdigit() and int(first) < int(last)):
        hint = "--shard 0/4 is the first of four; else KGUARD_SHARDS and JOB_COMPLETION_INDEX"
        raise UsageError(f"there is no shard {told}", hint=hint)
    return Shard(int(first), int(last))


def assumptions(pairs: tuple[str, ...]) -> dict[str, str]:
    """What to take for granted, by the names in `ASSUMABLE`."""
    found = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        if not separator or key not in ASSUMABLE:
            known = ", ".join(ASSUMABLE)
            raise UsageError(f"--assume {pair} is not KEY=VALUE with a known key", hint=known)
        if key in _VERSIONS and not _VERSION.fullmatch(value):
            raise UsageError(f"--assume {pair}: that is no version", hint=f"--assume {key}=1.31")
        found[key] = value
    return found


def cache_folder(arguments: Mapping[str, Any]) -> str:
    """Where answers of registries are kept: `--cache`, else below the XDG cache folder."""
    if arguments.get("no_cache"):
        return ""
    if arguments.get("cache"):
        return str(arguments["cache"])
    home = os.environ.get("HOME", "")
    root = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return f"{root}/kguard/registry" if root.startswith("/") else ""
