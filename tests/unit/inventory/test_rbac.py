# SPDX-License-Identifier: Apache-2.0
"""Which rights are bound to whom?"""

from __future__ import annotations

from typing import Any

import pytest

from kguard.inventory import build
from kguard.inventory.rbac import EVERYWHERE, GROUP, Grant, Rule, grants
from kguard.model.manifests import Collected, Manifest, SourceText

EDITS = ("update", "patch")


@pytest.mark.parametrize(
    ("rule", "wanted", "allowed"),
    [
        (Rule(("patch",), ("apps",), ("daemonsets",)), ("apps", "daemonsets", "falco"), True),
        (Rule(("get",), ("apps",), ("daemonsets",)), ("apps", "daemonsets", "falco"), False),
        (Rule(("patch",), ("",), ("daemonsets",)), ("apps", "daemonsets", "falco"), False),
        (Rule(("*",), ("*",), ("*",)), ("apps", "daemonsets", "falco"), True),
        (Rule(("patch",), ("apps",), ("daemonsets",), ("falco",)), ("apps", "daemonsets", "falco"),
         True),
        (Rule(("patch",), ("apps",), ("daemonsets",), ("x",)), ("apps", "daemonsets", "falco"),
         False),
        (Rule(("patch",), ("apps",), ("daemonsets",), ("x",)), ("apps", "daemonsets", ""), False),
        (Rule(("patch",), ("",), ("pods",)), ("", "pods/exec", ""), False),
        (Rule(("patch",), ("",), ("*/exec",)), ("", "pods/exec", ""), True),
        (Rule(("patch",), ("",), ("*/exec",)), ("", "pods", ""), False),
        (Rule((), (), ()), ("", "pods", ""), False),
    ],
)  # fmt: skip
def test_a_rule(rule, wanted, allowed):
    assert rule.allows(EDITS, *wanted) is allowed


def role(name: str, *rules: dict[str, Any], kind: str = "ClusterRole", **more: Any) -> Any:
    metadata = {"name": name, "labels": more.pop("labels", {})}
    if kind == "Role":
        metadata["namespace"] = "falco"
    version = f"{GROUP}/v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "rules": [*rules], **more}


def binding(
    name: str, to: str, *subjects: Any, kind: str = "ClusterRoleBinding", role="ClusterRole"
):
    metadata = {"name": name, **({"namespace": "falco"} if kind == "RoleBinding" else {})}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": role, "name": to},
        "subjects": [*subjects],
    }


DEV = {"kind": "Group", "name": "dev"}
ROBOT = {"kind": "ServiceAccount", "name": "robot"}
PATCH = {"verbs": ["patch"], "apiGroups": ["apps"], "resources": ["daemonsets"]}


def granted(*objects: Any) -> list[Grant]:
    manifests = [Manifest(o, SourceText(f"{n}.yaml", 0, 1, "")) for n, o in enumerate(objects)]
    return list(grants(build(Collected(manifests=manifests))))


def test_a_binding_is_told_for_each_subject():
    one, two = granted(role("r", PATCH), binding("b", "r", DEV, {**ROBOT, "namespace": "ci"}))
    assert [str(one.subject), str(two.subject)] == ["dev", "system:serviceaccount:ci:robot"]
    assert (one.namespace, one.place, two.place) == (EVERYWHERE, "/subjects/0", "/subjects/1")
    assert one.rules == (Rule(("patch",), ("apps",), ("daemonsets",)),)
    assert one.reaches("falco")
    assert one.reaches("")


def test_a_role_binding_holds_in_its_namespace():
    (one,) = granted(
        role("r", PATCH, kind="Role"), binding("b", "r", ROBOT, kind="RoleBinding", role="Role")
    )
    assert (one.namespace, one.subject.namespace) == ("falco", "falco")
    assert (one.reaches("falco"), one.reaches("shop"), one.reaches("")) == (True, False, False)


@pytest.mark.parametrize(
    ("name", "daemonsets", "roles"),
    [
        ("cluster-admin", True, True),
        ("admin", True, True),
        ("edit", True, False),
        ("view", False, False),
        ("unheard-of", False, False),
    ],
)
def test_default_roles_that_the_input_does_not_hold(name, daemonsets, roles):
    (one,) = granted(binding("b", name, DEV))
    assert any(r.allows(EDITS, "apps", "daemonsets") for r in one.rules) is daemonsets
    assert any(r.allows(EDITS, GROUP, "roles") for r in one.rules) is roles


def test_default_roles_take_in_what_is_labelled_for_them():
    label = {f"{GROUP}/aggregate-to-edit": "true"}
    (one,) = granted(role("extra", PATCH, labels=label), binding("b", "admin", DEV))
    assert Rule(("patch",), ("apps",), ("daemonsets",)) in one.rules
    (one,) = granted(role("extra", PATCH, labels=label), binding("b", "view", DEV))
    assert one.rules == ()


def test_aggregated_roles():
    rule = {
        "clusterRoleSelectors": [
            {"matchLabels": {"into": "all"}},
            {"matchExpressions": [{"operator": "Near"}]},
        ]
    }
    objects = [role("part", PATCH, labels={"into": "all"}), role("other", PATCH)]
    (one,) = granted(*objects, role("all", aggregationRule=rule), binding("b", "all", DEV))
    assert one.rules == (Rule(("patch",), ("apps",), ("daemonsets",)),)


@pytest.mark.parametrize("subjects", [[7], [{"kind": "User"}], ["x"], [{}]])
def test_junk_is_nobody(subjects):
    assert granted(role("r", {"verbs": 7}), binding("b", "r", *subjects)) == []
