# SPDX-License-Identifier: Apache-2.0
"""Could something of the input refuse an operation at admission?

Authority: Kubernetes' rules of webhooks and ValidatingAdmissionPolicies
(apiserver pkg/admission/plugin/webhook/predicates): operation, group and resource with `*`, and the
labels of the namespace; kyverno api/policies.kyverno.io/v1 validating_policy.go. Whether a webhook
or an expression really refuses is not decided here: an answer is either that nothing is asked, or
what is.
"""

from __future__ import annotations

from typing import Any

from kguard.inventory.index import Inventory
from kguard.inventory.selectors import InvalidSelectorError, parse_selector
from kguard.model.manifests import Manifest, mapping, sequence, strings

GROUP = "admissionregistration.k8s.io"
_KYVERNO = "kyverno.io"
_KYVERNO_CEL = "policies.kyverno.io"
_KINDS = {
    "configmaps": "ConfigMap",
    "daemonsets": "DaemonSet",
    "deployments": "Deployment",
    "statefulsets": "StatefulSet",
    "namespaces": "Namespace",
    "nodes": "Node",
    "pods/exec": "Pod/exec",
    "falcos": "Falco",
    "rulesfiles": "Rulesfile",
    "configs": "Config",
    "plugins": "Plugin",
}
"""How Kyverno names the resources that are asked for."""
_UNSAID = ("CREATE", "UPDATE")
"""The operations of a Kyverno rule that names none."""


def asked(
    inventory: Inventory, operation: str, group: str, resource: str, namespace: str
) -> list[Manifest]:
    """What is asked before an operation on a resource, by kind and name.

    Args:
        inventory: webhooks, policies and the labels of namespaces.
        operation: `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
        group: of the resource.
        resource: plural name, with a subresource after `/`.
        namespace: empty for a cluster-scoped resource, which no selector leaves out; a namespace's
            own name for a namespace.
    """
    wanted = (operation, group, resource)
    labels = inventory.namespace_labels(namespace) if namespace else None
    found = [
        manifest
        for manifest in inventory.of("ValidatingWebhookConfiguration", GROUP)
        for hook in map(mapping, sequence(manifest.object.get("webhooks")))
        if _matches(hook.get("rules"), wanted) and _selects(hook, labels)
    ]
    found += [
        policy
        for policy in inventory.of("ValidatingAdmissionPolicy", GROUP)
        if _denies(inventory, policy) and _constrained(policy, wanted, labels)
    ]
    found += [
        policy
        for kind in ("ClusterPolicy", "Policy")
        for policy in inventory.of(kind, _KYVERNO)
        if _enforced(policy, operation, _KINDS.get(resource, ""))
        and (kind == "ClusterPolicy" or policy.namespace == namespace)
    ]
    found += [
        policy
        for kind in ("ValidatingPolicy", "NamespacedValidatingPolicy")
        for policy in inventory.of(kind, _KYVERNO_CEL)
        if _judges(policy)
        and _constrained(policy, wanted, labels)
        and (kind == "ValidatingPolicy" or policy.namespace == namespace)
    ]
    return list({manifest.id: manifest for manifest in found}.values())


def _denies(inventory: Inventory, policy: Manifest) -> bool:
    """Whether a binding lets the policy refuse (an action other than `Warn` and `Audit`)."""
    return any(
        strings(binding.spec).get("policyName") == policy.name
        and "Deny" in sequence(binding.spec.get("validationActions"))
        for binding in inventory.of("ValidatingAdmissionPolicyBinding", GROUP)
    )


def _constrained(
    policy: Manifest, wanted: tuple[str, str, str], labels: dict[str, str] | None
) -> bool:
    constraints = mapping(policy.spec.get("matchConstraints"))
    return _matches(constraints.get("resourceRules"), wanted) and _selects(constraints, labels)


def _matches(rules: Any, wanted: tuple[str, str, str]) -> bool:
    operation, group, resource = wanted
    base, slash, subresource = resource.partition("/")
    wide = {"*/*", resource, *([f"{base}/*", f"*/{subresource}"] if slash else ["*"])}
    return any(
        {"*", operation} & _words(rule.get("operations"))
        and {"*", group} & _words(rule.get("apiGroups"))
        and wide & _words(rule.get("resources"))
        for rule in map(mapping, sequence(rules))
    )


def _judges(policy: Manifest) -> bool:
    """Whether a ValidatingPolicy of Kyverno may refuse something at admission."""
    evaluation = mapping(policy.spec.get("evaluation"))
    return (
        "Deny" in (sequence(policy.spec.get("validationActions")) or ["Deny"])
        and mapping(evaluation.get("admission")).get("enabled") is not False
        and evaluation.get("mode") != "JSON"
    )


def _enforced(policy: Manifest, operation: str, kind: str) -> bool:
    """Whether a Kyverno policy may refuse an operation on a kind."""
    return any(
        bool(mapping(rule.get("validate")))
        and _is_enforcing(policy, mapping(rule.get("validate")))
        and _concerns(mapping(rule.get("match")), operation, kind)
        for rule in map(mapping, sequence(policy.spec.get("rules")))
    )


def _is_enforcing(policy: Manifest, validate: dict[str, Any]) -> bool:
    action = strings(validate).get("failureAction") or strings(policy.spec).get(
        "validationFailureAction", "Audit"
    )
    return action.lower() == "enforce"


def _concerns(match: dict[str, Any], operation: str, kind: str) -> bool:
    blocks = [match, *map(mapping, [*sequence(match.get("any")), *sequence(match.get("all"))])]
    for resources in (mapping(block.get("resources")) for block in blocks):
        kinds = {name.rpartition("/")[2] for name in _words(resources.get("kinds"))}
        kinds |= _words(resources.get("kinds"))
        operations = _words(resources.get("operations")) or {*_UNSAID}
        if {"*", kind} & kinds and operation in operations:
            return True
    return False


def _words(value: Any) -> set[str]:
    return {word for word in sequence(value) if isinstance(word, str)}


def _selects(holder: dict[str, Any], labels: dict[str, str] | None) -> bool:
    if labels is None:
        return True
    try:
        selector = parse_selector(holder.get("namespaceSelector"))
    except InvalidSelectorError:
        return True
    return selector is None or selector.matches(labels)
