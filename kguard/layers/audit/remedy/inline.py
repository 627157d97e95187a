# SPDX-License-Identifier: Apache-2.0
"""Which edits mend a policy that stands inside of another object, or that a platform brings along?

A policy inside of an object (Cluster API, Talos, kOps, Gardener, Rancher, a ConfigMap) is written
anew as a whole at its place. Of a platform's own policy the setting that chooses it is changed.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from kguard.inventory import Inventory
from kguard.layers.audit.facts import configurations
from kguard.layers.audit.facts.configuration import Configuration, InlineFile
from kguard.layers.audit.remedy.dialects import at
from kguard.layers.audit.remedy.recommended import FILE_NAME, POLICY
from kguard.model.facts.audit import AuditPolicy
from kguard.model.locations import pointer_tokens
from kguard.model.remedies import Cannot, Edit, Operation, Proposal, WriteFile

_CONTENTS = "audit/contents-unrecorded"


def holder_of(
    inventory: Inventory, policy: AuditPolicy
) -> tuple[Configuration, InlineFile | None] | None:
    """The configuration that a policy belongs to, with the file if it is inline."""
    for configuration in configurations(inventory):
        if configuration.ref != policy.ref:
            continue
        for file in configuration.files:
            if policy.name == f"{configuration.ref.name}{file.pointer}":
                return configuration, file
        if policy.origin == "built-in":
            return configuration, None
    return None


def rewritten(
    inventory: Inventory,
    configuration: Configuration,
    file: InlineFile,
    operations: Sequence[Operation],
    closes: tuple[str, ...],
) -> Proposal:
    """The inline policy with some changes, in the form that it has: an object or its text."""
    from kguard.sources.yaml.emit import emit

    changed = changed_value(file.value, operations)
    ref = file.id or configuration.id
    holder: Any = inventory.by_id(ref)
    whole = getattr(holder, "object", None) or getattr(holder, "value", None)
    text = isinstance(at(whole, file.pointer), str)
    value = emit(changed) if text else changed
    why = "rules in front of the ones that hide something; every other decision stays as it is"
    return Edit(ref, (Operation("replace", file.pointer, value),), closes, why)


def changed_value(value: Any, operations: Sequence[Operation]) -> Any:
    """A document after some operations."""
    changed = copy.deepcopy(value)
    for operation in operations:
        *before, last = pointer_tokens(operation.pointer)
        holder = changed
        for token in before:
            holder = holder[int(token)] if isinstance(holder, list) else holder[token]
        if isinstance(holder, list):
            index = int(last)
            if operation.op == "add":
                holder.insert(index, operation.value)
            elif operation.op == "replace":
                holder[index] = operation.value
            else:
                del holder[index]
        elif operation.op == "remove":
            del holder[last]
        else:
            holder[last] = operation.value
    return changed


def replaced(
    inventory: Inventory,
    configuration: Configuration,
    operations: Sequence[Operation],
    policies: frozenset[str],
    closes: tuple[str, ...],
) -> Proposal:
    """Another policy instead of the one that a platform writes.

    Args:
        inventory: of the input.
        configuration: the server's.
        operations: what mends the platform's policy.
        policies: ids of the policies whose findings are to be closed.
        closes: their fingerprints.
    """
    if configuration.how == "talos":
        holder: Any = inventory.by_id(configuration.id)
        if not isinstance(at(getattr(holder, "value", None), "/cluster/apiServer"), dict):
            reason = "Talos takes the policy from a document of its own, which is not there"
            return Cannot(closes, reason, "add a document KubeAuditPolicyConfig with the policy")
        mended = changed_value(configuration.built_in, operations)
        edit = Operation("add", "/cluster/apiServer/auditPolicy", mended)
        return Edit(configuration.id, (edit,), closes, "a policy instead of Talos' own")
    if configuration.how == "rancher":
        edit = Operation("add", f"{configuration.place}/audit-policy-file", POLICY)
        return Edit(configuration.id, (edit,), closes, "a policy instead of RKE2's own")
    if configuration.how == "openshift":
        return _of_openshift(configuration, policies, closes)
    why = f"replaces the policy of {configuration.built_in_name or configuration.how}:"
    return WriteFile(FILE_NAME, POLICY, closes, f"{why} it goes where audit-policy-file points")


def _of_openshift(
    configuration: Configuration, policies: frozenset[str], closes: tuple[str, ...]
) -> Proposal:
    if _CONTENTS in policies:
        reason = "no profile of OpenShift records these contents without those of tokens"
        return Cannot(closes, reason, "watch the objects by other means, such as admission")
    place = "/spec/audit"
    default = {"profile": "Default"}
    given = configuration.place == place
    edit = Operation("replace" if given else "add", place, default)
    return Edit(configuration.id, (edit,), closes, "the profile Default records all metadata")
