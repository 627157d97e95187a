# SPDX-License-Identifier: Apache-2.0
"""What is left of an enforcer when nobody answers its webhook?"""

from __future__ import annotations

import pytest

from kguard.layers.images.facts.enforcers import find_enforcers, subject_of
from kguard.layers.images.semantics.enforcement import decide
from kguard.layers.images.semantics.references import parse_weakly
from tests.objects import inventory

HOOKS = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: kyverno-resource-mutating-webhook-cfg}
webhooks:
- name: mutate.kyverno.svc-ignore
  clientConfig: {service: {name: kyverno-svc, namespace: kyverno}}
"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop}
spec: {containers: [{name: app, image: ghcr.io/acme/cart:1}]}
"""


def policy(failure):
    return f"""
apiVersion: kyverno.io/v1
kind: ClusterPolicy
metadata: {{name: {failure.lower()}}}
spec:
  failurePolicy: {failure}
  validationFailureAction: Enforce
  rules:
  - name: signed
    match: {{any: [{{resources: {{kinds: [Pod]}}}}]}}
    verifyImages:
    - imageReferences: ["ghcr.io/acme/*"]
      attestors: [{{entries: [{{keys: {{publicKeys: "k8s://shop/key"}}}}]}}]
"""


def endpoints(*conditions):
    return f"""
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: kyverno-svc-1
  namespace: kyverno
  labels: {{kubernetes.io/service-name: kyverno-svc}}
addressType: IPv4
endpoints: [{", ".join(f"{{addresses: [10.0.0.9], conditions: {c}}}" for c in conditions)}]
"""


@pytest.mark.parametrize(
    ("policies", "slices", "expected"),
    [
        (["Ignore"], [], "fail_open"),
        (["Ignore"], [endpoints("{ready: true}")], "fail_open"),
        (["Ignore"], [endpoints("{}")], "fail_open"),
        (["Ignore"], [endpoints("{ready: false}", "{ready: true}")], "fail_open"),
        (["Ignore"], [endpoints("{ready: false}")], "not_selected"),
        (["Ignore"], [endpoints()], "not_selected"),
        (["Fail"], [endpoints()], "enforced"),
        (["Ignore", "Fail"], [endpoints()], "enforced"),
    ],
)
def test_a_webhook_that_nobody_answers(policies, slices, expected):
    found = inventory("---".join([HOOKS, POD, *map(policy, policies), *slices]))
    enforcers = find_enforcers(found, "app")
    subject = subject_of(found, found.workloads[0])
    assert decide(enforcers, subject, parse_weakly("ghcr.io/acme/cart:1")).enforcement == expected
