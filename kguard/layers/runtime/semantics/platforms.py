# SPDX-License-Identifier: Apache-2.0
"""Can Falco see system calls on a node of this kind at all?

Authority: falcosecurity/libs (0.25) README: the modern eBPF probe needs Linux 5.8 (ring buffer, BTF
and tracing programs), the kernel module Linux 3.10; images are published for amd64 and arm64. Red
Hat's 4.18 kernels have what the probe needs from some release on, which the version does not tell.
Pods on virtual nodes have no node of their own under them.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from kguard.model.manifests import JsonObject, mapping, strings

MODERN_EBPF = (5, 8)
KERNEL_MODULE = (3, 10)
ARCHITECTURES = ("amd64", "arm64")

_LABELS = (
    ("type", "virtual-kubelet"),
    ("kubernetes.azure.com/virtual-node", "true"),
    ("eks.amazonaws.com/compute-type", "fargate"),
    ("kubernetes.io/os", "windows"),
)
_KERNEL = re.compile(r"(\d{1,4})\.(\d{1,4})(?:[^\d].*)?", re.ASCII)
_BACKPORTS = re.compile(r"4\.18\.0-.*\.el8", re.ASCII)


class Fit(NamedTuple):
    """Whether a node's platform suits Falco's driver."""

    state: Literal["fits", "never", "kernel", "unknown"]
    """`never`: no Falco could; `kernel`: this driver cannot."""
    detail: str = ""
    label: str = ""
    """The label that tells; empty where the node's status does."""


def fit(node: JsonObject, engine: str) -> Fit:
    """Whether Falco can watch a node.

    Args:
        node: the Node object; what its status does not tell is taken for usual.
        engine: `engine.kind`; empty where it is chosen on the node.
    """
    labels = strings(mapping(node.get("metadata")).get("labels"))
    for key, value in _LABELS:
        if labels.get(key) == value:
            return Fit("never", f"{key}={value}", key)
    info = strings(mapping(node.get("status")).get("nodeInfo"))
    system, machine = info.get("operatingSystem", ""), info.get("architecture", "")
    if system not in ("", "linux"):
        return Fit("never", f"the operating system {system}")
    if machine not in ("", *ARCHITECTURES):
        return Fit("never", f"the architecture {machine}")
    return _kernel(info.get("kernelVersion", ""), engine)


def _kernel(text: str, engine: str) -> Fit:
    found = _KERNEL.fullmatch(text)
    if found is None:
        return Fit("fits")
    version = int(found[1]), int(found[2])
    least = MODERN_EBPF if engine == "modern_ebpf" else KERNEL_MODULE
    if version >= least:
        return Fit("fits")
    detail = f"the kernel {text}; {engine or 'Falco'} needs {least[0]}.{least[1]}"
    return Fit("unknown" if _BACKPORTS.match(text) else "kernel", detail)
