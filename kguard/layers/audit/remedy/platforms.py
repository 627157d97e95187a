# SPDX-License-Identifier: Apache-2.0
"""Which edits give a cluster of Gardener or Rancher its audit policy and settings?

Authority: Gardener's "Shoot audit policy" (a ConfigMap of the project with the key `policy`, named
by the Shoot; without one the API server gets a policy that records nothing), Rancher's "Enabling
the API Audit Log in Downstream Clusters" (RKE2: the policy inline in machineGlobalConfig; k3s: a
ConfigMap that machineSelectorFiles puts on the control plane, and arguments that name it).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kguard.layers.audit.facts.configuration import Configuration
from kguard.layers.audit.facts.distributions import of_version
from kguard.layers.audit.remedy.dialects import at, placed, settings_operations
from kguard.layers.audit.remedy.inline import changed_value
from kguard.layers.audit.remedy.recommended import POLICY
from kguard.model.facts.audit import Server
from kguard.model.manifests import Manifest
from kguard.model.remedies import Cannot, Create, Edit, Operation, Proposal

_KEY = "policy"
"""Of the ConfigMap; Gardener wants it to have this name."""
_K3S_POLICY = "/var/lib/rancher/k3s/server/audit-policy.yaml"
_K3S_LOG = "/var/lib/rancher/k3s/server/logs/audit.log"
_GLOBAL = ("spec", "rkeConfig", "machineGlobalConfig")
_ALLOWED = "rke.cattle.io/object-authorized-for-clusters"
_CONTROL_PLANE = {"matchLabels": {"rke.cattle.io/control-plane-role": "true"}}


def mend_shoot(holder: Manifest, server: Server, closes: tuple[str, ...]) -> Iterator[Proposal]:
    """The policy of a Shoot that has none; its log is the business of the seed."""
    if server.policy != "absent":
        reason = "where the events of a shoot go, and for how long, is decided by its seed"
        yield Cannot(closes, reason, "ask the operator of the garden")
        return
    place = ("spec", "kubernetes", "kubeAPIServer", "auditConfig", "auditPolicy", "configMapRef")
    edit = placed(holder.object, (*place, "name"), _name(holder))
    yield _config_map(holder, {}, closes)
    yield Edit(holder.id, (edit,), closes, "the shoot reads the policy from the ConfigMap")


def mend_rancher(
    holder: Manifest,
    configuration: Configuration,
    server: Server,
    flags: dict[str, str],
    closes: tuple[str, ...],
) -> Iterator[Proposal]:
    """Settings of all machines; `flags` are limits of the log that are missing."""
    wanted = dict(flags)
    more: list[Operation] = []
    if server.policy == "absent" and of_version(configuration.version) == "k3s":
        wanted = {"audit-policy-file": _K3S_POLICY, "audit-log-path": _K3S_LOG, **flags}
        annotations = {_ALLOWED: holder.name}
        yield _config_map(holder, annotations, closes)
        more = [
            placed(holder.object, ("spec", "rkeConfig", "machineSelectorFiles"), [_file(holder)])
        ]
    elif server.policy == "absent":
        wanted = {"audit-policy-file": POLICY, **flags}
    edits = [*_settings(holder, configuration, wanted), *more]
    if edits:
        why = "the settings and the policy that the API server lacks"
        yield Edit(holder.id, tuple(edits), closes, why)


def _settings(
    holder: Manifest, configuration: Configuration, wanted: dict[str, str]
) -> Iterator[Operation]:
    """Flags in machineGlobalConfig, which may not be there yet."""
    prefix = "/" + "/".join(_GLOBAL)
    rke2 = of_version(configuration.version) == "rke2"
    if isinstance(at(holder.object, prefix), dict):
        yield from settings_operations(holder.object, configuration, wanted, prefix, rke2=rke2)
    elif wanted:
        empty: dict[str, Any] = {}
        edits = list(settings_operations(empty, configuration, wanted, "", rke2=rke2))
        yield placed(holder.object, _GLOBAL, changed_value(empty, edits))


def _name(holder: Manifest) -> str:
    """Of the ConfigMap: each cluster has its own."""
    return f"{holder.name}-audit-policy"


def _file(holder: Manifest) -> dict[str, Any]:
    item = {"key": _KEY, "path": _K3S_POLICY}
    sources = [{"configMap": {"name": _name(holder), "items": [item]}}]
    return {"fileSources": sources, "machineLabelSelector": _CONTROL_PLANE}


def _config_map(holder: Manifest, annotations: dict[str, str], closes: tuple[str, ...]) -> Proposal:
    metadata: dict[str, Any] = {"name": _name(holder), "namespace": holder.namespace}
    if annotations:
        metadata["annotations"] = annotations
    new: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
    return Create(
        {**new, "data": {_KEY: POLICY}}, closes, "a policy without holes, as the cluster reads it"
    )
