# SPDX-License-Identifier: Apache-2.0
"""Who answers for a registry when a node pulls an image?

Authority: containerd docs/hosts.md (`hosts.toml` under `config_path`: hosts are tried in order,
`resolve` lets a host say which digest a tag names), docs/cri/registry.md (`registry.mirrors`,
deprecated since 1.5: every endpoint pulls and resolves; the table `*` is for all registries) and
RELEASES.md (a file without `version` is read as version 1, where containerd 1.x knows the plugin
by its short name `cri` only).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec

from kguard.layers.images.semantics.references import DOCKER_HUB, Reference
from kguard.model.manifests import JsonObject, mapping, sequence

PLUGINS = ("cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images")
_HUB_NAMES = frozenset({DOCKER_HUB, "docker.io", "registry-1.docker.io"})
MAX_TOML_BYTES = 1 << 20


class Mirror(msgspec.Struct, frozen=True, order=True):
    """A host that answers for a registry (`*`: for every registry)."""

    registry: str
    host: str
    form: Literal["registry.mirrors", "hosts.toml"]
    resolves: bool
    encrypted: bool
    line: int
    note: str

    @property
    def is_other(self) -> bool:
        """Whether the host is not the registry itself."""
        return canonical(self.host) != canonical(self.registry)

    def answers_for(self, reference: Reference) -> bool:
        """Whether it is asked for an image."""
        return self.registry == "*" or canonical(self.registry) == reference.registry


def canonical(host: str) -> str:
    """One name for the several hosts of Docker Hub."""
    return DOCKER_HUB if host in _HUB_NAMES else host


def read_mirrors(file: str, content: str) -> list[Mirror] | None:
    """The mirrors of a containerd configuration or `hosts.toml`; None where it is neither.

    Raises:
        ValueError: the file is no TOML, or nested too deeply.
    """
    import tomllib

    try:
        value = tomllib.loads(content[:MAX_TOML_BYTES])
    except RecursionError:
        raise ValueError("nested too deeply") from None
    lines = content.splitlines()
    if file.rpartition("/")[2] == "hosts.toml" or isinstance(value.get("host"), dict):
        return sorted(_hosts(file, value, lines))
    if isinstance(value.get("plugins"), dict):
        return sorted(_deprecated(value, lines))
    return None


def _deprecated(value: JsonObject, lines: list[str]) -> Iterator[Mirror]:
    version = value.get("version", 1)
    for plugin in PLUGINS:
        registry = mapping(mapping(mapping(value["plugins"]).get(plugin)).get("registry"))
        for name, entry in mapping(registry.get("mirrors")).items():
            for endpoint in sequence(mapping(entry).get("endpoint")):
                if isinstance(endpoint, str):
                    note = _deprecated_note(plugin, version, registry)
                    yield _mirror(name, endpoint, note, lines, registry)


def _deprecated_note(plugin: str, version: Any, registry: JsonObject) -> str:
    note = "registry.mirrors is deprecated since containerd 1.5 (config_path with hosts.toml)"
    if registry.get("config_path"):
        return note + "; containerd refuses it beside config_path"
    if version == 1 and plugin != "cri":
        return note + "; without `version = 2` containerd 1.x does not read this section"
    return note


def _mirror(name: str, endpoint: str, note: str, lines: list[str], registry: JsonObject) -> Mirror:
    host, encrypted = _endpoint(endpoint)
    tls = mapping(mapping(mapping(registry.get("configs")).get(host)).get("tls"))
    return Mirror(
        registry=name,
        host=host,
        form="registry.mirrors",
        resolves=True,
        encrypted=encrypted and tls.get("insecure_skip_verify") is not True,
        line=_line(lines, endpoint),
        note=note,
    )


def _hosts(file: str, value: JsonObject, lines: list[str]) -> Iterator[Mirror]:
    registry = _registry_of(file, value)
    for url, entry in mapping(value.get("host")).items():
        fields = mapping(entry)
        capabilities = fields.get("capabilities")
        host, encrypted = _endpoint(url)
        yield Mirror(
            registry=registry,
            host=host,
            form="hosts.toml",
            resolves=capabilities is None or "resolve" in sequence(capabilities),
            encrypted=encrypted and fields.get("skip_verify") is not True,
            line=_line(lines, url),
            note="",
        )


def _registry_of(file: str, value: JsonObject) -> str:
    """The folder names the registry; `_default` is every registry."""
    folder = file.rpartition("/")[0].rpartition("/")[2]
    if folder == "_default":
        return "*"
    if "." in folder or folder.endswith("_") or ":" in folder:
        return re.sub(r"_(\d+)_\Z", r":\1", folder)
    server = value.get("server")
    return _endpoint(server)[0] if isinstance(server, str) else "*"


def _endpoint(url: str) -> tuple[str, bool]:
    """Host and whether it is spoken to by TLS; an address without scheme is https."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        return parts.netloc.rpartition("@")[2], parts.scheme == "https"
    except ValueError:
        return url, False


def _line(lines: list[str], text: str) -> int:
    return next((n for n, line in enumerate(lines, start=1) if text in line), 1)
