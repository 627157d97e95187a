# SPDX-License-Identifier: Apache-2.0
"""What does policy-controller decide on the way from an owner to its pods?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics import policy_controller
from kguard.layers.images.semantics.enforcement import Subject, decide
from kguard.layers.images.semantics.globs import glob_admits, names_a_tag
from kguard.layers.images.semantics.references import parse_weakly
from kguard.model.manifests import Manifest, ObjectRef, SourceText

DIGEST = "sha256:" + "5a" * 32
FAIL = {"static": {"action": "fail"}}


def policy(*match, mode="enforce", authorities=(FAIL,), **spec):
    found = {"images": [{"glob": "**"}], "authorities": list(authorities), "mode": mode, **spec}
    if match:
        found["match"] = list(match)
    return Manifest({"spec": found}, SourceText("", 0, 1, ""))


def decided(*policies, owner=("apps/v1", "Deployment"), no_match="allow", labels=None):
    config = Manifest({"data": {"no-match-policy": no_match}}, SourceText("", 0, 1, ""))
    found = policy_controller.installed(list(policies), None, config, config_absent=False)
    subject = Subject(
        namespace="shop",
        namespace_labels={policy_controller.INCLUDE_LABEL: "true"},
        namespace_known=True,
        labels={"app": "pods"},
        owner=ObjectRef(*owner, "shop", "cart"),
        owner_labels=labels or {"app": "owner"},
    )
    return decide([found], subject, parse_weakly(f"ghcr.io/acme/app@{DIGEST}")).enforcement


PODS = {"resource": "pods", "version": "v1"}
DEPLOYMENTS = {"resource": "deployments", "group": "apps", "version": "v1"}
JOBS = {"resource": "jobs", "group": "batch", "version": "v1"}
REPLICAS = {"resource": "replicasets", "group": "apps", "version": "*"}


@pytest.mark.parametrize(
    ("match", "owner", "expected"),
    [
        (PODS, ("apps/v1", "Deployment"), "enforced"),
        (DEPLOYMENTS, ("apps/v1", "Deployment"), "enforced"),
        (REPLICAS, ("apps/v1", "Deployment"), "enforced"),
        ({**DEPLOYMENTS, "version": "v1beta1"}, ("apps/v1", "Deployment"), "not_matched"),
        ({**DEPLOYMENTS, "group": ""}, ("apps/v1", "Deployment"), "not_matched"),
        (DEPLOYMENTS, ("v1", "Pod"), "not_matched"),
        (PODS, ("serving.knative.dev/v1", "Service"), "enforced"),
        (DEPLOYMENTS, ("serving.knative.dev/v1", "Service"), "not_matched"),
        (
            {"resource": "jobs", "group": "batch", "version": "v1"},
            ("batch/v1", "CronJob"),
            "enforced",
        ),
    ],
)
def test_every_object_on_the_way_is_judged(match, owner, expected):
    assert decided(policy(match), owner=owner) == expected


def test_each_object_has_its_own_labels():
    def selecting(value, base):
        return policy({**base, "selector": {"matchLabels": {"app": value}}})

    assert decided(selecting("owner", DEPLOYMENTS)) == "enforced"
    assert decided(selecting("pods", DEPLOYMENTS)) == "not_matched"
    assert decided(selecting("pods", PODS)) == "enforced"
    assert decided(selecting("owner", PODS)) == "not_matched"


def test_an_object_that_nothing_matches_is_refused_by_default():
    assert decided(policy(PODS, mode="warn"), no_match="deny") == "enforced"
    assert decided(policy(PODS, mode="warn"), no_match="allow") == "warn_only"


def test_a_policy_over_what_all_accept_decides():
    anybody = {"static": {"action": "pass"}}
    assert decided(policy(authorities=[anybody])) == "trivially_true"
    further = {"type": "cue", "data": "x: 1"}
    assert decided(policy(authorities=[anybody], policy=further)) == "unknown"


def test_a_policy_without_authorities_fails_whatever_its_mode():
    read = policy_controller.read_policy(policy(mode="warn", authorities=[]))
    assert read.action == "enforce"
    assert read.refused


@pytest.mark.parametrize(
    ("glob", "admits"),
    [
        ("ghcr.io/acme/app*", True),
        ("ghcr.io/acme/app@*", True),
        (f"ghcr.io/acme/app@{DIGEST}", True),
        ("ghcr.io/**", True),
        ("ghcr.io/acme/app", False),
        ("ghcr.io/acme/app:*", False),
        ("ghcr.io/acme/app:1", False),
        ("[", False),
    ],
)
def test_globs_never_see_a_tag(glob, admits):
    image = parse_weakly("ghcr.io/acme/app:1")
    assert glob_admits(glob, image) is (admits and DIGEST not in glob)
    assert glob_admits(glob, parse_weakly(f"ghcr.io/acme/app:1@{DIGEST}")) is admits
    assert not (names_a_tag(glob) and admits)
