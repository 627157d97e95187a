# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from kguard.layers.mtls import LAYER
from kguard.layers.mtls.remedy import REMEDIES
from kguard.model.findings import Finding, fingerprint
from kguard.model.layer import Request
from kguard.model.manifests import ObjectRef
from kguard.model.remedies import Cannot, Create, Edit, Operation, Refused, RemedyRequest
from tests.unit.layers.mtls.inputs import (
    AT,
    NAMESPACE,
    SERVICE,
    STRANGER,
    STRICT,
    deployment,
    inventory,
)

CART = ObjectRef("apps/v1", "Deployment", "shop", "cart")


def propose(
    remedy: str,
    *texts: str,
    targets: tuple[ObjectRef, ...] = (CART,),
    path: str = "",
    scope: Any = "app",
    stage: Any = "enforce",
    tighten: bool = False,
) -> list[Any]:
    made = inventory(*texts)
    facts = LAYER.facts(made, Request(scope=scope, at=AT))
    findings = tuple(finding(target, path) for target in targets)
    return list(
        REMEDIES[remedy](
            RemedyRequest(findings, facts, made, stage, tighten=tighten, at=AT.isoformat())
        )
    )


def finding(target: ObjectRef, path: str = "") -> Finding:
    return Finding(
        fingerprint=fingerprint("mtls/x", target, path),
        policy="mtls/x",
        layer="mtls",
        severity="high",
        state="open",
        target=target,
        path=path,
        message="",
        locations=(),
        evidence=(),
        remedy="",
        controls=(),
    )


def policy(name: str, namespace: str, spec: str) -> str:
    return f"""
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {{name: {name}, namespace: {namespace}}}
    spec: {spec}
"""


def test_application_gets_a_policy_for_its_namespace() -> None:
    (made,) = propose("strict", NAMESPACE, deployment())
    assert isinstance(made, Create)
    assert made.object["metadata"] == {"name": "default", "namespace": "shop"}
    assert made.object["spec"] == {"mtls": {"mode": "STRICT"}}


def test_policy_that_wins_is_changed() -> None:
    old = policy("old", "shop", "{mtls: {mode: PERMISSIVE}}")
    (made,) = propose("strict", NAMESPACE, STRICT, old, deployment())
    assert isinstance(made, Edit)
    assert made.ref == "PeerAuthentication.security.istio.io/shop/old"
    assert made.operations == (Operation("replace", "/spec/mtls/mode", "STRICT"),)


def test_policy_without_mode_is_changed_because_a_younger_one_would_be_dead() -> None:
    (made,) = propose("strict", NAMESPACE, policy("empty", "shop", "{}"), deployment())
    assert isinstance(made, Edit)
    assert made.operations == (Operation("add", "/spec/mtls", {"mode": "STRICT"}),)


def test_whole_cluster_gets_a_mesh_wide_policy() -> None:
    mesh = ObjectRef("v1", "Namespace", "", "istio-system")
    (made,) = propose("strict", NAMESPACE, deployment(), targets=(mesh, CART), scope="cluster")
    assert isinstance(made, Create)
    assert made.object["metadata"]["namespace"] == "istio-system"
    assert len(made.closes) == 2


def test_caller_without_identity_is_not_cut_off() -> None:
    other = ObjectRef("apps/v1", "Deployment", "shop", "stock")
    proposals = propose(
        "strict",
        NAMESPACE,
        deployment(),
        deployment("stock"),
        SERVICE,
        STRANGER,
        targets=(CART, other),
    )
    refused, kept, raised = proposals
    assert isinstance(refused, Refused)
    assert "Job shop/export calls port 8080 of cart" in refused.counterexample
    assert isinstance(kept, Create)
    assert kept.object["spec"] == {
        "selector": {"matchLabels": {"app": "cart"}},
        "mtls": {"mode": "PERMISSIVE"},
    }
    assert isinstance(raised, Create)
    assert raised.closes == (finding(other).fingerprint,)


def test_only_the_port_that_is_needed_is_exempted() -> None:
    texts = (NAMESPACE, deployment(ports="8080 9090"), SERVICE, STRANGER)
    exempted, raised = propose("strict", *texts)
    assert isinstance(exempted, Create)
    assert exempted.object["spec"] == {
        "selector": {"matchLabels": {"app": "cart"}},
        "mtls": {"mode": "STRICT"},
        "portLevelMtls": {"8080": {"mode": "PERMISSIVE"}},
    }
    note = "until=2027-02-21; reason=Job shop/export shows no mesh identity"
    assert exempted.object["metadata"]["annotations"] == {"exception.kguard.dev/8080": note}
    assert exempted.closes == raised.closes == (finding(CART).fingerprint,)


def test_exception_joins_the_policy_that_counts_for_the_pods() -> None:
    own = policy("cart", "shop", '{selector: {matchLabels: {app: cart}}, portLevelMtls: {"1": {}}}')
    texts = (NAMESPACE, own, deployment(ports="8080 9090"), SERVICE, STRANGER)
    exempted, _ = propose("strict", *texts)
    assert isinstance(exempted, Edit)
    assert [operation.pointer for operation in exempted.operations] == [
        "/spec/mtls",
        "/spec/portLevelMtls/8080",
        "/metadata/annotations",
    ]


def test_knative_that_calls_by_address_keeps_its_pods_permissive() -> None:
    hello = """
    apiVersion: serving.knative.dev/v1
    kind: Service
    metadata: {name: hello, namespace: shop}
    spec: {template: {spec: {containers: [{image: x}]}}}
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: config-network, namespace: knative-serving}
    data: {mesh-compatibility-mode: disabled}
    """
    target = ObjectRef("serving.knative.dev/v1", "Service", "shop", "hello")
    (refused,) = propose("strict", NAMESPACE, hello, targets=(target,))
    assert isinstance(refused, Refused)
    assert "set it to auto or enabled first" in refused.counterexample


def test_everyone_who_would_be_cut_off_is_named() -> None:
    second = STRANGER.replace("export", "import")
    refused, *_ = propose("strict", NAMESPACE, deployment(), SERVICE, STRANGER, second)
    assert "Job shop/export calls port 8080" in refused.counterexample
    assert "Job shop/import calls port 8080" in refused.counterexample


def test_where_strict_must_wait_disable_becomes_permissive() -> None:
    texts = (NAMESPACE, policy("d", "shop", "{mtls: {mode: DISABLE}}"), deployment(), SERVICE)
    refused, raised = propose("strict", *texts, STRANGER)
    assert isinstance(refused, Refused)
    assert raised.operations == (Operation("replace", "/spec/mtls/mode", "PERMISSIVE"),)
    (warned, cannot) = propose("strict", *texts, stage="warn")
    assert warned.operations == raised.operations
    assert isinstance(cannot, Cannot)


def test_stage_warn_offers_mutual_tls_and_refuses_nobody() -> None:
    made, cannot = propose("strict", NAMESPACE, deployment(), stage="warn")
    assert made.object["spec"] == {"mtls": {"mode": "PERMISSIVE"}}
    assert isinstance(cannot, Cannot)


def test_name_of_a_new_policy_is_free() -> None:
    taken = policy("default", "shop", "{selector: {matchLabels: {app: x}}, mtls: {mode: STRICT}}")
    (made,) = propose("strict", NAMESPACE, taken, deployment())
    assert made.object["metadata"]["name"] == "default-mtls"


def test_exempted_port_is_closed_where_nobody_needs_it() -> None:
    spec = '{selector: {matchLabels: {app: cart}}, portLevelMtls: {"8080": {mode: DISABLE}}}'
    texts = (NAMESPACE, STRICT, policy("cart", "shop", spec), deployment(), SERVICE)
    (made,) = propose("strict_port", *texts, path="port/8080")
    assert made.operations == (Operation("replace", "/spec/portLevelMtls/8080/mode", "STRICT"),)
    (refused,) = propose("strict_port", *texts, STRANGER, path="port/8080")
    assert isinstance(refused, Refused)


def test_documented_exception_stays_until_its_day() -> None:
    spec = '{selector: {matchLabels: {app: cart}}, portLevelMtls: {"8080": {mode: PERMISSIVE}}}'
    made = policy("cart", "shop", spec)
    note = ', annotations: {exception.kguard.dev/8080: "until=%s; reason=x"}}'
    for until, kind in (("2026-11-22", Edit), ("2026-11-23", Refused)):
        noted = made.replace("namespace: shop}", "namespace: shop" + note % until)
        texts = (NAMESPACE, STRICT, noted, deployment())
        (proposal,) = propose("strict_port", *texts, path="port/8080")
        assert isinstance(proposal, kind)
        (closed,) = propose("strict_port", *texts, path="port/8080", tighten=True)
        assert isinstance(closed, Edit)


def test_namespace_is_labelled_like_the_others() -> None:
    legacy = """
    apiVersion: v1
    kind: Namespace
    metadata: {name: legacy, labels: {team: a}}
    """
    target = ObjectRef("v1", "Namespace", "", "legacy")
    outside = deployment().replace("namespace: shop", "namespace: legacy")
    ambient = NAMESPACE.replace("istio-injection: enabled", "istio.io/dataplane-mode: ambient")
    (made,) = propose("enrol", ambient, legacy, deployment(), outside, targets=(target,))
    assert made.operations == (
        Operation("add", "/metadata/labels/istio.io~1dataplane-mode", "ambient"),
    )


def test_opting_out_is_taken_back_only_when_told() -> None:
    out = deployment(metadata=', annotations: {sidecar.istio.io/inject: "false"}')
    (refused,) = propose("enrol", NAMESPACE, STRICT, out)
    assert isinstance(refused, Refused)
    (made,) = propose("enrol", NAMESPACE, STRICT, out, tighten=True)
    place = "/spec/template/metadata/annotations/sidecar.istio.io~1inject"
    assert made.operations == (Operation("remove", place),)


def test_rule_with_certificates_is_replaced_as_a_whole() -> None:
    rule = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: cart, namespace: shop}
    spec:
      host: cart
      subsets:
      - {name: a, labels: {app: cart}, trafficPolicy: {tls: {mode: SIMPLE, caCertificates: x}}}
    """
    target = ObjectRef("networking.istio.io/v1", "DestinationRule", "shop", "cart")
    (made,) = propose(
        "client_tls",
        NAMESPACE,
        STRICT,
        rule,
        SERVICE,
        deployment(),
        targets=(target,),
        path="subset a",
    )
    place = "/spec/subsets/0/trafficPolicy/tls"
    assert made.operations == (Operation("replace", place, {"mode": "ISTIO_MUTUAL"}),)


def test_rule_that_covers_pods_without_proxy_is_left_to_automatic_mutual_tls() -> None:
    rule = """
    apiVersion: networking.istio.io/v1
    kind: DestinationRule
    metadata: {name: cart, namespace: shop}
    spec:
      host: "*.shop.svc.cluster.local"
      trafficPolicy: {tls: {mode: DISABLE}}
      subsets:
      - name: all
        trafficPolicy: {tls: {mode: DISABLE}, connectionPool: {}}
    """
    outsider = deployment("old").replace("{app: old}}", "{app: cart, old: x}}")
    outsider = outsider.replace("old: x}", 'old: x, sidecar.istio.io/inject: "false"}')
    target = ObjectRef("networking.istio.io/v1", "DestinationRule", "shop", "cart")
    texts = (NAMESPACE, STRICT, rule, SERVICE, deployment(), outsider)
    (whole,) = propose("client_tls", *texts, targets=(target,), path="rule")
    (part,) = propose("client_tls", *texts, targets=(target,), path="subset all")
    assert whole.operations == (Operation("remove", "/spec/trafficPolicy"),)
    assert part.operations == (Operation("remove", "/spec/subsets/0/trafficPolicy/tls"),)


def test_gateway_redirects_to_the_server_with_tls_for_its_hosts() -> None:
    gateway = """
    apiVersion: networking.istio.io/v1
    kind: Gateway
    metadata: {name: edge, namespace: shop}
    spec:
      servers:
      - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [a, b], tls: {mode: SIMPLE}}
      - {port: {number: 80, name: http, protocol: HTTP}, hosts: [a]}
      - {port: {number: 81, name: more, protocol: HTTP}, hosts: [c]}
    """
    target = ObjectRef("networking.istio.io/v1", "Gateway", "shop", "edge")
    (made,) = propose("redirect_http", gateway, targets=(target,), path="http")
    assert made.operations == (Operation("add", "/spec/servers/1/tls", {"httpsRedirect": True}),)
    (cannot,) = propose("redirect_http", gateway, targets=(target,), path="more")
    assert isinstance(cannot, Cannot)
