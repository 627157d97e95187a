# SPDX-License-Identifier: Apache-2.0
"""Which objects does the API server refuse, or store otherwise than they are written?"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kguard.inventory import Inventory
from kguard.layers.manifests.facts.places import path, weight, written
from kguard.layers.manifests.semantics import kinds as known_kinds
from kguard.layers.manifests.semantics import knative, networkpolicy
from kguard.layers.manifests.semantics import shape as shapes
from kguard.model.facts.common import Evidence
from kguard.model.facts.manifests import Problem
from kguard.model.manifests import JsonObject, Manifest, ObjectRef, mapping

_VALUES = {
    "networking.k8s.io/NetworkPolicy": networkpolicy.values,
    "serving.knative.dev/Service": knative.service,
}


def problems(inventory: Inventory) -> list[Problem]:
    """Everything that the API server would say, or not say, about objects read from files."""
    defined = frozenset(_defined(inventory))
    found = [
        _problem(manifest, problem)
        for manifest in written(inventory)
        for problem in judge(manifest, defined)
    ]
    found += _halves(inventory)
    return sorted(found, key=lambda p: (p.ref, p.path, p.sort, p.detail))


def _halves(inventory: Inventory) -> Iterator[Problem]:
    """Documents with metadata and either a kind or an apiVersion: kubectl refuses the file."""
    for document in inventory.documents:
        value = mapping(document.value)
        missing = [name for name in ("apiVersion", "kind") if not value.get(name)]
        if len(missing) != 1 or not isinstance(value.get("metadata"), dict):
            continue
        present = value.get("kind") or value.get("apiVersion")
        detail = f"a {present} without {missing[0]} is no object"
        ref = _half(value)
        yield Problem(
            ref=ref,
            subject=str(ref),
            sort="unknown_kind",
            effect="refused",
            weight="other",
            path=missing[0],
            detail=detail,
            because=[Evidence(document.id, "/metadata")],
        )


def _half(value: JsonObject) -> ObjectRef:
    metadata = mapping(value.get("metadata"))
    fields = (value.get("apiVersion"), value.get("kind"))
    names = (metadata.get("namespace"), metadata.get("name"))
    return ObjectRef(*(text if isinstance(text, str) else "" for text in (*fields, *names)))


def _defined(inventory: Inventory) -> Iterator[tuple[str, str]]:
    for definition in inventory.of("CustomResourceDefinition", "apiextensions.k8s.io"):
        kind = mapping(definition.spec.get("names")).get("kind")
        group = definition.spec.get("group")
        if isinstance(kind, str) and isinstance(group, str):
            yield group, kind


def judge(manifest: Manifest, defined: Collection[tuple[str, str]]) -> Iterator[shapes.Problem]:
    """The problems of one object; only the first reason where the kind itself is unknown."""
    unknown = known_kinds.served(manifest.api_version, manifest.kind, defined)
    if unknown:
        yield unknown
        return
    own = known_kinds.internal(manifest.api_version, manifest.kind)
    if own:
        yield own
    if not manifest.namespace and manifest.metadata.get("namespace"):
        text = f"{manifest.kind} has no namespace: it counts for the whole cluster"
        yield shapes.Problem("/metadata/namespace", "wrong_scope", text)
    key = f"{manifest.group}/{manifest.kind}"
    yield from shapes.shape(key, manifest.object)
    if key in _VALUES:
        yield from _VALUES[key](manifest.object)


def _problem(manifest: Manifest, problem: shapes.Problem) -> Problem:
    ignored = problem.sort in ("internal", "wrong_scope")
    if problem.sort == "unknown_field":
        ignored = shapes.effect(f"{manifest.group}/{manifest.kind}") == "ignored"
    return Problem(
        ref=manifest.ref,
        subject=str(manifest.ref),
        sort=problem.sort,
        effect="ignored" if ignored else "refused",
        weight=weight(manifest),
        path=path(problem.pointer),
        detail=problem.detail,
        because=[Evidence(manifest.id, problem.pointer)],
    )
