# SPDX-License-Identifier: Apache-2.0
"""Are logins found where docker and its helpers keep them?"""

from __future__ import annotations

import base64
import json

import pytest

from kguard.sources.registry.credentials import NOBODY, Keychain, Login


def auth(name, password):
    return {"auth": base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def keychain(tmp_path):
    def write(config):
        text = config if isinstance(config, str) else json.dumps(config)
        (tmp_path / "config.json").write_text(text)
        return Keychain({"DOCKER_CONFIG": str(tmp_path)})

    return write


def first(chain, registry, repository):
    return next(iter(chain.logins(registry, repository)), NOBODY)


@pytest.mark.parametrize(
    ("key", "registry", "repository", "known"),
    [
        ("registry.example.com", "registry.example.com", "shop/cart", True),
        ("https://registry.example.com", "registry.example.com", "shop/cart", True),
        ("https://registry.example.com/v2/", "registry.example.com", "shop/cart", True),
        ("registry.example.com/shop", "registry.example.com", "shop/cart", True),
        ("registry.example.com/sho", "registry.example.com", "shop/cart", False),
        ("registry.example.com:5000", "registry.example.com", "shop/cart", False),
        ("https://index.docker.io/v1/", "index.docker.io", "library/redis", True),
        ("docker.io", "index.docker.io", "library/redis", True),
    ],
)
def test_a_key_stands_for_a_registry_or_a_path(keychain, key, registry, repository, known):
    found = first(keychain({"auths": {key: auth("me", "secret")}}), registry, repository)
    assert found == (Login("me", "secret") if known else NOBODY)


def test_the_longest_key_wins(keychain):
    auths = {
        "r.example.com": auth("all", "a"),
        "r.example.com/shop": auth("shop", "b"),
        "r.example.com/shop/cart": auth("cart", "c"),
    }
    chain = keychain({"auths": auths})
    names = [first(chain, "r.example.com", path).username for path in ("shop/cart", "shop/x", "y")]
    assert names == ["cart", "shop", "all"]


def test_identity_tokens(keychain):
    chain = keychain({"auths": {"r.example.com": {"identitytoken": "t"}}})
    assert first(chain, "r.example.com", "a") == Login("", "", "t")


@pytest.mark.parametrize(
    "config",
    [
        "{",
        "[]",
        {"auths": []},
        {"auths": {"r.example.com": "x"}},
        {"auths": {"r.example.com": {"auth": "%%%"}}},
        {"auths": {"r.example.com": {"auth": base64.b64encode(b"nocolon").decode()}}},
        {"credsStore": "../evil"},
        {"credsStore": "there-is-no-such-helper"},
    ],
)
def test_junk_is_nobody(keychain, config):
    assert first(keychain(config), "r.example.com", "a") == NOBODY


def test_no_files_at_all():
    assert first(Keychain({}), "r.example.com", "a") == NOBODY


def test_helpers(keychain, tmp_path, monkeypatch):
    log = tmp_path / "log"
    helper = tmp_path / "docker-credential-fake"
    answer = json.dumps({"ServerURL": "x", "Username": "me", "Secret": "from helper"})
    helper.write_text(f"#!/bin/sh\ncat >> {log}; echo >> {log}\necho '{answer}'\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    chain = keychain(
        {"credHelpers": {"r.example.com": "fake"}, "auths": {"q.example.com": auth("you", "pw")}}
    )
    assert first(chain, "r.example.com", "a") == Login("me", "from helper")
    assert first(chain, "r.example.com", "b") == Login("me", "from helper")
    assert first(chain, "q.example.com", "a") == Login("you", "pw")
    assert log.read_text().split() == ["r.example.com"]


def test_a_login_is_never_printed():
    assert "secret" not in repr(Login("me", "secret"))


def test_logins_from_elsewhere_come_first_and_once(keychain):
    chain = keychain({"auths": {"r.example.com": auth("me", "secret")}})
    chain.give("r.example.com", "a", [Login("pod", "1"), Login("pod", "1")])
    assert chain.logins("r.example.com", "a") == [Login("pod", "1"), Login("me", "secret")]
    assert chain.logins("r.example.com", "b") == [Login("me", "secret")]
