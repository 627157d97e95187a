# SPDX-License-Identifier: Apache-2.0
"""How does an image get a signature that counts? No manifest does it, a command does."""

from __future__ import annotations

from collections.abc import Iterator

from kguard.layers.images.remedy.pin import uses_by_finding
from kguard.model.facts.images import ImageUse
from kguard.model.remedies import Cannot, Proposal, RemedyRequest


def sign(request: RemedyRequest) -> Iterator[Proposal]:
    """Say with which command the owner of the image signs it."""
    for finding, use in uses_by_finding(request.facts, request.findings):
        if use.visible == "false":
            yield _other_format((finding.fingerprint,), use)
        else:
            yield Cannot((finding.fingerprint,), _reason(use), _command(use))


def _other_format(findings: tuple[str, ...], use: ImageUse) -> Cannot:
    name = f"{use.reference}@{use.digest}"
    return Cannot(
        findings,
        f"{use.enforcer} does not read a {use.format} made this way, whatever its policies say",
        f"upgrade it, or sign once more: cosign sign --new-bundle-format=false {name}",
    )


def _reason(use: ImageUse) -> str:
    if use.signature in ("tampered", "expired_or_untimed"):
        return "a signature that does not hold cannot be mended: find out how it came about first"
    if use.signature in ("wrong_identity", "untrusted_root"):
        return "no manifest makes a stranger's signature yours: the image's owner has to sign it"
    return "no manifest can sign an image: its owner has to"


def _command(use: ImageUse) -> str:
    name = f"{use.reference}@{use.digest}" if use.digest else use.image
    return f"cosign sign {name}    (with a key: cosign sign --key cosign.key {name})"
