# SPDX-License-Identifier: Apache-2.0
"""Which JSON Schemas are there? All come from the structs of the model."""

from __future__ import annotations

import ast
import inspect
from importlib import import_module
from typing import Any

import msgspec

from kguard import config, layers
from kguard.config import PRIVATE, parts

VERSION = "v1"
"""Of all documents; it changes with the shape of any after the first release."""

_STRUCTS = {
    "report": "kguard.reporters.json:Document",
    "scan-line": "kguard.reporters.jsonl:Entry",
    "diff": "kguard.reporters.change_json:Document",
    "gate": "kguard.reporters.change_json:Document",
    "admit": "kguard.admission:Answer",
    "snapshot": "kguard.sources.snapshot:Header",
    "history-list": "kguard.history:Audit",
    "history-show": "kguard.history:Kept",
    "history-overview": "kguard.model.clusters:ClusterRow",
    "history-diff": "kguard.history:Change",
    "proof": "kguard.remediation.proof:Document",
    "baseline": "kguard.cli.baseline:Document",
    "config": "kguard.config:Config",
    "flows": "kguard.model.flows:FlowsFile",
    "evidence": "kguard.layers.images.evidence.folder:Record",
    "waivers": "kguard.model.facts.waivers:Facts",
    "manifest": "kguard.model.documents:ManifestLine",
    "policies-list": "kguard.cli.policies:Row",
    "network-list": "kguard.layers.network.rows:ConnectionRow",
    "network-diff": "kguard.model.documents:ConnectionChange",
    "network-explain": "kguard.model.documents:ConnectionExplained",
    "mtls-list": "kguard.cli.mtls:Row",
    "images-list": "kguard.cli.images:Row",
    "images-verify": "kguard.layers.images.command:Answer",
    "audit-eval": "kguard.cli.audit:Decision",
    "audit-replay": "kguard.cli.audit_replay:Document",
    "audit-coverage": "kguard.cli.audit:Row",
    "runtime-rules": "kguard.model.documents:RuleDocument",
    "runtime-events": "kguard.layers.runtime.alerts.tally:Summary",
    "runtime-alert": "kguard.layers.runtime.alerts.intake:Row",
    "runtime-coverage": "kguard.model.documents:CoverageRow",
}
_LISTS = {
    name
    for name in _STRUCTS
    if name.endswith(("-list", "-show", "-coverage", "-overview")) or name == "network-diff"
}
"""Documents that are a list of what the struct describes; the others without a
`schema` of their own are lines."""

NAMES = (*_STRUCTS, "facts", *layers.DOCUMENTS)


def schema(name: str) -> dict[str, Any]:
    """The schema of a document, of a line of it, or of a layer's facts document."""
    if name == "facts":
        shapes: list[Any] = [layers.load(layer).facts_type for layer in layers.DOCUMENTS]
        found = _facts(dict(zip(layers.DOCUMENTS, shapes, strict=True)))
    else:
        found = msgspec.json.schema(_shape(name))
    if name == "config":
        _describe(found["$defs"])
        for private in PRIVATE:
            found["$defs"]["Config"]["properties"].pop(private)
    identity = {"$id": f"urn:kguard:{name}:{VERSION}", "title": f"kguard {name}"}
    return {"$schema": _DIALECT, **identity, **found}


def _describe(definitions: dict[str, Any]) -> None:
    """Add to each setting the text that stands below its field."""
    for shape in (config.Config, *vars(parts).values()):
        name = getattr(shape, "__name__", "")
        if name not in definitions or not issubclass(shape, parts.Strict):
            continue
        properties = definitions[name]["properties"]
        for field, text in _texts(shape).items():
            # A reference beside other keywords is one more keyword in this dialect.
            properties[field.replace("_", "-")]["description"] = text


def _texts(shape: type) -> dict[str, str]:
    """What stands below the fields of a struct, by field."""
    (definition,) = ast.parse(inspect.getsource(shape)).body
    found, field = {}, ""
    for line in definition.body if isinstance(definition, ast.ClassDef) else ():
        match line:
            case ast.AnnAssign(target=ast.Name(id=name)):
                field = name
            case ast.Expr(value=ast.Constant(value=str(text))) if field:
                found[field] = " ".join(text.split())
    return found


_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _shape(name: str) -> Any:
    if name not in _STRUCTS:
        return layers.load(name).facts_type
    module, _, struct = _STRUCTS[name].partition(":")
    found: Any = getattr(import_module(module), struct)
    return list[found] if name in _LISTS else found


def _facts(shapes: dict[str, Any]) -> dict[str, Any]:
    """The document with the facts of several layers, of each at most once."""
    schemas, definitions = msgspec.json.schema_components(
        shapes.values(), ref_template="#/$defs/{name}"
    )
    properties = dict(zip(shapes, schemas, strict=True))
    return {"type": "object", "properties": properties, "required": [], "$defs": definitions}


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
