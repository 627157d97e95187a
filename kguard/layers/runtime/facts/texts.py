# SPDX-License-Identifier: Apache-2.0
"""Which texts does Falco read, and where in the input do they stand?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from textwrap import dedent

import msgspec

from kguard.inventory import Inventory
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer
from kguard.model.manifests import (
    BaseRules,
    Manifest,
    ObjectRef,
    PlainDocument,
    mapping,
    sequence,
    strings,
)
from kguard.sources.yaml import untyped
from kguard.sources.yaml.untyped import Mapping, Scalar, Sequence


class Text(msgspec.Struct, frozen=True):
    """A file's content with its place in the input."""

    name: str
    """The file, or `namespace/configmap:key`."""
    content: str
    owner: ObjectRef
    ref: str
    pointer: str = ""
    structured: bool = False
    """Whether the place holds a list of items, of which the content is a rendering."""
    path: str = ""
    """Where Falco reads it; empty where that is not known."""
    whole: bool = False
    """Whether the content is, byte for byte, the file that Falco reads."""
    section: str = ""
    """The pointer of the mapping of a document of which the content is the text, less indented."""
    first: int = 1
    """The line of the document on which a section begins."""
    continues: bool = False
    """Whether the next text is a later document of the same file."""

    def at_path(self, path: str) -> Text:
        """The same text, with the place at which Falco reads it."""
        return msgspec.structs.replace(self, path=path)

    def at(self, line: int, note: str, role: str = "decides") -> Evidence:
        """Evidence at a line of the content, from 1."""
        if self.structured:
            return Evidence(self.ref, f"{self.pointer}/{self.item(line)}", note, role)
        return Evidence(self.ref, self.pointer, note, role, line + self.first - 1)

    def item(self, line: int) -> int:
        """The number of the item that holds a line of the content."""
        (node,) = untyped.load(self.content)
        items = node.items if isinstance(node, Sequence) else []
        return max((n for n, item in enumerate(items) if item.line <= line), default=0)


def from_document(document: PlainDocument) -> Text:
    """The text of a plain YAML document."""
    source = document.text
    name = f"{source.file}#{source.index + 1}" if source.index else source.file
    return Text(name, source.text, file_ref(source.file), document.id)


def from_documents(documents: Iterable[PlainDocument]) -> list[Text]:
    """The texts of documents in the order of reading; those of one file belong together."""
    texts = [from_document(document) for document in documents]
    return [
        msgspec.structs.replace(text, continues=text.owner == following.owner)
        for text, following in pairwise(texts)
    ] + texts[-1:]


def from_section(document: PlainDocument, key: str) -> Text | None:
    """The text of one top-level mapping of a document, if it is written in block style."""
    text = document.text.text
    (node, *_) = (*untyped.load(text), None)
    entries = node.entries if isinstance(node, Mapping) else []
    for number, (name, value) in enumerate(entries):
        if isinstance(name, Scalar) and name.text == key and isinstance(value, Mapping):
            lines = text.splitlines()
            end = entries[number + 1][0].line - 1 if number + 1 < len(entries) else len(lines)
            if not value.entries or value.line <= name.line:
                return None
            content = dedent("\n".join(lines[value.line - 1 : end])) + "\n"
            source = document.text.file
            return Text(
                f"{source}:{key}",
                content,
                file_ref(source),
                document.id,
                section=pointer(key),
                first=value.line,
            )
    return None


def from_base_rules(rules: BaseRules, path: str) -> Text:
    """A rules file that comes with Falco, at the place where Falco reads it."""
    owner = file_ref(rules.file)
    return Text(rules.file, rules.content, owner, rules.id, path=path, whole=True)


def file_ref(name: str) -> ObjectRef:
    """How reports call a file that is no Kubernetes object."""
    return ObjectRef(kind="File", name=name)


def from_config_map(manifest: Manifest, key: str) -> Text | None:
    """One key of a ConfigMap."""
    content = mapping(manifest.object.get("data")).get(key)
    if not isinstance(content, str):
        return None
    name = f"{manifest.namespace}/{manifest.name}:{key}"
    return Text(name, content, manifest.ref, manifest.id, pointer("data", key), whole=True)


class _Mount(msgspec.Struct, frozen=True):
    """What stands at a path of a container: known files, or something that cannot be seen."""

    path: str
    files: dict[str, Text]
    """By path relative to `path`; the empty path for a mounted file."""
    opaque: bool
    is_file: bool = False


class Filesystem:
    """The files that a container sees, as far as the input tells."""

    def __init__(
        self, inventory: Inventory, namespace: str, pod: object, container: object
    ) -> None:
        volumes: dict[str, object] = {
            volume["name"]: volume
            for volume in sequence(mapping(pod).get("volumes"))
            if isinstance(volume, dict) and isinstance(volume.get("name"), str)
        }
        mounts = (
            _mount(inventory, namespace, mapping(entry), volumes)
            for entry in sequence(mapping(container).get("volumeMounts"))
        )
        self._mounts = sorted((m for m in mounts if m), key=lambda m: m.path, reverse=True)

    @classmethod
    def holding(cls, folders: dict[str, dict[str, Text]]) -> Filesystem:
        """A file system with these files in these folders and nothing else mounted."""
        made = cls.__new__(cls)
        made._mounts = [_Mount(path, files, opaque=False) for path, files in folders.items()]  # noqa: SLF001
        return made

    def _mounted(self, path: str) -> _Mount | None:
        for mount in self._mounts:
            if path == mount.path or (not mount.is_file and path.startswith(f"{mount.path}/")):
                return mount
        return None

    def read(self, path: str) -> Text | None:
        """The file at a path, if the input holds it."""
        mount = self._mounted(path)
        found = mount.files.get(path[len(mount.path) :].lstrip("/")) if mount else None
        return found.at_path(path) if found else None

    def is_opaque(self, path: str) -> bool:
        """Whether something is mounted there whose content the input does not tell."""
        mount = self._mounted(path)
        return mount is not None and mount.opaque

    def folder(self, path: str) -> list[Text]:
        """The files directly in a folder, sorted by name as Falco reads them."""
        found: dict[str, Text] = {}
        for mount in reversed(self._mounts):
            for inside, text in mount.files.items():
                whole = f"{mount.path}/{inside}" if inside else mount.path
                parent, _, name = whole.rpartition("/")
                if parent == path.rstrip("/"):
                    found[name] = text.at_path(whole)
        return [found[name] for name in sorted(found)]


def _mount(
    inventory: Inventory, namespace: str, entry: dict[str, object], volumes: dict[str, object]
) -> _Mount | None:
    words = strings(entry)
    path, inside = words.get("mountPath", "").rstrip("/"), words.get("subPath", "")
    volume = mapping(volumes.get(words.get("name", "")))
    if not path or not volume:
        return None
    files, opaque = _volume(inventory, namespace, volume)
    if not inside:
        return _Mount(path, files, opaque)
    chosen = {"": files[inside]} if inside in files else {}
    below = {n[len(inside) + 1 :]: t for n, t in files.items() if n.startswith(f"{inside}/")}
    return _Mount(path, {**chosen, **below}, opaque, is_file=not below)


def _volume(
    inventory: Inventory, namespace: str, volume: dict[str, object]
) -> tuple[dict[str, Text], bool]:
    """The files of a volume, and whether there may be others."""
    if isinstance(volume.get("configMap"), dict):
        return _config_map(inventory, namespace, mapping(volume["configMap"]))
    if not isinstance(volume.get("projected"), dict):
        return {}, True
    files: dict[str, Text] = {}
    opaque = False
    for source in sequence(mapping(volume["projected"]).get("sources")):
        found, hidden = _volume(inventory, namespace, mapping(source))
        files.update(found)
        opaque |= hidden
    return files, opaque


def _config_map(
    inventory: Inventory, namespace: str, source: dict[str, object]
) -> tuple[dict[str, Text], bool]:
    name = source.get("name")
    manifest = inventory.find("ConfigMap", "", namespace, name if isinstance(name, str) else "")
    if manifest is None:
        return {}, source.get("optional") is not True
    return dict(_files(manifest, source)), False


def _files(manifest: Manifest, source: dict[str, object]) -> Iterator[tuple[str, Text]]:
    items = sequence(source.get("items"))
    wanted = [(strings(item).get("key", ""), strings(item).get("path", "")) for item in items]
    if not items:
        wanted = [(key, key) for key in strings(manifest.object.get("data"))]
    for key, path in wanted:
        text = from_config_map(manifest, key)
        if text is not None:
            yield path, text


def line_of(content: str, word: str) -> int:
    """The first line of a configuration that says a word; comments do not count."""
    for number, line in enumerate(content.splitlines(), 1):
        if word in line and not line.lstrip().startswith("#"):
            return number
    return 1
