# SPDX-License-Identifier: Apache-2.0
"""Which rules and plugins does a Falco fetch from registries, and how carefully? Which driver?

Authority: falcosecurity/falcoctl internal/config/config.go (`artifact.install.refs`,
`artifact.follow.refs`, `artifact.noVerify`; `--no-verify`, `--plain-http`), Falco's chart 9.1 (the
containers falcoctl-artifact-install and -follow, `falco-rules:5` by default) and the operator's
`ociArtifact`. A reference without a tag is `latest`. A driver is of one release with its Falco.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kguard.inventory import Container, Inventory
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.operator import applies
from kguard.layers.runtime.facts.texts import Filesystem
from kguard.layers.runtime.semantics import settings as falco_yaml
from kguard.layers.runtime.semantics.versions import parse_version
from kguard.layers.runtime.traces import ARTIFACT_GROUP
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import (
    JsonObject,
    Manifest,
    PlainDocument,
    mapping,
    sequence,
    strings,
)
from kguard.sources.yaml.untyped import Mapping, Node, Scalar, Sequence

CHART_REFS = ("falco-rules:5",)
CONFIG = "/etc/falcoctl/falcoctl.yaml"

_FALCOCTL = re.compile(r"(?:^|/)falcoctl(?::|@|$)")
_LOADER = re.compile(
    r"(?:^|/)falco-driver-loader(?:-legacy)?:([^@]+?)(?:-(?:buster|debian))?(?:@.*)?$"
)
_VERBS: dict[str, model.Fetch] = {"install": "install", "follow": "follow"}
_ARGUMENT = re.compile(r"[A-Za-z0-9][\w./-]*(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?", re.ASCII)
_MOVING = ("", "latest")


def artifacts(inventory: Inventory, falco: Falco) -> Iterator[model.Artifact]:
    """Everything that one Falco fetches."""
    if falco.kind == "operator":
        yield from _of_operator(inventory, falco)
    elif falco.kind == "values":
        yield from _of_values(inventory, falco)
    elif falco.workload is not None:
        for container in falco.workload.containers:
            if _FALCOCTL.search(container.image):
                yield from _of_container(inventory, falco, container)


def loader(falco: Falco) -> Iterator[model.Driver]:
    """The drivers that are made for another release than that of the Falco."""
    workload = falco.workload
    for container in workload.containers if workload else ():
        found = _LOADER.search(container.image)
        version = parse_version(found[1]) if found else None
        if version is None:
            continue
        known = version.is_known and falco.version.is_known
        if not known or version.number != falco.version.number:
            note = f"the driver is loaded by {container.image.rpartition('/')[2]}"
            place = container.pointer + pointer("image")
            state: model.DriverState = "differs" if known else "unknown"
            yield model.Driver(falco.ref, state, version.text, [Evidence(falco.id, place, note)])


def _artifact(
    falco: Falco, reference: str, fetch: model.Fetch, careless: list[model.Careless], at: Evidence
) -> model.Artifact:
    name, _, digest = reference.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    moving = not digest and tag in _MOVING
    return model.Artifact(falco.ref, reference, fetch, moving, careless, [at])


def _of_operator(inventory: Inventory, falco: Falco) -> Iterator[model.Artifact]:
    for kind in ("Plugin", "Rulesfile"):
        for manifest in inventory.of(kind, ARTIFACT_GROUP):
            written = mapping(manifest.spec.get("ociArtifact"))
            here = manifest.namespace == falco.ref.namespace and applies(manifest, falco.labels)
            if written and here:
                yield _from_custom_resource(falco, manifest, written)


def _from_custom_resource(falco: Falco, manifest: Manifest, written: JsonObject) -> model.Artifact:
    image, registry = strings(written.get("image")), mapping(written.get("registry"))
    careless: list[model.Careless] = []
    if registry.get("plainHTTP") is True:
        careless.append("plain_http")
    if mapping(registry.get("tls")).get("insecureSkipVerify") is True:
        careless.append("any_certificate")
    tag = image.get("tag", "")
    reference = image.get("repository", "") + (f":{tag}" if tag else "")
    note = f"{manifest.ref} is fetched from a registry"
    return _artifact(
        falco, reference, "operator", careless, Evidence(manifest.id, "/spec/ociArtifact", note)
    )


def _of_values(inventory: Inventory, falco: Falco) -> Iterator[model.Artifact]:
    document = inventory.by_id(falco.id)
    values = mapping(document.value) if isinstance(document, PlainDocument) else {}
    written = mapping(values.get("falcoctl"))
    config = mapping(mapping(written.get("config")).get("artifact"))
    for verb, fetch in _VERBS.items():
        section = mapping(mapping(written.get("artifact")).get(verb))
        if section.get("enabled") is False:
            continue
        words = [word for word in sequence(section.get("args")) if isinstance(word, str)]
        refs = mapping(config.get(verb)).get("refs")
        careless = _careless(words, no_verify=config.get("noVerify") is True)
        for reference in sequence(refs) if refs is not None else CHART_REFS:
            if isinstance(reference, str):
                place = pointer("falcoctl") if written else ""
                note = f"falcoctl is told to {verb} {reference}"
                yield _artifact(falco, reference, fetch, careless, Evidence(falco.id, place, note))


def _of_container(
    inventory: Inventory, falco: Falco, container: Container
) -> Iterator[model.Artifact]:
    raw = container.raw
    words = [
        word
        for word in (*sequence(raw.get("command")), *sequence(raw.get("args")))
        if isinstance(word, str)
    ]
    verb = next((word for word in words if word in _VERBS), "")
    if not verb:
        return
    files = Filesystem(inventory, falco.ref.namespace, falco.pod, raw)
    text = files.read(CONFIG)
    node = _section(falco_yaml.read(text.content) if text else None, "artifact")
    careless = _careless(words, no_verify=_word(node, "noVerify") == "true")
    named = [w for w in words[words.index(verb) + 1 :] if _ARGUMENT.fullmatch(w)]
    place = Evidence(falco.id, container.pointer, f"falcoctl is told to {verb}")
    if not named and text is not None:
        named = _words(_section(node, verb), "refs")
        place = text.at(1, f"falcoctl is told to {verb}")
    for reference in named:
        yield _artifact(falco, reference, _VERBS[verb], careless, place)


def _careless(words: list[str], *, no_verify: bool) -> list[model.Careless]:
    found: list[model.Careless] = []
    if "--plain-http" in words or "--plain-http=true" in words:
        found.append("plain_http")
    if no_verify or "--no-verify" in words or "--no-verify=true" in words:
        found.append("no_signature")
    return found


def _section(node: Node | None, key: str) -> Mapping:
    found = node.get(key) if isinstance(node, Mapping) else None
    return found if isinstance(found, Mapping) else Mapping()


def _word(node: Mapping, key: str) -> str:
    found = node.get(key)
    return found.text if isinstance(found, Scalar) else ""


def _words(node: Mapping, key: str) -> list[str]:
    found = node.get(key)
    items = found.items if isinstance(found, Sequence) else []
    return [item.text for item in items if isinstance(item, Scalar)]
