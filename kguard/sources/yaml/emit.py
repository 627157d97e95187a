# SPDX-License-Identifier: Apache-2.0
"""How is a value written as YAML that every reader understands alike?

PyYAML writes the blocks; strings are quoted whenever some reader could take them for anything
else (booleans of YAML 1.1 such as `y` and `no`, numbers, dates, merge keys).
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@+-]*(:[A-Za-z0-9_./@+-]+)*\Z")
_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null"])
_FLOAT = re.compile(r"[.][\d_]+|[.](inf|nan)", re.IGNORECASE)


class _Dumper(yaml.SafeDumper):
    """Block style, indented sequences as kubectl prints them, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _string(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if "\n" in text and _blockable(text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    style = None if is_plain(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def is_plain(text: str) -> bool:
    """Whether every reader takes the unquoted text for this string."""
    return bool(_PLAIN.match(text)) and text.lower() not in _WORDS and not _FLOAT.match(text)


def _blockable(text: str) -> bool:
    return all(line.isprintable() and line == line.rstrip() for line in text.split("\n"))


_Dumper.add_representer(str, _string)


def emit(value: Any) -> str:
    """A value as one YAML document, keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
