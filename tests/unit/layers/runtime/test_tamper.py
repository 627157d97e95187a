# SPDX-License-Identifier: Apache-2.0
"""Who may change Falco or stop it?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.runtime import LAYER
from kguard.model.facts.runtime import Tamper
from tests.unit.inventory.test_admission import rule as asked_for
from tests.unit.inventory.test_admission import webhook
from tests.unit.inventory.test_rbac import DEV, ROBOT, binding, role
from tests.unit.layers.runtime.test_facts import REQUEST, daemonset, inventory
from tests.unit.layers.runtime.test_operator import falco


def rule(verbs: str, group: str, resources: str, *names: str) -> dict[str, Any]:
    found = {"verbs": verbs.split(), "apiGroups": [group], "resources": resources.split()}
    return {**found, "resourceNames": [*names]} if names else found


def tampering(*objects: Any, of: Any = None) -> list[Tamper]:
    return LAYER.facts(inventory(of or daemonset(), *objects), REQUEST).tampering


def means(*rules: Any, of: Any = None, kind: str = "ClusterRoleBinding") -> list[str]:
    found = tampering(role("r", *rules), binding("b", "r", DEV, kind=kind), of=of)
    return [one for entry in found for one in entry.means]


@pytest.mark.parametrize(
    ("rules", "found"),
    [
        (rule("patch", "apps", "daemonsets"), ["workload"]),
        (rule("delete", "apps", "daemonsets", "falco"), ["workload"]),
        (rule("delete", "apps", "daemonsets", "other"), []),
        (rule("create get list", "apps", "daemonsets"), []),
        (rule("patch", "apps", "deployments"), []),
        (rule("update", "", "configmaps"), ["configuration"]),
        (rule("update", "", "configmaps", "rules"), ["configuration"]),
        (rule("update", "", "configmaps", "other"), []),
        (rule("delete", "", "namespaces"), ["namespace"]),
        (rule("delete", "", "namespaces", "shop"), []),
        (rule("create", "", "pods/exec"), ["exec"]),
        (rule("delete", "", "pods"), []),
        (rule("patch", "", "nodes"), ["taints"]),
        (rule("*", "*", "*"), ["exec", "namespace", "workload", "configuration", "taints"]),
    ],
)
def test_means(rules, found):
    assert means(rules) == found


def test_rights_in_the_namespace_of_falco():
    everything = rule("*", "*", "*")
    inside = means(everything, kind="RoleBinding")
    assert inside == ["exec", "workload", "configuration"]


def test_a_falco_that_tolerates_everything_stays():
    stays = daemonset(tolerations=[{"operator": "Exists"}])
    assert means(rule("patch", "", "nodes"), of=stays) == []
    leaves = daemonset(tolerations=[{"operator": "Exists", "effect": "NoSchedule"}])
    assert means(rule("patch", "", "nodes"), of=leaves) == ["taints"]


def test_the_objects_of_the_operator():
    create = rule("create", "artifact.falcosecurity.dev", "rulesfiles")
    assert means(create, of=falco()) == ["rules"]
    assert means(rule("patch", "instance.falcosecurity.dev", "falcos"), of=falco()) == ["workload"]


def subjects(*found: Any) -> list[tuple[str, bool]]:
    objects = [role("r", rule("*", "*", "*")), binding("b", "r", *found)]
    return [(entry.subject, entry.total) for entry in tampering(*objects)]


def account(name: str, namespace: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def test_subjects():
    system = {"kind": "User", "name": "system:kube-controller-manager"}
    masters = {"kind": "Group", "name": "system:masters"}
    everybody = {"kind": "Group", "name": "system:authenticated"}
    found = subjects(
        DEV,
        {**ROBOT, "namespace": "ci"},
        system,
        masters,
        everybody,
        account("generic-controller", "kube-system"),
        account("default", "falco"),
    )
    assert found == [
        ("dev", True),
        ("system:authenticated", True),
        ("system:serviceaccount:ci:robot", True),
    ]


def test_rights_inside_a_namespace_are_not_total():
    objects = [role("r", rule("*", "*", "*")), binding("b", "r", DEV, kind="RoleBinding")]
    assert [entry.total for entry in tampering(*objects)] == [False]


def test_what_admission_is_asked_about_is_guarded():
    patch = [role("r", rule("patch", "apps", "daemonsets")), binding("b", "r", DEV)]
    hook = webhook(asked_for())
    assert [entry.guarded for entry in tampering(*patch)] == [False]
    assert [entry.guarded for entry in tampering(*patch, hook)] == [True]
    both = [role("r", rule("patch delete", "apps", "daemonsets")), binding("b", "r", DEV)]
    assert [entry.guarded for entry in tampering(*both, hook)] == [False]
    wide = role("r", rule("patch", "apps", "daemonsets"), rule("patch", "", "nodes"))
    (entry,) = tampering(wide, binding("b", "r", DEV), hook)
    assert (entry.guarded, entry.means) == (False, ["taints"])


def test_without_falco_nobody_is_named():
    found = inventory(role("r", rule("*", "*", "*")), binding("b", "r", DEV))
    assert LAYER.facts(found, REQUEST).tampering == []
