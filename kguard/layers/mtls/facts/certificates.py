# SPDX-License-Identifier: Apache-2.0
"""Do the certificates of the mesh renew themselves, as far as manifests tell?

Settings of istiod, of all proxies (MeshConfig) and of single pods (`proxy.istio.io/config`), the
plugged-in CA (Secret `cacerts`: istiod never renews it), and whoever serves certificates through a
socket of its own (SPIRE). Manifests prove configuration, never that a rotation took place.
"""

from __future__ import annotations

from collections.abc import Iterator

from kguard.inventory import Workload
from kguard.inventory.meshconfig import parsed
from kguard.layers.mtls.facts.issued import issued_facts
from kguard.layers.mtls.facts.lifetimes import SETTINGS, setting
from kguard.layers.mtls.facts.view import View
from kguard.model.facts.certificates import Certificate
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import Manifest, mapping, sequence, strings

_MANAGED = "cert-manager.io/certificate-name"
_PLUGGED = "cacerts"
_OVERRIDE = "proxy.istio.io/config"
_SPIFFE_DRIVER = "csi.spiffe.io"


def certificate_facts(view: View) -> list[Certificate]:
    """Every setting that decides about renewal."""
    found = [
        *_environment(view),
        *_proxy_metadata(view),
        *_overrides(view),
        *_sockets(view),
        *_plugged(view),
        *issued_facts(view),
    ]
    return sorted(found, key=lambda fact: (fact.ref, fact.subject, fact.name))


def _environment(view: View) -> Iterator[Certificate]:
    """Environment of istiod."""
    for workload in view.inventory.workloads:
        if workload.labels.get("app") != "istiod":
            continue
        for container in workload.containers:
            for number, entry in enumerate(sequence(container.raw.get("env"))):
                words = strings(entry)
                place = container.pointer + pointer("env", number, "value")
                name, value = words.get("name", ""), words.get("value", "")
                yield from _set(workload.manifest, name, value, place)


def _proxy_metadata(view: View) -> Iterator[Certificate]:
    """Settings of every sidecar in MeshConfig."""
    config = view.config
    manifest = view.inventory.by_id(config.ref)
    if isinstance(manifest, Manifest):
        for name, value in sorted(config.proxy_metadata.items()):
            yield from _set(manifest, name, value, config.pointer)


def _overrides(view: View) -> Iterator[Certificate]:
    """Settings of the sidecars of one workload."""
    for workload in view.inventory.workloads:
        text = workload.annotations.get(_OVERRIDE, "")
        if not any(name in text for name in SETTINGS):
            continue
        place = workload.pod_metadata_pointer + pointer("annotations", _OVERRIDE)
        for name, value in sorted(mapping(parsed(text).get("proxyMetadata")).items()):
            yield from _set(workload.manifest, name, str(value), place)


def _set(manifest: Manifest, name: str, value: str, place: str) -> Iterator[Certificate]:
    found = setting(name, value)
    if found:
        yield Certificate(
            ref=manifest.ref,
            subject=found.subject,
            name=name,
            rotation=found.rotation,
            seconds=found.seconds,
            renewed_at=found.renewed_at,
            basis="written",
            because=[Evidence(manifest.id, place, found.note)],
        )


def _sockets(view: View) -> Iterator[Certificate]:
    """Pods whose proxy gets its certificate from a SPIFFE socket instead of istiod."""
    for workload in view.inventory.workloads:
        place = _socket(workload)
        if place and view.enrolment(workload).plane == "sidecar":
            note = "the proxy gets its certificate from a SPIFFE socket: its owner renews it"
            because = [Evidence(workload.id, place, note)]
            yield Certificate(
                workload.ref, "workload", "SPIFFE socket", "elsewhere", 0, -1, "written", because
            )


def _socket(workload: Workload) -> str:
    for number, entry in enumerate(sequence(workload.pod.get("volumes"))):
        if mapping(mapping(entry).get("csi")).get("driver") == _SPIFFE_DRIVER:
            return workload.pod_pointer + pointer("volumes", number, "csi", "driver")
    return ""


def _plugged(view: View) -> Iterator[Certificate]:
    """The Secret `cacerts`, unless cert-manager keeps it."""
    for manifest in view.inventory.of("Secret"):
        if manifest.name != _PLUGGED or manifest.namespace != view.root:
            continue
        managed = _MANAGED in manifest.annotations or _written_by(view, manifest)
        note = (
            "cert-manager renews the plugged-in CA"
            if managed
            else "istiod never renews a plugged-in CA, and no Certificate of the input writes it"
        )
        yield Certificate(
            ref=manifest.ref,
            subject="plugged_ca",
            name=manifest.name,
            rotation="automatic" if managed else "manual",
            seconds=0,
            renewed_at=-1,
            basis="written",
            because=[Evidence(manifest.id, "/metadata/name", note)],
        )


def _written_by(view: View, secret: Manifest) -> bool:
    return any(
        manifest.spec.get("secretName") == secret.name
        for manifest in view.inventory.of("Certificate", "cert-manager.io")
        if manifest.namespace == secret.namespace
    )
