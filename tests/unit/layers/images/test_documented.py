# SPDX-License-Identifier: Apache-2.0
"""Do the enforcers that have no oracle decide as their documentation and sources say?

Nobody has run these systems here: each table follows a text of the project, which its comment
names, rule by rule.
"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics import connaisseur, gatekeeper, node_policy, openshift
from kguard.layers.images.semantics.enforcement import Subject, decide
from kguard.layers.images.semantics.references import parse_weakly
from kguard.model.manifests import Manifest, ObjectRef, SourceText

DIGEST = f"sha256:{'a' * 64}"


def manifest(kind, spec=None, **fields):
    found = Manifest({"kind": kind, "spec": spec or {}, **fields}, SourceText("", 0, 1, ""))
    found.kind = found.name = found.id = kind
    return found


def subject(owner="Deployment", name="cart", labels=None, namespace_labels=None):
    ref = ObjectRef("v1" if owner == "Pod" else "apps/v1", owner, "kube-system", name)
    own = {"tier": "db"} if labels is None else labels
    return Subject("kube-system", namespace_labels or {"env": "prod"}, True, own, ref)


def decided(installed, image="registry.example.com/shop/cart:1", **fields):
    return decide([installed], subject(**fields), parse_weakly(image)).enforcement


# open-policy-agent/gatekeeper pkg/mutation/match/match.go (Matches: all of kindsMatch, scopeMatch,
# namespacesMatch, excludedNamespacesMatch, labelSelectorMatch, namespaceSelectorMatch, namesMatch;
# what is not given matches) and pkg/wildcard/wildcard.go (a star in front, behind, or both).
GATEKEEPER = [
    ({}, {}, "enforced"),
    ({"kinds": []}, {}, "enforced"),
    ({"kinds": [{}]}, {}, "enforced"),
    ({"kinds": [{"kinds": ["Pod"]}]}, {}, "enforced"),
    ({"kinds": [{"apiGroups": ["apps"]}]}, {}, "enforced"),
    ({"kinds": [{"apiGroups": [""], "kinds": ["Deployment"]}]}, {}, "not_matched"),
    ({"kinds": [{"apiGroups": ["*"], "kinds": ["Service"]}]}, {}, "not_matched"),
    ({"kinds": [{"kinds": ["Service"]}, {"kinds": ["Pod"]}]}, {}, "enforced"),
    ({"scope": "Namespaced"}, {}, "enforced"),
    ({"scope": "Cluster"}, {}, "not_matched"),
    ({"scope": "*"}, {}, "enforced"),
    ({"namespaces": ["kube-*"]}, {}, "enforced"),
    ({"namespaces": ["*-system"]}, {}, "enforced"),
    ({"namespaces": ["*be-sys*"]}, {}, "enforced"),
    ({"namespaces": ["kube"]}, {}, "not_matched"),
    ({"namespaces": ["shop", "kube-system"]}, {}, "enforced"),
    ({"excludedNamespaces": ["kube-*"]}, {}, "not_matched"),
    ({"excludedNamespaces": ["shop"]}, {}, "enforced"),
    ({"namespaces": ["kube-*"], "excludedNamespaces": ["*-system"]}, {}, "not_matched"),
    ({"labelSelector": {"matchLabels": {"tier": "db"}}}, {}, "enforced"),
    ({"labelSelector": {"matchLabels": {"tier": "web"}}}, {}, "not_matched"),
    ({"labelSelector": {"matchLabels": {"tier": "db"}}}, {"labels": {}}, "not_matched"),
    ({"namespaceSelector": {"matchLabels": {"env": "prod"}}}, {}, "enforced"),
    ({"namespaceSelector": {"matchLabels": {"env": "dev"}}}, {}, "not_matched"),
    ({"name": "ca*"}, {"owner": "Pod"}, "enforced"),
    ({"name": "*rt"}, {"owner": "Pod"}, "enforced"),
    ({"name": "orders"}, {"owner": "Pod"}, "not_matched"),
    ({"name": "ca*"}, {}, "unknown"),
]


@pytest.mark.parametrize(("match", "fields", "expected"), GATEKEEPER)
def test_gatekeeper_matches_as_its_source_says(match, fields, expected):
    hook = manifest("Hook", webhooks=[{"name": gatekeeper.WEBHOOK, "failurePolicy": "Fail"}])
    constraint = manifest("C", {"match": match})
    installed = gatekeeper.installed([constraint], hook, [manifest("Verifier")])
    assert decided(installed, **fields) == expected


# sse-secure-systems/connaisseur internal/policy/match.go (Compare): more parts between slashes win;
# then the left-most part with the longer beginning in common with the image; then the left-most
# longer part. The first of the two patterns is the one that must lose.
CONNAISSEUR = [
    ("*", "*:*"),
    ("*:*", "*/*"),
    ("docker*/*", "*/*/*"),
    ("*/*", "docker*/*"),
    ("*/*/*:v1", "*/ac*/*"),
    ("docker.i*/a*", "docker.io/*"),
    ("*:*-alpine", "*/*"),
    ("docker.io/acme/app:*", "docker.io/acme/app:v*"),
    ("docker.io/*/app:v1", "docker.io/acme/*"),
]


@pytest.mark.parametrize(("loses", "wins"), CONNAISSEUR)
@pytest.mark.parametrize("wins_first", [True, False])
def test_connaisseur_takes_the_more_specific_rule(loses, wins, wins_first):
    pair = [(wins, "yes"), (loses, "no")]
    rules = pair if wins_first else pair[::-1]
    content = {
        "validators": [
            {"name": "yes", "type": "static", "approve": "true"},
            {"name": "no", "type": "static", "approve": "false"},
        ],
        "policy": [{"pattern": pattern, "validator": name} for pattern, name in rules],
    }
    installed = connaisseur.installed(manifest("Config"), content, None, None)
    image = "acme/app:v1-alpine" if "alpine" in loses else "acme/app:v1"
    assert decided(installed, image) == "trivially_true"


# containers/image docs/containers-policy.json.5.md: the scopes of `docker:` (fully expanded names;
# an image with its tag or digest, a repository, a namespace, a host, `*.domain`), of several only
# the most specific one; without any the transport's "" and then the global default.
SCOPES = [
    ("docker.io/library/busybox:latest", "busybox", True),
    ("docker.io/library/busybox:latest", "busybox:1", False),
    ("busybox", "busybox", False),
    ("docker.io/library/busybox", "busybox:1", True),
    ("docker.io/library/busy", "busybox:1", False),
    ("docker.io/library", "busybox", True),
    ("docker.io/openshift", "openshift/hello:1", True),
    ("docker.io/openshift", "openshift-fork/hello:1", False),
    ("docker.io", "acme/app:1", True),
    (f"quay.io/acme/app@{DIGEST}", f"quay.io/acme/app@{DIGEST}", True),
    ("quay.io/acme/app:1", f"quay.io/acme/app@{DIGEST}", False),
    ("hostname:5000/myns", "hostname:5000/myns/app:1", True),
    ("hostname:5000", "hostname:5000/myns/app:1", True),
    ("hostname", "hostname:5000/myns/app:1", False),
    ("*.example.com", "eu.example.com/app:1", True),
    ("*.example.com", "a.eu.example.com/app:1", True),
    ("*.example.com", "example.com/app:1", False),
]


@pytest.mark.parametrize(("scope", "image", "covered"), SCOPES)
def test_scopes_of_a_node_are_read_as_documented(scope, image, covered):
    policy = {
        "default": [{"type": "reject"}],
        "transports": {"docker": {scope: [{"type": "insecureAcceptAnything"}]}},
    }
    installed = node_policy.installed_policy("policy.json", "f", policy)
    assert decided(installed, image) == ("trivially_true" if covered else "enforced")


# The same text, "Policy Requirements": all of the array must be satisfied; `reject` rejects every
# image; `insecureAcceptAnything` has no effect beside others; an empty array is not allowed.
REQUIREMENTS = [
    (["insecureAcceptAnything"], "everyone"),
    (["insecureAcceptAnything", "insecureAcceptAnything"], "everyone"),
    (["insecureAcceptAnything", "signedBy"], "named"),
    (["signedBy", "sigstoreSigned"], "named"),
    (["sigstoreSigned", "reject"], "nobody"),
    (["somethingNew"], "unknown"),
    (["somethingNew", "reject"], "nobody"),
    ([], "unknown"),
]


@pytest.mark.parametrize(("kinds", "trust"), REQUIREMENTS)
def test_all_requirements_of_a_scope_must_hold(kinds, trust):
    policy = {"default": [{"type": kind} for kind in kinds], "transports": {}}
    installed = node_policy.installed_policy("policy.json", "f", policy)
    assert [p.trust for p in installed.policies] == [trust]


# containerd/containerd docs/image-verification.md: the stanza of the plugin, the default of
# `bin_dir`, `max_verifiers` (0: none is called; below: no limit).
VERIFIERS = [
    ({"bin_dir": "/opt/v"}, "/opt/v"),
    ({"max_verifiers": 10}, "/opt/containerd/image-verifier/bin"),
    ({"bin_dir": "/opt/v", "max_verifiers": -1}, "/opt/v"),
    ({"bin_dir": "/opt/v", "max_verifiers": 0}, None),
    ({"bin_dir": "/opt/v", "verify_on_run": True}, "/opt/v"),
    ({}, None),
]


@pytest.mark.parametrize(("fields", "folder"), VERIFIERS)
def test_the_verifiers_of_containerd(fields, folder):
    assert node_policy.verifier_of({"plugins": {node_policy.VERIFIER: fields}}) == folder


# openshift/api config/v1/types_cluster_image_policy.go: scopes are read as those of policy.json;
# a ClusterImagePolicy holds for all namespaces, an ImagePolicy for its own.
@pytest.mark.parametrize(
    ("kind", "namespace", "expected"),
    [
        ("ClusterImagePolicy", "", "enforced"),
        ("ImagePolicy", "kube-system", "enforced"),
        ("ImagePolicy", "shop", "not_matched"),
    ],
)
def test_policies_of_openshift_hold_in_their_namespaces(kind, namespace, expected):
    spec = {"scopes": ["registry.example.com/shop"], "policy": {"rootOfTrust": {"policyType": "X"}}}
    policy = manifest(kind, spec)
    policy.namespace, policy.api_version = namespace, "config.openshift.io/v1"
    assert decided(openshift.installed([policy])) == expected
