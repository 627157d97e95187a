# SPDX-License-Identifier: Apache-2.0
"""When do certificates of the mesh expire, and does every namespace trust the same root?

Read from what is public: the ConfigMap `istio-ca-root-cert` that istiod writes into every
namespace, and the status of cert-manager's and Knative's Certificates. Secrets are looked at only
where the input holds them, and of those only certificates, never keys.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime

from kguard.layers.mtls.facts.issued import CERT_MANAGER, KNATIVE, moment
from kguard.layers.mtls.facts.view import View
from kguard.model.facts.certificates import Expiry, TrustBundle
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, strings

_BUNDLE = "istio-ca-root-cert"
_ROOT = "root-cert.pem"
_SECRETS = {
    "cacerts": ("root-cert.pem", "ca-cert.pem"),
    "istio-ca-secret": ("ca-cert.pem",),
}
MAX_PEM = 256 * 1024
"""Longest bundle of certificates that is parsed, in characters."""
MAX_CERTIFICATES = 64


def expiry_facts(view: View) -> list[Expiry]:
    """The end of every certificate that the input shows."""
    found = [*_roots(view), *_secrets(view), *_issued(view)]
    return sorted(found, key=lambda fact: (fact.ref, fact.name))


def bundle_facts(view: View) -> list[TrustBundle]:
    """Namespaces that trust another root than the root namespace does."""
    bundles = [m for m in view.inventory.of("ConfigMap") if m.name == _BUNDLE]
    root = next((m for m in bundles if m.namespace == view.root), None)
    if root is None:
        return []
    active = _text(root).strip()
    return [
        TrustBundle(
            ref=manifest.ref,
            because=[
                Evidence(manifest.id, pointer("data", _ROOT), "another root than"),
                Evidence(root.id, pointer("data", _ROOT), f"the one of {view.root}", "related"),
            ],
        )
        for manifest in bundles
        if _text(manifest).strip() != active
    ]


def _text(manifest: Manifest) -> str:
    return strings(manifest.object.get("data")).get(_ROOT, "")


def _roots(view: View) -> Iterator[Expiry]:
    for manifest in view.inventory.of("ConfigMap"):
        if manifest.name == _BUNDLE and manifest.namespace == view.root:
            yield from _of_pem(view, manifest, _ROOT, _text(manifest))


def _secrets(view: View) -> Iterator[Expiry]:
    for manifest in view.inventory.of("Secret"):
        if manifest.namespace != view.root or manifest.name not in _SECRETS:
            continue
        plain = strings(manifest.object.get("stringData"))
        encoded = strings(manifest.object.get("data"))
        for key in _SECRETS[manifest.name]:
            yield from _of_pem(view, manifest, key, plain.get(key) or _decoded(encoded.get(key)))


def _decoded(text: str | None) -> str:
    try:
        return base64.b64decode(text or "", validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _issued(view: View) -> Iterator[Expiry]:
    for group in (CERT_MANAGER, KNATIVE):
        for manifest in view.inventory.of("Certificate", group):
            status = mapping(manifest.object.get("status"))
            end, renewal = moment(status.get("notAfter")), moment(status.get("renewalTime"))
            if end:
                planned = bool(renewal and view.request.at <= renewal < end)
                yield _fact(view, manifest, "/status/notAfter", manifest.name, end, planned=planned)


def _of_pem(view: View, manifest: Manifest, key: str, text: str) -> Iterator[Expiry]:
    """The certificate of a bundle that expires first."""
    ends = list(_ends(text))
    if ends:
        yield _fact(view, manifest, pointer("data", key), key, min(ends))


def _ends(text: str) -> Iterator[datetime]:
    if "BEGIN CERTIFICATE" not in text or len(text) > MAX_PEM:
        return
    from cryptography.x509 import load_pem_x509_certificates

    try:
        certificates = load_pem_x509_certificates(text.encode())
    except ValueError:
        return
    for certificate in certificates[:MAX_CERTIFICATES]:
        yield certificate.not_valid_after_utc


def _fact(
    view: View, manifest: Manifest, place: str, name: str, end: datetime, *, planned: bool = False
) -> Expiry:
    days = (end - view.request.at).days
    day = end.strftime("%Y-%m-%d")
    return Expiry(
        ref=manifest.ref,
        name=name,
        ends=day,
        days=days,
        renewal="planned" if planned else "not_seen",
        because=[Evidence(manifest.id, place, f"valid until {day}")],
    )
