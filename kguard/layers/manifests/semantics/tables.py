# SPDX-License-Identifier: Apache-2.0
"""Which kinds and fields does the API server know?

kinds.json: what a Kubernetes 1.36 API server and current releases of Istio, Knative and
policy-controller serve, for the groups that the layers read. fields.json: the fields of the
security objects, from their Go types and CRDs: `"string"`, `"int"`, `"bool"`, `"intOrString"`,
`"any"`, `[X]` (array), `{"map": X}`, `{"enum": [...]}`, `{"fields": {...}, "required": [...]}`,
`"@name"` (a definition).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import msgspec


@cache
def kinds() -> dict[str, Any]:
    """`served` group -> version -> kinds; `moved` group/kind -> apiVersion; `internal` groups."""
    found = _read("kinds.json")
    for versions in found["served"].values():
        for version, names in versions.items():
            versions[version] = frozenset(names.split())
    return found


@cache
def fields() -> dict[str, Any]:
    """`definitions` by name, and `kinds` by group/kind."""
    return _read("fields.json")


def _read(name: str) -> dict[str, Any]:
    data = Path(__file__).with_name(name).read_bytes()
    found: dict[str, Any] = msgspec.json.decode(data)
    return found
