# SPDX-License-Identifier: Apache-2.0
"""How do the shipped policies of a layer become one module?

An OPA server compiles everything it holds anew for each module that is put or removed: a hundred
modules cost a hundred compilations, twice. The shipped policies follow one style (private helpers
begin with an underscore, nothing but `deny` and `unknown` is public), so that they can share a
package once their top-level names carry the policy's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kguard.engine.base import queries
from kguard.model.findings import Policy

_SKIPPED = re.compile(r"#[^\n]*|\"(?:\\.|[^\"\\\n])*\"|`[^`]*`")
_HEAD = re.compile(r"^(deny|unknown|_\w+)\b", re.MULTILINE)
_PACKAGE = re.compile(r"^package\s+[\w.]+\s*$", re.MULTILINE)
_IMPORT = re.compile(r"^import\s+\S.*$", re.MULTILINE)


ALL = "results"
"""The rule of a merged module that holds the sets of all its policies, by query path."""


def merged(package: str, policies: Sequence[Policy]) -> str:
    """One module with the rules of several policies."""
    imports = sorted({line for policy in policies for line in _IMPORT.findall(policy.text)})
    members = [
        f'"{query}": {_renamed(policy, query.rpartition(".")[2])}'
        for policy in policies
        for query, _ in queries(policy)
    ]
    results = f"{ALL} := {{{', '.join(members)}}}"
    return "\n".join([f"package {package}", *imports, *map(_rules, policies), results, ""])


def _renamed(policy: Policy, rule: str) -> str:
    """The name of a policy's rule in the merged module."""
    return f"{policy.package.rpartition('.')[2]}__{rule}"


def _rules(policy: Policy) -> str:
    code = (part for part, skipped in _parts(policy.text) if not (skipped and part[0] == "#"))
    body = _IMPORT.sub("", _PACKAGE.sub("", "".join(code)))
    own = {name for name in _HEAD.findall(body) if name.startswith("_")}
    body = _HEAD.sub(lambda head: _renamed(policy, head[1]), body)
    if not own:
        return body
    uses = re.compile(rf"(?<![\w.\"])({'|'.join(sorted(own, key=len, reverse=True))})\b")
    return "".join(
        part if quoted else uses.sub(lambda use: _renamed(policy, use[1]), part)
        for part, quoted in _parts(body)
    )


def _parts(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is a string or a comment."""
    last = 0
    for skipped in _SKIPPED.finditer(text):
        yield text[last : skipped.start()], False
        yield skipped[0], True
        last = skipped.end()
    yield text[last:], False
