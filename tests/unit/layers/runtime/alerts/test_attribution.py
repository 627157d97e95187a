# SPDX-License-Identifier: Apache-2.0
"""Is the workload found whose pod an alert names?"""

from __future__ import annotations

import pytest

from kguard.layers.runtime.alerts.alert import Alert
from kguard.layers.runtime.alerts.attribution import Attribution
from kguard.layers.runtime.alerts.pods import may_have_made
from tests.objects import inventory

LONG = "a-name-that-is-so-long-that-the-random-part-cuts-it-somewhere"

SHOP = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: a}]}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart-api, namespace: shop}
spec: {template: {spec: {containers: [{name: c, image: a}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: cart-7d9c6b5f4d-x2x2x, namespace: lab}
spec: {containers: [{name: c, image: a}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: lab}
spec: {template: {spec: {containers: [{name: c, image: a}]}}}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{image: a}]}}}
"""


@pytest.mark.parametrize(
    ("kind", "name", "pod", "made"),
    [
        ("Pod", "web", "web", True),
        ("Pod", "web", "web-0", False),
        ("StatefulSet", "db", "db-12", True),
        ("StatefulSet", "db", "db-x", False),
        ("Deployment", "cart", "cart-7d9c6b5f4d-x2x2x", True),
        ("Deployment", "cart", "cart-api-7d9c6b5f4d-x2x2x", False),
        ("Deployment", "cart", "cart-7d9c6b5f4d-aeiou", False),
        ("Deployment", LONG, f"{LONG}-7d9c6b5f4d-"[:58] + "x2x2x", True),
        ("DaemonSet", "falco", "falco-x2x2x", True),
        ("DaemonSet", "falco", "falco-7d9c6b5f4d-x2x2x", False),
        ("DaemonSet", LONG, f"{LONG}-"[:58] + "x2x2x", True),
        ("Job", "once", "once-x2x2x", True),
        ("CronJob", "nightly", "nightly-29384750-x2x2x", True),
        ("CronJob", "nightly", "nightly-x2x2x", False),
        ("Service", "web", "web-00003-deployment-7d9c6b5f4d-x2x2x", True),
        ("Service", "web", "web-blue-deployment-7d9c6b5f4d-x2x2x", True),
        ("Service", "web", "web-7d9c6b5f4d-x2x2x", False),
        ("Unheard", "web", "web-x2x2x", False),
    ],
)
def test_names_that_controllers_give(kind, name, pod, made):
    assert may_have_made(kind, name, pod) is made


def _subject(attribution, **fields):
    dotted = {key.replace("_", "."): value for key, value in fields.items()}
    return attribution.subject(Alert(0, "r", "Notice", fields=dotted))


@pytest.fixture(scope="module")
def shop():
    return Attribution(inventory(SHOP).workloads)


def test_a_deployment_of_the_input(shop):
    found = _subject(shop, k8s_ns_name="shop", k8s_pod_name="cart-7d9c6b5f4d-x2x2x")
    assert (found.workload, found.basis) == ("Deployment shop/cart", "input")


def test_a_knative_service_of_the_input(shop):
    pod = "web-00001-deployment-7d9c6b5f4d-x2x2x"
    found = _subject(shop, k8s_ns_name="shop", k8s_pod_name=pod)
    assert (found.workload, found.knative_service) == ("Service shop/web", "web")


def test_two_that_may_have_made_it(shop):
    found = _subject(shop, k8s_ns_name="lab", k8s_pod_name="cart-7d9c6b5f4d-x2x2x")
    assert (found.workload, found.basis) == ("Pod lab/cart-7d9c6b5f4d-x2x2x", "ambiguous")


def test_another_namespace_is_another_workload(shop):
    found = _subject(shop, k8s_ns_name="prod", k8s_pod_name="cart-7d9c6b5f4d-x2x2x")
    assert (found.name, found.basis) == ("", "unknown")


def test_without_an_input_the_plugin_tells():
    found = _subject(
        Attribution(),
        k8smeta_ns_name="shop",
        k8smeta_pod_name="cart-7d9c6b5f4d-x2x2x",
        k8smeta_deployment_name="cart",
    )
    assert (found.workload, found.basis) == ("Deployment shop/cart", "plugin")


def test_without_an_input_the_label_of_the_knative_service_tells():
    labels = "app:web-00001, serving.knative.dev/service:web, x:y"
    alert = Alert(0, "r", "Notice", fields={"k8s.ns.name": "shop", "k8s.pod.labels": labels})
    found = Attribution().subject(alert)
    assert (found.workload, found.knative_service, found.basis) == (
        "Service shop/web",
        "web",
        "label",
    )


def test_an_audit_event_names_its_target():
    fields = {
        "ka.target.namespace": "shop",
        "ka.target.resource": "pods",
        "ka.target.name": "cart-7d9c6b5f4d-x2x2x",
    }
    found = Attribution().subject(Alert(0, "r", "Notice", "k8s_audit", fields=fields))
    assert found.workload == "Pod shop/cart-7d9c6b5f4d-x2x2x"


def test_what_falco_could_not_tell_is_nothing():
    found = _subject(Attribution(), k8s_ns_name="<NA>", k8s_pod_name="")
    assert (found.workload, found.basis) == ("", "unknown")
