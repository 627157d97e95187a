# SPDX-License-Identifier: Apache-2.0
"""Does a label selector select these labels?

The one implementation for all layers. Semantics: apimachinery's `LabelSelectorAsSelector`
(apimachinery pkg/apis/meta/v1/helpers.go) and `labels.Requirement.Matches`
(pkg/labels/selector.go): an empty selector selects everything, an absent one nothing, `NotIn`
selects objects that lack the key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from kguard.model.manifests import mapping, sequence

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


class InvalidSelectorError(ValueError):
    """The API server would refuse this selector."""


class Requirement(msgspec.Struct, frozen=True, order=True):
    """One condition on one label."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels satisfy the condition."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case _:
                return value is None


class Selector(msgspec.Struct, frozen=True, order=True):
    """A parsed selector: all requirements must hold."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels are selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)

    @property
    def is_empty(self) -> bool:
        """Whether everything is selected."""
        return not self.requirements


def parse_selector(value: Any) -> Selector | None:
    """Parse a `metav1.LabelSelector`.

    Returns:
        None for an absent selector (None), which selects nothing.

    Raises:
        InvalidSelectorError: the API server would refuse it.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidSelectorError("a label selector must be an object")
    found = [_equality(key, text) for key, text in mapping(value.get("matchLabels")).items()]
    found += [_expression(entry) for entry in sequence(value.get("matchExpressions"))]
    return Selector(tuple(sorted(found)))


def match_labels(value: Any) -> Selector:
    """Parse a plain map of labels, as Services and Istio's workload selectors hold it."""
    return Selector(tuple(sorted(_equality(k, v) for k, v in mapping(value).items())))


def _equality(key: str, value: Any) -> Requirement:
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise InvalidSelectorError(f"label {key!r} must be a string")
    return Requirement(key, "In", (value,))


def _expression(entry: Any) -> Requirement:
    fields = mapping(entry)
    key, operator = fields.get("key"), fields.get("operator")
    values = sequence(fields.get("values"))
    if not isinstance(key, str) or operator not in _OPERATORS:
        raise InvalidSelectorError(f"unknown operator {operator!r} in a label selector")
    if not all(isinstance(value, str) for value in values):
        raise InvalidSelectorError(f"the values of {key!r} must be strings")
    if (operator in ("In", "NotIn")) != bool(values):
        raise InvalidSelectorError(f"{operator} on {key!r} has the wrong number of values")
    return Requirement(key, str(operator), tuple(sorted(set(values))))
