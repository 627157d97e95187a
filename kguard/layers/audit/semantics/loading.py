# SPDX-License-Identifier: Apache-2.0
"""Does the API server start with this policy file, and which fields does it ignore?

Authority: k8s.io/apiserver pkg/audit/policy/reader.go: decoding, then validation, then the check
for zero rules. A policy that fails any of them keeps kube-apiserver from starting.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.layers.audit.semantics.policy import Policy, UnknownField, decode
from kguard.layers.audit.semantics.validation import validate
from kguard.layers.audit.semantics.version import Version


class Problem(msgspec.Struct, frozen=True):
    """One reason why the API server refuses the policy, with its JSON pointer."""

    message: str
    pointer: str


class Loaded(msgspec.Struct, frozen=True):
    """A policy as the API server of a version loads it."""

    policy: Policy | None
    """None only where the document cannot be decoded at all."""
    state: Literal["valid", "invalid", "unknown"]
    """`unknown`: it depends on the version, which is not known."""
    problems: tuple[Problem, ...] = ()
    ignored: tuple[UnknownField, ...] = ()


def load(value: Any, version: Version | None = None) -> Loaded:
    """Load the first document of a policy file.

    Args:
        value: the document as JSON values.
        version: of the API server, None where it is not known.
    """
    decoded = decode(value)
    policy = decoded.policy
    if policy is None:
        problem = Problem(decoded.error, decoded.error_pointer)
        return Loaded(None, "invalid", (problem,), decoded.ignored)
    errors = validate(policy, version)
    problems = [Problem(f"{error.field}: {error.message}", error.pointer) for error in errors]
    if not policy.rules:
        problems.append(Problem("the policy has no rules", ""))
    certain = not policy.rules or any(error.only_before is None for error in errors)
    depends = version is None and bool(errors) and not certain
    state: Literal["valid", "invalid", "unknown"] = "invalid" if problems else "valid"
    return Loaded(policy, "unknown" if depends else state, tuple(problems), decoded.ignored)
