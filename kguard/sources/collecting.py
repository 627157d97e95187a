# SPDX-License-Identifier: Apache-2.0
"""What do the inputs of a command hold, whatever they are?"""

from __future__ import annotations

import glob
import posixpath
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from kguard.errors import SourceError, UsageError
from kguard.model.manifests import Collected, NotEvaluated, SourceText, Unreadable
from kguard.sources import git, helm, kustomize, revisions
from kguard.sources.files import (
    GLOB_CHARACTERS,
    YAML_SUFFIXES,
    File,
    Listing,
    display_path,
    expand_glob,
    is_glob,
    owned,
    printable,
    selected,
    walk,
    wanted,
)
from kguard.sources.limits import MAX_FILE_BYTES
from kguard.sources.options import Options
from kguard.sources.reading import Known, parse, plain, read_manifests, read_plain

STDIN = "-"


def read_all(inputs: Sequence[str], options: Options) -> Collected:
    """Read every input; what cannot be read is part of the result.

    Raises:
        UsageError: an input is empty.
        LackingError: git lacks files of a revision.
    """
    if "" in inputs:
        raise UsageError("an input is empty", hint="`.` is the folder that you are in")
    into = Collected()
    seen: set[str] = set()
    for text in dict.fromkeys(inputs):
        try:
            _input(text, options, seen, into)
        except git.LackingError:
            raise
        except SourceError as error:
            into.unreadable.append(
                Unreadable(error.where or text, reason=error.message, hint=error.hint)
            )
    for context in options.contexts:
        merge(_cluster(context, options), into)
    if options.snapshot:
        from kguard.sources import snapshot

        merge(snapshot.read(Path(options.snapshot)), into)
    if options.overlays:
        files = msgspec.structs.replace(options, contexts=(), snapshot="", overlays=())
        overlay(read_all(options.overlays, files), into)
    return into


def overlay(top: Collected, into: Collected) -> None:
    """Add what is to be applied on top of what was read before."""
    for manifest in top.manifests:
        manifest.text.overlay = True
    merge(top, into)


def _cluster(context: str, options: Options) -> Collected:
    from kguard.sources.cluster import read

    return read(
        context,
        kubeconfig=options.kubeconfig,
        read_secrets=options.read_secrets,
        pull_secrets=options.pull_secrets,
        ask_falco=options.falco_metrics,
    )


def _input(text: str, options: Options, seen: set[str], into: Collected) -> None:
    if text == STDIN:
        _stdin(options, into)
    elif text.startswith(git.PREFIX) and not Path(text).exists():
        _revision(text, options, into)
    elif is_glob(text):
        found = expand_glob(text)
        if not found:
            raise SourceError("no file matches", where=text)
        for path in found:
            _path(path, options, seen, into)
    else:
        _path(Path(text), options, seen, into)


def _stdin(options: Options, into: Collected) -> None:
    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise SourceError(f"more than {MAX_FILE_BYTES >> 20} MiB", where=STDIN)
    into.looked_at += 1
    parse(data, SourceText(STDIN, 0, 1, ""), into, fast=options.fast_yaml)


def _revision(text: str, options: Options, into: Collected) -> None:
    _, folder = git.split(text)
    found = git.tree(text)
    for path, reason in found.left_out:
        into.not_evaluated.append(NotEvaluated(path, reason))
    if not found.below(folder):
        _matching(text, found, options, into)
        return
    blobs = revisions.walk(found, folder)
    names = {blob.path.rpartition("/")[2] for blob in blobs}
    if folder in found.blobs or names.isdisjoint(_RENDERED):
        _blobs(blobs, options, into)
        return
    with tempfile.TemporaryDirectory(prefix="kguard-") as target:
        top = git.check_out(found, Path(target))
        listing = walk(top / folder, folder or ".")
        _folder(listing, _then(options, top), set(), into)


def _matching(text: str, found: git.Tree, options: Options, into: Collected) -> None:
    """Read what a glob names in a revision, as it would be read if that were checked out."""
    _, pattern = git.split(text)
    if not GLOB_CHARACTERS & set(pattern):
        raise SourceError(f"the revision has no folder {pattern}", where=text)
    with tempfile.TemporaryDirectory(prefix="kguard-") as target:
        written = git.check_out(found, Path(target))
        paths = expand_glob(f"{glob.escape(str(written))}/{pattern}")
        if not paths:
            raise SourceError("no file of the revision matches", where=text)
        seen: set[str] = set()
        then = _then(options, written)
        for path in paths:
            shown = path.relative_to(written).as_posix()
            if path.is_dir():
                _folder(walk(path, shown), then, seen, into)
            else:
                _named(File(printable(shown), str(path)), then, seen, into)


def _then(options: Options, written: Path) -> Options:
    """The options, charts installed with the values that a revision has."""
    if not options.releases:
        return options
    top = git.top_level()
    releases = tuple(helm.of_revision(one, top, written) for one in options.releases)
    return msgspec.structs.replace(options, releases=releases)


_RENDERED = frozenset({helm.NAME, *kustomize.NAMES})
"""Files whose folders other programs may have to read."""


def _blobs(blobs: Sequence[git.Blob], options: Options, into: Collected) -> None:
    """Read files of a revision; git is asked only for what no other side of a change holds."""
    known, fast = options.known or Known(), options.fast_yaml
    chosen = [(blob, name) for blob in blobs if _read(name := printable(blob.path), options)]
    manifests = [entry for entry in chosen if entry[1].lower().endswith(YAML_SUFFIXES)]
    new = [(b, name) for b, name in manifests if not known.holds(name, b.digest, fast=fast)]
    for (blob, name), data in zip(new, git.contents([b for b, _ in new]), strict=True):
        known.learn(name, blob.digest, data, fast=fast)
    for blob, name in manifests:
        known.add(name, blob.digest, into, fast=fast)
    others = [entry for entry in chosen if not entry[1].lower().endswith(YAML_SUFFIXES)]
    for (_, name), data in zip(others, git.contents([b for b, _ in others]), strict=True):
        into.looked_at += 1
        plain(data, name, into)


def _read(display: str, options: Options) -> bool:
    """Whether a file of a folder is read."""
    return selected(display, options) and wanted(display.rpartition("/")[2], options)


def _path(path: Path, options: Options, seen: set[str], into: Collected) -> None:
    shown = display_path(path)
    if path.is_dir():
        _folder(walk(path, shown, options.settled), options, seen, into)
    elif path.exists():
        _named(File(shown, str(path.resolve())), options, seen, into)
    else:
        hint = "name the folder with your manifests, or `-` for stdin"
        raise SourceError("no such file or folder", where=str(path), hint=hint)


def _named(file: File, options: Options, seen: set[str], into: Collected) -> None:
    """A file that the user named: read as YAML whatever it is called, unless a layer owns it."""
    if file.path in seen:
        return
    seen.add(file.path)
    if not Path(file.path).is_file():
        _manifests(file, options, into)
    elif owned(file.name, options) and not file.name.lower().endswith(YAML_SUFFIXES):
        read_plain(file, into)
    else:
        _manifests(file, options, into)


def _folder(listing: Listing, options: Options, seen: set[str], into: Collected) -> None:
    into.unreadable += [
        entry
        for entry in listing.refused
        if wanted(entry.source, options) or "." not in entry.source.rpartition("/")[2]
    ]
    by_path = {file.display: file for file in listing.files}
    charts = helm.plan(listing.files, into)
    loose = [file for file in listing.files if not charts.owns(file.display)]
    builds = kustomize.plan(loose, into)
    for chart in charts.roots:
        merge(helm.evaluate(chart, listing.files, options), into)
    for root in builds.roots:
        merge(kustomize.evaluate(root, builds, by_path, options), into)
    raw = [file for file in loose if file.display not in builds.consumed]
    if options.listed is not None:
        raw = [file for file in raw if not _dropped(file, listing, builds, options, into)]
        named = {path for entry in builds.known.values() for path in entry.folders}
        options.listed.told((by_path[path] for path in named & by_path.keys()), listing)
    start = len(into.manifests)
    _files(raw, options, seen, into)
    for manifest in into.manifests[start:]:
        if beside := builds.known.get(posixpath.dirname(manifest.text.file) or "."):
            manifest.text.unlisted_by = beside.file.display


def _dropped(
    file: File, listing: Listing, builds: kustomize.Plan, options: Options, into: Collected
) -> bool:
    """Whether a change takes a file out of the kustomization that has applied it."""
    gone = builds.governs(file.display) and options.listed.dropped(file, listing)
    if gone:
        into.not_evaluated.append(
            NotEvaluated(file.display, "no kustomization lists it any longer")
        )
    return bool(gone)


def _files(files: Sequence[File], options: Options, seen: set[str], into: Collected) -> None:
    for file in files:
        if not _read(file.display, options) or file.path in seen:
            continue
        seen.add(file.path)
        if file.name.lower().endswith(YAML_SUFFIXES):
            _manifests(file, options, into)
        else:
            read_plain(file, into)


def _manifests(file: File, options: Options, into: Collected) -> None:
    if options.known is None:
        read_manifests(file, into, fast=options.fast_yaml)
    else:
        options.known.read(file, into, fast=options.fast_yaml)


def merge(found: Collected, into: Collected) -> None:
    """Add everything of one input to that of others."""
    into.manifests += found.manifests
    into.documents += found.documents
    into.files += found.files
    into.flows += found.flows
    into.ambiguous += found.ambiguous
    into.recipes += found.recipes
    into.roots += found.roots
    into.unreadable += found.unreadable
    into.not_evaluated += found.not_evaluated
    into.looked_at += found.looked_at
    into.versions.update(found.versions)
    into.renderers.update(found.renderers)
    into.pull_secrets.update(found.pull_secrets)
