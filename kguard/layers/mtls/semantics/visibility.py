# SPDX-License-Identifier: Apache-2.0
"""In which namespaces do clients see a Service or a VirtualService?

Authority: istio/istio pilot/pkg/model/push_context.go (`initServiceRegistry`,
`initVirtualServices`: `*` is everywhere and outweighs the rest, `~` is nowhere, `.` is the
object's own namespace), pilot/pkg/serviceregistry/kube/conversion.go (the annotation of Services).
ztunnel is not told: its clients see every Service.
"""

from __future__ import annotations

from collections.abc import Collection

ANNOTATION = "networking.istio.io/exportTo"
_EVERYWHERE, _NOWHERE, _OWN = "*", "~", "."


def exported_by(annotations: dict[str, str]) -> frozenset[str]:
    """The namespaces that a Service's annotation lists; empty where the mesh's default counts."""
    text = annotations.get(ANNOTATION, "")
    return frozenset(word.strip() for word in text.split(",")) if text else frozenset()


def seen(export: Collection[str], owner: str, client: str) -> bool:
    """Whether clients in a namespace see what a namespace exports."""
    if _EVERYWHERE in export:
        return True
    return _NOWHERE not in export and (client in export or (_OWN in export and client == owner))
