# SPDX-License-Identifier: Apache-2.0
"""What does the metrics page of a running Falco prove?

Authority: falcosecurity/falco userspace/falco/falco_metrics.cpp and configuration.cpp (0.44): a
rules file is named by its base name, with the SHA-256 of its bytes as they were loaded; drops are
counted since Falco started. Lines of another form are skipped; a line about a rules file that
cannot be understood makes the page no proof of what is loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

import msgspec

RULES = "falcosecurity_falco_sha256_rules_files_info"
STARTED = "falcosecurity_falco_start_timestamp_nanoseconds"
KERNEL_DROPS = "falcosecurity_scap_n_drops_total"
QUEUE_DROPS = "falcosecurity_falco_outputs_queue_num_drops_total"
_VERSION = "falcosecurity_falco_version_info"
_KERNEL = "falcosecurity_falco_kernel_release_info"

_SAMPLE = re.compile(r"(\w+)(?:\{(.*)\})?[ \t]+([0-9.eE+-]+)(?:[ \t]+\d+)?[ \t]*", re.ASCII)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)",?', re.ASCII)
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


class Observed(msgspec.Struct, frozen=True):
    """What one running Falco says of itself."""

    version: str = ""
    kernel: str = ""
    rules: dict[str, tuple[str, ...]] | None = None
    """The digests of the loaded rules files, by base name; None where the page proves nothing."""
    kernel_drops: int = 0
    queue_drops: int = 0


def observed(page: str) -> Observed:
    """What a metrics page tells."""
    numbers: dict[str, int] = {}
    words: dict[str, dict[str, str]] = {}
    files: list[dict[str, str] | None] = []
    for name, labels, number in _samples(page):
        numbers[name] = numbers.get(name, 0) + number
        if name == RULES:
            files.append(labels)
        elif labels:
            words[name] = labels
    return Observed(
        version=words.get(_VERSION, {}).get("version", ""),
        kernel=words.get(_KERNEL, {}).get("kernel_release", ""),
        rules=_loaded(files) if STARTED in numbers or files else None,
        kernel_drops=numbers.get(KERNEL_DROPS, 0),
        queue_drops=numbers.get(QUEUE_DROPS, 0),
    )


def digest(content: str) -> str:
    """The SHA-256 of a rules file, as the page gives it."""
    return sha256(content.encode()).hexdigest()


def _samples(page: str) -> Iterator[tuple[str, dict[str, str] | None, int]]:
    for line in page.splitlines():
        found = _SAMPLE.fullmatch(line)
        if found is None:
            if line.startswith(RULES):
                yield RULES, None, 0
            continue
        try:
            yield found[1], _labels(found[2] or ""), int(float(found[3]))
        except (ValueError, OverflowError):
            continue


def _labels(text: str) -> dict[str, str] | None:
    """The labels of a sample; None where they are not well formed."""
    found = {match[1]: match[2] for match in _LABEL.finditer(text)}
    return found if not _LABEL.sub("", text).strip(" ,") else None


def _loaded(files: list[dict[str, str] | None]) -> dict[str, tuple[str, ...]] | None:
    loaded: dict[str, list[str]] = {}
    for labels in files:
        name, value = (labels or {}).get("file_name", ""), (labels or {}).get("sha256", "")
        if not name or not _DIGEST.fullmatch(value):
            return None
        loaded.setdefault(name, []).append(value.lower())
    return {name: tuple(sorted(found)) for name, found in sorted(loaded.items())}
