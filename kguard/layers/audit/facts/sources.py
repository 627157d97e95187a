# SPDX-License-Identifier: Apache-2.0
"""Which policy documents are in the input, and which one does a server read?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import structs

from kguard.inventory import Inventory
from kguard.layers.audit.facts.configuration import Configuration, beyond, mount_of
from kguard.layers.audit.facts.judged import Source
from kguard.layers.audit.semantics.flags import effective
from kguard.layers.audit.semantics.policy import API_VERSION
from kguard.model.manifests import Manifest, ObjectRef, PlainDocument


class Candidate(NamedTuple):
    """A document of the input that may be a server's policy file."""

    file: str
    number: int
    """Of the document in its file: the API server reads the first one only."""
    source: Source


def candidates(inventory: Inventory) -> list[Candidate]:
    """Every policy of the input, and documents that only lack their kind."""
    found = [_of_manifest(manifest) for manifest in inventory.of("Policy", "audit.k8s.io")]
    found += [
        _of_document(document) for document in inventory.documents if _is_policy(document.value)
    ]
    return sorted(_distinct(found), key=lambda one: (one.source.name, one.file, one.number))


def choose(
    configuration: Configuration, path: str, known: list[Candidate], inventory: Inventory
) -> Source | str:
    """The policy that a server reads from a path, or why it is not known."""
    for file in configuration.files:
        if file.path == path:
            return _inline(configuration, file.value, file.pointer, file.id)
    if configuration.built_in is not None:
        same = [one for one in known if _base(one.file) == _base(path)]
        return same[0].source if same else _built_in(configuration)
    names = {_base(path), *_outside(configuration, path)}
    matching = [one for one in known if _base(one.file) in names]
    if not matching:
        # The file is there, but holds something else: the server will not start with it.
        plain = [_of_document(found) for found in inventory.documents]
        matching = [one for one in plain if _base(one.file) in names]
    beside = [one for one in matching if _folder(one.file) == _folder(configuration.file)]
    matching = beside or matching
    files = {one.file for one in matching}
    if not matching:
        return f"no audit policy in the input stands in a file called {_base(path)}"
    if len(files) > 1:
        return f"several files in the input are called {_base(path)}"
    return min(matching, key=lambda one: one.number).source


def _outside(configuration: Configuration, path: str) -> Iterator[str]:
    """The names of the file outside of the container, where it is mounted under another one."""
    for mounts in (configuration.mounts or (), configuration.outer):
        mount = mount_of(path, mounts)
        if mount is not None and mount.source:
            path = beyond(path, mount)
            yield _base(path)


def _of_manifest(manifest: Manifest) -> Candidate:
    file = manifest.text.file
    name = manifest.name or _base(file)
    ref = ObjectRef(manifest.api_version, "Policy", "", name, manifest.text.cluster)
    return Candidate(file, manifest.text.index, Source(ref, name, manifest.object, manifest.id))


def _of_document(document: PlainDocument) -> Candidate:
    file = document.text.file
    ref = ObjectRef(API_VERSION, "Policy", "", _base(file), document.text.cluster)
    return Candidate(
        file, document.text.index, Source(ref, _base(file), document.value, document.id)
    )


def _is_policy(value: Any) -> bool:
    return isinstance(value, dict) and value.get("apiVersion") == API_VERSION


def _distinct(found: list[Candidate]) -> Iterator[Candidate]:
    """Policies of the same name go by their file, several of one file by their number, too."""
    names = Counter(one.source.name for one in found)
    files = Counter((one.source.name, one.file) for one in found)
    for one in found:
        name, source = one.source.name, one.source
        if names[name] > 1 and one.file:
            number = f"#{one.number + 1}" if files[name, one.file] > 1 else ""
            ref = structs.replace(source.ref, name=one.file + number)
            source = structs.replace(source, ref=ref, name=ref.name)
        yield Candidate(one.file, one.number, source)


def _inline(configuration: Configuration, value: Any, pointer: str, holder: str) -> Source:
    ref = configuration.ref
    identity = holder or configuration.id
    return Source(ref, f"{ref.name}{pointer}", value, identity, pointer, inner=False)


def _built_in(configuration: Configuration) -> Source:
    ref = configuration.ref
    name = f"{ref.name} (built in)"
    flag = effective(configuration.flags)["audit-policy-file"]
    return Source(
        ref,
        name,
        configuration.built_in,
        configuration.id,
        flag.pointer or configuration.place,
        inner=False,
        built_in=configuration.built_in_name or configuration.how,
    )


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]
