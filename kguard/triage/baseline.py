# SPDX-License-Identifier: Apache-2.0
"""Which findings were there before?

A baseline is an earlier report (JSON) or a file that `kguard baseline` wrote; findings are
subtracted by fingerprint.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from kguard.errors import ConfigError, reason
from kguard.model.findings import Finding

MAX_BASELINE_BYTES = 256 << 20


class _Target(msgspec.Struct):
    cluster: str = ""


class _Known(msgspec.Struct):
    fingerprint: str
    state: str = "open"
    target: _Target | str = ""
    cluster: str = ""

    def is_about(self, cluster: str) -> bool:
        """Whether it may be a finding of the cluster; the name of none means any."""
        mine = self.target.cluster if isinstance(self.target, _Target) else self.cluster
        return not (cluster and mine) or mine == cluster


class _Earlier(msgspec.Struct):
    findings: list[_Known]


def read(path: Path, cluster: str = "") -> frozenset[str]:
    """The fingerprints of an earlier report, without those that a waiver accepted for a time.

    Args:
        path: the report, or what `kguard baseline` wrote.
        cluster: leave out what it says of other clusters.

    Raises:
        ConfigError: the file cannot be read or is no report.
    """
    try:
        if path.stat().st_size > MAX_BASELINE_BYTES:
            raise ConfigError("the baseline is larger than 256 MiB", where=str(path))
        earlier = msgspec.json.decode(path.read_bytes(), type=_Earlier)
    except OSError as error:
        raise ConfigError(
            f"the baseline cannot be read: {reason(error)}",
            where=str(path),
            hint=f"`kguard baseline INPUT -o {path}` writes one",
        ) from None
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"the baseline is no report of kguard: {error}",
            where=str(path),
            hint="write one with `kguard scan ... -o json=FILE`",
        ) from None
    counted = (k for k in earlier.findings if k.state != "waived" and k.is_about(cluster))
    return frozenset(known.fingerprint for known in counted)


def apply(findings: Iterable[Finding], known: frozenset[str]) -> tuple[Finding, ...]:
    """Mark the open findings that the baseline holds."""
    return tuple(
        msgspec.structs.replace(finding, state="baseline")
        if finding.state == "open" and finding.fingerprint in known
        else finding
        for finding in findings
    )
