# SPDX-License-Identifier: Apache-2.0
"""Which ConstraintTemplates and Constraints does a folder hold?

Authority: pkg/apis/templates/v1 of open-policy-agent/frameworks/constraint, and
https://open-policy-agent.github.io/gatekeeper/website/docs/.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kguard.engine.adopted.modules import Module, module, relocated
from kguard.errors import PolicyError
from kguard.model.findings import Severity
from kguard.model.manifests import JsonObject, mapping, sequence
from kguard.sources import yaml

MAX_FILE_BYTES = 4 << 20
_MARK = b"gatekeeper.sh"
_TARGET = "admission.k8s.gatekeeper.sh"
_SEVERITIES: dict[str, Severity] = {"deny": "high", "warn": "medium", "dryrun": "low"}


class Template(msgspec.Struct, frozen=True):
    """A kind of constraint with its modules."""

    kind: str
    place: str
    package: str
    modules: tuple[Module, ...]
    schema: JsonObject
    """Of the parameters, for their defaults."""
    problem: str = ""
    """Why it cannot be run; empty if it can."""


class Constraint(msgspec.Struct, frozen=True):
    """What a template shall be applied to, and with which parameters."""

    kind: str
    name: str
    place: str
    match: JsonObject
    parameters: JsonObject | None
    """None where none are written: then the API server fills no defaults into them."""
    actions: tuple[str, ...]

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.kind} {self.name}"

    @property
    def severity(self) -> Severity | None:
        """The severity of its strongest action; None where one is not known."""
        if not {*self.actions} <= _SEVERITIES.keys():
            return None
        return next(_SEVERITIES[a] for a in _SEVERITIES if a in self.actions)

    def filled(self, schema: JsonObject) -> JsonObject:
        """The parameters with the defaults of the template's schema."""
        written = {} if self.parameters is None else {"parameters": self.parameters}
        found = _with_defaults(written, {"properties": {"parameters": schema}})
        return mapping(found.get("parameters"))


class Found(msgspec.Struct, frozen=True):
    """What the YAML files of some folders hold."""

    templates: tuple[Template, ...]
    constraints: tuple[Constraint, ...]


def read(folders: Iterable[Path]) -> Found:
    """The templates and constraints of folders; all other objects are left alone.

    Raises:
        PolicyError: a file with one of them is broken, or one is defined twice in different ways.
    """
    templates: dict[str, Template] = {}
    constraints: dict[tuple[str, str], Constraint] = {}
    for place, value in (entry for folder in folders for entry in _objects(folder)):
        group = str(value.get("apiVersion", "")).partition("/")[0]
        if group == "templates.gatekeeper.sh" and value.get("kind") == "ConstraintTemplate":
            template = _template(place, value)
            _once(templates, template.kind, template)
        elif group == "constraints.gatekeeper.sh":
            constraint = _constraint(place, value)
            _once(constraints, (constraint.kind, constraint.name), constraint)
    return Found(tuple(templates.values()), tuple(constraints.values()))


def _once(known: dict[Any, Any], key: Any, found: Any) -> None:
    before = known.setdefault(key, found)
    if msgspec.structs.replace(before, place="") != msgspec.structs.replace(found, place=""):
        name = " ".join(key) if isinstance(key, tuple) else key
        hint = f"the other one is {before.place}; give --policies the folder with one of them"
        raise PolicyError(f"{name} is defined twice, not alike", where=found.place, hint=hint)


def _objects(folder: Path) -> Iterator[tuple[str, JsonObject]]:
    """The objects of the files that name Gatekeeper's groups, each with `file:line`."""
    files = (p for p in folder.rglob("*") if p.suffix in (".yaml", ".yml", ".json"))
    for path in sorted(path for path in files if path.is_file()):
        data = _content(path)
        if _MARK not in data:
            continue
        for document in yaml.load(data):
            if isinstance(document, yaml.Broken):
                where = f"{path}:{document.line}:{document.column}"
                raise PolicyError(document.message, where=where, hint=document.hint)
            for entry in yaml.expand_items(document.value):
                pointer = entry.pointer if isinstance(entry, yaml.ItemError) else entry[0]
                span = yaml.locate(document.text, document.line, pointer).value
                if not isinstance(entry, yaml.ItemError):
                    yield f"{path}:{span.line}", entry[1]
                elif pointer:  # else the document is no object at all
                    raise PolicyError(entry.message, where=f"{path}:{span.line}:{span.column}")


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise PolicyError(
            f"the file cannot be read: {(error.strerror or str(error)).lower()}", where=str(path)
        ) from None
    if len(data) > MAX_FILE_BYTES and _MARK in data:
        raise PolicyError("the file is larger than 4 MiB", where=str(path))
    return data


def _template(place: str, value: JsonObject) -> Template:
    spec = mapping(value.get("spec"))
    crd = mapping(mapping(spec.get("crd")).get("spec"))
    kind = str(mapping(crd.get("names")).get("kind") or "")
    schema = mapping(mapping(crd.get("validation")).get("openAPIV3Schema"))
    targets = [mapping(t) for t in sequence(spec.get("targets"))]
    source = next((_rego(t) for t in targets if t.get("target") == _TARGET), None)
    if not kind:
        raise PolicyError("the ConstraintTemplate names no kind", where=place)
    if source is None:
        problem = f"it has no Rego for {_TARGET}"
        return Template(kind, place, "", (), schema, problem)
    root = f"kguard_gatekeeper.{kind.lower()}"
    text, libraries = source
    path = f"{place}#{kind}"  # one line of JSON may hold several templates
    modules = [module(path, relocated(text, f"{root}.template", {"data.lib": f"data.{root}.lib"}))]
    for number, library in enumerate(libraries, start=1):
        modules.append(module(f"{path}.lib{number}", _library(library, root)))
    return Template(kind, place, f"{root}.template", tuple(modules), schema)


def _rego(target: JsonObject) -> tuple[str, list[str]] | None:
    """The module and the libraries of a target, in either of the two ways to write them."""
    for entry in (mapping(e) for e in sequence(target.get("code"))):
        if entry.get("engine") == "Rego":
            target = mapping(entry.get("source"))
    if not isinstance(target.get("rego"), str):
        return None
    return target["rego"], [str(text) for text in sequence(target.get("libs"))]


def _library(text: str, root: str) -> str:
    package = module("", text).syntax.package
    return relocated(text, f"{root}.{package}", {"data.lib": f"data.{root}.lib"})


def _constraint(place: str, value: JsonObject) -> Constraint:
    spec = mapping(value.get("spec"))
    action = str(spec.get("enforcementAction") or "deny")
    scoped = [mapping(e).get("action") for e in sequence(spec.get("scopedEnforcementActions"))]
    actions = tuple(map(str, scoped)) if action == "scoped" and scoped else (action,)
    name = str(mapping(value.get("metadata")).get("name") or "")
    return Constraint(
        str(value.get("kind") or ""),
        name,
        place,
        mapping(spec.get("match")),
        mapping(spec["parameters"]) if "parameters" in spec else None,
        actions,
    )


def _with_defaults(value: Any, schema: JsonObject) -> Any:
    """A value with what the API server would fill in (structural defaulting)."""
    if isinstance(value, list):
        return [_with_defaults(entry, mapping(schema.get("items"))) for entry in value]
    if not isinstance(value, dict):
        return value
    filled = dict(value)
    for name, inner in mapping(schema.get("properties")).items():
        known = mapping(inner)
        if name not in filled and "default" in known:
            filled[name] = known["default"]
        if name in filled:
            filled[name] = _with_defaults(filled[name], known)
    return filled
