# SPDX-License-Identifier: Apache-2.0
"""Who built the image, and from which source, as a SLSA provenance says?

Authority: slsa.dev/spec/v1.0/provenance (buildDefinition, runDetails; GitHub's build type names
`externalParameters.workflow`), slsa.dev/provenance/v0.2 and v0.1 (builder, invocation.configSource
or recipe, materials). The values are what the signer says: whom to trust with saying it is
another question.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kguard.model.manifests import mapping, sequence, strings

PREFIX = "https://slsa.dev/provenance/"
MAX_TEXT = 1000


class Provenance(msgspec.Struct, frozen=True):
    """What a provenance says; empty where it does not."""

    builder: str = ""
    source: str = ""
    ref: str = ""


def read_provenance(statement: Any) -> Provenance:
    """The provenance in a statement; without one everything is empty."""
    fields = mapping(statement)
    if not str(fields.get("predicateType")).startswith(PREFIX):
        return Provenance()
    predicate = mapping(fields.get("predicate"))
    found = _first(predicate) if "buildDefinition" in predicate else _older(predicate)
    return Provenance(*(part[:MAX_TEXT] for part in found))


def _first(predicate: dict[str, Any]) -> tuple[str, str, str]:
    """Version 1."""
    definition = mapping(predicate.get("buildDefinition"))
    builder = strings(mapping(predicate.get("runDetails")).get("builder")).get("id", "")
    parameters = mapping(definition.get("externalParameters"))
    workflow = strings(parameters.get("workflow"))
    if workflow.get("repository"):
        return builder, workflow["repository"], workflow.get("ref", "")
    given = parameters.get("source")
    text = given if isinstance(given, str) else strings(given).get("uri", "")
    return builder, *_split(text or _uri(definition.get("resolvedDependencies")))


def _older(predicate: dict[str, Any]) -> tuple[str, str, str]:
    """Versions 0.1 and 0.2."""
    builder = strings(predicate.get("builder")).get("id", "")
    source = strings(mapping(predicate.get("invocation")).get("configSource")).get("uri", "")
    return builder, *_split(source or _uri(predicate.get("materials")))


def _uri(entries: Any) -> str:
    return next((strings(entry).get("uri", "") for entry in sequence(entries)), "")


def _split(uri: str) -> tuple[str, str]:
    """Repository and ref of `git+https://host/path@refs/heads/main`."""
    text = uri.removeprefix("git+")
    source, at, ref = text.rpartition("@")
    return (source, ref) if at and ref.startswith("refs/") else (text, "")
