# SPDX-License-Identifier: Apache-2.0
"""What do Gatekeeper, Connaisseur and the files of nodes decide about an image?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics import connaisseur, gatekeeper, node_policy
from kguard.layers.images.semantics.enforcement import Subject, decide
from kguard.layers.images.semantics.references import parse_weakly
from kguard.layers.images.semantics.visibility import KINDS, MATRIX
from kguard.model.manifests import Manifest, ObjectRef, SourceText


def manifest(kind, spec=None, **fields):
    found = Manifest({"kind": kind, "spec": spec or {}, **fields}, SourceText("", 0, 1, ""))
    found.kind = found.name = kind
    found.id = kind
    return found


def subject(namespace="shop", labels=None, namespace_labels=None, *, known=True):
    owner = ObjectRef("apps/v1", "Deployment", namespace, "cart")
    return Subject(namespace, namespace_labels or {}, known, labels or {}, owner)


def decided(installed, image="registry.example.com/shop/cart:1", **fields):
    return decide([installed], subject(**fields), parse_weakly(image)).enforcement


HOOK = {"name": "validation.gatekeeper.sh", "failurePolicy": "Fail"}
STRICT = manifest("Hook", webhooks=[HOOK])


def constrained(spec, webhook=STRICT, **fields):
    found = gatekeeper.installed([manifest("C", spec)], webhook, [manifest("Verifier")])
    return decided(found, **fields)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, "enforced"),
        ({"enforcementAction": "warn"}, "warn_only"),
        ({"enforcementAction": "dryrun"}, "audit_only"),
        ({"enforcementAction": "nonsense"}, "audit_only"),
        ({"match": {"namespaces": ["shop"]}}, "enforced"),
        ({"match": {"namespaces": ["sh*"]}}, "enforced"),
        ({"match": {"namespaces": ["other"]}}, "not_matched"),
        ({"match": {"excludedNamespaces": ["shop"]}}, "not_matched"),
        ({"match": {"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}}, "enforced"),
        ({"match": {"kinds": [{"apiGroups": ["apps"], "kinds": ["*"]}]}}, "enforced"),
        ({"match": {"kinds": [{"apiGroups": ["batch"], "kinds": ["Job"]}]}}, "not_matched"),
        ({"match": {"scope": "Cluster"}}, "not_matched"),
        ({"match": {"labelSelector": {"matchLabels": {"app": "x"}}}}, "not_matched"),
    ],
)
def test_constraints(spec, expected):
    assert constrained(spec) == expected


def test_scoped_actions_count_at_the_webhook():
    def scoped(point, action):
        entry = {"action": action, "enforcementPoints": [{"name": point}]}
        return {"enforcementAction": "scoped", "scopedEnforcementActions": [entry]}

    assert constrained(scoped(gatekeeper.WEBHOOK, "deny")) == "enforced"
    assert constrained(scoped("audit.gatekeeper.sh", "deny")) == "audit_only"


def test_gatekeeper_as_shipped_fails_open_and_leaves_ignored_namespaces_alone():
    assert constrained({}, webhook=None) == "fail_open"
    ignored = {"admission.gatekeeper.sh/ignore": "x"}
    assert constrained({}, webhook=None, namespace_labels=ignored) == "not_selected"
    assert constrained({}, webhook=None, namespace_labels=ignored, known=False) == "unknown"


def test_only_templates_that_ask_ratify_count():
    def template(rego):
        crd = {"spec": {"names": {"kind": "K"}}}
        return manifest("T", {"crd": crd, "targets": [{"rego": rego}]})

    asking = template('external_data({"provider": "ratify-provider"})')
    assert list(
        gatekeeper.asking_kinds([asking, template("input.review"), template("ratify")])
    ) == ["K"]


def ruled(rules, image, *, detection="false", webhook=None, validators=None, **fields):
    content = {
        "validators": validators
        or [
            {"name": "allow", "type": "static", "approve": "true"},
            {"name": "deny", "type": "static", "approve": "false"},
            {"name": "default", "type": "cosign", "trustRoots": [{"name": "a", "key": "x"}]},
        ],
        "policy": [{"pattern": pattern, "validator": name} for pattern, name in rules.items()],
    }
    environment = manifest("Env", data={"DETECTION_MODE": detection})
    found = connaisseur.installed(manifest("Config"), content, environment, webhook)
    return decided(found, image, **fields)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("redis", "enforced"),
        ("registry.k8s.io/pause:3", "trivially_true"),
        ("registry.k8s.io/deep/pause:3", "enforced"),
        ("ghcr.io/acme/shop:1", "enforced"),
    ],
)
def test_the_most_specific_rule_counts(image, expected):
    rules = {
        "*:*": "allow",
        "docker.io/library/*:*": "deny",
        "registry.k8s.io/*:*": "allow",
        "registry.k8s.io/deep/*:*": "deny",
        "ghcr.io/acme/*:*": "",
    }
    assert ruled(rules, image) == expected


def test_connaisseur_without_a_rule_refuses():
    assert ruled({"ghcr.io/*:*": "allow"}, "quay.io/acme/x:1") == "enforced"


def test_detection_mode_only_warns():
    assert ruled({"*:*": "default"}, "redis", detection="true") == "warn_only"


def test_connaisseur_leaves_ignored_namespaces_alone():
    labels = {"securesystemsengineering.connaisseur/webhook": "ignore"}
    assert ruled({"*:*": "deny"}, "redis", namespace_labels=labels) == "not_selected"


POLICY = {
    "default": [{"type": "reject"}],
    "transports": {
        "docker": {
            "registry.example.com": [{"type": "sigstoreSigned"}],
            "registry.example.com/open": [{"type": "insecureAcceptAnything"}],
            "registry.example.com/both": [
                {"type": "insecureAcceptAnything"},
                {"type": "sigstoreSigned"},
            ],
            "*.example.org": [{"type": "insecureAcceptAnything"}],
        }
    },
}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.example.com/shop/cart:1", "enforced"),
        ("registry.example.com/open/x:1", "trivially_true"),
        ("registry.example.com/both:1", "enforced"),
        ("registry.example.org/shop:1", "trivially_true"),
        ("redis", "enforced"),
    ],
)
def test_the_most_specific_scope_of_a_node_counts(image, expected):
    assert decided(node_policy.installed_policy("policy.json", "f", POLICY), image) == expected


def test_the_empty_scope_counts_before_the_default():
    policy = {
        "default": [{"type": "reject"}],
        "transports": {"docker": {"": [{"type": "insecureAcceptAnything"}]}},
    }
    assert decided(node_policy.installed_policy("policy.json", "f", policy), "redis") == (
        "trivially_true"
    )


def test_verifiers_of_containerd_cannot_be_seen():
    def config(**fields):
        return {"plugins": {node_policy.VERIFIER: fields}}

    assert node_policy.verifier_of(config(bin_dir="/x")) == "/x"
    assert node_policy.verifier_of(config(bin_dir="/x", max_verifiers=0)) is None
    assert node_policy.verifier_of({"plugins": {}}) is None
    assert decided(node_policy.installed_verifier("config.toml", "f", 1, "/x")) == "not_visible"


def test_every_cell_of_the_table_has_versions_and_a_source():
    cells = [cell for column in MATRIX.values() for cell in column.values()]
    assert all(set(column) == set(KINDS) for column in MATRIX.values())
    assert all(cell.versions and cell.source for cell in cells)
    assert {cell.run for cell in cells} == {False}
    assert "(read, not run)" in cells[0].words
