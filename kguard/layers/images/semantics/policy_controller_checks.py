# SPDX-License-Identifier: Apache-2.0
"""Would policy-controller's own webhook take this ClusterImagePolicy?

Authority: sigstore/policy-controller v0.13.1 pkg/apis/policy/v1beta1/
clusterimagepolicy_validation.go and clusterimagepolicy_defaults.go, pkg/apis/policy/common/
validation.go. A policy that is refused enforces nothing, however it reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from kguard.layers.images.semantics.globs import InvalidGlobError, compile_glob
from kguard.layers.images.semantics.go_regexp import compile_expression
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_weakly
from kguard.model.locations import pointer
from kguard.model.manifests import JsonObject, mapping, sequence, strings

SYSTEM_NAMESPACE = "cosign-system"
_AUTHORITIES = ("key", "keyless", "static")
_KEYS = ("data", "kms", "secretRef")
_SOURCES = ("data", "configMapRef", "remote")
_ONLY_AT_THE_TOP = ("fetchConfigFile", "includeSpec", "includeObjectMeta", "includeTypeMeta")
_BESIDE_STATIC = ("attestations", "source", "ctlog", "rfc3161timestamp")
_HASHES = ("sha224", "sha256", "sha384", "sha512")
_KMS = ("awskms://", "azurekms://", "hashivault://", "gcpkms://")
_AWS = re.compile(
    r"awskms://([^/]*:\d+)?/arn:(?:aws|aws-us-gov|aws-cn):kms:[a-z0-9-]+:\d{12}:"
    r"(?:key/(?:mrk-)?[A-Fa-f0-9]{8}(?:-?[A-Fa-f0-9]{4}){3}-?[A-Fa-f0-9]{12}|alias/.*)\Z"
)
_HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?\Z")

Problem = tuple[str, str]
"""JSON pointer and what is wrong there."""


def problems(spec: JsonObject) -> Iterator[Problem]:
    """Why the webhook refuses a policy; nothing where it takes it."""
    if not sequence(spec.get("images")):
        yield "/spec", "it names no images"
    yield from _each(spec.get("images"), "/spec/images", _image)
    if not sequence(spec.get("authorities")):
        yield "/spec", "it names no authority"
    yield from _each(spec.get("authorities"), "/spec/authorities", _authority)
    if spec.get("mode") not in (None, "", "enforce", "warn"):
        yield "/spec/mode", "mode is enforce or warn"
    yield from _each(spec.get("match"), "/spec/match", _match)
    yield from _policy(spec.get("policy"), "/spec/policy", top=True)


def _each(
    entries: Any, place: str, check: Callable[[JsonObject, str], Iterator[Problem]]
) -> Iterator[Problem]:
    for index, entry in enumerate(sequence(entries)):
        yield from check(mapping(entry), place + pointer(index))


def _image(entry: JsonObject, place: str) -> Iterator[Problem]:
    glob = strings(entry).get("glob", "")
    if not glob:
        yield place, "an image pattern needs a glob"
        return
    try:
        compile_glob(glob)
    except InvalidGlobError as error:
        yield place + "/glob", str(error)


def _match(entry: JsonObject, place: str) -> Iterator[Problem]:
    if entry.get("selector") is not None and not any(
        map(entry.get, ("resource", "version", "group"))
    ):
        yield place + "/selector", "a selector needs a resource whose labels it selects"


def _given(entry: JsonObject, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if entry.get(name) not in (None, "")]


def _authority(entry: JsonObject, place: str) -> Iterator[Problem]:
    given = [name for name in _AUTHORITIES if entry.get(name) is not None]
    if len(given) != 1:
        yield place, "an authority is one of key, keyless and static"
        return
    check = {"key": _key, "keyless": _keyless, "static": _static}[given[0]]
    yield from check(mapping(entry[given[0]]), place + pointer(given[0]))
    if given == ["static"]:
        beside = [name for name in _BESIDE_STATIC if entry.get(name)]
        yield from (
            (place + pointer(name), f"{name} says nothing beside static") for name in beside
        )
    if len(sequence(entry.get("source"))) > 1:
        yield place + "/source", "only one source is supported"
    else:
        yield from _each(entry.get("source"), place + "/source", _source)
    yield from _each(entry.get("attestations"), place + "/attestations", _attestation)


def _static(entry: JsonObject, place: str) -> Iterator[Problem]:
    if entry.get("action") not in ("pass", "fail"):
        yield place, "the action of static is pass or fail"


def _key(entry: JsonObject, place: str) -> Iterator[Problem]:
    given = _given(entry, _KEYS)
    if len(given) != 1:
        yield place, "a key is given by one of data, kms and secretRef"
    algorithm = strings(entry).get("hashAlgorithm", "")
    if algorithm and algorithm.strip().lower() not in _HASHES:
        yield place + "/hashAlgorithm", f"{algorithm!r} is no hash that is known"
    text = strings(entry)
    if text.get("data") and not _is_key(text["data"]):
        yield place + "/data", "it is no public key (PEM)"
    if (kms := text.get("kms", "")) and not _is_kms(kms):
        yield place + "/kms", f"{kms!r} names no key of a service that is known"
    namespace = strings(entry.get("secretRef")).get("namespace", "")
    if namespace not in ("", SYSTEM_NAMESPACE):
        yield place + "/secretRef/namespace", f"secrets are read from {SYSTEM_NAMESPACE} alone"


def _is_key(data: str) -> bool:
    from kguard.layers.images.verification.keys import load_pem
    from kguard.layers.images.verification.rejected import RejectedError

    if "-----BEGIN PUBLIC KEY-----" not in data and "-----BEGIN RSA PUBLIC KEY-----" not in data:
        return False
    try:
        load_pem(data.encode())
    except RejectedError:
        return False
    return True


def _is_kms(reference: str) -> bool:
    if reference.startswith("awskms://"):
        return bool(_AWS.match(reference))
    return reference.startswith(_KMS)


def _keyless(entry: JsonObject, place: str) -> Iterator[Problem]:
    authority = entry.get("ca-cert")
    if entry.get("url") is not None and authority is not None:
        yield place, "keyless has either url or ca-cert"
    if authority is not None:
        yield from _key(mapping(authority), place + "/ca-cert")
    if not sequence(entry.get("identities")):
        yield place, "keyless needs identities"
    yield from _each(entry.get("identities"), place + "/identities", _identity)


def _identity(entry: JsonObject, place: str) -> Iterator[Problem]:
    for exact, expression in (("issuer", "issuerRegExp"), ("subject", "subjectRegExp")):
        given = _given(entry, (exact, expression))
        if len(given) != 1:
            yield place, f"an identity has either {exact} or {expression}"
        text = strings(entry).get(expression, "")
        if text and compile_expression(text) is None and not _may_be_valid(text):
            yield place + pointer(expression), f"{text!r} is no regular expression"


def _may_be_valid(expression: str) -> bool:
    """Whether Python at least reads an expression that is not judged here."""
    try:
        re.compile(expression)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _source(entry: JsonObject, place: str) -> Iterator[Problem]:
    text = strings(entry).get("oci", "")
    if text and not _is_place(text):
        yield place + "/oci", f"{text!r} is no registry and no repository"
    for index, secret in enumerate(sequence(entry.get("signaturePullSecrets"))):
        if not strings(secret).get("name"):
            yield place + pointer("signaturePullSecrets", index), "a pull secret needs a name"


def _is_place(text: str) -> bool:
    host, slash, _ = text.partition("/")
    if not slash or not ("." in host or ":" in host):
        return bool(_HOST.match(text))
    try:
        found = parse_weakly(text)
    except InvalidReferenceError:
        return False
    return not found.tag and not found.digest


def _attestation(entry: JsonObject, place: str) -> Iterator[Problem]:
    for name in ("name", "predicateType"):
        if not strings(entry).get(name):
            yield place, f"an attestation needs {name}"
    yield from _policy(entry.get("policy"), place + "/policy", top=False)


def _policy(value: Any, place: str, *, top: bool) -> Iterator[Problem]:
    if value is None:
        return
    entry = mapping(value)
    if entry.get("type") not in ("cue", "rego"):
        yield place, "the type of a policy is cue or rego"
    if len(_given(entry, _SOURCES)) != 1:
        yield place, "a policy is given by one of data, configMapRef and remote"
    if entry.get("remote") is not None:
        yield from _remote(mapping(entry["remote"]), place + "/remote")
    if entry.get("configMapRef") is not None:
        missing = [n for n in ("name", "key") if not strings(entry["configMapRef"]).get(n)]
        yield from ((place + "/configMapRef", f"it needs {name}") for name in missing)
    if not top:
        wrong = [name for name in _ONLY_AT_THE_TOP if entry.get(name) is not None]
        yield from (
            (place + pointer(name), f"{name} counts in spec.policy alone") for name in wrong
        )


def _remote(entry: JsonObject, place: str) -> Iterator[Problem]:
    try:
        url = urlsplit(strings(entry).get("url", ""))
    except ValueError:
        url = urlsplit("")
    if url.scheme != "https" or not url.netloc:
        yield place + "/url", "a policy is fetched over https alone"
    if not strings(entry).get("sha256sum"):
        yield place, "a policy that is fetched needs its sha256sum"
