# SPDX-License-Identifier: Apache-2.0
"""To which objects does a Constraint of Gatekeeper apply?

Authority: pkg/mutation/match/match.go of open-policy-agent/gatekeeper. There, a namespace selector
fails where the Namespace object is not at hand; here it is undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kguard.inventory import Inventory
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.model.manifests import Manifest, mapping, sequence

_CRITERIA = frozenset(
    {
        "kinds",
        "scope",
        "namespaces",
        "excludedNamespaces",
        "labelSelector",
        "namespaceSelector",
        "name",
        "source",
    }
)


class UndecidedError(Exception):
    """The input does not tell whether the constraint applies."""


def problem(match: Mapping[str, Any]) -> str:
    """Why a `spec.match` cannot be followed; empty if it can."""
    for key in sorted(match.keys() - _CRITERIA):
        return f"`match.{key}` is not known"
    if match.get("source") == "Generated":
        return "it judges what Gatekeeper expands (`match.source: Generated`)"
    try:
        for key in ("labelSelector", "namespaceSelector"):
            parse_selector(match.get(key))
    except InvalidSelectorError as error:
        return f"`match.{key}`: {error}"
    return ""


def applies(match: Mapping[str, Any], manifest: Manifest, inventory: Inventory) -> bool:
    """Whether a constraint applies to an object.

    Raises:
        UndecidedError: the labels of its namespace are not known.
    """
    own = (_kinds, _scope, _namespaces, _excluded, _labels, _name)
    return all(met(match, manifest) for met in own) and _namespace_labels(
        match, manifest, inventory
    )


def _kinds(match: Mapping[str, Any], manifest: Manifest) -> bool:
    wanted = sequence(match.get("kinds"))
    return not wanted or any(_kind(mapping(entry), manifest) for entry in wanted)


def _kind(entry: Mapping[str, Any], manifest: Manifest) -> bool:
    return _listed(entry.get("kinds"), manifest.kind) and _listed(
        entry.get("apiGroups"), manifest.group
    )


def _listed(names: Any, name: str) -> bool:
    return not names or "*" in names or name in names


def _scope(match: Mapping[str, Any], manifest: Manifest) -> bool:
    match match.get("scope"):
        case "Cluster":
            return not manifest.namespace
        case "Namespaced":
            return bool(manifest.namespace)
        case _:
            return True


def _home(manifest: Manifest) -> str:
    """The namespace that counts: of a Namespace, itself."""
    return manifest.name if _is_namespace(manifest) else manifest.namespace


def _is_namespace(manifest: Manifest) -> bool:
    return (manifest.kind, manifest.group) == ("Namespace", "")


def _namespaces(match: Mapping[str, Any], manifest: Manifest) -> bool:
    wanted, home = sequence(match.get("namespaces")), _home(manifest)
    return not wanted or not home or any(_fits(pattern, home) for pattern in wanted)


def _excluded(match: Mapping[str, Any], manifest: Manifest) -> bool:
    home = _home(manifest)
    return not home or not any(
        _fits(pattern, home) for pattern in sequence(match.get("excludedNamespaces"))
    )


def _fits(pattern: Any, name: str) -> bool:
    """Whether a name has the pattern's prefix, suffix or middle: `kube-*`, `*-system`, `*a*`."""
    text = str(pattern)
    fixed = text.strip("*")
    tests: dict[tuple[bool, bool], Callable[[str], bool]] = {
        (True, True): lambda middle: middle in name,
        (True, False): name.endswith,
        (False, True): name.startswith,
        (False, False): name.__eq__,
    }
    return tests[text.startswith("*"), text.endswith("*")](fixed)


def _labels(match: Mapping[str, Any], manifest: Manifest) -> bool:
    selector = parse_selector(match.get("labelSelector"))
    return selector is None or selector.matches(manifest.labels)


def _name(match: Mapping[str, Any], manifest: Manifest) -> bool:
    pattern = match.get("name")
    return not pattern or _fits(pattern, manifest.name)


def _namespace_labels(match: Mapping[str, Any], manifest: Manifest, inventory: Inventory) -> bool:
    selector = parse_selector(match.get("namespaceSelector"))
    if selector is None or not _home(manifest):
        return True
    if _is_namespace(manifest):
        return selector.matches(manifest.labels)
    found = inventory.namespaces.get(manifest.namespace)
    if selector.is_empty or (found and found.known):
        return selector.matches(found.labels if found else {})
    raise UndecidedError(f"the labels of namespace {manifest.namespace} are not in the input")
