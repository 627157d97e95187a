# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from kguard.inventory.injection import (
    Injector,
    ambient_selected,
    default_webhooks,
    inject_required,
    injector_of,
    webhooks_of,
)


def matched(namespace: dict[str, str], pod: dict[str, str], *revisions: str) -> bool:
    return any(w.matches(namespace, pod) for w in default_webhooks(revisions))


@pytest.mark.parametrize(
    ("namespace", "pod", "expected"),
    [
        ({}, {}, False),
        ({"istio-injection": "enabled"}, {}, True),
        ({"istio-injection": "enabled"}, {"sidecar.istio.io/inject": "false"}, False),
        ({"istio-injection": "disabled"}, {"sidecar.istio.io/inject": "true"}, False),
        ({}, {"sidecar.istio.io/inject": "true"}, True),
        ({"istio.io/rev": "default"}, {}, True),
        ({"istio.io/rev": "canary"}, {}, False),
    ],
)
def test_webhooks_of_a_default_installation(
    namespace: dict[str, str], pod: dict[str, str], expected: bool
) -> None:
    assert matched(namespace, pod) is expected


def test_webhook_of_a_further_revision() -> None:
    assert matched({"istio.io/rev": "canary"}, {}, "canary")


def test_webhooks_of_other_products_inject_nothing() -> None:
    other = {"webhooks": [{"name": "webhook.cert-manager.io"}, {"name": 3}, "junk"]}
    assert webhooks_of(other, "cert-manager") == []


def required(injector: Injector, namespace: str = "shop", **pod: dict[str, str]) -> bool:
    labels, annotations = pod.get("labels", {}), pod.get("annotations", {})
    return inject_required(injector, namespace, labels, annotations, host_network=False)


def test_label_hides_the_annotation_of_the_same_name() -> None:
    wish = {"sidecar.istio.io/inject": "false"}
    assert not required(Injector(), annotations=wish)
    assert required(Injector(), annotations=wish, labels={"sidecar.istio.io/inject": "true"})


def test_selectors_of_the_injector_decide_without_a_wish() -> None:
    never = injector_of({"neverInjectSelector": [{"matchLabels": {"job": "x"}}, {}]})
    always = injector_of(
        {"policy": "disabled", "alwaysInjectSelector": [{"matchLabels": {"job": "x"}}]}
    )
    assert not required(never, labels={"job": "x"})
    assert required(never, labels={"job": "y"})
    assert required(always, labels={"job": "x"})
    assert not required(always, labels={"job": "y"})


def test_system_namespaces_and_host_network_never_get_a_sidecar() -> None:
    wish = {"sidecar.istio.io/inject": "true"}
    assert not required(Injector(), "kube-system", labels=wish)
    assert not inject_required(Injector(), "shop", wish, {}, host_network=True)


def test_sidecar_keeps_a_pod_out_of_ambient() -> None:
    namespace = {"istio.io/dataplane-mode": "ambient"}
    live = {"sidecar.istio.io/status": "{}"}
    assert ambient_selected(namespace, {}, {}, host_network=False)
    assert not ambient_selected(namespace, {}, live, host_network=False)
    out = {"istio.io/dataplane-mode": "none"}
    assert not ambient_selected(namespace, out, {}, host_network=False)
