# SPDX-License-Identifier: Apache-2.0
"""Is the exemption of a port from mutual TLS accounted for: with a reason, and until when?

An annotation of the PeerAuthentication says so for each port, in the form of waivers:
`exception.kguard.dev/8443: "until=2027-01-31; reason=Job shop/export has no sidecar yet"`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from kguard.inventory.acceptances import PREFIX, acceptance
from kguard.layers.mtls.facts.view import View
from kguard.layers.mtls.semantics.peerauth import Decision
from kguard.model.manifests import Manifest

State = Literal["none", "documented", "expired"]


class Exemption(msgspec.Struct, frozen=True):
    """What the annotation says."""

    state: State = "none"
    until: str = ""
    """The last day, as YYYY-MM-DD."""


def exemption(view: View, decision: Decision, port: int) -> Exemption:
    """What is said about a port that a policy exempts; a port that is STRICT is no exemption."""
    policy = decision.decided_by
    if policy is None or not decision.at_port or decision.mode == "strict":
        return Exemption()
    manifest = view.inventory.by_id(policy.id)
    if not isinstance(manifest, Manifest):
        return Exemption()
    key, approved = f"{PREFIX}{port}", view.request.approved
    if approved is not None and acceptance(manifest, key) not in approved:
        return Exemption()
    return read(manifest.annotations.get(key, ""), view.request.at.date())


def read(text: str, today: date) -> Exemption:
    """Read an annotation; without a reason and a day it says nothing."""
    pairs = (part.partition("=") for part in text.split(";"))
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    try:
        until = date.fromisoformat(fields.get("until", ""))
    except ValueError:
        return Exemption()
    if not fields.get("reason"):
        return Exemption()
    return Exemption("expired" if until < today else "documented", until.isoformat())


def write(reason: str, until: date) -> str:
    """The text of an annotation; what would end the reason early is left out."""
    plain = " ".join(reason.replace(";", ",").split())
    return f"until={until.isoformat()}; reason={plain}"
