# SPDX-License-Identifier: Apache-2.0
"""Is a pod in the mesh, which control plane serves it, and which policies does that one see?"""

from __future__ import annotations

import pytest

from kguard.inventory.injection import INJECT, Injector, inject_required
from tests.unit.layers.mtls.inputs import deployment, facts, port

OF_CANARY = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: canary, namespace: shop, labels: {istio.io/rev: canary}}
    spec: {mtls: {mode: STRICT}}
"""
TAG = """
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: istio-revision-tag-prod, labels: {istio.io/rev: canary, istio.io/tag: prod}}
    webhooks:
    - name: rev.namespace.sidecar-injector.istio.io
      namespaceSelector: {matchLabels: {istio.io/rev: prod}}
      objectSelector: {}
"""


def namespace(labels: str) -> str:
    return f"""
    apiVersion: v1
    kind: Namespace
    metadata: {{name: shop, labels: {{{labels}}}}}
"""


@pytest.mark.parametrize(
    ("labels", "pod", "intended"),
    [
        ("istio.io/rev: canary", "", "strict"),
        ("istio.io/rev: stable", "", "permissive"),
        ("istio-injection: enabled", "", "permissive"),
        ("istio-injection: enabled, istio.io/rev: canary", "", "permissive"),
        ("istio-injection: enabled", ", istio.io/rev: canary", "permissive"),
        ("team: shop", ", istio.io/rev: canary", "strict"),
        ("istio.io/dataplane-mode: ambient", "", "permissive"),
    ],
)
def test_the_webhook_that_answers_names_the_control_plane(
    labels: str, pod: str, intended: str
) -> None:
    workload = deployment().replace("labels: {app: cart}", f"labels: {{app: cart{pod}}}")
    assert port(facts(namespace(labels), OF_CANARY, workload), "cart").effective == intended


def test_a_tag_stands_for_its_revision() -> None:
    found = facts(namespace("istio.io/rev: prod"), TAG, OF_CANARY, deployment())
    assert port(found, "cart").effective == "strict"


def test_values_of_the_charts_inject_by_default() -> None:
    values = '{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}'
    config = f"""
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: istio-sidecar-injector, namespace: istio-system}}
    data: {{values: '{values}'}}
"""
    found = facts(namespace("kubernetes.io/metadata.name: shop"), config, OF_CANARY, deployment())
    assert found.workloads[0].plane == "sidecar"


def agent(settings: str) -> str:
    return f"""
    apiVersion: v1
    kind: ConfigMap
    metadata: {{name: istio-cni-config, namespace: istio-system}}
    data: {{{settings}}}
"""


IN_AMBIENT = "istio.io/dataplane-mode: ambient"
BY_TEAM = '"- podSelector: {matchLabels: {app: cart}}\\n  namespaceSelector: {}\\n"'


@pytest.mark.parametrize(
    ("labels", "settings", "plane", "reason"),
    [
        (IN_AMBIENT, 'AMBIENT_ENABLED: "true"', "ambient", "enrolled"),
        (IN_AMBIENT, 'AMBIENT_ENABLED: "false"', "none", "ambient_off"),
        (IN_AMBIENT, 'EXCLUDE_NAMESPACES: "kube-system, shop"', "none", "not_labelled"),
        ("team: shop", f"AMBIENT_ENABLEMENT_SELECTOR: {BY_TEAM}", "ambient", "enrolled"),
        ("team: shop", "AMBIENT_ENABLEMENT_SELECTOR: '['", "none", "not_labelled"),
    ],
)
def test_what_istio_cni_is_told(labels: str, settings: str, plane: str, reason: str) -> None:
    found = facts(namespace(labels), agent(settings), OF_CANARY, deployment())
    assert (found.workloads[0].plane, found.workloads[0].reason) == (plane, reason)


INJECTOR = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio-sidecar-injector, namespace: istio-system}
    data: {values: '{"global": {"proxy": {"excludeInboundPorts": "8080"}}}'}
"""
INTERCEPTS_NOTHING = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio, namespace: istio-system}
    data: {mesh: "defaultConfig: {interceptionMode: NONE}"}
"""
OWN = ', annotations: {traffic.sidecar.istio.io/excludeInboundPorts: "9090"}'


@pytest.mark.parametrize(
    ("config", "metadata", "expected"),
    [
        (INJECTOR, "", ("uncaptured", "excluded")),
        (INJECTOR, OWN, ("strict", "none")),
        (INTERCEPTS_NOTHING, "", ("uncaptured", "interception")),
    ],
)
def test_settings_of_the_mesh_about_captured_ports(
    config: str, metadata: str, expected: tuple[str, str]
) -> None:
    around = namespace("istio-injection: enabled")
    strict = OF_CANARY.replace("canary}}", "default}}")
    found = port(facts(around, strict, config, deployment(metadata=metadata)), "cart", "8080")
    assert (found.effective, found.gap) == expected


def test_an_injector_with_an_unknown_policy_injects_nothing() -> None:
    asked = {INJECT: "true"}
    assert inject_required(Injector("disabled"), "shop", asked, {}, host_network=False)
    assert not inject_required(Injector("maybe"), "shop", asked, {}, host_network=False)
