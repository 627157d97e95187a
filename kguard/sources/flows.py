# SPDX-License-Identifier: Apache-2.0
"""How are files with connections read: those that are meant, and those that were seen?"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from kguard.errors import ConfigError, SourceError
from kguard.model.flows import FlowsFile, is_declaration
from kguard.model.manifests import Collected, PlainFile, SourceText, Unreadable
from kguard.sources.files import File
from kguard.sources.limits import MAX_FILE_BYTES
from kguard.sources.reading import parse, read_bytes

_YAML = (".yaml", ".yml")


def add_flows(names: Iterable[str], into: Collected) -> None:
    """Add files with declared (YAML) or observed (JSON lines, metrics) connections to the input.

    Raises:
        SourceError: a file cannot be read.
        ConfigError: a file with declared flows does not follow the schema.
    """
    for name in names:
        display = Path(name).as_posix()
        if display not in into.flows:
            into.flows.append(display)
            _read(File(display, name), into)
    for document in into.documents:
        if is_declaration(document.text.file, into.flows):
            _check(document.value, document.text)


def _read(file: File, into: Collected) -> None:
    if file.display.endswith(_YAML) and any(d.text.file == file.display for d in into.documents):
        return
    # A folder that is scanned may hold it as well, where it is no manifest.
    into.documents = [d for d in into.documents if d.text.file != file.display]
    into.unreadable = [u for u in into.unreadable if u.source != file.display]
    data = read_bytes(file, MAX_FILE_BYTES)
    if isinstance(data, Unreadable):
        hint = "declare connections as docs/layers/network.md says, or record them"
        raise SourceError(data.reason, where=file.display, hint=hint)
    if file.display.endswith(_YAML):
        parse(data, SourceText(file.display, 0, 1, ""), into)
    else:
        into.files.append(PlainFile(file.display, data.decode(errors="replace")))


def _check(value: object, text: SourceText) -> None:
    try:
        msgspec.convert(value, FlowsFile)
    except msgspec.ValidationError as error:
        hint = "`kguard schema flows` prints the schema"
        raise ConfigError(str(error), where=f"{text.file}:{text.line}", hint=hint) from None
