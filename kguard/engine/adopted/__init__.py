# SPDX-License-Identifier: Apache-2.0
"""Which policies do rules written for conftest and Gatekeeper make?

Each `deny`, `violation` or `warn` of a package becomes a policy that judges every object, each
Constraint one that judges those that it matches. The user's modules are loaded as libraries; what
they ask for and no scan has (a server, the user of a request) is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kguard.engine.adopted import gatekeeper, matching, modules, wrapper
from kguard.engine.base import Failure
from kguard.model.findings import Policy, Severity
from kguard.model.manifests import NotEvaluated

_LAYER = "manifests"
_NO_WORD = re.compile(r"[^a-z0-9]+")


class Adopted(msgspec.Struct):
    """What was made of a user's rules."""

    policies: list[Policy] = []
    libraries: dict[str, str] = {}
    """The modules that the policies call, by path."""
    failures: list[Failure] = []
    """What cannot be run, and why."""
    left_out: list[NotEvaluated] = []
    """Templates that nothing applies."""


def adopt(folders: Sequence[Path], known: Sequence[modules.Module]) -> Adopted:
    """The policies that modules and templates make.

    Args:
        folders: where templates and constraints are looked for.
        known: the modules of these folders that are no policies of kguard.

    Raises:
        PolicyError: a template or constraint cannot be read.
    """
    found, made = gatekeeper.read(folders), Adopted()
    for entry in _from_rules(known, found):
        _add(made, entry)
    for entry in _from_constraints(known, found):
        _add(made, entry)
    applied = {constraint.kind for constraint in found.constraints}
    for template in found.templates:
        if template.kind not in applied:
            reason = f"no Constraint of kind {template.kind} is given: nothing is judged by it"
            made.left_out.append(NotEvaluated(template.place, reason))
    return made


class _Entry(msgspec.Struct, frozen=True):
    """A rule on its way to a policy."""

    name: str
    """Of the policy, behind `manifests/`."""
    place: str
    rule: str
    title: str
    severity: Severity | None
    group: modules.Group
    problem: str = ""
    constraint: gatekeeper.Constraint | None = None
    schema: dict[str, Any] = {}
    reviewed: bool = False
    """Whether its input is a review, not an object."""


def _add(made: Adopted, entry: _Entry) -> None:
    name = f"{_LAYER}/{entry.name}"
    for other in made.policies:
        if other.id == name:
            reason = f"{entry.place}: its id, {name}, is that of {other.file} already: rename one"
            made.failures.append(Failure(name, reason))
            return
    if entry.problem:
        made.failures.append(Failure(name, f"{entry.place}: {entry.problem}"))
        return
    for place, reason, hint in modules.refusals(entry.group):
        made.failures.append(Failure(name, f"{place}: {reason}", hint))
        return
    made.libraries |= entry.group.libraries
    made.policies.append(_policy(name, entry))


def _policy(name: str, entry: _Entry) -> Policy:
    package = f"kguard_adopted.{entry.name.replace('-', '_')}"
    if entry.reviewed:
        text = wrapper.for_gatekeeper(
            package, entry.group.package, entry.rule, policy=name, title=entry.title
        )
    else:
        own = {h.name for m in entry.group.modules for h in m.syntax.heads}
        text = wrapper.for_conftest(
            package, entry.group.package, entry.rule, exceptions="exception" in own
        )
    return Policy(
        id=name,
        layer=_LAYER,
        package=package,
        title=entry.title,
        description=f"A policy of your own, as it stands in {entry.place}.",
        severity=entry.severity or "high",
        subjects="objects",
        remedy="",
        no_remedy="change the manifest as the message of your policy says",
        kind="effect",
        controls=(),
        since="",
        params={},
        input="adopted",
        aliases=(),
        deprecated=False,
        related_resources=(),
        file=f"{entry.place}#{entry.name}",
        text=text,
        has_unknown=entry.reviewed,
        bundled=False,
        modules=tuple(entry.group.libraries),
        constraint=_constraint(entry) if entry.reviewed else None,
    )


def _constraint(entry: _Entry) -> dict[str, Any]:
    given = entry.constraint
    return {
        "match": given.match if given else {},
        "parameters": given.filled(entry.schema) if given else {},
        "inventory": entry.group.reads("references", "inventory"),
    }


def _slug(*parts: str) -> str:
    return _NO_WORD.sub("-", "-".join(parts).lower()).strip("-")


def _from_rules(known: Sequence[modules.Module], found: gatekeeper.Found) -> Iterator[_Entry]:
    """The rules of modules; those whose constraint is given come with the constraints."""
    constrained = {constraint.kind.lower() for constraint in found.constraints}
    for entry, rule, problem in _rules(known):
        package = entry.syntax.package
        group = modules.group(package, known)
        if not problem and package.rpartition(".")[2] in constrained:
            continue
        reviewed = group.reads("inputs", "review")
        yield _Entry(
            name=_slug(package, rule),
            place=entry.path,
            rule=rule,
            title=f"What `{rule}` of package {package} says",
            severity="medium" if rule.startswith("warn") else "high",
            group=group,
            problem=problem or _unfilled(group, reviewed=reviewed),
            reviewed=reviewed,
        )


def _unfilled(group: modules.Group, *, reviewed: bool) -> str:
    """Why a rule cannot be run without a constraint; empty if it can."""
    if not (reviewed and group.reads("inputs", "parameters")):
        return ""
    kind = group.package.rpartition(".")[2]
    return f"it reads parameters: give the Constraint whose kind is `{kind}` in lower case"


def _rules(known: Iterable[modules.Module]) -> Iterator[tuple[modules.Module, str, str]]:
    """Each rule of each package once, with its first module and why it cannot be run."""
    found: dict[tuple[str, str], tuple[modules.Module, str]] = {}
    for entry in known:
        for rule, problem in modules.entries(entry):
            first, earlier = found.get((entry.syntax.package, rule), (entry, ""))
            found[entry.syntax.package, rule] = first, earlier or problem
    for (_, rule), (entry, problem) in found.items():
        yield entry, rule, problem


def _from_constraints(known: Sequence[modules.Module], found: gatekeeper.Found) -> Iterator[_Entry]:
    for constraint in found.constraints:
        template = _template(constraint.kind, known, found)
        problem, package, group, schema = "", "", modules.Group("", ()), {}
        if template is None:
            problem = f"there is no ConstraintTemplate of kind {constraint.kind}"
        else:
            package, schema = template.package, template.schema
            problem = template.problem
            group = modules.group(package, template.modules)
        yield _Entry(
            name=_slug(constraint.kind, constraint.name),
            place=constraint.place,
            rule="violation",
            title=constraint.title,
            severity=constraint.severity,
            group=group,
            problem=problem or _unfit(constraint, group),
            constraint=constraint,
            schema=schema,
            reviewed=True,
        )


def _template(
    kind: str, known: Sequence[modules.Module], found: gatekeeper.Found
) -> gatekeeper.Template | None:
    """The template of a kind, or the module whose package bears its name in lower case."""
    for template in found.templates:
        if template.kind == kind:
            return template
    for entry in known:
        package = entry.syntax.package
        if package.rpartition(".")[2] == kind.lower() and list(modules.entries(entry)):
            return gatekeeper.Template(kind, entry.path, package, tuple(known), {})
    return None


def _unfit(constraint: gatekeeper.Constraint, group: modules.Group) -> str:
    """Why a constraint cannot be followed; empty if it can."""
    own = (entry for entry in group.modules if entry.syntax.package == group.package)
    rules = dict(pair for entry in own for pair in modules.entries(entry))
    if constraint.severity is None:
        return f"enforcementAction {', '.join(constraint.actions)} is not known"
    if "violation" not in rules:
        return f"the template of {constraint.kind} has no rule `violation`"
    return rules["violation"] or matching.problem(constraint.match)
