# SPDX-License-Identifier: Apache-2.0
"""Which rights lead around the audit log?"""

from __future__ import annotations

import pytest

from kguard.inventory.rbac import DEFAULT_ROLES, EVERYWHERE, Rule
from kguard.layers.audit.semantics.rights import RIGHTS, routes

ROUTES = tuple(dict.fromkeys(right.route for right in RIGHTS))


@pytest.mark.parametrize(
    ("rule", "namespace", "expected"),
    [
        (Rule(("impersonate",), ("",), ("users",)), EVERYWHERE, ["impersonate"]),
        (Rule(("impersonate",), ("",), ("users",)), "kube-system", []),
        (Rule(("get",), ("",), ("nodes/proxy",)), EVERYWHERE, ["node-proxy"]),
        (Rule(("get",), ("",), ("nodes",)), EVERYWHERE, []),
        (Rule(("create",), ("*",), ("*/exec",)), "kube-system", ["apiserver-exec"]),
        (Rule(("create",), ("*",), ("*/exec",)), "shop", []),
        (Rule(("create",), ("apps",), ("daemonsets",)), EVERYWHERE, ["host-pods"]),
        (Rule(("patch",), ("",), ("configmaps",), ("other",)), EVERYWHERE, []),
        (Rule(("patch",), ("",), ("configmaps",), ("kubeadm-config",)), "kube-system",
         ["kubeadm-config"]),
        (Rule(("*",), ("config.openshift.io",), ("*",)), EVERYWHERE, ["openshift-apiserver"]),
        (Rule(("create",), ("batch",), ("cronjobs",)), "kube-system", ["host-pods"]),
        (Rule(("create",), ("batch",), ("cronjobs",)), "openshift-kube-apiserver", []),
        (Rule(("update",), ("",), ("configmaps",)), "openshift-kube-apiserver",
         ["openshift-apiserver"]),
        (Rule((), (), ()), EVERYWHERE, []),
    ],
)  # fmt: skip
def test_routes(rule, namespace, expected):
    assert routes([rule], namespace) == expected


def test_the_administrator_has_every_route():
    assert tuple(routes(DEFAULT_ROLES["cluster-admin"], EVERYWHERE)) == ROUTES


def test_an_editor_of_an_application_has_none():
    assert routes(DEFAULT_ROLES["edit"], "shop") == []
