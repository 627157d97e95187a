# SPDX-License-Identifier: Apache-2.0
"""Could this workload have made a pod of this name?

Authority: the names that Kubernetes' controllers give: `generateName` is cut to 58 characters
before five random ones (apiserver pkg/storage/names/generate.go), hashes and random characters
come from one alphabet (apimachinery pkg/util/rand/rand.go), Deployment and ReplicaSet
(pkg/controller/deployment/sync.go), StatefulSet (stateful_set_utils.go), CronJob
(pkg/controller/cronjob/utils.go), Knative's revisions and their Deployments (knative/serving
pkg/reconciler/revision/resources/names/names.go).
"""

from __future__ import annotations

import re

_RANDOM = "[bcdfghjklmnpqrstvwxz2456789]"
_SUFFIX = re.compile(f"{_RANDOM}{{5}}")
_CUT = 58
"""The characters of a generated name before its random ones."""

_GENERATED = ("DaemonSet", "Job", "ReplicaSet", "ReplicationController", "DeploymentConfig")
_BETWEEN = {
    "Deployment": f"{_RANDOM}{{1,10}}-",
    "Rollout": f"{_RANDOM}{{1,10}}-",
    "CronJob": r"\d{1,12}-",
    "Service": rf"(?:\d{{5}}|[a-z0-9-]+)-deployment-{_RANDOM}{{1,10}}-",
}
"""What stands between the name of the object and the random characters."""


def may_have_made(kind: str, name: str, pod: str) -> bool:
    """Whether a pod of this name can come from an object of this kind (`Service` is Knative's)."""
    if kind == "Pod":
        return pod == name
    if kind == "StatefulSet":
        return re.fullmatch(rf"{re.escape(name)}-\d+", pod, re.ASCII) is not None
    prefix, suffix = pod[:-5], pod[-5:]
    if not _SUFFIX.fullmatch(suffix):
        return False
    if kind in _GENERATED:
        return prefix == f"{name}-"[:_CUT]
    between = _BETWEEN.get(kind)
    return between is not None and _generated(name, between, prefix)


def _generated(name: str, between: str, prefix: str) -> bool:
    if re.fullmatch(rf"{re.escape(name)}-{between}", prefix, re.ASCII):
        return True
    base = f"{name}-"
    return len(prefix) == _CUT and (prefix.startswith(base) or base.startswith(prefix))
