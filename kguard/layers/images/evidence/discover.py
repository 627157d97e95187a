# SPDX-License-Identifier: Apache-2.0
"""Which signatures does an image have, in any of the places where they can lie?

Authority: OCI distribution specification 1.1 (referrers API and the fallback tag
`sha256-<hex>`), sigstore/cosign specs/BUNDLE_SPEC.md, SIGNATURE_SPEC.md and ATTESTATION_SPEC.md
(the tags `.sig` and `.att`), notaryproject specs/signature-specification.md. Every place is
asked, and the media type of the layers decides: an `artifactType` is not trusted, because real
registries and clients write others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from kguard.layers.images.evidence.store import (
    MAX_BLOB_BYTES,
    Descriptor,
    Manifest,
    Store,
    StoreError,
    read_manifest,
)
from kguard.layers.images.verification.bundle import MEDIA_TYPE as BUNDLE
from kguard.layers.images.verification.legacy import SIGNATURE

SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
OCI11_SIGNATURE = "application/vnd.dev.cosign.artifact.sig.v1+json"
NOTATION = "application/vnd.cncf.notary.signature"

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
MAX_REFERRERS = 1024
MAX_LAYERS = 1000
"""As in cosign: a `.sig` manifest with more layers is not read."""


class Candidate(msgspec.Struct, frozen=True):
    """Something that may be a signature of the image."""

    format: str
    """`bundle`, `legacy`, `legacy-attestation` or `notation`."""
    location: str
    """`referrer`, `fallback-tag`, `sig-tag`, `att-tag` or `loose-bundle`."""
    content: bytes
    annotations: dict[str, str]
    manifest: str = ""
    """Digest of the manifest that holds it."""
    artifact_type: str = ""
    """What the list of referrers says that the manifest is."""
    media_type: str = ""
    """Of the content."""
    foreign: bool = False
    """Whether that manifest says that it is about something else."""


class Problem(msgspec.Struct, frozen=True):
    """A place that could not be read, or something there that is not understood."""

    error: StoreError
    location: str


class Found(msgspec.Struct):
    """Everything that was found for an image."""

    candidates: list[Candidate]
    problems: list[Problem]
    served: bool
    """Whether the image's own manifest is there."""
    has_api: bool = False
    """Whether the referrers API answered."""


def discover(store: Store, digest: str) -> Found:
    """Look in all places for signatures of an image."""
    found = Found([], [], served=False)
    try:
        found.served = store.manifest(digest) is not None
    except StoreError as error:
        found.problems.append(Problem(error, "image"))
        found.served = True
    look(store, digest, found)
    return found


def look(store: Store, digest: str, found: Found) -> None:
    """Add what a place holds of an image's signatures."""
    for location, name in _PLACES.items():
        try:
            _collect(store, digest, location, name, found)
        except StoreError as error:
            found.problems.append(Problem(error, location))


_PLACES = {
    "referrer": "",
    "fallback-tag": "sha256-{}",
    "sig-tag": "sha256-{}.sig",
    "att-tag": "sha256-{}.att",
}


def _collect(store: Store, digest: str, location: str, name: str, found: Found) -> None:
    seen = {candidate.manifest for candidate in found.candidates}
    for descriptor, manifest in _manifests(store, digest, location, name, found):
        if descriptor.digest in seen:
            continue
        seen.add(descriptor.digest)
        foreign = manifest.subject not in ("", digest)
        for entry in _read(store, manifest, location):
            if isinstance(entry, StoreError):
                found.problems.append(Problem(entry, location))
            else:
                found.candidates.append(_placed(entry, descriptor, foreign=foreign))


def _placed(candidate: Candidate, descriptor: Descriptor, *, foreign: bool) -> Candidate:
    return msgspec.structs.replace(
        candidate,
        manifest=descriptor.digest,
        artifact_type=descriptor.artifact_type,
        foreign=foreign,
    )


def _manifests(
    store: Store, digest: str, location: str, name: str, found: Found
) -> Iterator[tuple[Descriptor, Manifest]]:
    """The manifests that may hold signatures, each with what leads to it."""
    if location == "referrer":
        listed = store.referrers(digest)
        found.has_api = listed is not None
        yield from _fetched(store, listed or [], location, found)
        return
    tagged = store.tag(name.format(digest.removeprefix("sha256:")))
    raw = store.manifest(tagged) if tagged else None
    if tagged and raw is None:
        raise StoreError("unverifiable_offline", f"the {location} names a manifest that is gone")
    if not raw:
        return
    manifest = read_manifest(raw)
    if manifest is None:
        raise StoreError("unsupported_format", f"the {location} names no manifest that can be read")
    if location == "fallback-tag":
        yield from _fetched(store, list(manifest.manifests), location, found)
    else:
        yield Descriptor(tagged, manifest.media_type, 0), manifest


def _fetched(
    store: Store, descriptors: list[Descriptor], location: str, found: Found
) -> Iterator[tuple[Descriptor, Manifest]]:
    if len(descriptors) > MAX_REFERRERS:
        reason = f"more than {MAX_REFERRERS} things refer to the image; the others were not read"
        found.problems.append(Problem(StoreError("unverifiable_offline", reason), location))
    for descriptor in descriptors[:MAX_REFERRERS]:
        if not _DIGEST.match(descriptor.digest):
            reason = "something is listed under a digest that is none"
            found.problems.append(Problem(StoreError("unsupported_format", reason), location))
            continue
        try:
            raw = store.manifest(descriptor.digest)
        except StoreError as error:
            found.problems.append(Problem(error, location))
            continue
        if raw is None:
            reason = "something that refers to the image is listed, but its manifest is gone"
            found.problems.append(Problem(StoreError("unverifiable_offline", reason), location))
        elif (manifest := read_manifest(raw)) is not None:
            yield descriptor, manifest
        else:
            reason = "something that refers to the image has no manifest that can be read"
            found.problems.append(Problem(StoreError("unsupported_format", reason), location))


def _read(store: Store, manifest: Manifest, location: str) -> Iterator[Candidate | StoreError]:
    kinds = {layer.media_type for layer, _ in manifest.layers}
    if any(kind.startswith(BUNDLE) for kind in kinds):
        if len(manifest.layers) != 1:
            yield StoreError("unsupported_format", "a bundle's manifest has more than one layer")
            return
        yield from _layer(store, manifest.layers[0], "bundle", location)
    elif manifest.artifact_type == NOTATION:
        yield from (c for e in manifest.layers for c in _layer(store, e, "notation", location))
    elif location == "att-tag" or DSSE in kinds:
        yield from _layers(store, manifest, "legacy-attestation", location)
    elif _is_legacy(manifest, location):
        yield from _layers(store, manifest, "legacy", location)


def _is_legacy(manifest: Manifest, location: str) -> bool:
    return (
        location == "sig-tag"
        or manifest.artifact_type == OCI11_SIGNATURE
        or any(
            layer.media_type == SIMPLE_SIGNING or SIGNATURE in annotations
            for layer, annotations in manifest.layers
        )
    )


def _layers(
    store: Store, manifest: Manifest, form: str, location: str
) -> Iterator[Candidate | StoreError]:
    if len(manifest.layers) > MAX_LAYERS:
        reason = f"a manifest with more than {MAX_LAYERS} signatures is not read"
        yield StoreError("unsupported_format", reason)
        return
    for entry in manifest.layers:
        yield from _layer(store, entry, form, location)


def _layer(
    store: Store, entry: tuple[Descriptor, dict[str, str]], form: str, location: str
) -> Iterator[Candidate | StoreError]:
    descriptor, annotations = entry
    if descriptor.size > MAX_BLOB_BYTES:
        size = f"{descriptor.size >> 20} MiB"
        yield StoreError("unverifiable_offline", f"a {form} of {size} is not read")
        return
    try:
        content = store.blob(descriptor.digest, descriptor.size)
    except StoreError as error:
        yield error
        return
    if content is None:
        yield StoreError("unverifiable_offline", f"the {form} is listed, but its content is gone")
    elif len(content) != descriptor.size:
        yield StoreError("tampered", f"the {form} has another size than its manifest says")
    else:
        yield Candidate(form, location, content, annotations, media_type=descriptor.media_type)
