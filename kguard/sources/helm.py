# SPDX-License-Identifier: Apache-2.0
"""Which objects does a Helm chart install?

Charts that no other chart contains are rendered by the user's `helm`, once for each release that
kguard.yaml names, else once with the chart's own values. Nothing is fetched: a chart whose
subcharts are missing is not evaluated. Plugins and the user's Helm settings are out of reach.

Authority: helm.sh/helm, pkg/chart/metadata.go (Chart.yaml) and pkg/cmd/template.go.
"""

from __future__ import annotations

import posixpath
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from kguard.model.manifests import (
    Collected,
    JsonObject,
    NotEvaluated,
    Recipe,
    Root,
    SourceText,
    Unreadable,
    mapping,
    sequence,
)
from kguard.sources.contents import contents, inside
from kguard.sources.files import File, display_path, selected
from kguard.sources.limits import (
    MAX_FILE_BYTES,
    MAX_PLAIN_FILE_BYTES,
    MAX_RENDERED_BYTES,
    RENDER_SECONDS,
)
from kguard.sources.options import Options, Release
from kguard.sources.processes import run
from kguard.sources.reading import parse, read_bytes
from kguard.sources.renderers import version
from kguard.sources.yaml import Document, load

NAME = "Chart.yaml"

_HINT = "install helm where the check runs, and the subcharts (`helm dependency build`) or --online"
_PARTS = ("templates/", "charts/", "crds/")
_SOURCE = re.compile(r"^# Source: [^/\n]+/(\S+)$", re.MULTILINE)


class Chart(msgspec.Struct, frozen=True):
    """One Chart.yaml."""

    file: File
    name: str
    library: bool
    subcharts: tuple[str, ...]
    """Names of the charts that it depends on."""
    local: tuple[str, ...]
    """Displayed folders of charts that it takes from the same tree."""


class Plan(msgspec.Struct, frozen=True):
    """What is to be done with the charts of an input."""

    roots: tuple[Chart, ...]
    folders: tuple[str, ...]
    """Displayed folders of all charts."""

    def owns(self, display: str) -> bool:
        """Whether a file is part of a chart and must not be read raw."""
        for folder in self.folders:
            prefix = "" if folder == "." else folder + "/"
            if display.startswith(prefix):
                rest = display[len(prefix) :]
                if rest.startswith(_PARTS) or rest == NAME or _is_values(rest):
                    return True
        return False


def _is_values(rest: str) -> bool:
    return "/" not in rest and rest.startswith(("values", "Chart."))


def plan(files: Iterable[File], into: Collected) -> Plan:
    """Find the charts that no other chart contains or refers to."""
    charts = [_parsed(file, into) for file in files if file.name == NAME]
    taken = {folder for chart in charts for folder in chart.local}
    roots = [
        chart
        for chart in charts
        if chart.file.folder not in taken
        and not any(_inside(chart.file.folder, other.file.folder) for other in charts)
    ]
    return Plan(tuple(roots), tuple(chart.file.folder for chart in charts))


def _inside(folder: str, other: str) -> bool:
    return folder.startswith("charts/" if other == "." else f"{other}/charts/")


def _parsed(file: File, into: Collected) -> Chart:
    data = read_bytes(file, MAX_FILE_BYTES)
    if isinstance(data, Unreadable):
        into.unreadable.append(data)
        data = b""
    entry = next(iter(load(data)), None)
    value = mapping(entry.value) if isinstance(entry, Document) else {}
    dependencies = [mapping(item) for item in sequence(value.get("dependencies"))]
    return Chart(
        file=file,
        name=str(value.get("name") or file.folder.rpartition("/")[2]),
        library=value.get("type") == "library",
        subcharts=tuple(str(item.get("alias") or item.get("name")) for item in dependencies),
        local=tuple(_local(file.folder, dependencies)),
    )


def _local(folder: str, dependencies: list[JsonObject]) -> list[str]:
    found = []
    for item in dependencies:
        repository = item.get("repository")
        if isinstance(repository, str) and repository.startswith("file://"):
            path = repository.removeprefix("file://")
            found.append(posixpath.normpath(posixpath.join(folder, path)))
    return found


def evaluate(chart: Chart, files: Iterable[File], options: Options) -> Collected:
    """Render one chart for each of its releases; `files` are those of the input."""
    into = Collected()
    folder = chart.file.folder
    if chart.library or not selected(chart.file.display, options):
        return into
    place = Path(chart.file.path).parent.resolve()
    releases = [r for r in options.releases if Path(r.chart).resolve() == place]
    reason = _why_not(chart, options)
    if options.render != "never":
        paths = inside((folder, *chart.local), files)
        paths |= {_shown(name, release): name for release in releases for name in release.values}
        parts = contents(folder, paths)
        into.roots.append(Root(folder, parts, reason, _HINT if reason else ""))
    if reason:
        into.not_evaluated.append(NotEvaluated(folder, f"a Helm chart: {reason}"))
        return into
    own = Release(folder, _release_name(chart), options.namespace)
    for release in releases or [own]:
        _render(chart, release, options, into)
    return into


def of_revision(release: Release, top: Path, written: Path) -> Release:
    """A release with the files that a revision of the working tree `top` has.

    Values that it does not have are left out.
    """

    def then(name: str) -> Path:
        path = Path(name).absolute()
        return written / path.relative_to(top) if path.is_relative_to(top) else path

    values = tuple(str(path) for path in map(then, release.values) if path.is_file())
    return msgspec.structs.replace(
        release, chart=str(then(release.chart)), values=values, top=str(written)
    )


def _shown(values: str, release: Release) -> str:
    path = Path(values)
    if release.top and path.is_relative_to(release.top):
        return path.relative_to(release.top).as_posix()
    return display_path(path)


def _release_name(chart: Chart) -> str:
    name = re.sub(r"[^a-z0-9-]", "-", chart.name.lower()).strip("-")
    return name[:53] or "release"


def _why_not(chart: Chart, options: Options) -> str:
    missing = [name for name in chart.subcharts if not _present(chart, name)]
    if missing and not options.online:
        return f"it would fetch its subchart {missing[0]}"
    if options.render == "never":
        return "not rendered (--render never)"
    return "" if shutil.which("helm") else "helm was not found on PATH"


def _present(chart: Chart, name: str) -> bool:
    folder = Path(chart.file.path).parent / "charts"
    if (folder / name).is_dir():
        return True
    try:
        return any(entry.name.startswith(f"{name}-") for entry in folder.iterdir())
    except OSError:
        return False


def _render(chart: Chart, release: Release, options: Options, into: Collected) -> None:
    folder = Path(chart.file.path).parent
    with tempfile.TemporaryDirectory(prefix="kguard-") as home:
        names = ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HELM_PLUGINS", "HOME")
        outcome = run(
            _command(folder, release, options),
            folder=Path.cwd(),
            seconds=RENDER_SECONDS,
            limit=MAX_RENDERED_BYTES,
            environment=dict.fromkeys(names, home),
        )
    if outcome.error:
        reason = f"the chart cannot be rendered: {outcome.error}"
        into.unreadable.append(Unreadable(chart.file.display, reason=reason))
        return
    rendered = Collected()
    group = f"{chart.file.folder} as {release.name} in {release.namespace}"
    program = shutil.which("helm") or "helm"
    into.renderers["helm"] = version("helm", program)
    origin = SourceText(chart.file.display, 0, 1, "", rendered_by="helm", apply_set=group)
    parse(outcome.output, origin, rendered)
    for manifest in rendered.manifests:
        _settle(manifest.text, chart, release)
    into.recipes += _recipes(chart, release, rendered, group)
    into.manifests += rendered.manifests
    into.ambiguous += rendered.ambiguous
    into.unreadable += rendered.unreadable


def _recipes(chart: Chart, release: Release, rendered: Collected, group: str) -> Iterator[Recipe]:
    """The values that the chart was rendered with, and the templates that had a result."""
    own, folder = Path(chart.file.path).parent, chart.file.folder
    values = {posixpath.join(folder, "values.yaml"): own / "values.yaml"}
    values |= {_shown(name, release): Path(name) for name in release.values}
    prefix = "" if folder == "." else f"{folder}/"
    names = {m.text.file for m in rendered.manifests} - {chart.file.display}
    names |= {prefix + p.relative_to(own).as_posix() for p in (own / "templates").rglob("*.y*ml")}
    templates = {name: own / name.removeprefix(prefix) for name in sorted(names)}
    for found, chooses in ((values, True), (templates, False)):
        for name, path in found.items():
            data = read_bytes(File(name, str(path)), MAX_PLAIN_FILE_BYTES)
            if not isinstance(data, Unreadable):
                yield Recipe(name, data.decode(errors="replace"), group, chooses)


def _command(folder: Path, release: Release, options: Options) -> list[str]:
    command = [shutil.which("helm") or "helm", "template", release.name, str(folder)]
    command += ["--namespace", release.namespace, "--include-crds", "--skip-tests"]
    for values in release.values:
        command += ["--values", str(Path(values).absolute())]
    for key, value in sorted(release.set.items()):
        command += ["--set", f"{key}={value}"]
    if release.kubernetes:
        command += ["--kube-version", release.kubernetes]
    return [*command, "--dependency-update"] if options.online else command


def _settle(text: SourceText, chart: Chart, release: Release) -> None:
    """Name the template that an object came from, and the namespace that helm installs it into."""
    if match := _SOURCE.search(text.text):
        text.file = posixpath.join(chart.file.folder, match[1])
    text.namespace = release.namespace
