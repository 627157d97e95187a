# SPDX-License-Identifier: Apache-2.0
"""Which bytes does a pod's status say that a container runs?

Authority: kubernetes pkg/kubelet/kuberuntime (`imageID` is the runtime's `image_ref`): containerd
and CRI-O give `repository@digest` of the manifest or index that was pulled; the former dockershim
wrote `docker-pullable://` before it, and `docker://` before the digest of a configuration. A digest
without a repository is that of a configuration: of an image that was loaded into the node and not
pulled (containerd/containerd issue 8408). The repository may be another one with the same content
(kubernetes/kubernetes issue 95385).
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

_PULLED = "docker-pullable://"
_CONFIG = re.compile(r"(?:docker://)?(?:sha256:)?([0-9a-f]{64})\Z")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class ImageId(msgspec.Struct, frozen=True, order=True):
    """What one `imageID` says."""

    kind: Literal["manifest", "config", "none", "unknown"]
    """`none`: the container has not been started; `unknown`: a text of another form."""
    digest: str = ""
    repository: str = ""
    """As written; empty for a configuration."""


def read_image_id(text: str) -> ImageId:
    """Read an `imageID`."""
    if not text:
        return ImageId("none")
    repository, at, digest = text.removeprefix(_PULLED).rpartition("@")
    if at and repository and _DIGEST.match(digest):
        return ImageId("manifest", digest, repository)
    if found := _CONFIG.match(text):
        return ImageId("config", f"sha256:{found[1]}")
    return ImageId("unknown")
