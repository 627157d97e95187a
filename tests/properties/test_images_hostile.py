# SPDX-License-Identifier: Apache-2.0
"""Do the image facts survive manifests in which anything can stand anywhere?"""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kguard.inventory import build
from kguard.layers.images import LAYER
from kguard.model.facts.images import Facts
from kguard.model.layer import Request
from kguard.model.manifests import Collected, Manifest, PlainFile, SourceText

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("a*:/@{}.[", max_size=6),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner),
    max_leaves=4,
)
_POD = {
    "spec": {
        "initContainers": [{"name": "i", "image": "a/b:1"}],
        "containers": [{"name": "c", "image": "ghcr.io/acme/app:1.2.3"}],
        "volumes": [{"name": "v", "image": {"reference": "ghcr.io/acme/model"}}],
    }
}
_SEEDS: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, **_POD},
    {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": "s", "namespace": "n"},
        "spec": {"template": _POD},
        "status": {"latestReadyRevisionName": "r"},
    },
    {
        "apiVersion": "policy.sigstore.dev/v1beta1",
        "kind": "ClusterImagePolicy",
        "metadata": {"name": "cip"},
        "spec": {
            "mode": "warn",
            "match": [{"resource": "pods", "selector": {"matchLabels": {"a": "b"}}}],
            "images": [{"glob": "**"}],
            "authorities": [
                {"name": "k", "key": {"data": "x"}},
                {"static": {"action": "pass"}},
                {"keyless": {"identities": [{"issuer": "i", "subjectRegExp": ".*"}]}},
            ],
        },
    },
    {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "policy.sigstore.dev"},
        "webhooks": [{"name": "policy.sigstore.dev", "namespaceSelector": {"matchLabels": {}}}],
    },
    {
        "apiVersion": "kyverno.io/v1",
        "kind": "ClusterPolicy",
        "metadata": {"name": "cp"},
        "spec": {
            "rules": [
                {
                    "name": "r",
                    "match": {"any": [{"resources": {"kinds": ["Pod"], "namespaces": ["n"]}}]},
                    "exclude": {"all": [{"resources": {"selector": {"matchLabels": {}}}}]},
                    "verifyImages": [
                        {
                            "imageReferences": ["*"],
                            "attestors": [{"entries": [{"keyless": {"subject": "*"}}]}],
                        }
                    ],
                }
            ]
        },
    },
    {
        "apiVersion": "kyverno.io/v2",
        "kind": "PolicyException",
        "metadata": {"name": "pe", "namespace": "n"},
        "spec": {
            "exceptions": [{"policyName": "cp", "ruleNames": ["*"]}],
            "match": {"any": [{"resources": {"kinds": ["Pod"]}}]},
        },
    },
    {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ImageValidatingPolicy",
        "metadata": {"name": "iv"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"resources": ["pods"], "operations": ["*"]}]},
            "matchImageReferences": [{"glob": "*"}, {"expression": "true"}],
            "attestors": [{"name": "a", "cosign": {"keyless": {"identities": [{}]}}}],
            "validations": [{"expression": "attestors.a"}],
        },
    },
    {
        "apiVersion": "config.openshift.io/v1",
        "kind": "ImagePolicy",
        "metadata": {"name": "ip", "namespace": "n"},
        "spec": {"scopes": ["ghcr.io"], "policy": {"rootOfTrust": {"policyType": "PublicKey"}}},
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-policy-controller", "namespace": "cosign-system"},
        "data": {"no-match-policy": "allow"},
    },
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-deployment", "namespace": "knative-serving"},
        "data": {"registries-skipping-tag-resolving": "a,b"},
    },
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    entries = value.items() if isinstance(value, dict) else ()
    entries = enumerate(value) if isinstance(value, list) else entries
    for key, inner in entries:
        found += _places(inner, (*path, key))
    return found


_ALL = [(number, path) for number, seed in enumerate(_SEEDS) for path in _places(seed)]


def _put(target: Any, path: tuple[Any, ...], junk: Any) -> None:
    """Put something somewhere, if the place is still there."""
    for key in path[:-1]:
        known = isinstance(target, dict) and key in target
        if not known and not (isinstance(target, list) and key in range(len(target))):
            return
        target = target[key]
    if isinstance(target, dict) or (isinstance(target, list) and path[-1] in range(len(target))):
        target[path[-1]] = junk


def _facts(objects: list[dict[str, Any]], scope: str) -> Facts:
    texts = [SourceText("f.yaml", number, 1, "") for number in range(len(objects))]
    manifests = [Manifest(object=o, text=t) for o, t in zip(objects, texts, strict=True)]
    files = [PlainFile("config.toml", "[plugins.cri.registry.mirrors.x]\nendpoint=['y']")]
    inventory = build(Collected(manifests=manifests, documents=[], files=files))
    facts: Facts = LAYER.facts(inventory, Request(scope, NOW))
    return facts


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.sampled_from(_ALL), _JUNK), min_size=1, max_size=3),
    st.sampled_from(["app", "cluster"]),
)
def test_junk_never_raises(changes, scope):
    objects = copy.deepcopy(_SEEDS)
    for (number, path), junk in changes:
        _put(objects[number], path, junk)
    facts = _facts(objects, scope)
    assert LAYER.coverage(facts).total == len(facts.uses)
    decoded = msgspec.json.decode(msgspec.json.encode(facts), type=Facts)
    assert decoded == facts


@settings(max_examples=30, deadline=None)
@given(st.permutations(_SEEDS))
def test_the_order_of_documents_does_not_matter(objects):
    assert msgspec.json.encode(_facts(list(objects), "app")) == msgspec.json.encode(
        _facts(copy.deepcopy(_SEEDS), "app")
    )
