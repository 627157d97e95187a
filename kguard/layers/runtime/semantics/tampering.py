# SPDX-License-Identifier: Apache-2.0
"""Which operations change Falco, or stop it?

Authority: what the pods of Falco are made of (a DaemonSet, ConfigMaps, the operator's objects), the
garbage collection of a namespace, and taints, before which a pod without a toleration has to go.
Pods that are deleted come back: that right alone is no way to stop Falco.
"""

from __future__ import annotations

from typing import NamedTuple

from kguard.model.facts.runtime import Means

ARTIFACTS = "artifact.falcosecurity.dev"
INSTANCES = "instance.falcosecurity.dev"

_EDITS = frozenset({"update", "patch"})
_ENDS = frozenset({"delete", "deletecollection"})
_CREATES = frozenset({"create"})
_OPERATIONS = {
    **dict.fromkeys(("update", "patch"), "UPDATE"),
    **dict.fromkeys(("delete", "deletecollection"), "DELETE"),
    "create": "CREATE",
}


class Way(NamedTuple):
    """An operation that changes or stops a Falco."""

    means: Means
    verbs: frozenset[str]
    group: str
    resource: str
    name: str = ""
    """The object that it is about; empty for any."""
    namespace: str = ""
    """Empty for a cluster-scoped resource."""

    @property
    def operations(self) -> list[str]:
        """As admission calls them."""
        return sorted({_OPERATIONS[verb] for verb in self.verbs})


def of_workload(kind: str, name: str, namespace: str) -> list[Way]:
    """The ways to change the pods of a workload, or to run something in them."""
    resources = {
        "DaemonSet": "daemonsets",
        "Deployment": "deployments",
        "StatefulSet": "statefulsets",
    }
    found = [
        Way("exec", _CREATES, "", "pods/exec", "", namespace),
        Way("namespace", _ENDS - {"deletecollection"}, "", "namespaces", namespace),
    ]
    if kind in resources:
        found.append(Way("workload", _EDITS | _ENDS, "apps", resources[kind], name, namespace))
    return found


def of_config_map(name: str, namespace: str) -> Way:
    """The way to change a configuration or rules."""
    return Way("configuration", _EDITS | _ENDS, "", "configmaps", name, namespace)


def of_operator(name: str, namespace: str) -> list[Way]:
    """The ways over the objects of the operator: a new Rulesfile changes rules, too."""
    edits = _EDITS | _ENDS
    return [
        Way("workload", edits, INSTANCES, "falcos", name, namespace),
        *(
            Way("rules", edits | _CREATES, ARTIFACTS, resource, "", namespace)
            for resource in ("rulesfiles", "configs", "plugins")
        ),
    ]


TAINTS = Way("taints", _EDITS, "", "nodes")
"""A taint NoExecute drives Falco off a node unless it tolerates every one."""
