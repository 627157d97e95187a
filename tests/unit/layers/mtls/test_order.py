# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from kguard.layers.mtls import LAYER
from kguard.layers.mtls.semantics.linkerd import DEFAULT_POLICY
from kguard.model.facts.mtls import Facts
from tests.unit.layers.mtls.inputs import NAMESPACE, SERVICE, STRANGER, STRICT, deployment, facts


def test_the_same_is_the_same() -> None:
    found = facts(NAMESPACE, STRICT, deployment())
    assert LAYER.compare(found, found) == LAYER.compare(facts(), facts())


def test_permissive_is_weaker_than_strict() -> None:
    strict = facts(NAMESPACE, STRICT, deployment())
    lax = facts(NAMESPACE, STRICT.replace("STRICT", "PERMISSIVE"), deployment())
    there, back = LAYER.compare(strict, lax), LAYER.compare(lax, strict)
    assert [change.target for change in there.weaker] == ["Deployment.apps/shop/cart"] * 2
    assert there.opened == there.weaker
    assert len(back.stronger) == 2
    assert (back.weaker, back.cut, back.opened) == ((), (), ())


def test_exception_for_one_port_is_weaker() -> None:
    exception = """
    apiVersion: security.istio.io/v1
    kind: PeerAuthentication
    metadata: {name: cart, namespace: shop}
    spec:
      selector: {matchLabels: {app: cart}}
      mtls: {mode: STRICT}
      portLevelMtls: {"9999": {mode: PERMISSIVE}}
    """
    found = LAYER.compare(
        facts(NAMESPACE, STRICT, deployment()), facts(NAMESPACE, STRICT, exception, deployment())
    )
    assert [change.text for change in found.weaker] == [
        "port 9999 accepts mutual TLS only before and accepts plaintext as well as mutual TLS after"
    ]


def test_unknown_is_weaker_than_strict() -> None:
    known, unknown = facts(NAMESPACE, STRICT, deployment()), facts(STRICT, deployment())
    assert len(LAYER.compare(known, unknown).weaker) == 2


def test_strict_cuts_callers_without_identity() -> None:
    lax = facts(NAMESPACE, deployment(), SERVICE, STRANGER)
    strict = facts(NAMESPACE, STRICT, deployment(), SERVICE, STRANGER)
    assert [change.text for change in LAYER.compare(lax, strict).cut] == [
        "Job shop/export sends plaintext to port 8080, which accepts mutual TLS only"
    ]
    assert LAYER.compare(strict, lax).cut == ()


def test_linkerds_default_is_compared_too() -> None:
    def found(value: str) -> Facts:
        note = f", annotations: {{linkerd.io/inject: enabled, {DEFAULT_POLICY}: {value}}}"
        return facts(deployment(metadata=note))

    comparison = LAYER.compare(found("all-authenticated"), found("audit"))
    was, now = "accepts mutual TLS only", "accepts plaintext as well as mutual TLS"
    assert [change.text for change in comparison.weaker] == [
        f"port 8080 {was} before and {now} after",
        f"every other port {was} before and {now} after",
    ]
    assert comparison.opened == comparison.weaker
