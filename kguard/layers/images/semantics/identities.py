# SPDX-License-Identifier: Apache-2.0
"""Whom does a keyless authority trust?

Authority: sigstore/cosign pkg/cosign/verify.go (`CheckCertificatePolicy`): an identity matches
when issuer and subject both match; regular expressions are Go's, matched with `MatchString`,
that is, **unanchored**. sigstore/policy-controller and Kyverno use the same function.
"""

from __future__ import annotations

import re

import msgspec

from kguard.layers.images.semantics.go_regexp import alternatives, compile_expression
from kguard.model.facts.images import Trust

TRUST_ORDER: tuple[Trust, ...] = ("everyone", "unanchored", "unknown", "named", "nobody")
"""From the widest; any authority of a policy suffices, so that the widest one counts."""

PUBLIC_ISSUERS = frozenset(
    {
        "https://token.actions.githubusercontent.com",
        "https://accounts.google.com",
        "https://github.com/login/oauth",
        "https://login.microsoftonline.com",
        "https://gitlab.com",
        "https://oauth2.sigstore.dev/auth",
    }
)
"""Issuers from which anybody can get a certificate."""

_PROBES = (
    "https://kguard-probe.invalid/x",
    "kguard-probe-7f3a@kguard-probe.invalid",
    "https://github.com/kguard-probe-7f3a/x/.github/workflows/x.yml@refs/heads/x",
    "https://gitlab.com/kguard-probe-7f3a/x//.gitlab-ci.yml@refs/heads/x",
)
"""Signers that exist nowhere: an expression that accepts one of them accepts everybody."""
_PROBE_ISSUER = "https://kguard-probe.invalid"


class Identity(msgspec.Struct, frozen=True, order=True):
    """One signer that is accepted: exact values or Go regular expressions."""

    issuer: str = ""
    issuer_regexp: str = ""
    subject: str = ""
    subject_regexp: str = ""

    def matches(self, issuer: str, subject: str) -> bool | None:
        """Whether a signer is accepted; None where an expression cannot be judged safely."""
        parts = (
            _accepts(self.issuer, self.issuer_regexp, issuer),
            _accepts(self.subject, self.subject_regexp, subject),
        )
        if False in parts:
            return False
        return None if None in parts else True

    @property
    def text(self) -> str:
        """The identity in words."""
        subject = self.subject or f"/{self.subject_regexp}/"
        return f"{subject} (issuer {self.issuer or f'/{self.issuer_regexp}/'})"


def _accepts(exact: str, expression: str, value: str) -> bool | None:
    if expression:
        pattern = compile_expression(expression)
        return None if pattern is None else pattern.matches(value)
    return exact == value


def trust_of(identity: Identity, probes: tuple[str, ...] = _PROBES) -> Trust:
    """How wide an accepted identity is."""
    if not (identity.subject or identity.subject_regexp):
        return "everyone" if _issuer_is_open(identity) else "named"
    expression = identity.subject_regexp
    if not expression:
        return "named"
    if compile_expression(expression) is None:
        return "unknown"
    known = any(_accepts("", expression, probe) for probe in probes)
    if known and _issuer_is_open(identity):
        return "everyone"
    return "named" if known or is_anchored(expression) else "unanchored"


def _issuer_is_open(identity: Identity) -> bool:
    if identity.issuer:
        return identity.issuer.rstrip("/") in PUBLIC_ISSUERS
    if not identity.issuer_regexp:
        return True
    candidates = (_PROBE_ISSUER, *sorted(PUBLIC_ISSUERS))
    return any(_accepts("", identity.issuer_regexp, issuer) for issuer in candidates)


def is_anchored(expression: str) -> bool:
    """Whether the whole identity must match: every alternative stands between `^` and `$`."""
    return all(
        branch.startswith(("^", r"\A"))
        and (branch.endswith(r"\z") or bool(re.search(r"(?<!\\)(\\\\)*\$\Z", branch)))
        for branch in alternatives(expression)
    )


def widest(found: list[Trust]) -> Trust:
    """The widest of several alternatives; without any, nobody is trusted."""
    return min(found, key=TRUST_ORDER.index, default="nobody")
