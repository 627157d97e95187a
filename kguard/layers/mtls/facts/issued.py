# SPDX-License-Identifier: Apache-2.0
"""Are issued certificates renewed in time: cert-manager's, and those that Knative asks for?

Authority: cert-manager pkg/apis/certmanager/v1/types_certificate.go (`duration`, 90 d;
`renewBefore` or `renewBeforePercentage`, else a third of the life; refused unless shorter than the
duration; status `notAfter`, `renewalTime`, condition Ready), and knative.dev/networking
pkg/apis/networking/v1alpha1/certificate_types.go (condition Ready, `notAfter`; whoever the class
annotation names issues it). What a status shows was observed; the rest is only configured.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from kguard.layers.mtls.facts.lifetimes import NOT_TOLD, Rotation, seconds
from kguard.layers.mtls.facts.view import View
from kguard.model.facts.certificates import Certificate
from kguard.model.facts.common import Evidence
from kguard.model.manifests import Manifest, mapping, sequence, strings

CERT_MANAGER = "cert-manager.io"
KNATIVE = "networking.internal.knative.dev"
_DURATION = "2160h"
_THIRD = 67
_CLASS = "networking.knative.dev/certificate.class"


class _Finding(msgspec.Struct, frozen=True):
    rotation: Rotation
    note: str
    place: str = "/spec"
    basis: Literal["written", "observed"] = "written"


def issued_facts(view: View) -> Iterator[Certificate]:
    """The facts about every certificate that is asked for as an object."""
    for manifest in view.inventory.of("Certificate", CERT_MANAGER):
        yield _cert_manager(view, manifest)
    for manifest in view.inventory.of("Certificate", KNATIVE):
        issuer = manifest.annotations.get(_CLASS, "the certificate controller of the installation")
        by = f"Knative asked {issuer} for it"
        yield _fact(manifest, _status(view, manifest) or _Finding("automatic", by), 0, NOT_TOLD)


def moment(value: object) -> datetime | None:
    """A timestamp with its zone; None where there is none."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _cert_manager(view: View, manifest: Manifest) -> Certificate:
    words = strings(manifest.spec)
    lifetime = seconds(words.get("duration", _DURATION))
    before = seconds(words["renewBefore"]) if "renewBefore" in words else _NONE
    if lifetime is None or before is None or lifetime <= 0:
        found = _Finding("unknown", "its duration or renewBefore cannot be read")
        return _fact(manifest, found, 0, NOT_TOLD)
    if before >= lifetime:
        note = "renewBefore is not shorter than the duration: cert-manager refuses it"
        return _fact(manifest, _Finding("off", note, "/spec/renewBefore"), lifetime, NOT_TOLD)
    when = _renewed_at(manifest, lifetime, before)
    note = f"cert-manager renews it after {when} % of its life"
    return _fact(manifest, _status(view, manifest) or _Finding("automatic", note), lifetime, when)


_NONE = -1
_WHOLE = 100


def _renewed_at(manifest: Manifest, lifetime: int, before: int) -> int:
    share = manifest.spec.get("renewBeforePercentage")
    if type(share) is int and 0 < share < _WHOLE:
        return _WHOLE - share
    return _THIRD if before <= 0 else round(_WHOLE * (lifetime - before) / lifetime)


def _status(view: View, manifest: Manifest) -> _Finding | None:
    """What the status of the object shows to be wrong."""
    status = mapping(manifest.object.get("status"))
    for entry in sequence(status.get("conditions")):
        words = strings(entry)
        if words.get("type") == "Ready" and words.get("status") == "False":
            reason = words.get("reason", "no reason given")
            return _Finding("failing", f"it is not ready: {reason}", "/status", "observed")
    due = moment(status.get("renewalTime"))
    if due and due < view.request.at:
        note = f"its renewal has been due since {due:%Y-%m-%d}"
        return _Finding("failing", note, "/status/renewalTime", "observed")
    if due:
        return _Finding("automatic", f"renewed next on {due:%Y-%m-%d}", "/status", "observed")
    return None


def _fact(manifest: Manifest, found: _Finding, lifetime: int, renewed_at: int) -> Certificate:
    return Certificate(
        ref=manifest.ref,
        subject="certificate",
        name=manifest.name,
        rotation=found.rotation,
        seconds=lifetime,
        renewed_at=renewed_at,
        basis=found.basis,
        because=[Evidence(manifest.id, found.place, found.note)],
    )
