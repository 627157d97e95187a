# SPDX-License-Identifier: Apache-2.0
"""Which JSON Schemas are there? All come from the structs of the model."""

from __future__ import annotations

from typing import Any

import msgspec

from kguard import layers
from kguard.config import Config
from kguard.model.facts.waivers import Facts as WaiverFacts

NAMES = ("report", "config", "waivers", "evidence", "audit-replay", *layers.NAMES)
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema(name: str) -> dict[str, Any]:
    """The schema of one of `NAMES`; a layer stands for its facts document."""
    if name == "config":
        found = _settings()
    elif name == "report":
        from kguard.reporters.json import Document

        found = msgspec.json.schema(Document)
    elif name == "waivers":
        found = msgspec.json.schema(WaiverFacts)
    elif name == "audit-replay":
        from kguard.cli.audit_replay import Document as Replayed

        found = msgspec.json.schema(Replayed)
    elif name == "evidence":
        from kguard.layers.images.evidence.folder import Record

        found = msgspec.json.schema(Record)
    else:
        found = msgspec.json.schema(layers.load(name).facts_type)
    return {"$schema": _DIALECT, "title": f"kguard {name}", **found}


def _settings() -> dict[str, Any]:
    found = msgspec.json.schema(Config)
    found["$defs"]["Config"]["properties"].pop("folder")
    return found


def for_policies(name: str) -> dict[str, Any]:
    """The schema of `input` as a policy sees it, for `opa check --schema`.

    References are resolved in place and `params` is added, because OPA's type checker follows
    neither definitions in other places nor what the engine adds.
    """
    whole = schema(name)
    definitions = whole["$defs"]
    root = _inline({"$ref": whole["$ref"]}, definitions, ())
    root["properties"]["params"] = {"type": "object"}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **root}


def _inline(node: Any, definitions: dict[str, Any], inside: tuple[str, ...]) -> Any:
    if isinstance(node, list):
        return [_inline(entry, definitions, inside) for entry in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return {} if name in inside else _inline(definitions[name], definitions, (*inside, name))
    return {key: _inline(value, definitions, inside) for key, value in node.items()}
