# SPDX-License-Identifier: Apache-2.0
"""Which workloads can share one policy, because the same may be opened of (or by) them?

Fewest policies: one for each namespace and set of rules. Workloads whose lasting labels differ in
the value of one key are selected by `In`; others keep a policy of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from kguard.layers.network.remedy.peers import network_policy
from kguard.layers.network.remedy.scene import Scene
from kguard.model.manifests import JsonObject
from kguard.model.remedies import Create, Edit, Operation

_NAMED = 3
"""How many workloads a sentence names."""

Labels = dict[str, str]


class Wanted(msgspec.Struct):
    """A workload, what is to be admitted, and the findings that this closes."""

    index: int
    rules: list[JsonObject]
    closes: tuple[str, ...]
    others: tuple[str, ...]
    """The other ends, in words."""


def policies(scene: Scene, direction: str, wanted: Sequence[Wanted]) -> Iterator[Create]:
    """The policies that admit what is wanted of each workload, and nothing else."""
    groups: dict[tuple[str, str], list[Wanted]] = {}
    for entry in wanted:
        namespace = scene.workloads[entry.index].namespace
        groups.setdefault((namespace, json.dumps(entry.rules, sort_keys=True)), []).append(entry)
    for (namespace, _), members in sorted(groups.items(), key=lambda item: item[1][0].index):
        for selector, chosen in _selectors(scene, members):
            yield _policy(scene, direction, namespace, selector, chosen)


def _selectors(
    scene: Scene, members: Sequence[Wanted]
) -> Iterator[tuple[JsonObject, list[Wanted]]]:
    """Selectors that together mean exactly these workloads, with whom each of them means."""
    classes: dict[tuple[str, tuple[tuple[str, str], ...]], list[tuple[str, Wanted]]] = {}
    for entry in members:
        labels = scene.labels.of(entry.index)
        key = _telling(labels, [scene.labels.of(other.index) for other in members])
        rest = tuple(sorted((k, v) for k, v in labels.items() if k != key))
        classes.setdefault((key, rest), []).append((labels[key], entry))
    for (key, rest), found in classes.items():
        values = sorted({value for value, _ in found})
        common = dict(rest)
        if len(values) == 1:
            yield {"matchLabels": dict(sorted({**common, key: values[0]}.items()))}, _of(found)
        else:
            terms = [{"key": key, "operator": "In", "values": values}]
            head: JsonObject = {"matchLabels": common} if common else {}
            yield {**head, "matchExpressions": terms}, _of(found)


def _of(found: Iterable[tuple[str, Wanted]]) -> list[Wanted]:
    return [entry for _, entry in found]


def _telling(labels: Labels, all_labels: Sequence[Labels]) -> str:
    """The key whose value alone tells most of the others apart from these labels."""

    def alike(key: str) -> int:
        rest = {k: v for k, v in labels.items() if k != key}
        return sum(
            key in other and {k: v for k, v in other.items() if k != key} == rest
            for other in all_labels
        )

    return max(sorted(labels), key=alike)


def _policy(
    scene: Scene, direction: str, namespace: str, selector: JsonObject, chosen: list[Wanted]
) -> Create:
    names = [scene.workloads[entry.index].name for entry in chosen]
    more = f"-and-{len(names) - 1}-more" if len(names) > 1 else ""
    kind, verb = ("Ingress", "may open") if direction == "ingress" else ("Egress", "may only open")
    others = ", ".join(chosen[0].others)
    if direction == "ingress":
        why = f"{f'only {others}' if others else 'nobody'} {verb} {some(names)}"
    else:
        why = f"{some(names)} {verb} {others or 'nothing'}"
    spec = {"policyTypes": [kind], direction: chosen[0].rules}
    name = scene.name(namespace, f"{names[0]}{more}-{direction}")
    return Create(
        object=network_policy(name, namespace, selector, spec),
        closes=tuple(sorted({finding for entry in chosen for finding in entry.closes})),
        why=why,
    )


def some(names: Sequence[str]) -> str:
    """A few names, and how many more."""
    unique = list(dict.fromkeys(names))
    if len(unique) <= _NAMED:
        return ", ".join(unique)
    return f"{', '.join(unique[:_NAMED])} and {len(unique) - _NAMED} more"


def given_labels(scene: Scene, needed: dict[int, set[str]]) -> Iterator[Edit]:
    """A label for pods that carry none that lasts, so that policies can mean them alone.

    `needed` maps workloads (indexes) to the findings that wait for it.
    """
    for index, closes in sorted(needed.items()):
        if not scene.labels.is_given(index):
            continue
        workload = scene.workloads[index]
        place, have = workload.pod_metadata_pointer, workload.labels
        ((key, value),) = scene.labels.of(index).items()
        if have:
            escaped = key.replace("~", "~0").replace("/", "~1")
            operation = Operation("add", f"{place}/labels/{escaped}", value)
        elif scene.has_metadata(index):
            operation = Operation("add", f"{place}/labels", {key: value})
        else:
            operation = Operation("add", place, {"labels": {key: value}})
        why = f"gives the pods of {workload.name} a label that policies can name"
        yield Edit(workload.id, (operation,), tuple(sorted(closes)), why)
