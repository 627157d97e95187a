# SPDX-License-Identifier: Apache-2.0
"""Which policies do the user's own folders hold: of kguard, of conftest, of Gatekeeper?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from kguard.engine import catalog
from kguard.engine.adopted import Adopted, adopt
from kguard.engine.adopted.modules import Module, module
from kguard.errors import ConfigError
from kguard.model.facts import audit, cross, images, mtls, network, runtime
from kguard.model.findings import Policy

_USUAL = frozenset({"apiVersion", "kind", "metadata", "spec", "review"})


def read(folders: Sequence[Path]) -> Adopted:
    """Everything that folders of policies hold.

    Raises:
        PolicyError: a file cannot be read, or its METADATA breaks the schema.
        ConfigError: there is no such folder, or no policy in it.
    """
    policies: list[Policy] = []
    others: list[Module] = []
    for folder in folders:
        for path, text in catalog.modules(folder):
            found = module(str(path), text)
            if _native(found):
                policies.append(catalog.policy(path, text, folder, bundled=False))
            else:
                others.append(found)
    made = adopt(folders, others)
    made.libraries = {entry.path: entry.syntax.text for entry in others} | made.libraries
    made.policies = sorted([*policies, *made.policies], key=lambda policy: policy.id)
    if folders and not (made.policies or made.failures or made.left_out):
        hint = "a policy is a .rego file with `deny contains ...`; see docs/policies.md"
        where = ", ".join(map(str, folders))
        raise ConfigError("the folder holds no policy", where=where, hint=hint)
    return made


def _native(found: Module) -> bool:
    """Whether a module is a policy of kguard: it says so, or it reads facts as only those can."""
    if not catalog.has_entry(found.source):
        return False
    if catalog.declares(found.source) or found.syntax.package.startswith("kguard."):
        return True
    first = {path.partition(".")[0] for path in found.syntax.inputs}
    return bool(first & _facts()) and not first & _USUAL


@cache
def _facts() -> frozenset[str]:
    """The fields of all facts documents, and the parameters that come with them."""
    shapes = (audit, cross, images, mtls, network, runtime)
    names = {f.name for shape in shapes for f in msgspec.structs.fields(shape.Facts)}
    return frozenset(names | {"params", "objects"})
