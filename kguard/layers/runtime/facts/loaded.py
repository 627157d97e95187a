# SPDX-License-Identifier: Apache-2.0
"""Which rules files has a running Falco really loaded?

The pages of a live cluster name the pod; a page in a file (`*.prom`) is that of the only Falco of
the input. A file of the input that a pod has not loaded, or in another form, is not in force there,
whatever the objects say; a file that the input does not hold leaves the ruleset unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from kguard.inventory import Inventory
from kguard.layers.runtime.alerts.pods import may_have_made
from kguard.layers.runtime.facts.falco import Falco
from kguard.layers.runtime.facts.texts import Text
from kguard.layers.runtime.semantics.observed import RULES, Observed, digest, observed
from kguard.layers.runtime.semantics.versions import parse_version
from kguard.layers.runtime.traces import METRICS
from kguard.model.facts import runtime as model
from kguard.model.facts.common import Evidence
from kguard.model.manifests import PlainFile

_PATH = re.compile(r"/api/v1/namespaces/([^/]+)/pods/(?:https:)?([^/:]+):\d+/proxy/metrics")
_KINDS = {"daemonset": "DaemonSet", "operator": "DaemonSet", "deployment": "Deployment"}


class Page(msgspec.Struct, frozen=True):
    """What one running Falco says."""

    id: str
    pod: str
    """Empty for a page that is a file."""
    seen: Observed
    line: int
    """The first line about a rules file; 0 for a page of a live cluster."""

    def at(self, note: str, role: str = "decides") -> Evidence:
        """The page as evidence."""
        return Evidence(self.id, note=note, role=role, line=self.line)


def pages_of(inventory: Inventory, falco: Falco, *, alone: bool) -> list[Page]:
    """The pages of the pods that one Falco runs as.

    Args:
        inventory: holds the pages.
        falco: whose pods are asked for.
        alone: whether it is the only Falco, so that a page without a pod is its own.
    """
    found = []
    for plain in sorted(inventory.files, key=lambda file: (file.cluster, file.file)):
        match = _PATH.fullmatch(plain.file) if plain.cluster else None
        if match and (match[1] == falco.ref.namespace) and _made(inventory, falco, match[2]):
            found.append(Page(plain.id, match[2], observed(plain.content), 0))
        elif alone and not plain.cluster and plain.file.endswith(METRICS.lstrip("*")):
            found += _from_file(plain)
    return found


def _made(inventory: Inventory, falco: Falco, pod: str) -> bool:
    """Whether a pod belongs to a Falco, and to the nodes that it is judged for."""
    kind = _KINDS.get(falco.kind)
    made = may_have_made(kind, falco.ref.name, pod) if kind else falco.ref.name == pod
    if not made or not falco.nodes:
        return made
    manifest = inventory.find("Pod", "", falco.ref.namespace, pod)
    return manifest is not None and manifest.spec.get("nodeName") in falco.nodes


def _from_file(plain: PlainFile) -> Iterator[Page]:
    if "falcosecurity_" in plain.content:
        lines = plain.content.splitlines()
        first = next((n for n, line in enumerate(lines, 1) if line.startswith(RULES)), 1)
        yield Page(plain.id, "", observed(plain.content), first)


def as_it_runs(falco: Falco, pages: Sequence[Page]) -> Falco:
    """A Falco with the version that all its pods say they have."""
    told = {page.seen.version for page in pages if page.seen.version}
    version = parse_version(next(iter(told))) if len(told) == 1 else None
    if version is None or not version.is_known:
        return falco
    return msgspec.structs.replace(falco, version=version, version_basis="running")


def compared(
    falco: Falco, texts: Sequence[Text], pages: Sequence[Page]
) -> Iterator[model.LoadedFile]:
    """Each rules file of the input or of a pod, and whether the two are the same."""
    for page in pages:
        if page.seen.rules is None:
            continue
        left = dict(page.seen.rules)
        for text in texts:
            name = text.path.rpartition("/")[2]
            if name:
                yield _compared(falco, page, text, _taken(left, name))
        for name in left:
            note = f"{_who(page)} has loaded {name}, which is not in the input"
            yield model.LoadedFile(falco.ref, page.pod, name, "foreign", [page.at(note)])


def _taken(left: dict[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """The digests of a loaded file, taken out; the operator's names differ in the medium only."""
    if name in left:
        return left.pop(name)
    stem = name.rpartition("-")[0]
    near = [other for other in left if stem and other.rpartition("-")[0] == stem]
    return left.pop(near[0]) if len(near) == 1 else ()


def _compared(falco: Falco, page: Page, text: Text, digests: tuple[str, ...]) -> model.LoadedFile:
    name = text.path.rpartition("/")[2]
    here = text.at(1, f"{name} of the input", role="related")
    if not digests:
        note = f"{_who(page)} has not loaded {name}"
        return model.LoadedFile(falco.ref, page.pod, name, "not_loaded", [page.at(note), here])
    if not text.whole:
        note = f"{_who(page)} has loaded {name}; which bytes it should have is not in the input"
        return model.LoadedFile(falco.ref, page.pod, name, "unknown", [page.at(note), here])
    same = digest(text.content) in digests
    note = f"{_who(page)} has loaded {'this' if same else 'another'} {name}"
    state: model.LoadState = "same" if same else "differs"
    return model.LoadedFile(falco.ref, page.pod, name, state, [page.at(note), here])


def _who(page: Page) -> str:
    return f"the pod {page.pod}" if page.pod else "the running Falco"


def unproved(found: Sequence[model.LoadedFile]) -> list[Evidence]:
    """Why the ruleset of the input is not the one in force: other files are loaded."""
    return [
        step
        for file in found
        if file.state in ("differs", "foreign", "not_loaded")
        for step in file.because
    ]
