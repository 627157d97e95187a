# SPDX-License-Identifier: Apache-2.0
"""Which fields has an object, and which of them would the API server refuse?

Authority: field types and unknown fields as `kubectl apply` checks them; label selectors and port
names as apimachinery pkg/util/validation does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from kguard.inventory.selectors import InvalidSelectorError, Selector, parse_selector
from kguard.layers.network.semantics.policy import Problem
from kguard.layers.network.semantics.ports import MAX_PORT
from kguard.model.locations import pointer
from kguard.model.manifests import mapping

PORT_NAME = re.compile(r"(?=.{1,15}\Z)(?!.*--)(?=.*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_Item = TypeVar("_Item")


class Reader:
    """Collects the problems met while one object is read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, place: str, text: str) -> None:
        """The API server would refuse the object for this."""
        self.problems.append(Problem(place, text))

    def object(self, value: Any, place: str, known: tuple[str, ...]) -> dict[str, Any]:
        """An object whose fields are known; null is an empty one."""
        if value is not None and not isinstance(value, dict):
            self.problem(place, "must be an object")
        fields = mapping(value)
        for key in fields:
            if key not in known:
                self.problem(place + pointer(key), f"unknown field {key!r}")
        return fields

    def array(self, value: Any, place: str) -> list[Any]:
        """An array; null is an empty one."""
        if value is not None and not isinstance(value, list):
            self.problem(place, "must be a list")
        return value if isinstance(value, list) else []

    def selector(self, value: Any, place: str) -> Selector | None:
        """A label selector; null is an absent one."""
        if isinstance(value, dict):
            self.object(value, place, ("matchLabels", "matchExpressions"))
        try:
            found = parse_selector(value)
        except InvalidSelectorError as error:
            self.problem(place, str(error))
            return Selector()
        self._label_values(found, place)
        return found

    def _label_values(self, selector: Selector | None, place: str) -> None:
        for requirement in selector.requirements if selector else ():
            for value in requirement.values:
                if not _LABEL_VALUE.fullmatch(value):
                    self.problem(place, f"{value!r} is not a valid label value")

    def each(
        self, value: Any, place: str, read: Callable[[Reader, Any, str], _Item]
    ) -> list[_Item]:
        """Every entry of an array, read by a function."""
        entries = self.array(value, place)
        return [read(self, entry, f"{place}/{index}") for index, entry in enumerate(entries)]


def whole(value: Any) -> Any:
    """JSON knows one kind of number: 80.0 is 80."""
    return int(value) if type(value) is float and value.is_integer() else value


def is_port(value: Any) -> bool:
    """Whether a value is the number of a port."""
    return type(value) is int and 1 <= value <= MAX_PORT
