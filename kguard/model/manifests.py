# SPDX-License-Identifier: Apache-2.0
"""What is one object of the input, and where was it read?"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from kguard.model.locations import Span

JsonObject = dict[str, Any]


class ObjectRef(msgspec.Struct, frozen=True, order=True):
    """The identity of an object, as reports print it. Cluster-scoped objects have no namespace.

    All fields are always written: in Rego, a field that is left out would make a message undefined
    and the finding vanish.
    """

    api_version: str = msgspec.field(name="apiVersion", default="")
    kind: str = ""
    namespace: str = ""
    name: str = ""
    cluster: str = ""

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def id(self) -> str:
        """`Kind.group/namespace/name`, the key that evidence uses; `-` stands for no namespace."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        return f"{kind}/{self.namespace or '-'}/{self.name}"

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}".rstrip()


class SourceText(msgspec.Struct, gc=False):
    """One YAML or JSON document of a file, kept for positions and edits."""

    file: str
    """As the user named it, relative, with `/` separators."""
    index: int
    """Number of the document in its file, from 0."""
    line: int
    """1-based line of the file where `text` starts."""
    text: str
    profile: Literal["kubectl", "kustomize"] = "kubectl"
    rendered_by: str = ""
    """The renderer (`helm`, `kustomize`) whose output this is; empty for a file of the user's."""
    cluster: str = ""
    """The cluster or snapshot that the object was read from; then `file` and `text` are empty."""
    apply_set: str = ""
    """The kustomization or release that applies it; empty for files that are applied as such.
    One object in two sets is two environments, not a contradiction."""
    block: bool = False
    """Whether it is in plain block style, so that positions are found quickly."""
    shape: int = 0
    """The same number for texts in block style that differ in nothing but their values."""
    namespace: str = ""
    """The namespace of objects that name none, where a release decides it."""
    overlay: bool = False
    """Whether it is applied on top of everything else (`--overlay`)."""
    unlisted_by: str = ""
    """The kustomization of its folder, where that does not list its file."""


class Manifest(msgspec.Struct):
    """One object with the place it came from.

    `namespace` is the effective one (the omitted namespace already filled in); `id` is unique in
    an inventory: `ObjectRef.id`, with `#2`, `#3` ... for further definitions of the same object.
    """

    object: JsonObject
    text: SourceText
    pointer: str = ""
    """JSON pointer of the object inside its document: empty, or `/items/3` of a List."""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    id: str = ""

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def ref(self) -> ObjectRef:
        """The identity as reports print it."""
        return ObjectRef(self.api_version, self.kind, self.namespace, self.name, self.text.cluster)

    @property
    def metadata(self) -> JsonObject:
        """`metadata`, or an empty object where it is missing or not an object."""
        return mapping(self.object.get("metadata"))

    @property
    def spec(self) -> JsonObject:
        """`spec`, or an empty object where it is missing or not an object."""
        return mapping(self.object.get("spec"))

    @property
    def labels(self) -> dict[str, str]:
        """`metadata.labels` with string values only."""
        return strings(self.metadata.get("labels"))

    @property
    def annotations(self) -> dict[str, str]:
        """`metadata.annotations` with string values only."""
        return strings(self.metadata.get("annotations"))


class PlainDocument(msgspec.Struct):
    """A YAML or JSON document without apiVersion and kind (falco.yaml, a values file ...)."""

    value: Any
    text: SourceText

    @property
    def id(self) -> str:
        """`file:PATH`, with `#N` for a later document of the file: the key that evidence uses."""
        suffix = f"#{self.text.index + 1}" if self.text.index else ""
        return f"file:{self.text.file}{suffix}"


class PlainFile(msgspec.Struct):
    """A text that is no YAML but that a layer owns (containerd's TOML, a script with kubeadm)."""

    file: str
    content: str
    cluster: str = ""
    """The cluster that gave it under the path `file`; empty for a file of the user's."""

    @property
    def id(self) -> str:
        """`file:PATH`: the key that evidence uses; its places are line numbers."""
        return f"file:{self.file}"


class BaseRules(PlainFile):
    """A rules file that, as the user says, comes with Falco; `file` ends with its name there."""

    artifact: str = ""
    """`oci://` and the repository that it was fetched from; empty for a file."""
    digest: str = ""
    """The digest of the artifact's layer."""

    @property
    def name(self) -> str:
        """The base name under which Falco reads it."""
        return self.file.rpartition("/")[2]


class Ambiguity(msgspec.Struct, frozen=True):
    """A place that readers of YAML understand differently."""

    trap: str
    pointer: str
    span: Span
    other: Span | None
    detail: str


class AmbiguousText(msgspec.Struct):
    """A document in which readers disagree."""

    text: SourceText
    ambiguities: tuple[Ambiguity, ...]


class Unreadable(msgspec.Struct, frozen=True, order=True):
    """Something that was asked for and could not be read: the scan is incomplete."""

    source: str
    """File, or cluster and resource."""
    line: int = 0
    column: int = 0
    reason: str = ""
    hint: str = ""
    feeds: tuple[str, ...] = ()
    """The kinds (`Kind.group`) whose absence is now unknown; empty for a file: any kind.
    `*.group` is every kind of a group (`*.` of the core group), `*` everything in a cluster."""

    def hides(self, kind: str) -> bool:
        """Whether objects of a kind (`Kind.group`) of a cluster may exist that were not read."""
        group = kind.partition(".")[2]
        return not {kind, f"*.{group}", "*"}.isdisjoint(self.feeds)


class NotEvaluated(msgspec.Struct, frozen=True, order=True):
    """Something that this run was not asked or not able to read (a chart without a renderer)."""

    source: str
    reason: str
    layer: str = ""


Contents = tuple[tuple[str, str], ...]
"""Files by name, with digests."""


class Root(msgspec.Struct, frozen=True):
    """A chart or kustomization that nothing else refers to."""

    folder: str
    contents: Contents
    """The files that it is made of, as seen from its folder."""
    unrendered: str = ""
    """Why it was not evaluated, if it had to be."""
    hint: str = ""


class Recipe(msgspec.Struct, frozen=True):
    """A file that decides what is made of others: a kustomization, a chart's values, a template."""

    file: str
    text: str
    apply_set: str
    """As `SourceText.apply_set`."""
    chooses: bool = True
    """Whether it says what is made; a template only holds what may be."""


class Collected(msgspec.Struct):
    """Everything that the sources yielded."""

    manifests: list[Manifest] = []
    documents: list[PlainDocument] = []
    files: list[PlainFile] = []
    base_rules: list[BaseRules] = []
    """What comes with Falco, as the user says."""
    flows: list[str] = []
    """Names of the files that hold connections, declared or observed, as the user said."""
    ambiguous: list[AmbiguousText] = []
    recipes: list[Recipe] = []
    roots: list[Root] = []
    unreadable: list[Unreadable] = []
    not_evaluated: list[NotEvaluated] = []
    looked_at: int = 0
    """Number of files that were opened."""
    versions: dict[str, str] = {}
    """What a live cluster says of itself, by the keys of `Inventory.assumed`."""
    renderers: dict[str, str] = {}
    """The programs that rendered charts and kustomizations, with their versions."""
    pull_secrets: dict[str, list[str]] = {}
    """Of a live cluster whose registries are asked: type and login (base64) of the secrets for
    pulling, by `namespace/name`. They are part of no manifest, so that nothing prints them."""


def mapping(value: Any) -> JsonObject:
    """The value if it is an object, else an empty one: hostile manifests put anything anywhere."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """The value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def strings(value: Any) -> dict[str, str]:
    """The string-valued entries of an object (labels, annotations, selectors)."""
    return {k: v for k, v in mapping(value).items() if isinstance(v, str)}


def copied(value: Any) -> Any:
    """A deep copy of a JSON value; values nest deeper than a recursive copy could go."""
    holder = [value]
    pending: list[tuple[Any, Any]] = [(holder, 0)]
    while pending:
        place, key = pending.pop()
        found = place[key]
        if isinstance(found, dict):
            place[key] = dict(found)
            pending += ((place[key], name) for name in found)
        elif isinstance(found, list):
            place[key] = list(found)
            pending += ((place[key], index) for index in range(len(found)))
    return holder[0]
