# SPDX-License-Identifier: Apache-2.0
"""Which policies are there, and what do they say of themselves (METADATA)?

The catalogue discovers every `.rego` file; nothing is registered by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from kguard import data
from kguard.errors import ConfigError, PolicyError
from kguard.model.findings import FAMILIES, Policy, Severity
from kguard.sources.yaml.fast import Unsupported, load_block

_METADATA = re.compile(r"^# METADATA\s*\n((?:#.*\n)+)", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s+([\w.]+)", re.MULTILINE)
_ENTRY = re.compile(r"^(deny|unknown)\s+contains\b", re.MULTILINE)
_OWN = re.compile(r"\b(layer|subjects|remedy|no_remedy)\s*:")
MAX_POLICY_BYTES = 1 << 20


class _Custom(msgspec.Struct, forbid_unknown_fields=True):
    severity: Severity
    layer: str
    subjects: str = ""
    remedy: str = ""
    no_remedy: str = ""
    kind: Literal["posture", "effect"] = "effect"
    controls: tuple[str, ...] = ()
    since: str = ""
    params: dict[str, dict[str, Any]] = {}
    input: Literal["facts", "objects"] = "facts"
    aliases: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()
    deprecated: bool = False


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    title: str
    custom: _Custom
    description: str = ""
    scope: Literal["package"] = "package"
    schemas: list[dict[str, str]] = []
    related_resources: list[Any] = []
    authors: list[Any] = []
    organizations: list[str] = []


@cache
def bundled() -> tuple[Policy, ...]:
    """The shipped policies, by id."""
    return load(data.policies_dir(), bundled=True)


def load(folder: Path, *, bundled: bool = False) -> tuple[Policy, ...]:
    """The policies of a folder, by id. Modules without `deny` are libraries, not policies.

    Raises:
        PolicyError: a file cannot be read or its METADATA breaks the schema.
        ConfigError: there is no such folder, or no policy in it.
    """
    found = [
        policy(path, text, folder, bundled=bundled)
        for path, text in modules(folder)
        if has_entry(text)
    ]
    if not found:
        hint = "a policy is a .rego file with `deny contains ...`; see docs/policies.md"
        raise ConfigError("the folder holds no policy", where=str(folder), hint=hint)
    return tuple(sorted(found, key=lambda p: p.id))


def libraries(folder: Path) -> dict[str, str]:
    """The modules of a folder that define no entry point, by path."""
    return {str(path): text for path, text in modules(folder) if not has_entry(text)}


def has_entry(text: str) -> bool:
    """Whether a module has the form of a policy of kguard."""
    return bool(_ENTRY.search(text))


def declares(text: str) -> bool:
    """Whether METADATA of a module says what only a policy of kguard says."""
    block = _METADATA.search(text)
    return bool(block and _OWN.search(block[1]))


def modules(folder: Path) -> Iterator[tuple[Path, str]]:
    """The modules of a folder without the tests, each with its path, in order.

    Raises:
        PolicyError: one cannot be read, or is too long.
        ConfigError: there is no such folder.
    """
    if not folder.is_dir():
        hint = f"`kguard policies new LAYER/NAME {folder}` begins one"
        raise ConfigError("there is no such folder of policies", where=str(folder), hint=hint)
    for path in sorted(folder.rglob("*.rego")):
        if path.name.endswith("_test.rego"):
            continue
        try:
            raw = path.read_bytes()
            text = raw.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"the policy cannot be read: {error}", where=str(path)) from None
        if len(raw) > MAX_POLICY_BYTES:
            raise PolicyError("the policy is larger than 1 MiB", where=str(path))
        yield path, text


def policy(path: Path, text: str, root: Path, *, bundled: bool) -> Policy:
    """One policy from its module.

    Raises:
        PolicyError: METADATA or package are missing or break the contract.
    """
    where = str(path)
    package = _PACKAGE.search(text)
    if package is None:
        raise PolicyError("the policy has no package line", where=f"{where}:1")
    metadata = _metadata(text, where)
    layer, stem = metadata.custom.layer, path.stem
    if layer not in FAMILIES:
        raise PolicyError(f"unknown layer {layer!r}", where=where, hint=", ".join(FAMILIES))
    if bundled and package[1] != ".".join(
        ("kguard", *path.relative_to(root).with_suffix("").parts)
    ):
        raise PolicyError(f"package {package[1]} does not match the file's path", where=where)
    entries = set(_ENTRY.findall(text))
    custom = msgspec.structs.asdict(metadata.custom)
    return Policy(
        id=f"{layer}/{stem.replace('_', '-')}",
        package=package[1],
        title=metadata.title,
        description=metadata.description.strip(),
        related_resources=tuple(_link(entry) for entry in metadata.related_resources),
        file=where,
        text=text,
        has_unknown="unknown" in entries,
        bundled=bundled,
        **custom,
    )


def _metadata(text: str, where: str) -> _Metadata:
    block = _METADATA.search(text)
    if block is None:
        raise PolicyError(
            "the policy has no METADATA", where=f"{where}:1", hint="see docs/policies.md"
        )
    body = "".join(line[2:] or "\n" for line in block[1].splitlines(keepends=True))
    try:
        return msgspec.convert(decoded(body), _Metadata)
    except ValueError as error:
        line = text.count("\n", 0, block.start()) + 1
        reason = " ".join(str(error).split())
        raise PolicyError(f"METADATA is wrong: {reason}", where=f"{where}:{line}") from None


def decoded(body: str) -> Any:
    """The value of YAML; what plain block style leaves open is left to the full parser.

    Raises:
        ValueError: it is none.
    """
    try:
        return load_block(body)
    except Unsupported:
        import yaml
    try:
        return yaml.load(body, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _link(entry: Any) -> str:
    return str(entry.get("ref", "")) if isinstance(entry, dict) else str(entry)


def parameters(policy: Policy, given: dict[str, Any]) -> dict[str, Any]:
    """The policy's parameters: defaults of METADATA, overridden by the configuration."""
    defaults = {name: schema.get("default") for name, schema in policy.params.items()}
    return {**defaults, **given}
