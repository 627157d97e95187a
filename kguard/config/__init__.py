# SPDX-License-Identifier: Apache-2.0
"""What does `kguard.yaml` say?

The file is looked for from the first input up to the git root. Unknown keys are errors, so that a
misspelt setting never silently falls back to a default.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from kguard.config.parts import (
    Audit,
    Cluster,
    Falco,
    Identity,
    NamedCluster,
    Namespaces,
    PolicySettings,
    Registries,
    Release,
    Runtime,
    Strict,
    Trust,
)
from kguard.errors import ConfigError, reason, suggested, validation

__all__ = ["Config", "Falco", "Identity", "NamedCluster", "discover", "read"]

FILE_NAME = "kguard.yaml"
MAX_CONFIG_BYTES = 1 << 20


class Config(Strict, frozen=True):
    """The settings of a repository."""

    inputs: tuple[str, ...] = ()
    """Files and folders that `kguard scan` reads where none is named, relative to kguard.yaml."""
    include: tuple[str, ...] = ()
    """Globs; only files that match one are read."""
    exclude: tuple[str, ...] = ()
    """Globs of files that are not read, beside those of .gitignore and .kguardignore."""
    scope: Literal["app", "cluster"] | None = None
    """`cluster`: the input is a whole cluster, so that absence is a finding; `app`: a part."""
    namespace: str = "default"
    """The namespace of objects that name none."""
    layers: tuple[Literal["network", "mtls", "images", "audit", "runtime"], ...] = ()
    """The layers that are judged; all where none is named."""
    cluster: Cluster = Cluster()
    """What may be taken for granted about the cluster."""
    clusters: tuple[NamedCluster, ...] = ()
    """What `kguard scan` audits where no input is named."""
    policies: dict[str, PolicySettings] = msgspec.field(default_factory=dict)
    """Settings of policies, by id such as `network/default-deny`."""
    policy_dirs: tuple[str, ...] = ()
    """Folders with policies of your own, of conftest or of Gatekeeper, relative to kguard.yaml."""
    namespaces: Namespaces = Namespaces()
    """Namespaces that are left out."""
    trust: Trust = Trust()
    """Who may sign images."""
    registries: Registries = Registries()
    """How registries are asked, with `--registry`."""
    audit: Audit = Audit()
    """What the audit policy must record."""
    falco: Falco = Falco()
    """The rules that come with Falco."""
    runtime: Runtime = Runtime()
    """What Falco must notice."""
    workloads: dict[str, str] = msgspec.field(default_factory=dict)
    """Custom kinds (`Kind.group`) with the JSON pointer of their pod template."""
    flows: tuple[str, ...] = ()
    """Files with connections that are meant or were seen, relative to kguard.yaml."""
    waivers: str = ""
    """The file with accepted findings, relative to kguard.yaml."""
    baseline: str = ""
    """The file with findings that were there before, relative to kguard.yaml."""
    helm: tuple[Release, ...] = ()
    """How charts are installed: one entry for each environment."""
    fail_on: Literal["none", "info", "low", "medium", "high", "critical"] = "high"
    """The least severity that makes the exit code 1."""
    fail_on_new: bool = False
    """Whether only findings outside of the baseline make the exit code 1."""
    folder: str = ""
    """The folder of the file; not a setting."""
    tree: str = ""
    """Where what is judged lies, if not in that folder (the settings are another revision's); not
    a setting."""

    def path(self, name: str) -> str:
        """A path to a setting (waivers, keys ...), relative to the file's own folder."""
        return str(Path(self.folder) / name) if self.folder else name

    def image_blocks(self, cache: str) -> dict[str, Any]:
        """What the images layer reads of the settings, as JSON values."""
        stores = [
            {**msgspec.to_builtins(store), "certificates": self.path(store.certificates)}
            for store in self.trust.notation
        ]
        return {"registries": self.registry_block(cache), "notation": stores}

    def registry_block(self, cache: str) -> dict[str, Any]:
        """How registries are asked, with the paths of files and the cache, as JSON values."""
        block: dict[str, Any] = msgspec.to_builtins(self.registries)
        for key in ("node-files", "ca-files"):
            block[key] = [self.path(name) for name in block[key]]
        return {**block, "cache": cache}

    def subject(self, name: str) -> str:
        """A path to what is judged, or belongs to it: manifests, charts, flows, evidence."""
        return str(Path(self.tree) / name) if self.tree else self.path(name)


PRIVATE = ("folder", "tree")
"""Fields that a file must not set."""


def discover(start: Path) -> Path | None:
    """The nearest kguard.yaml from a file or folder upwards, not beyond the git root."""
    folder = start if start.is_dir() else start.parent
    for candidate in (folder.absolute(), *folder.absolute().parents):
        if (candidate / FILE_NAME).is_file():
            return candidate / FILE_NAME
        if (candidate / ".git").exists():
            return None
    return None


def read(path: Path) -> Config:
    """The settings of a file.

    Raises:
        ConfigError: the file cannot be read, is no YAML, or holds an unknown or wrong setting.
    """
    import yaml

    try:
        if path.stat().st_size > MAX_CONFIG_BYTES:
            raise ConfigError("the file is larger than 1 MiB", where=str(path))
        text = path.read_text(encoding="utf-8")
        value = yaml.load(text, yaml.CSafeLoader) or {}
    except (OSError, UnicodeDecodeError) as error:
        hint = "`kguard init` writes one that fits"
        raise ConfigError(
            f"the file cannot be read: {reason(error)}", where=str(path), hint=hint
        ) from None
    except yaml.YAMLError as error:
        hint = "a bracket or quote before this place may be left open"
        raise ConfigError(
            "the file is no valid YAML", where=_mark(path, error), hint=hint
        ) from None
    for name in PRIVATE:
        if isinstance(value, dict) and name in value:
            raise ConfigError(f"unknown setting `{name}`", where=_where(path, text, [name]))
    try:
        config = msgspec.convert(value, Config)
    except msgspec.ValidationError as error:
        raise _wrong(path, text, error) from None
    return msgspec.structs.replace(config, folder=str(path.parent))


def _mark(path: Path, error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)


_UNKNOWN = re.compile(r"unknown field `(.+?)`")
_HINT = "`kguard schema config` prints the schema"


def _wrong(path: Path, text: str, error: msgspec.ValidationError) -> ConfigError:
    """An error that names the place of the setting and the nearest name that exists."""
    message, steps = validation(error)
    unknown = _UNKNOWN.search(message)
    if not unknown:
        about = f"{'.'.join(steps)}: " if steps else ""
        return ConfigError(f"{about}{message}", where=_where(path, text, steps), hint=_HINT)
    key = unknown[1]
    known = sorted({f.encode_name for f in msgspec.structs.fields(_block(steps))} - {*PRIVATE})
    hint = suggested(key, known, f"known here: {', '.join(known)}")
    return ConfigError(
        f"unknown setting `{key}`", where=_where(path, text, [*steps, key]), hint=hint
    )


def _block(steps: list[str]) -> type[msgspec.Struct]:
    """The block of settings in which the last of some steps ends."""
    block: type[msgspec.Struct] = Config
    for step in steps:
        names = {f.encode_name: f.name for f in msgspec.structs.fields(block)}
        if step in names:  # else an index, or a name that the user chose
            block = _struct(get_type_hints(block)[names[step]]) or block
    return block


def _struct(kind: Any) -> type[msgspec.Struct] | None:
    """The block that a type holds, in a list or under names."""
    if isinstance(kind, type) and issubclass(kind, Strict):
        return kind
    return next(filter(None, map(_struct, get_args(kind))), None)


def _where(path: Path, text: str, steps: list[str]) -> str:
    """`file:line:column` of a setting, or of what it would stand in."""
    import yaml

    node, mark = yaml.compose(text, yaml.CSafeLoader), None
    for step in steps:
        key, node = _inside(node, step)
        if key is None:
            break
        mark = key.start_mark
    return f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else f"{path}:1:1"


def _inside(node: Any, step: str) -> tuple[Any, Any]:
    """The key (of a list: the value) and the value at one step; None where there is no such."""
    if node.id == "mapping":
        found = [(key, value) for key, value in node.value if key.value == step]
        return found[-1] if found else (None, node)
    if node.id == "sequence" and step.isdigit() and int(step) < len(node.value):
        return node.value[int(step)], node.value[int(step)]
    return None, node
