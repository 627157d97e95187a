# SPDX-License-Identifier: Apache-2.0
"""How does a policy of a user's own begin: a file that runs, and a test that passes?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from kguard.errors import UsageError, suggested
from kguard.model.findings import FAMILIES

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_USUAL = "workloads"
_POLICY = """\
# METADATA
# title: {title}
# description: Why this is bad, and what decides.
# scope: package
# custom:
#   severity: medium
#   layer: {layer}
{settings}#   no_remedy: who can mend it
package {package}

deny contains finding if {{
	some subject in input.{subjects}
	_wrong(subject)
	finding := {{
		"target": {target},
		"path": "",
		"message": sprintf("{title}: %s", [{named}.name]),
		"evidence": {evidence},
	}}
}}

# {hint}
_wrong(subject) if {named}.namespace == "change-me"
"""
_TEST = """\
package {package}_test

import data.{package} as policy

_input(namespace) := {{"{subjects}": [{subject}]}}

test_deny_what_is_wrong if {{
	count(policy.deny) == 1 with input as _input("change-me")
}}

test_allow_everything_else if {{
	count(policy.deny) == 0 with input as _input("shop")
}}
"""


def texts(
    policy: str, facts: type[msgspec.Struct] | None = None, *, subjects: str = ""
) -> dict[str, str]:
    """The files of a new policy, by the path below the folder of policies.

    Args:
        policy: its id, such as `mtls/payments-plaintext`.
        facts: the document of its layer; None: it judges the manifests themselves.
        subjects: the collection of facts that it judges; empty: workloads, else the first one.

    Raises:
        UsageError: the id or the collection makes no sense.
    """
    layer, name = parts(policy)
    stem = name.replace("-", "_")
    shape = _of_facts(layer, facts, subjects) if facts else _of_objects()
    words = {
        **shape,
        "title": name.replace("-", " ").capitalize(),
        "layer": layer,
        "package": f"mine.{stem}",
    }
    place = f"{layer}/{stem}"
    return {f"{place}.rego": _POLICY.format(**words), f"{place}_test.rego": _TEST.format(**words)}


def parts(policy: str) -> tuple[str, str]:
    """The layer and the name in the id of a policy.

    Raises:
        UsageError: it is no id.
    """
    layer, _, name = policy.partition("/")
    if layer not in FAMILIES:
        raise UsageError(f"{policy!r} names no layer", hint=suggested(layer, FAMILIES, _known()))
    if not _NAME.fullmatch(name):
        hint = "lower-case words with dashes, such as mtls/payments-plaintext"
        raise UsageError(f"{policy!r} is no id of a policy", hint=hint)
    return layer, name


def write(folder: Path, files: dict[str, str]) -> list[Path]:
    """Write the files of a new policy; none is overwritten.

    Raises:
        UsageError: one of them is there, or cannot be written.
    """
    paths = [folder / name for name in files]
    for path in paths:
        if path.exists():
            raise UsageError("there is a policy of that name", where=str(path))
    try:
        for path, text in zip(paths, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the policy cannot be written: {error.strerror}") from None
    return paths


def _known() -> str:
    return f"LAYER/NAME, with one of the layers {', '.join(FAMILIES)}"


def _of_objects() -> dict[str, str]:
    target = (
        '{"apiVersion": subject.apiVersion, "kind": subject.kind, '
        '"namespace": subject.metadata.namespace, "name": subject.metadata.name}'
    )
    return {
        "settings": "#   input: objects\n",
        "subjects": "objects",
        "target": target,
        "named": "subject.metadata",
        "evidence": "[]",
        "hint": "Which objects are wrong; `kguard manifests INPUT` shows them.",
        "subject": '{"apiVersion": "apps/v1", "kind": "Deployment", '
        '"metadata": {"namespace": namespace, "name": "web"}}',
    }


def _of_facts(layer: str, facts: type[msgspec.Struct], subjects: str) -> dict[str, str]:
    collections = _collections(facts)
    usual = _USUAL if _USUAL in collections else next(iter(collections), "")
    chosen = subjects or usual
    if chosen not in collections:
        known = ", ".join(collections)
        hint = suggested(chosen, collections, f"--subjects, one of {known}")
        raise UsageError(f"the facts of {layer} have no collection `{chosen}`", hint=hint)
    because = "because" in collections[chosen]
    reference = '{"kind": "Deployment", "namespace": namespace, "name": "web"}'
    return {
        "settings": f"#   subjects: {chosen}\n",
        "subjects": chosen,
        "target": "subject.ref",
        "named": "subject.ref",
        "evidence": "subject.because" if because else "[]",
        "hint": f"Which are wrong; `kguard facts INPUT --layer {layer}` shows what to ask for.",
        "subject": f'{{"ref": {reference}, "because": []}}',
    }


def _collections(facts: type[msgspec.Struct]) -> dict[str, tuple[str, ...]]:
    """The collections of things that have a reference, with the fields of one."""
    found: dict[str, tuple[str, ...]] = {}
    for field in msgspec.structs.fields(facts):
        inner: Any = next(iter(get_args(field.type)), None)
        names = getattr(inner, "__struct_fields__", ())
        if "ref" in names:
            found[field.name] = names
    return found
