# SPDX-License-Identifier: Apache-2.0
"""Whom does Linkerd let in? The rules of its policy controller, one by one."""

from __future__ import annotations

from typing import Any

import pytest

from kguard.layers.mtls.semantics.linkerd import (
    DEFAULT_POLICY,
    IDENTITY_PORTS,
    Pod,
    port_set,
    verdict,
)
from kguard.layers.mtls.semantics.linkerd_objects import index
from tests.unit.layers.mtls.inputs import facts, inventory

SERVER = """
    apiVersion: policy.linkerd.io/v1beta3
    kind: Server
    metadata: {name: web, namespace: shop, labels: {part: web}}
    spec: {podSelector: {matchLabels: {app: cart}}, port: http}
"""
IDENTITIES = """
    apiVersion: policy.linkerd.io/v1alpha1
    kind: MeshTLSAuthentication
    metadata: {name: meshed, namespace: shop}
    spec: {identities: ["*"]}
"""
NETWORK = """
    apiVersion: policy.linkerd.io/v1alpha1
    kind: NetworkAuthentication
    metadata: {name: kubelet, namespace: shop}
    spec: {networks: [{cidr: 10.0.0.0/8}]}
"""
ROUTE = """
    apiVersion: policy.linkerd.io/v1beta3
    kind: HTTPRoute
    metadata: {name: health, namespace: shop}
    spec: {parentRefs: [{kind: Server, group: policy.linkerd.io, name: web}]}"""


def policy(
    required: str, target: str = "{group: policy.linkerd.io, kind: Server, name: web}"
) -> str:
    return f"""
    apiVersion: policy.linkerd.io/v1alpha1
    kind: AuthorizationPolicy
    metadata: {{name: web, namespace: shop}}
    spec: {{targetRef: {target}, requiredAuthenticationRefs: [{required}]}}
"""


def old(client: str, server: str = "{name: web}") -> str:
    return f"""
    apiVersion: policy.linkerd.io/v1beta1
    kind: ServerAuthorization
    metadata: {{name: web, namespace: shop}}
    spec: {{server: {server}, client: {client}}}
"""


def answer(*texts: str, port: int = 8080, whole: bool = True, **annotations: str) -> Any:
    objects = [(manifest.id, manifest.object) for manifest in inventory(*texts)]
    notes = {key.replace("_", "-"): value for key, value in annotations.items()}
    pod = Pod("shop", {"app": "cart"}, notes, {"http": frozenset({8080})})
    return verdict(index(objects, whole=whole), pod, port, "all-unauthenticated")


MESHED = "{group: policy.linkerd.io, kind: MeshTLSAuthentication, name: meshed}"
KUBELET = "{group: policy.linkerd.io, kind: NetworkAuthentication, name: kubelet}"
ACCOUNT = "{kind: ServiceAccount, name: x}"
HEALTH = "{group: policy.linkerd.io, kind: HTTPRoute, name: health}"
ACCEPTED = """
    status:
      parents:
      - controllerName: linkerd.io/policy-controller
        parentRef: {kind: Server, name: %s}
        conditions: [{type: Accepted, status: "True"}]
"""
OPEN = SERVER.replace("port: http}", "port: http, accessPolicy: %s}")
YOUNG = OPEN.replace("web,", "b, creationTimestamp: 2026-01-02T00:00:00Z,")
CASES: list[tuple[tuple[str, ...], str]] = [
    ((), "unauthenticated"),
    ((SERVER,), "nobody"),
    ((OPEN % "all-authenticated",), "authenticated"),
    ((OPEN % "cluster-unauthenticated",), "unauthenticated"),
    ((OPEN % "audit",), "unauthenticated"),
    ((OPEN % "nonsense",), "unauthenticated"),
    ((SERVER, IDENTITIES, policy(MESHED)), "authenticated"),
    ((SERVER, policy(ACCOUNT)), "authenticated"),
    ((SERVER, NETWORK, policy(KUBELET)), "unauthenticated"),
    ((SERVER, NETWORK, IDENTITIES, policy(f"{MESHED}, {KUBELET}")), "authenticated"),
    ((SERVER, policy("")), "unauthenticated"),
    ((SERVER, policy(MESHED)), "nobody"),
    ((SERVER, policy(KUBELET)), "nobody"),
    ((SERVER, IDENTITIES, policy(f"{MESHED}, {ACCOUNT}")), "nobody"),
    ((SERVER, IDENTITIES, policy(MESHED, "{kind: Namespace, name: shop}")), "authenticated"),
    ((SERVER, policy("", "{kind: Server, name: web}")), "nobody"),
    ((SERVER, policy("", HEALTH)), "nobody"),
    ((SERVER, ROUTE, policy("", HEALTH)), "unauthenticated"),
    ((SERVER, ROUTE, policy("", HEALTH.replace("health", "HEALTH"))), "unauthenticated"),
    ((SERVER, ROUTE, policy("", HEALTH.replace("policy.linkerd", "gateway"))), "nobody"),
    ((SERVER, ROUTE.replace("name: web}", "name: web, port: 80}"), policy("", HEALTH)), "nobody"),
    ((SERVER, ROUTE + ACCEPTED % "web", policy("", HEALTH)), "unauthenticated"),
    ((SERVER, ROUTE + ACCEPTED % "db", policy("", HEALTH)), "nobody"),
    ((SERVER, policy("", "{group: policy.linkerd.io, kind: Server, name: other}")), "nobody"),
    ((SERVER, old("{unauthenticated: true}")), "unauthenticated"),
    ((SERVER, old("{meshTLS: {unauthenticatedTLS: true}}")), "tls"),
    ((SERVER, old('{meshTLS: {identities: ["*"]}}')), "authenticated"),
    ((SERVER, old("{meshTLS: {serviceAccounts: [{name: x}]}}")), "authenticated"),
    ((SERVER, old("{meshTLS: {}}")), "nobody"),
    ((SERVER, old("{}")), "nobody"),
    (
        (SERVER, old("{unauthenticated: true}", "{selector: {matchLabels: {part: web}}}")),
        "unauthenticated",
    ),
    ((SERVER, old("{unauthenticated: true}", "{selector: {matchLabels: {part: db}}}")), "nobody"),
    ((SERVER, old("{unauthenticated: true}", "{name: db}")), "nobody"),
    ((SERVER.replace("app: cart", "app: db"),), "unauthenticated"),
    ((SERVER.replace("port: http", "port: 9090"),), "unauthenticated"),
    ((SERVER.replace("podSelector", "externalWorkloadSelector"),), "unauthenticated"),
    ((SERVER, OPEN.replace("web,", "b,") % "all-unauthenticated"), "unknown"),
    ((SERVER, SERVER.replace("web,", "b,")), "nobody"),
    ((SERVER, YOUNG % "all-unauthenticated"), "unauthenticated"),
    (
        (YOUNG % "deny", YOUNG.replace("-01-02", "-01-01").replace("b,", "z,") % "audit"),
        "unauthenticated",
    ),
    ((YOUNG % "all-authenticated", YOUNG.replace("b,", "a,") % "audit"), "unauthenticated"),
    (
        (SERVER, IDENTITIES, policy(MESHED), old("{unauthenticated: true}")),
        "unauthenticated",
    ),
]


@pytest.mark.parametrize(("texts", "expected"), CASES)
def test_whom_a_port_admits(texts: tuple[str, ...], expected: str) -> None:
    assert answer(*texts).accepts == expected


def test_missing_authentication_is_unknown_in_a_part_of_a_cluster() -> None:
    assert answer(SERVER, policy(MESHED), whole=False).accepts == "unknown"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("all-authenticated", "authenticated"),
        ("cluster-authenticated", "authenticated"),
        ("all-unauthenticated", "unauthenticated"),
        ("audit", "unauthenticated"),
        ("deny", "nobody"),
        ("strict", "unauthenticated"),
    ],
)
def test_default_of_the_pod(value: str, expected: str) -> None:
    assert answer(**{DEFAULT_POLICY: value}).accepts == expected


def test_ports_that_require_identity() -> None:
    assert answer(**{IDENTITY_PORTS: "8080"}).accepts == "authenticated"
    assert answer(**{IDENTITY_PORTS: "8000-8100"}).accepts == "authenticated"
    assert answer(**{IDENTITY_PORTS: "9090"}).accepts == "unauthenticated"
    assert answer(**{IDENTITY_PORTS: "8080", DEFAULT_POLICY: "audit"}).accepts == "unauthenticated"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,x", set()),
        (" 1 , 3 ", {1, 3}),
    ],
)
def test_lists_of_ports(text: str, expected: set[int]) -> None:
    assert port_set(text) == expected


DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: cart, namespace: shop}
    spec:
      selector: {matchLabels: {app: cart}}
      template:
        metadata: {labels: {app: cart}%s}
        spec: {containers: [{name: c, image: x, ports: [{containerPort: 8080, name: http}]}]}
"""
MESH = """
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop
      annotations: {linkerd.io/inject: enabled, config.linkerd.io/default-inbound-policy: deny}
"""
CONTROLLER = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: linkerd-destination, namespace: linkerd}
    spec:
      selector: {}
      template:
        spec: {containers: [{name: policy, image: x, args: [--default-policy=all-authenticated]}]}
"""


def modes(*texts: str) -> dict[str, str]:
    found = facts(*texts).linkerd
    return {port: group.accepts for w in found for group in w.modes for port in group.ports}


def test_settings_of_the_namespace_are_the_pods_unless_it_has_its_own() -> None:
    own = ", annotations: {config.linkerd.io/default-inbound-policy: all-authenticated}"
    assert modes(MESH, DEPLOYMENT % "") == {"8080": "nobody", "other": "nobody"}
    assert modes(MESH, DEPLOYMENT % own)["8080"] == "authenticated"


def test_default_of_the_cluster_is_the_controllers_argument() -> None:
    pod = DEPLOYMENT % ", annotations: {linkerd.io/inject: enabled}"
    assert modes(pod)["8080"] == "unauthenticated"
    assert modes(pod, CONTROLLER)["8080"] == "authenticated"


SKIP = ', annotations: {config.linkerd.io/skip-inbound-ports: "%s"}'


def test_skipped_ports_are_not_seen_by_the_proxy() -> None:
    skip = DEPLOYMENT % (SKIP % "8080")
    assert modes(MESH, skip) == {"8080": "uncaptured", "other": "nobody"}
    found = facts(MESH, skip).linkerd[0].modes
    hidden = next(group for group in found if group.accepts == "uncaptured")
    assert hidden.because[0].pointer.endswith("/config.linkerd.io~1skip-inbound-ports")


def test_ports_that_are_skipped_by_default() -> None:
    galera = DEPLOYMENT.replace("8080", "4567")
    values = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: linkerd-config, namespace: linkerd}
        data: {values: "proxyInit: {ignoreInboundPorts: '25'}"}
    """
    assert modes(MESH, galera % "")["4567"] == "uncaptured"
    assert modes(MESH, galera % (SKIP % "25"))["4567"] == "nobody"
    assert modes(MESH, galera % "", values)["4567"] == "nobody"


def test_ports_of_the_proxy_itself_are_not_the_workloads() -> None:
    assert modes(MESH, DEPLOYMENT.replace("8080", "4191") % "") == {"other": "nobody"}


@pytest.mark.parametrize(
    ("namespace", "pod", "meshed"),
    [
        ("annotations: {linkerd.io/inject: enabled}", "disabled", False),
        ("annotations: {linkerd.io/inject: enabled}", "nonsense", False),
        ("annotations: {linkerd.io/inject: enabled}", '""', True),
        ("annotations: {linkerd.io/inject: nonsense}", "enabled", False),
        ("annotations: {linkerd.io/inject: disabled}", "ingress", True),
        ("labels: {config.linkerd.io/admission-webhooks: disabled}", "enabled", False),
    ],
)
def test_who_gets_the_proxy(namespace: str, pod: str, meshed: bool) -> None:
    around = f"""
        apiVersion: v1
        kind: Namespace
        metadata: {{name: shop, {namespace}}}
    """
    own = DEPLOYMENT % f", annotations: {{linkerd.io/inject: {pod}}}"
    assert bool(modes(around, own)) == meshed
