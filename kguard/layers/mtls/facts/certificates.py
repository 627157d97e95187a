# SPDX-License-Identifier: Apache-2.0
"""Do the certificates of the mesh renew themselves, as far as manifests tell?

Manifests prove configuration, never that a rotation took place. Authority: istio/istio
pilot/cmd/pilot-agent/options/options.go and security/pkg/cmd/constants.go (lifetimes: 24 h, at
most 90 d), security/pkg/pki/ca/selfsignedcarootcertrotator.go (an interval of 0 or less switches
the rotation of the self-signed root off); a plugged-in CA (Secret `cacerts`) is never rotated by
istiod; cert-manager renews at 2/3 of the lifetime unless `renewBefore` says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from kguard.layers.mtls.facts.view import View
from kguard.model.facts.common import Evidence
from kguard.model.facts.mtls import Certificate
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_Rotation = Literal["automatic", "long_lived", "off", "manual", "elsewhere", "unknown"]
DAY = 24 * 3600
_LIFETIMES = ("SECRET_TTL", "DEFAULT_WORKLOAD_CERT_TTL")
_ROOT_CHECK = "CITADEL_SELF_SIGNED_ROOT_CERT_CHECK_INTERVAL"
_MOUNTED = "FILE_MOUNTED_CERTS"
_MANAGED = "cert-manager.io/certificate-name"
_PLUGGED = "cacerts"
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_DURATION = re.compile(r"([0-9]*\.?[0-9]+)(ns|us|µs|ms|s|m|h)")


def certificate_facts(view: View) -> list[Certificate]:
    """Every setting that decides about renewal."""
    found = [
        *_control_plane(view),
        *_proxy_metadata(view),
        *_plugged(view),
        *_cert_manager(view),
    ]
    return sorted(found, key=lambda fact: (fact.ref, fact.subject, fact.name))


def seconds(text: str) -> int | None:
    """A Go duration in whole seconds (`24h0m0s`); None if it is none."""
    body = text.strip().lstrip("+-")
    if body == "0":
        return 0
    parts = _DURATION.findall(body)
    if not parts or "".join(number + unit for number, unit in parts) != body:
        return None
    total = sum(float(number) * _UNITS[unit] for number, unit in parts)
    return int(-total if text.strip().startswith("-") else total)


def _control_plane(view: View) -> Iterator[Certificate]:
    """Environment of istiod."""
    for workload in view.inventory.workloads:
        if workload.labels.get("app") != "istiod":
            continue
        for container in workload.containers:
            for number, entry in enumerate(sequence(container.raw.get("env"))):
                words = strings(entry)
                place = container.pointer + pointer("env", number, "value")
                yield from _setting(
                    workload.manifest, words.get("name", ""), words.get("value", ""), place
                )


def _proxy_metadata(view: View) -> Iterator[Certificate]:
    """Settings of every sidecar in MeshConfig."""
    config = view.config
    manifest = view.inventory.by_id(config.ref)
    if isinstance(manifest, Manifest):
        for name, value in sorted(config.proxy_metadata.items()):
            yield from _setting(manifest, name, value, config.pointer)


def _setting(manifest: Manifest, name: str, value: str, place: str) -> Iterator[Certificate]:
    if name in _LIFETIMES:
        found = seconds(value)
        rotation: _Rotation = "automatic"
        if found is None:
            rotation = "unknown"
        elif found > DAY:
            rotation = "long_lived"
        note = f"certificates of workloads live {value} (the default is 24h)"
        yield _fact(
            manifest, "workload", name, rotation, found or 0, Evidence(manifest.id, place, note)
        )
    elif name == _ROOT_CHECK:
        found = seconds(value)
        off = found is not None and found <= 0
        rotation = "off" if off else "unknown" if found is None else "automatic"
        note = f"the self-signed root is checked every {value}"
        yield _fact(
            manifest, "root", name, rotation, found or 0, Evidence(manifest.id, place, note)
        )
    elif name == _MOUNTED and value.lower() in ("1", "t", "true"):
        note = "sidecars take certificates from files: someone else must renew them"
        yield _fact(manifest, "workload", name, "elsewhere", 0, Evidence(manifest.id, place, note))


def _plugged(view: View) -> Iterator[Certificate]:
    """The Secret `cacerts`, unless cert-manager keeps it."""
    for manifest in view.inventory.of("Secret"):
        if manifest.name != _PLUGGED or manifest.namespace != view.root:
            continue
        managed = _MANAGED in manifest.annotations or _issued(view, manifest)
        rotation: _Rotation = "automatic" if managed else "manual"
        note = (
            "cert-manager renews the plugged-in CA"
            if managed
            else "istiod never renews a plugged-in CA, and no Certificate of the input writes it"
        )
        because = Evidence(manifest.id, "/metadata/name", note)
        yield _fact(manifest, "plugged_ca", manifest.name, rotation, 0, because)


def _issued(view: View, secret: Manifest) -> bool:
    return any(
        manifest.spec.get("secretName") == secret.name
        for manifest in view.inventory.of("Certificate", "cert-manager.io")
        if manifest.namespace == secret.namespace
    )


def _cert_manager(view: View) -> Iterator[Certificate]:
    """Certificates that can never be renewed in time."""
    for manifest in view.inventory.of("Certificate", "cert-manager.io"):
        words = strings(manifest.spec)
        lifetime = seconds(words.get("duration", "2160h"))
        before = seconds(words.get("renewBefore", "0"))
        ready = mapping(manifest.object.get("status")).get("conditions")
        failed = any(
            strings(entry).get("type") == "Ready" and strings(entry).get("status") == "False"
            for entry in sequence(ready)
        )
        rotation: _Rotation = "automatic"
        note = "cert-manager renews it"
        place = "/spec"
        if lifetime is None or before is None:
            rotation, note = "unknown", "its duration or renewBefore cannot be read"
        elif before >= lifetime:
            rotation, place = "off", "/spec/renewBefore"
            note = "renewBefore is not shorter than the duration: cert-manager refuses it"
        elif failed:
            rotation, note, place = "unknown", "cert-manager reports it as not ready", "/status"
        because = Evidence(manifest.id, place, note)
        yield _fact(manifest, "certificate", manifest.name, rotation, lifetime or 0, because)


def _fact(
    manifest: Manifest,
    subject: Literal["workload", "root", "plugged_ca", "certificate"],
    name: str,
    rotation: _Rotation,
    lifetime: int,
    because: Evidence,
) -> Certificate:
    return Certificate(manifest.ref, subject, name, rotation, lifetime, [because])
