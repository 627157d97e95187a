# SPDX-License-Identifier: Apache-2.0
"""What does the user want judged, and by which policies?"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from kguard import layers
from kguard.config import Config
from kguard.data import policies_dir
from kguard.engine import catalog, own
from kguard.engine.adopted import Adopted
from kguard.engine.base import Failure
from kguard.errors import UsageError, suggested
from kguard.model.findings import LAYERS, Policy
from kguard.model.manifests import NotEvaluated


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
    cluster: str = ""
    """The name of the cluster, where several are judged: what a baseline says of others is not
    about it."""
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
    failures: tuple[Failure, ...] = ()
    """Policies of the user's that cannot be run at all."""
    left_out: tuple[NotEvaluated, ...] = ()
    """What the user's folders hold and nothing applies."""


def chosen(options: Options) -> Chosen:
    """The policies that a scan runs, read now.

    Raises:
        UsageError: an unknown policy is named.
        PolicyError: a policy's METADATA is wrong.
    """
    found = own.read(folders(options.config, options.policy_dirs))
    return Chosen(
        tuple(_selected(options, found)),
        catalog.libraries(policies_dir()) | found.libraries,
        tuple(failure for failure in found.failures if _asked(failure, options)),
        tuple(found.left_out),
    )


def select(options: Options) -> list[Policy]:
    """The policies that this scan runs, with the severities of the configuration.

    Raises:
        UsageError: an unknown policy is named.
        PolicyError: a policy's METADATA is wrong.
    """
    return _selected(options, own.read(folders(options.config, options.policy_dirs)))


def _selected(options: Options, found: Adopted) -> list[Policy]:
    everything = [*catalog.bundled(), *found.policies]
    names = {name for policy in everything for name in (policy.id, *policy.aliases)}
    names |= {failure.policy for failure in found.failures}
    _known([*options.policies, *options.config.policies], names)
    return [
        _configured(policy, options.config) for policy in everything if _wanted(policy, options)
    ]


def _asked(failure: Failure, options: Options) -> bool:
    """Whether a scan was to run a policy that cannot be run."""
    if failure.policy.partition("/")[0] not in options.layers:
        return False
    settings = options.config.policies.get(failure.policy)
    if options.policies:
        return failure.policy in options.policies
    return settings is None or settings.enabled


def folders(config: Config, named: Iterable[str]) -> list[Path]:
    """The folders with policies of the user's: those of the settings, and those that are named."""
    return [Path(name) for name in (*map(config.path, config.policy_dirs), *named)]


def _known(names: Iterable[str], known: set[str]) -> None:
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
