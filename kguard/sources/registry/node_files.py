# SPDX-License-Identifier: Apache-2.0
"""Which mirrors do a node's own files name?

Authority: containerd docs/hosts.md (a folder with `HOST/hosts.toml`; `_default` for the others;
`HOST_PORT_` for a port) and containers/image docs/containers-registries.conf.5.md (version 2:
`[[registry]]` with `[[registry.mirror]]`, `mirror-by-digest-only`, `pull-from-mirror`, `blocked`).
`skip_verify` and `insecure` are not followed: TLS is left out only where an address says `http://`
or the user names the host.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kguard.sources.registry.routes import canonical
from kguard.sources.registry.settings import Location, Mirror

MAX_TOML_BYTES = 1 << 20
MAX_HOST_FOLDERS = 1000
_HOSTS = "hosts.toml"


class NodeFileError(ValueError):
    """A file is none of the two kinds; the message says why."""


def read_node_files(path: Path) -> tuple[list[Mirror], list[str]]:
    """The mirrors of a `registries.conf`, a `hosts.toml` or a folder of such.

    Returns:
        The mirrors, and the certificate authorities that they need.

    Raises:
        NodeFileError: something cannot be read.
    """
    mirrors: list[Mirror] = []
    authorities: list[str] = []
    for file in _files(path):
        value = _toml(file)
        if file.name == _HOSTS:
            found, needed = _hosts(file, value)
            mirrors.append(found)
            authorities += needed
        else:
            mirrors += _containers(value)
    return mirrors, authorities


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [f for f in sorted(path.glob("*/hosts.toml"))[:MAX_HOST_FOLDERS] if f.is_file()]
    if not found:
        raise NodeFileError(f"{path}: neither a registries.conf nor a folder with HOST/{_HOSTS}")
    return found


def _toml(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_TOML_BYTES:
            raise NodeFileError(f"{file}: larger than 1 MiB")
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise NodeFileError(f"{file}: the file cannot be read") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NodeFileError(f"{file}: no TOML: {error}") from None


def _hosts(file: Path, value: dict[str, Any]) -> tuple[Mirror, list[str]]:
    folder = file.parent.name
    registry = "*" if folder == "_default" else re.sub(r"_(\d+)_\Z", r":\1", folder)
    entries = list(_tables(value.get("host")).items())
    server, itself = value.get("server"), True
    if isinstance(server, str) and canonical(_split(server)[1]) != canonical(registry):
        # Another server stands for the registry, which is then not asked any more.
        entries.append((server, value))
        itself = False
    locations = tuple(_host(url, entry) for url, entry in entries)
    needed = [name for _, entry in [*entries, ("", value)] for name in _names(entry.get("ca"))]
    return Mirror(registry, locations, itself), [str(file.parent / name) for name in needed]


def _host(url: str, entry: dict[str, Any]) -> Location:
    scheme, host, path = _split(url)
    capabilities = entry.get("capabilities")
    can = _names(capabilities) if capabilities is not None else ["pull", "resolve"]
    return Location(
        place=host,
        scheme=scheme,
        tags="resolve" in can,
        digests="pull" in can,
        told=True,
        root=path if entry.get("override_path") is True else f"{path}/v2",
    )


def _containers(value: dict[str, Any]) -> Iterator[Mirror]:
    for entry in _list(value.get("registry")):
        prefix = entry.get("prefix") or entry.get("location")
        if not isinstance(prefix, str) or not prefix:
            raise NodeFileError("a [[registry]] has neither prefix nor location")
        by_digest = entry.get("mirror-by-digest-only") is True
        found = [_mirror(m, by_digest) for m in _list(entry.get("mirror")) if m.get("location")]
        moved = entry.get("location")
        blocked = entry.get("blocked") is True
        if isinstance(moved, str) and moved and moved != prefix and not blocked:
            found.append(_mirror(entry, by_digest=False))
            blocked = True  # what lies elsewhere is not looked for under its own name
        yield Mirror(prefix, tuple(found), itself=not blocked)


def _mirror(entry: dict[str, Any], by_digest: bool) -> Location:  # noqa: FBT001 - one caller's word
    kinds = entry.get("pull-from-mirror", "digest-only" if by_digest else "all")
    return Location(
        place=str(entry["location"]).strip("/"),
        tags=kinds in ("all", "tag-only"),
        digests=kinds in ("all", "digest-only"),
    )


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path; an address without scheme is https."""
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        raise NodeFileError(f"{url!r} is no address of a host") from None
    return parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/")


def _tables(value: object) -> dict[str, dict[str, Any]]:
    found = value if isinstance(value, dict) else {}
    return {str(k): v for k, v in found.items() if isinstance(v, dict)}


def _list(value: object) -> list[dict[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _names(value: object) -> list[str]:
    """A path, or several."""
    found = value if isinstance(value, list) else [value]
    return [name for name in found if isinstance(name, str)]
