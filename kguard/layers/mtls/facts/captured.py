# SPDX-License-Identifier: Apache-2.0
"""What decides which traffic of a workload's sidecar is captured, and where is it written?"""

from __future__ import annotations

from kguard.inventory import Workload
from kguard.layers.mtls.facts.view import View
from kguard.model.facts.common import Evidence
from kguard.model.locations import pointer


def capture_settings(view: View, workload: Workload) -> dict[str, str]:
    """The pods' own annotations over the defaults of injector and MeshConfig."""
    if not view.capture_defaults:
        return workload.annotations
    defaults = {key: found.value for key, found in view.capture_defaults.items()}
    return {**defaults, **workload.annotations}


def capture_evidence(view: View, workload: Workload, annotation: str, note: str) -> Evidence:
    """Where an annotation, or its default, is written."""
    default = view.capture_defaults.get(annotation)
    if annotation in workload.annotations or default is None:
        place = workload.pod_metadata_pointer + pointer("annotations", annotation)
        value = workload.annotations.get(annotation, "")
        return Evidence(workload.id, place, f"{note}: {annotation}={value}")
    return Evidence(default.ref, default.pointer, f"{note}: {annotation}={default.value}")
