# SPDX-License-Identifier: Apache-2.0
"""Do lists of objects tell apart what looks alike?"""

from __future__ import annotations

from kguard.model.manifests import ObjectRef
from kguard.reporters.text import listed

ISTIO = ObjectRef("networking.istio.io/v1", "Gateway", "shop", "web")
API = ObjectRef("gateway.networking.k8s.io/v1", "Gateway", "shop", "web")
POD = ObjectRef("v1", "Pod", "shop", "web")


def test_kinds_and_namespaces_stand_once():
    other = ObjectRef("v1", "Pod", "shop", "cart")
    assert listed([POD, other, ISTIO]) == "Pod shop/web, cart; Gateway shop/web"


def test_one_kind_of_two_groups():
    names = "Gateway.networking.istio.io shop/web; Gateway.gateway.networking.k8s.io shop/web"
    assert listed([ISTIO, API]) == names
    assert listed([API], [ISTIO, API]) == "Gateway.gateway.networking.k8s.io shop/web"
    assert listed([POD], [ISTIO, API]) == "Pod shop/web"
