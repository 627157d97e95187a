# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from kguard.layers.mtls import LAYER
from kguard.model.layer import Request
from kguard.model.manifests import Unreadable
from tests.unit.layers.mtls.inputs import (
    AT,
    NAMESPACE,
    STRICT,
    deployment,
    facts,
    inventory,
    port,
    workload,
)


def test_without_a_mesh_there_is_no_evidence() -> None:
    found = facts(deployment())
    assert (found.presence, found.workloads) == ("absent", [])
    assert LAYER.coverage(found).state == "no_evidence"


def test_opting_out_is_no_sign_of_a_mesh() -> None:
    found = facts(deployment(metadata=', annotations: {sidecar.istio.io/inject: "false"}'))
    assert found.presence == "absent"


def test_chain_names_what_wins_and_over_what() -> None:
    found = facts(
        NAMESPACE,
        STRICT,
        """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: old, namespace: shop}
        spec: {mtls: {mode: PERMISSIVE}}
        """,
        deployment(),
    )
    group = port(found, "cart", "8080")
    assert (group.intended, group.effective, group.decided_at) == (
        "permissive",
        "permissive",
        "namespace",
    )
    assert group.decided_by == "PeerAuthentication shop/old"
    assert [(e.pointer, e.note) for e in group.because] == [
        ("/spec/mtls/mode", "PeerAuthentication shop/old says PERMISSIVE for namespace shop"),
        ("/spec/mtls/mode", "wins over istio-system/default: STRICT for the whole mesh"),
    ]


def test_workload_of_an_unknown_namespace_is_never_strict() -> None:
    found = facts(STRICT, deployment())
    assert workload(found, "cart").plane == "unknown"
    assert {group.effective for group in workload(found, "cart").modes} == {"unknown"}
    assert LAYER.coverage(found).state == "unknown"


def test_whole_cluster_without_the_namespace_object_has_no_labels() -> None:
    found = facts(STRICT, deployment(), scope="cluster")
    assert workload(found, "cart").reason == "not_labelled"


@pytest.mark.parametrize(
    ("metadata", "pod", "plane", "reason"),
    [
        ("", "", "sidecar", "enrolled"),
        ("", "hostNetwork: true", "none", "host_network"),
        (', annotations: {sidecar.istio.io/inject: "false"}', "", "none", "opted_out"),
        (
            ', annotations: {sidecar.istio.io/status: "{}"}',
            "hostNetwork: true",
            "sidecar",
            "enrolled",
        ),
        (", annotations: {inject.istio.io/templates: gateway}", "", "gateway", "enrolled"),
        ("", "initContainers: [{name: istio-proxy, restartPolicy: Always}]", "sidecar", "enrolled"),
    ],
)
def test_what_the_template_says(metadata: str, pod: str, plane: str, reason: str) -> None:
    found = workload(facts(NAMESPACE, STRICT, deployment(metadata=metadata, pod=pod)), "cart")
    assert (found.plane, found.reason) == (plane, reason)


def test_label_in_the_template_beats_an_unknown_namespace() -> None:
    text = deployment().replace("{app: cart}}", '{app: cart, sidecar.istio.io/inject: "true"}}')
    found = workload(facts(STRICT, text), "cart")
    assert (found.plane, found.basis) == ("sidecar", "assumed")


def test_running_pod_without_a_proxy_beats_the_prediction() -> None:
    pod = """
    apiVersion: v1
    kind: Pod
    metadata:
      name: cart-1
      namespace: shop
      labels: {app: cart}
      ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: cart}]
    spec: {containers: [{name: cart, image: x}]}
    status: {phase: Running}
    """
    found = workload(facts(NAMESPACE, STRICT, deployment(), pod), "cart")
    assert (found.plane, found.basis, found.reason) == ("none", "live", "not_restarted")


def test_webhooks_of_the_input_beat_the_defaults() -> None:
    webhook = """
    apiVersion: admissionregistration.k8s.io/v1
    kind: MutatingWebhookConfiguration
    metadata: {name: istio-sidecar-injector-canary}
    webhooks:
    - name: rev.namespace.sidecar-injector.istio.io
      namespaceSelector:
        matchExpressions: [{key: istio.io/rev, operator: In, values: [canary]}]
    """
    found = workload(facts(NAMESPACE, STRICT, webhook, deployment()), "cart")
    assert (found.plane, found.reason) == ("none", "no_webhook")


def test_service_port_in_a_policy_is_a_dead_port() -> None:
    found = facts(
        NAMESPACE,
        """
        apiVersion: v1
        kind: Service
        metadata: {name: cart, namespace: shop}
        spec: {selector: {app: cart}, ports: [{port: 80, targetPort: 8080}]}
        """,
        """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: cart, namespace: shop}
        spec:
          selector: {matchLabels: {app: cart}}
          portLevelMtls: {"80": {mode: STRICT}}
        """,
        deployment(),
    )
    dead = found.policies[0].dead_ports
    assert [(entry.port, entry.reason) for entry in dead] == [("80", "service_port")]
    assert "to port 8080" in dead[0].because[1].note


def test_refused_policy_takes_no_part() -> None:
    found = facts(
        NAMESPACE,
        STRICT,
        """
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: bad, namespace: shop}
        spec: {mtls: {mode: DISABLE}, portLevelMtls: {"80": {mode: STRICT}}}
        """,
        deployment(),
    )
    assert found.policies[1].state == "refused"
    assert port(found, "cart").effective == "strict"


ISTIOD = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: istiod, namespace: istio-system}
    spec:
      selector: {matchLabels: {app: istiod}}
      template:
        metadata: {labels: {app: istiod}}
        spec:
          containers:
          - name: discovery
            image: pilot
            env: [{name: ENABLE_TLS_ON_SIDECAR_INGRESS, value: "true"}]
"""


@pytest.mark.parametrize(
    ("mode", "istiod", "effective"),
    [
        ("DISABLE", ISTIOD, "user_tls"),
        ("DISABLE", "", "disable"),
        ("PERMISSIVE", ISTIOD, "permissive"),
        ("STRICT", ISTIOD, "strict"),
    ],
)
def test_user_tls_of_a_sidecar_resource(mode: str, istiod: str, effective: str) -> None:
    found = facts(
        *([istiod] if istiod else []),
        NAMESPACE,
        """
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: cart, namespace: shop}
        spec:
          workloadSelector: {labels: {app: cart}}
          ingress:
          - port: {number: 8080, protocol: HTTPS, name: https}
            tls: {mode: SIMPLE, privateKey: k, serverCertificate: c}
        """,
        f"""
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {{name: cart, namespace: shop}}
        spec:
          selector: {{matchLabels: {{app: cart}}}}
          portLevelMtls: {{"8080": {{mode: {mode}}}}}
        """,
        deployment(),
    )
    assert port(found, "cart", "8080").effective == effective
    assert port(found, "cart").effective == "permissive"


JUNK = """
    apiVersion: {version}
    kind: {kind}
    metadata: {{name: junk, namespace: shop}}
    spec: {spec}
"""


@pytest.mark.parametrize("spec", ["3", "[1]", "{selector: 5, servers: [1], host: [], ports: {}}"])
@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ("security.istio.io/v1", "PeerAuthentication"),
        ("networking.istio.io/v1", "DestinationRule"),
        ("networking.istio.io/v1", "Gateway"),
        ("networking.istio.io/v1", "Sidecar"),
        ("networking.k8s.io/v1", "Ingress"),
        ("v1", "Service"),
        ("cert-manager.io/v1", "Certificate"),
        ("apps/v1", "Deployment"),
    ],
)
def test_hostile_manifests_do_not_crash(version: str, kind: str, spec: str) -> None:
    found = facts(NAMESPACE, JUNK.format(version=version, kind=kind, spec=spec), deployment())
    assert workload(found, "cart").plane == "sidecar"


def dead_reason(*texts: str) -> str:
    found = facts(NAMESPACE, *texts, deployment())
    return next(p.dead_reason for p in found.policies if p.ref.name == "mine")


MINE = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: mine, namespace: shop, labels: {istio.io/rev: canary}}
    spec: {mtls: {mode: STRICT}}
"""


def test_policy_of_another_revision_is_dead() -> None:
    assert dead_reason(MINE) == "revision"
    assert dead_reason(MINE.replace("canary", "default")) == "none"


def test_policy_where_istiod_does_not_look_is_dead() -> None:
    config = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: istio, namespace: istio-system}
    data:
      mesh: |
        discoverySelectors:
        - matchLabels: {mesh: "on"}
    """
    plain = MINE.replace("labels: {istio.io/rev: canary}", "labels: {}")
    assert dead_reason(plain, config) == "undiscovered"
    found = facts(NAMESPACE, plain, config, deployment())
    assert port(found, "cart").intended == "permissive"
    on = NAMESPACE.replace("enabled}", 'enabled, mesh: "on"}')
    assert facts(on, plain, config, deployment()).policies[0].dead_reason == "none"


@pytest.mark.parametrize(
    "kind", ["PeerAuthentication.security.istio.io", "*.security.istio.io", "*"]
)
def test_policies_that_could_not_be_listed_make_modes_unknown(kind: str) -> None:
    made = inventory(NAMESPACE, deployment())
    made.collected.unreadable.append(Unreadable("prod", reason="403", feeds=(kind,)))
    found = LAYER.facts(made, Request(scope="cluster", at=AT))
    assert port(found, "cart").effective == "unknown"
    assert port(found, "cart").because[0].note == "PeerAuthentications could not be read: prod: 403"
    assert LAYER.coverage(found).state == "unknown"


@pytest.mark.parametrize(
    ("kind", "presence"),
    [
        ("ConfigMap", "unknown"),
        ("MutatingWebhookConfiguration.admissionregistration.k8s.io", "unknown"),
        ("Namespace", "unknown"),
        ("Pod", "unknown"),
        ("Node", "absent"),
    ],
)
def test_no_mesh_is_claimed_where_its_marks_could_not_be_read(kind: str, presence: str) -> None:
    made = inventory(deployment())
    made.collected.unreadable.append(Unreadable("prod", reason="403", feeds=(kind,)))
    assert LAYER.facts(made, Request(scope="cluster", at=AT)).presence == presence


def test_namespaces_that_could_not_be_listed_are_not_unlabelled() -> None:
    made = inventory(STRICT, deployment())
    made.collected.unreadable.append(Unreadable("prod", reason="403", feeds=("Namespace",)))
    found = LAYER.facts(made, Request(scope="cluster", at=AT))
    assert workload(found, "cart").plane == "unknown"


def test_file_that_cannot_be_read_does_not_make_everything_unknown() -> None:
    made = inventory(NAMESPACE, deployment())
    made.collected.unreadable.append(Unreadable("broken.yaml", reason="tab"))
    found = LAYER.facts(made, Request(scope="app", at=AT))
    assert port(found, "cart").effective == "permissive"


def test_file_that_replaces_a_running_policy_keeps_its_age() -> None:
    def policy(name: str, mode: str, created: str = "") -> str:
        age = f', creationTimestamp: "{created}"' if created else ""
        return f"""
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: {name}, namespace: shop{age}}}
    spec: {{mtls: {{mode: {mode}}}}}
    """

    running = (
        policy("old", "DISABLE", "2025-01-01T00:00:00Z"),
        policy("new", "STRICT", "2026-01-01T00:00:00Z"),
    )
    found = facts(NAMESPACE, *running, policy("old", "PERMISSIVE"), deployment())
    assert port(found, "cart").decided_by == "PeerAuthentication shop/old"
    assert port(found, "cart").effective == "permissive"


ISTIOD = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: istiod, namespace: istio-system}
    spec:
      selector: {}
      template: {spec: {containers: [{name: discovery, image: "docker.io/istio/pilot:%s"}]}}
"""
AMBIENT = NAMESPACE.replace("istio-injection: enabled", "istio.io/dataplane-mode: ambient")
PORT_STRICT = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: cart, namespace: shop}
    spec:
      selector: {matchLabels: {app: cart}}
      mtls: {mode: PERMISSIVE}
      portLevelMtls: {8080: {mode: STRICT}}
"""


@pytest.mark.parametrize(
    ("release", "effective"),
    [
        ("1.25.5", "unknown"),
        ("1.26.0", "permissive"),
        ("1.32.0-distroless", "permissive"),
        ("1.33.0", "unknown"),
    ],
)
def test_what_ambient_makes_of_a_port_by_release(release: str, effective: str) -> None:
    """The class F1 is known of some releases; nobody has read what others make of it."""
    found = facts(AMBIENT, STRICT, PORT_STRICT, ISTIOD % release, deployment())
    group = port(found, "cart", "8080")
    assert (group.intended, group.effective) == ("strict", effective)


def test_a_mode_without_ports_is_the_same_in_every_release() -> None:
    found = facts(AMBIENT, STRICT, ISTIOD % "1.25.5", deployment())
    assert port(found, "cart", "8080").effective == "strict"


def test_an_empty_selector_is_known_of_read_releases_only() -> None:
    empty = STRICT.replace("spec: {", "spec: {selector: {}, ")
    for release, effective in (("1.30.0", "permissive"), ("1.25.0", "unknown")):
        found = facts(AMBIENT, empty, ISTIOD % release, deployment())
        assert port(found, "cart", "8080").effective == effective


def test_of_an_input_that_cannot_be_read_nothing_is_claimed() -> None:
    made = inventory()
    made.collected.unreadable.append(Unreadable("nowhere.yaml", reason="no such file"))
    assert LAYER.facts(made, Request(scope="files", at=AT)).presence == "unknown"
