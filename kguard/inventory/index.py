# SPDX-License-Identifier: Apache-2.0
"""Which objects are there, by kind, by namespace and by identity?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import msgspec

from kguard.inventory.workload import Workload
from kguard.model.findings import Assumed
from kguard.model.manifests import BaseRules, Collected, Manifest, PlainDocument, PlainFile

NAME_LABEL = "kubernetes.io/metadata.name"


class Namespace(msgspec.Struct):
    """A namespace that the input defines or merely names.

    `labels` always hold `kubernetes.io/metadata.name`, as the API server sets it; `known` tells
    whether the other labels are known, that is, whether the Namespace object is in the input.
    """

    name: str
    labels: dict[str, str]
    known: bool
    manifest: Manifest | None = None


@dataclass(slots=False, eq=False)
class Inventory:
    """A typed index of all manifests, in an order that does not depend on files.

    Objects that are defined twice appear once in `of()` and `manifests` (the definition that was
    applied last in the order of the input); the others are in `shadowed`.
    """

    manifests: Sequence[Manifest]
    shadowed: Sequence[Manifest]
    collected: Collected
    assumed: Mapping[str, Assumed]
    """What is assumed about the cluster: keys `kubernetes`, `istio`, `knative`, `falco`, `cni`,
    `root-namespace`, `trust-domain`, `cluster-domain` ..., each with a value (may be empty)."""
    declared_templates: Mapping[str, str] = field(default_factory=dict)
    """Custom kinds (`Kind.group`) with the JSON pointer of their pod template."""

    @cached_property
    def _by_kind(self) -> dict[tuple[str, str], list[Manifest]]:
        found: dict[tuple[str, str], list[Manifest]] = {}
        for manifest in self.manifests:
            found.setdefault((manifest.kind, manifest.group), []).append(manifest)
        return found

    @cached_property
    def groups(self) -> dict[str, list[Manifest]]:
        """The objects of every API group that occurs."""
        found: dict[str, list[Manifest]] = {}
        for manifest in self.manifests:
            found.setdefault(manifest.group, []).append(manifest)
        return found

    @cached_property
    def _by_id(self) -> dict[str, Manifest | PlainDocument | PlainFile]:
        found: dict[str, Manifest | PlainDocument | PlainFile] = {}
        found.update((plain.id, plain) for plain in self.collected.base_rules)
        found.update((plain.id, plain) for plain in self.collected.files)
        found.update((plain.id, plain) for plain in self.collected.documents)
        for manifest in (*self.shadowed, *self.manifests):
            found[manifest.id] = manifest
        return found

    def of(self, kind: str, group: str = "") -> list[Manifest]:
        """All objects of a kind (any version of the group), by namespace and name."""
        return self._by_kind.get((kind, group), [])

    def find(self, kind: str, group: str, namespace: str, name: str) -> Manifest | None:
        """One object by identity."""
        key = f"{kind}.{group}" if group else kind
        found = self._by_id.get(f"{key}/{namespace or '-'}/{name}")
        return found if isinstance(found, Manifest) else None

    def by_id(self, ref: str) -> Manifest | PlainDocument | PlainFile | None:
        """What a piece of evidence refers to."""
        return self._by_id.get(ref)

    @cached_property
    def _ids(self) -> dict[str, str]:
        return {str(manifest.ref): manifest.id for manifest in reversed(self.manifests)}

    def id_of(self, words: str) -> str:
        """The id of an object that is named in words (`str(ref)`) or by its id; empty for none."""
        return self._ids.get(words, words if words in self._by_id else "")

    @property
    def documents(self) -> Sequence[PlainDocument]:
        """YAML documents without apiVersion and kind."""
        return self.collected.documents

    @property
    def files(self) -> Sequence[PlainFile]:
        """Files other than YAML that a layer asked for."""
        return self.collected.files

    @property
    def base_rules(self) -> Sequence[BaseRules]:
        """The rules that come with Falco, as far as the user names them."""
        return self.collected.base_rules

    def unknown_kinds(self, kind: str, group: str = "") -> list[str]:
        """Reasons why objects of this kind may exist that were not read (403, broken file)."""
        key = f"{kind}.{group}" if group else kind
        return [
            f"{entry.source}: {entry.reason}"
            for entry in self.collected.unreadable
            if not entry.feeds or entry.hides(key)
        ]

    def value(self, key: str) -> str:
        """What is assumed or known about the cluster; empty where nothing is."""
        entry = self.assumed.get(key)
        return entry.value if entry else ""

    @cached_property
    def workloads(self) -> list[Workload]:
        """Everything that makes pods, by namespace, kind and name."""
        from kguard.inventory.workloads import expand

        return list(expand(self))

    @cached_property
    def running(self) -> dict[str, list[Manifest]]:
        """The pods with a status, by the id of the object that makes them in the end."""
        from kguard.inventory.running import running_pods

        return running_pods(self)

    @cached_property
    def workloads_by_namespace(self) -> dict[str, list[Workload]]:
        """The workloads of each namespace."""
        found: dict[str, list[Workload]] = {}
        for workload in self.workloads:
            found.setdefault(workload.namespace, []).append(workload)
        return found

    @cached_property
    def namespaces(self) -> dict[str, Namespace]:
        """Every namespace that is defined or named, by name."""
        from kguard.inventory.namespaces import namespaces

        return namespaces(self)

    def namespace_labels(self, name: str) -> dict[str, str]:
        """The labels of a namespace, with the implied name label."""
        found = self.namespaces.get(name)
        return found.labels if found else {NAME_LABEL: name}

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self.manifests)


def build(
    collected: Collected,
    *,
    namespace: str = "default",
    assume: Mapping[str, Assumed] | None = None,
    templates: Mapping[str, str] | None = None,
) -> Inventory:
    """Index what the sources yielded.

    Args:
        collected: everything that was read; its manifests get their effective namespace and id.
        namespace: the namespace of namespaced objects that name none.
        assume: what the user says of the cluster; detection fills in the rest.
        templates: custom kinds (`Kind.group`) with the JSON pointer of their pod template.
    """
    from kguard.inventory.detect import detect
    from kguard.inventory.identity import identify

    manifests, shadowed = identify(collected.manifests, namespace)
    inventory = Inventory(manifests, shadowed, collected, {}, dict(templates or {}))
    inventory.assumed = {**detect(inventory), **(assume or {})}
    return inventory
