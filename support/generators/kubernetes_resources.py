# SPDX-License-Identifier: Apache-2.0
"""Which resources can the API server of each Kubernetes minor serve, and with which verbs?

Authority: `api/discovery/` of the module k8s.io/kubernetes: the discovery documents of a server
that has every API switched on, as each release records them. ``python -m
support.generators.kubernetes_resources`` fetches the module of each minor and writes the table of
`kguard/layers/audit/semantics/served.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "kguard" / "layers" / "audit" / "semantics" / "served.py"
MODULE = "k8s.io/kubernetes"
RELEASES = (
    *("v1.29.6", "v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4"),
    *("v1.36.3", "v1.37.2"),
)
EVERY_VERB = "create,delete,deletecollection,get,list,patch,update,watch"
CORE = "core"
_MODULE_FILES = "api/discovery/api"


class Entry(NamedTuple):
    """A resource or subresource with the verbs that some version of its group offers."""

    group: str
    name: str
    namespaced: bool
    verbs: str


class Release(NamedTuple):
    """What one release serves, and the checksum of its module."""

    version: str
    checksum: str
    entries: frozenset[Entry]

    @property
    def minor(self) -> str:
        """`1.36` of `v1.36.3`."""
        return ".".join(self.version.removeprefix("v").split(".")[:2])


def main() -> int:
    """Fetch all releases and write the table."""
    with tempfile.TemporaryDirectory() as cache:
        releases = [fetched(version, cache) for version in RELEASES]
    TARGET.write_text(module(releases))
    print(f"{TARGET.relative_to(ROOT)}: {sum(len(r.entries) for r in releases):,} entries")
    return 0


def fetched(version: str, cache: str) -> Release:
    """One release, from the Go module proxy that the environment names."""
    environment = {"GOMODCACHE": cache, "GOFLAGS": "-modcacherw"}
    command = ["env", *(f"{name}={value}" for name, value in environment.items())]
    command += ["go", "mod", "download", "-json", f"{MODULE}@{version}"]
    done = subprocess.run(command, capture_output=True, check=True)
    told = json.loads(done.stdout)
    with zipfile.ZipFile(told["Zip"]) as archive:
        prefix = f"{MODULE}@{version}/{_MODULE_FILES}"
        names = [name for name in archive.namelist() if name.startswith(prefix)]
        documents = [json.loads(archive.read(name)) for name in sorted(names)]
    return Release(version, told["Sum"], frozenset(entries(documents)))


def entries(documents: Iterable[Mapping[str, object]]) -> Iterator[Entry]:
    """The resources of discovery documents; the verbs of all versions of a group together."""
    found: dict[tuple[str, str, bool], set[str]] = defaultdict(set)
    for document in documents:
        if document.get("kind") == "APIResourceList":
            group, slash, _ = str(document["groupVersion"]).rpartition("/")
            for resource in document["resources"]:  # type: ignore[attr-defined]
                key = (group if slash else "", resource["name"], resource["namespaced"])
                found[key] |= set(resource["verbs"])
    for (group, name, namespaced), verbs in found.items():
        yield Entry(group, name, namespaced, ",".join(sorted(verbs)))


def table(releases: list[Release]) -> Iterator[str]:
    """One line for each entry: scope, name, verbs, and the minors where not all have it."""
    minors = [release.minor for release in releases]
    before = None
    for entry in sorted({entry for release in releases for entry in release.entries}):
        if entry.group != before:
            before = entry.group
            yield entry.group or CORE
        having = [release.minor for release in releases if entry in release.entries]
        verbs = "all" if entry.verbs == EVERY_VERB else entry.verbs
        words = [" n" if entry.namespaced else " c", entry.name, verbs]
        if having != minors:
            first, last = minors.index(having[0]), minors.index(having[-1])
            if having != minors[first : last + 1]:
                raise ValueError(f"{entry} has gone and come back")
            words.append(f"{having[0]}-{having[-1]}")
        yield " ".join(words)


_HEAD = '''\
# SPDX-License-Identifier: Apache-2.0
"""What does each Kubernetes minor serve? Written by support/generators/kubernetes_resources.py.

From the discovery documents (api/discovery) of the modules below, which hold every API, also the
alpha and beta ones that somebody may switch on. A line tells the scope (`n`: in namespaces, `c`:
of the cluster), the resource, its verbs, and the minors where not all of them have it.
"""

MODULES = {
'''


def module(releases: list[Release]) -> str:
    """The text of the Python module."""
    sources = [f'    "{r.minor}": "{MODULE} {r.version} {r.checksum}",\n' for r in releases]
    rows = "".join(f"{line}\n" for line in table(releases))
    note = '"""By minor: module, version and checksum."""'
    return f'{_HEAD}{"".join(sources)}}}\n{note}\n\nTABLE = """\\\n{rows}"""\n'


if __name__ == "__main__":
    sys.exit(main())
