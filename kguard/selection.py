# SPDX-License-Identifier: Apache-2.0
"""What does the user want judged, and by which policies?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from kguard import layers
from kguard.config import Config
from kguard.data import policies_dir
from kguard.engine import catalog
from kguard.errors import UsageError, suggested
from kguard.model.findings import LAYERS, Policy


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for, beside the input."""

    config: Config = Config()
    scope: Literal["app", "cluster"] = "app"
    at: datetime
    layers: tuple[str, ...] = layers.NAMES
    policies: tuple[str, ...] = ()
    """Ids of policies to run; empty: all."""
    policy_dirs: tuple[str, ...] = ()
    namespace: str = "default"
    assume: dict[str, str] = {}
    evidence_dirs: tuple[str, ...] = ()
    trust_roots: tuple[str, ...] = ()
    registry: bool = False
    cache: str = ""
    """The folder where answers of registries are kept; empty for none."""
    progress: Callable[[str], None] | None = None
    """Told now and then how far something is that takes long."""
    waivers_file: str = ""
    baseline_file: str = ""
    known: frozenset[str] = frozenset()
    """Fingerprints of findings that were there before, besides those of the file."""
    inputs: tuple[str, ...] = ()
    approved: frozenset[str] | None = None
    """The waivers and annotations in manifests that count, by `Waiver.identity` and
    `inventory.acceptances`; None: all."""


class Chosen(msgspec.Struct, frozen=True):
    """The policies of a scan, and the modules that they import (path -> text)."""

    policies: tuple[Policy, ...]
    libraries: dict[str, str]


def chosen(options: Options) -> Chosen:
    """The policies that a scan runs, read now.

    Raises:
        UsageError: an unknown policy is named.
        PolicyError: a policy's METADATA is wrong.
    """
    return Chosen(tuple(select(options)), _libraries(options))


def select(options: Options) -> list[Policy]:
    """The policies that this scan runs, with the severities of the configuration.

    Raises:
        UsageError: an unknown policy is named.
        PolicyError: a policy's METADATA is wrong.
    """
    everything = list(catalog.bundled())
    for folder in _policy_dirs(options):
        everything += catalog.load(folder)
    _known([*options.policies, *options.config.policies], everything)
    return [
        _configured(policy, options.config) for policy in everything if _wanted(policy, options)
    ]


def _policy_dirs(options: Options) -> list[Path]:
    config = options.config
    return [Path(name) for name in (*map(config.path, config.policy_dirs), *options.policy_dirs)]


def _known(names: Iterable[str], policies: Sequence[Policy]) -> None:
    known = {name for p in policies for name in (p.id, *p.aliases)}
    for name in names:
        if name not in known:
            hint = suggested(name, known, "`kguard policies list` names them all")
            raise UsageError(f"unknown policy `{name}`", hint=hint)


def _wanted(policy: Policy, options: Options) -> bool:
    if policy.layer not in options.layers and not (
        policy.layer == layers.JOINED and joined(options)
    ):
        return False
    names = {policy.id, *policy.aliases}
    if options.policies:
        return bool(names & set(options.policies))
    settings = options.config.policies.get(policy.id)
    return not policy.deprecated and (settings is None or settings.enabled)


def joined(options: Options) -> bool:
    """Whether there is a facts document of every protection layer, so that they can be joined."""
    return {*LAYERS} <= {*options.layers}


def _configured(policy: Policy, config: Config) -> Policy:
    settings = config.policies.get(policy.id)
    if settings is None or settings.severity is None:
        return policy
    return msgspec.structs.replace(policy, severity=settings.severity)


def _libraries(options: Options) -> dict[str, str]:
    found = catalog.libraries(policies_dir())
    for folder in _policy_dirs(options):
        found |= catalog.libraries(folder)
    return found
