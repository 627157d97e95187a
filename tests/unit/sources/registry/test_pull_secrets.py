# SPDX-License-Identifier: Apache-2.0
"""Are the logins of pull secrets found as the kubelet finds them?

The cases follow kubernetes pkg/credentialprovider/keyring_test.go in what they ask.
"""

from __future__ import annotations

import base64
import json
import time

import pytest

from kguard.sources.registry.credentials import Login
from kguard.sources.registry.pull_secrets import lookup, read_secret


def entry(name):
    return Login(name, "pw")


def names(entries, image):
    registry, _, repository = image.partition("/")
    return [login.username for login in lookup([entries], registry, repository)]


@pytest.mark.parametrize(
    ("key", "image", "fits"),
    [
        ("hello.kubernetes.io", "hello.kubernetes.io/foo/bar", True),
        ("*.kubernetes.io", "hello.kubernetes.io/foo/bar", True),
        ("hello.*.io", "hello.kubernetes.io/foo/bar", True),
        ("hello.kubernetes.*", "hello.kubernetes.io/foo/bar", True),
        ("*kubernetes.io", "hello.kubernetes.io/foo/bar", False),
        ("*", "hello.kubernetes.io/foo/bar", False),
        ("hello.kubernetes.??", "hello.kubernetes.io/foo/bar", False),
        ("h[a-f]llo.kubernetes.io", "hello.kubernetes.io/foo", False),
        ("h[^a-f]llo.kubernetes.io", "hello.kubernetes.io/foo", False),
        ("h[ello.kubernetes.io", "hello.kubernetes.io/foo", False),
        ("hello\\.kubernetes.io", "hello.kubernetes.io/foo", False),
        ("hello.kubernetes.io:5000", "hello.kubernetes.io/foo", False),
        ("hello.kubernetes.io:5000", "hello.kubernetes.io:5000/foo", True),
        ("*.kubernetes.io:5000", "hello.kubernetes.io:5000/foo", True),
        ("hello.kubernetes.io/foo", "hello.kubernetes.io/foo/bar", True),
        ("hello.kubernetes.io/fo", "hello.kubernetes.io/foo/bar", True),
        ("hello.kubernetes.io/bar", "hello.kubernetes.io/foo/bar", False),
        ("https://hello.kubernetes.io", "hello.kubernetes.io/foo", True),
        ("http://hello.kubernetes.io/v1/", "hello.kubernetes.io/foo", True),
        ("hello.kubernetes.io/v2/foo", "hello.kubernetes.io/foo", True),
        ("HELLO.kubernetes.io", "hello.kubernetes.io/foo", False),
    ],
)
def test_a_key_and_an_image(key, image, fits):
    assert bool(names({key: entry("x")}, image)) is fits


def test_longer_keys_are_tried_first_and_all_that_fit():
    entries = {"quay.io": entry("host"), "quay.io/coreos": entry("path"), "*.io": entry("glob")}
    assert names(entries, "quay.io/coreos/etcd") == ["path", "host", "glob"]


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "index.docker.io"])
def test_docker_hub_by_its_old_name(key):
    assert names({key: entry("hub")}, "index.docker.io/library/redis") == ["hub"]
    assert names({key: entry("hub")}, "quay.io/library/redis") == []


def secret(kind, value):
    return read_secret(kind, base64.b64encode(json.dumps(value).encode()).decode())


def test_both_types_of_secrets():
    auth = base64.b64encode(b"robot:s3:cret").decode()
    old = {"r.test": {"auth": auth.rstrip("="), "username": "other", "password": "x"}}
    new = secret("kubernetes.io/dockerconfigjson", {"auths": old})
    assert secret("kubernetes.io/dockercfg", old) == new
    assert lookup([new], "r.test", "a") == [Login("robot", "s3:cret")]


@pytest.mark.parametrize("text", ["", "bnVsbA==", "e30=", "eyJhdXRocyI6IG51bGx9"])
def test_secrets_without_logins(text):
    assert read_secret("kubernetes.io/dockerconfigjson", text) == {}


def test_a_secret_of_another_type_holds_no_logins():
    assert secret("Opaque", {"auths": {"r.test": {"username": "a", "password": "b"}}}) == {}


@pytest.mark.parametrize("text", ["%%%", "W10=", "eyJhdXRocyI6IDN9", "e30"])
def test_secrets_that_are_none(text):
    assert read_secret("kubernetes.io/dockerconfigjson", text) is None


@pytest.mark.parametrize("broken", [{"auth": "%"}, {"auth": "bm9jb2xvbg=="}, {"username": 1}, 3])
def test_one_broken_entry_spoils_all_secrets_of_a_pod(broken):
    good = {"r.test": entry("x")}
    spoilt = secret("kubernetes.io/dockercfg", {"q.test": broken})
    assert spoilt is None
    assert lookup([good, spoilt], "r.test", "a") is None


def test_a_pattern_of_many_stars_is_decided_at_once():
    entries = {"*a" * 120 + "b.test": entry("x")}
    started = time.process_time()
    assert names(entries, "a" * 240 + ".test/a") == []
    assert time.process_time() - started < 5
