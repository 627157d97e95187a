# SPDX-License-Identifier: Apache-2.0
"""Is an image asked for with the secrets of its own pods, and with no others?"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest

from kguard.layers.images.facts import compute
from kguard.model.layer import Request
from kguard.model.manifests import Collected
from tests.objects import inventory
from tests.unit.layers.images.test_registries import IMAGE
from tests.unit.sources.registry.fake import FakeRegistry

NOW = datetime(2026, 11, 23, tzinfo=UTC)
POD = """
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: shop}
spec:
  %s
  containers: [{name: c, image: "%s/shop/cart:1.0"}]
---
"""
ACCOUNT = """
apiVersion: v1
kind: ServiceAccount
metadata: {name: %s, namespace: shop}
imagePullSecrets: [{name: pull}]
---
"""


@pytest.fixture
def registry(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    found = FakeRegistry(login=("robot", "s3cret"))
    found.put(IMAGE, tag="1.0")
    yield found
    found.close()


def login(registry):
    entry = {"username": "robot", "password": "s3cret"}
    return json.dumps({"auths": {registry.name: entry}})


def secret(registry, namespace="shop"):
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull", "namespace": namespace},
        "type": "kubernetes.io/dockerconfigjson",
        "stringData": {".dockerconfigjson": login(registry)},
    }
    return json.dumps(body) + "\n---\n"


def classes(found):
    request = Request("app", NOW, registry=True)
    return {use.signature for use in compute(found, request).uses}


@pytest.mark.parametrize(
    ("pod", "more", "expected"),
    [
        ("imagePullSecrets: [{name: pull}]", "", "unsigned"),
        ("imagePullSecrets: [{name: other}]", "", "unknown_auth"),
        ("", "", "unknown_auth"),
        ("", ACCOUNT % "default", "unsigned"),
        ("serviceAccountName: robot", ACCOUNT % "robot", "unsigned"),
        ("serviceAccountName: robot", ACCOUNT % "default", "unknown_auth"),
        ("imagePullSecrets: [{name: other}]", ACCOUNT % "default", "unknown_auth"),
    ],
)
def test_the_secrets_of_the_pod_or_of_its_account(registry, pod, more, expected):
    text = POD % ("p", pod, registry.name) + secret(registry) + more
    assert classes(inventory(text)) == {expected}


def test_a_secret_of_another_namespace_does_not_count(registry):
    pod = POD % ("p", "imagePullSecrets: [{name: pull}]", registry.name)
    assert classes(inventory(pod + secret(registry, "other"))) == {"unknown_auth"}


def test_the_secrets_of_a_live_cluster(registry):
    found = inventory(POD % ("p", "imagePullSecrets: [{name: pull}]", registry.name))
    data = base64.b64encode(login(registry).encode()).decode()
    found.collected.pull_secrets["shop/pull"] = ["kubernetes.io/dockerconfigjson", data]
    assert isinstance(found.collected, Collected)
    assert classes(found) == {"unsigned"}
