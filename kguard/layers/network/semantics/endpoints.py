# SPDX-License-Identifier: Apache-2.0
"""Which pods can no policy tell apart?

Pods are grouped into classes: same namespace, same values of the labels that some policy mentions,
same resolution of the port names that some policy mentions. Everything after this module works on
classes, as bits of integers. Selection is three-valued: a set of classes that a selector certainly
selects, inside a set that it may select (labels of a namespace or of a template may be unknown).
Authority for the matching of labels: `kguard.inventory.selectors`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from kguard.inventory.selectors import Requirement, Selector
from kguard.inventory.workload import ContainerPort
from kguard.layers.network.semantics.expressions import (
    ACCOUNT_NAME,
    And,
    Condition,
    Constant,
    Expression,
    Not,
    Or,
)

NAME_LABEL = "kubernetes.io/metadata.name"


class Endpoint(msgspec.Struct, frozen=True):
    """Pods of one template (or one hypothetical pod)."""

    namespace: str
    labels: Mapping[str, str]
    ports: tuple[ContainerPort, ...] = ()
    host_network: bool = False
    labels_known: bool = True
    """False where pods may carry labels besides these."""
    addresses: tuple[str, ...] = ()
    account: str = "default"
    """The service account."""
    account_labels: Mapping[str, str] | None = None
    """Its labels; None where they are not known."""


class NamespaceLabels(msgspec.Struct, frozen=True):
    """The labels of a namespace; `known` is False where only its name is certain."""

    labels: Mapping[str, str]
    known: bool = True


class Mask(msgspec.Struct, frozen=True):
    """A set of classes with certainty: `must` is a subset of `may`."""

    must: int
    may: int

    def __and__(self, other: Mask) -> Mask:
        return Mask(self.must & other.must, self.may & other.may)

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.must | other.must, self.may | other.may)

    def outside(self, everyone: int) -> Mask:
        """What is not in the set."""
        return Mask(everyone & ~self.may, everyone & ~self.must)


NOTHING = Mask(0, 0)


def bits(mask: int) -> list[int]:
    """The positions of the set bits, in ascending order."""
    found = []
    while mask:
        low = mask & -mask
        found.append(low.bit_length() - 1)
        mask ^= low
    return found


def from_bits(positions: Iterable[int], size: int) -> int:
    """The integer with these bits."""
    buffer = bytearray(size // 8 + 1)
    for position in positions:
        buffer[position >> 3] |= 1 << (position & 7)
    return int.from_bytes(buffer, "little")


class Classes:
    """The classes of a set of endpoints, and selectors answered as masks over them."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        namespaces: Mapping[str, NamespaceLabels],
        keys: frozenset[str],
        port_names: frozenset[str],
        further_key: Callable[[Endpoint], object],
    ) -> None:
        self._namespaces = namespaces
        self.members: list[list[int]] = []
        self.representatives: list[Endpoint] = []
        self.of_endpoint: list[int] = []
        found: dict[tuple[object, ...], int] = {}
        for index, endpoint in enumerate(endpoints):
            key = (_class_key(endpoint, keys, port_names), further_key(endpoint))
            number = found.setdefault(key, len(found))
            if number == len(self.members):
                self.members.append([])
                self.representatives.append(endpoint)
            self.members[number].append(index)
            self.of_endpoint.append(number)
        self.count = len(self.members)
        self.everything = (1 << self.count) - 1
        self._index()
        self._pods: dict[Selector, Mask] = {}
        self._matching: dict[Expression, Mask] = {}
        self._of_namespaces: dict[Selector, Mask] = {}

    def _index(self) -> None:
        """Inverted indexes: label value, label key and namespace to classes."""
        values: dict[tuple[str, str], list[int]] = {}
        keys: dict[str, list[int]] = {}
        spaces: dict[str, list[int]] = {}
        for number, endpoint in enumerate(self.representatives):
            spaces.setdefault(endpoint.namespace, []).append(number)
            for key, value in endpoint.labels.items():
                values.setdefault((key, value), []).append(number)
                keys.setdefault(key, []).append(number)
        size = self.count
        # Masks of values are made when they are asked for: most pods have a value of their own.
        self._places = values
        self._by_value: dict[tuple[str, str], int] = {}
        self._by_key = {key: from_bits(found, size) for key, found in keys.items()}
        self._values: dict[str, list[str]] = {}
        for key, value in values:
            self._values.setdefault(key, []).append(value)
        self._by_namespace = {name: from_bits(found, size) for name, found in spaces.items()}
        self._index_namespaces()
        opaque = [n for n, e in enumerate(self.representatives) if not e.labels_known]
        host = [n for n, e in enumerate(self.representatives) if e.host_network]
        self.opaque = from_bits(opaque, size)
        self.host_network = from_bits(host, size)

    def _index_namespaces(self) -> None:
        self._spaces_with: dict[tuple[str, str], list[str]] = {}
        for name in self._by_namespace:
            for label in self._labels(name).labels.items():
                self._spaces_with.setdefault(label, []).append(name)
        names = self._by_namespace
        self._not_all_known = [name for name in names if not self._labels(name).known]

    def _with_value(self, key: str, value: str) -> int:
        """The classes with a label of this value."""
        found = self._by_value.get((key, value))
        if found is None:
            found = from_bits(self._places.get((key, value), ()), self.count)
            self._by_value[key, value] = found
        return found

    def in_namespace(self, name: str) -> int:
        """The classes of one namespace."""
        return self._by_namespace.get(name, 0)

    def pods(self, selector: Selector) -> Mask:
        """The classes, of any namespace, whose pod labels are selected."""
        found = self._pods.get(selector)
        if found is None:
            must = may = self.everything
            for requirement in selector.requirements:
                hit = self._requirement(requirement)
                # Labels that are known decide also where others may exist.
                unsure = self.opaque & ~self._by_key.get(requirement.key, 0)
                must &= hit & ~unsure
                may &= hit | unsure
            found = self._pods[selector] = Mask(must, may)
        return found

    def _requirement(self, requirement: Requirement) -> int:
        has_key = self._by_key.get(requirement.key, 0)
        if requirement.operator == "Exists":
            return has_key
        if requirement.operator == "DoesNotExist":
            return self.everything & ~has_key
        hit = 0
        for value in requirement.values:
            hit |= self._with_value(requirement.key, value)
        return hit if requirement.operator == "In" else self.everything & ~hit

    def namespaces(self, selector: Selector) -> Mask:
        """The classes whose namespace is selected."""
        found = self._of_namespaces.get(selector)
        if found is None:
            must = may = 0
            exact = ((r.key, r.values) for r in selector.requirements if r.operator == "In")
            for name in self._candidates(next(exact, None)):
                mask = self._by_namespace[name]
                verdict = _selects_namespace(selector, self._labels(name))
                may |= mask if verdict is not False else 0
                must |= mask if verdict is True else 0
            found = self._of_namespaces[selector] = Mask(must, may)
        return found

    def _labels(self, name: str) -> NamespaceLabels:
        return self._namespaces.get(name) or NamespaceLabels({NAME_LABEL: name})

    def _candidates(self, wanted: tuple[str, Iterable[str]] | None) -> Iterable[str]:
        """The namespaces that may have a label with one of some values; None is no condition."""
        if wanted is None:
            return self._by_namespace
        key, values = wanted
        if key == NAME_LABEL:
            return [name for name in dict.fromkeys(values) if name in self._by_namespace]
        found = {name for value in values for name in self._spaces_with.get((key, value), ())}
        return found.union(self._not_all_known)

    def matching(self, expression: Expression) -> Mask:
        """The classes for which an expression holds."""
        found = self._matching.get(expression)
        if found is None:
            found = self._matching[expression] = self._match(expression)
        return found

    def _match(self, expression: Expression) -> Mask:
        match expression:
            case Condition():
                return self._condition(expression)
            case Constant():
                whole = self.everything if expression.value else 0
                return Mask(whole, whole)
            case Not():
                return self.matching(expression.part).outside(self.everything)
            case And():
                found = Mask(self.everything, self.everything)
                for part in expression.parts:
                    found &= self.matching(part)
                return found
            case Or():
                found = NOTHING
                for part in expression.parts:
                    found |= self.matching(part)
                return found

    def _condition(self, condition: Condition) -> Mask:
        match condition.source:
            case "pod":
                return self._on_pods(condition)
            case "namespace":
                return self._on_namespaces(condition)
            case _:
                return self._on_accounts(condition)

    def _on_pods(self, condition: Condition) -> Mask:
        has_key = self._by_key.get(condition.key, 0)
        unsure = self.opaque & ~has_key
        rest = self.everything & ~has_key & ~unsure
        found = rest if condition.accepts(None) else 0
        if condition.operator in ("==", "in"):
            for value in condition.values:
                found |= self._with_value(condition.key, value)
        else:
            values = self._values.get(condition.key, ())
            chosen = [value for value in values if condition.accepts(value)]
            places = (place for value in chosen for place in self._places[condition.key, value])
            found |= from_bits(places, self.count)
        return Mask(found, found | unsure)

    def _on_namespaces(self, condition: Condition) -> Mask:
        must = may = 0
        exact = condition.operator in ("==", "in")
        for name in self._candidates((condition.key, condition.values) if exact else None):
            mask, labels = self._by_namespace[name], self._labels(name)
            known = labels.known or condition.key in labels.labels
            if condition.accepts(labels.labels.get(condition.key)):
                must |= mask if known else 0
                may |= mask
            elif not known:
                may |= mask
        return Mask(must, may)

    def _on_accounts(self, condition: Condition) -> Mask:
        must: list[int] = []
        unsure: list[int] = []
        for number, endpoint in enumerate(self.representatives):
            labels = endpoint.account_labels
            if condition.key == ACCOUNT_NAME:
                must += [number] if condition.accepts(endpoint.account) else []
            elif labels is None:
                unsure.append(number)
            elif condition.accepts(labels.get(condition.key)):
                must.append(number)
        certain = from_bits(must, self.count)
        return Mask(certain, certain | from_bits(unsure, self.count))


def _selects_namespace(selector: Selector, namespace: NamespaceLabels) -> bool | None:
    """True, False, or None where labels that are not known decide."""
    verdict: bool | None = True
    for requirement in selector.requirements:
        if namespace.known or requirement.key == NAME_LABEL:
            if not requirement.matches(namespace.labels):
                return False
        else:
            verdict = None
    return verdict


def _class_key(
    endpoint: Endpoint, keys: frozenset[str], port_names: frozenset[str]
) -> tuple[object, ...]:
    labels = tuple(sorted((k, v) for k, v in endpoint.labels.items() if k in keys))
    ports = tuple(port for port in endpoint.ports if port.name in port_names)
    names = tuple((port.name, port.protocol, port.number) for port in ports)
    flags = (endpoint.host_network, endpoint.labels_known)
    return (endpoint.namespace, labels, names, flags, bool(endpoint.addresses))
