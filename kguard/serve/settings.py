# SPDX-License-Identifier: Apache-2.0
"""How is a server set up, and by what does it judge?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import msgspec

from kguard.engine.base import Engine
from kguard.errors import PolicyError
from kguard.selection import Chosen, Options, chosen

Mode = Literal["enforce", "warn", "dry-run"]
Undecided = Literal["allow", "deny"]

MODES: tuple[Mode, ...] = ("enforce", "warn", "dry-run")
ON_TIMEOUT: tuple[Undecided, ...] = ("allow", "deny")


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What the user wants of the server; none of it changes while it runs."""

    host: str
    port: int
    mode: Mode = "enforce"
    on_timeout: Undecided = "allow"
    deadline: float = 8.0
    """Seconds after which a request is answered as undecided, whatever it asks for."""
    concurrent: int = 64
    """Admission requests at a time; more are answered as undecided at once."""
    memory: int = 64 << 20
    """Bytes of bodies at a time."""
    reload: float = 10.0
    """Seconds between two looks at certificates, policies and settings."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """By what requests are judged; a reload makes a new one."""

    options: Options
    policies: Chosen
    gate: str
    allow_unknown: bool
    digest: str
    """Of the policies and everything else that decides, in hexadecimal."""
    sliced: bool
    """Whether a part of the cluster may decide: no policy looks at objects themselves, and no
    setting says what else makes pods."""
    start: Callable[[], Engine]
    """Starts an engine."""


def set_up(
    options: Options, *, gate: str, allow_unknown: bool, start: Callable[[], Engine]
) -> Setup:
    """The set-up of some options, with the policies read now.

    Raises:
        UsageError: an unknown policy is named.
        PolicyError: a policy's METADATA is wrong.
    """
    policies = chosen(options)
    timeless = msgspec.structs.replace(options, at=None, progress=None)
    parts = (timeless, policies, gate, allow_unknown)
    text = msgspec.json.encode(parts, enc_hook=str, order="deterministic")
    digest = hashlib.sha256(text).hexdigest()[:16]
    return Setup(
        options=msgspec.structs.replace(options, progress=None),
        policies=policies,
        gate=gate,
        allow_unknown=allow_unknown,
        digest=digest,
        sliced=not options.config.workloads
        and all(policy.input == "facts" for policy in policies.policies),
        start=start,
    )


def compile_all(setup: Setup) -> None:
    """See that an engine takes every policy: one that it does not take would deny every request.

    Raises:
        PolicyError: a policy cannot be compiled.
        EngineError: the engine cannot be started.
    """
    engine = setup.start()
    try:
        failures = engine.load(setup.policies.policies, setup.policies.libraries)
    finally:
        engine.close()
    for failure in (*setup.policies.failures, *failures):
        raise PolicyError(failure.reason, where=f"policy {failure.policy}", hint=failure.hint)
