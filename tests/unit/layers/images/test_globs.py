# SPDX-License-Identifier: Apache-2.0
"""Do patterns match as in policy-controller, Kyverno and OpenShift?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics.globs import (
    InvalidGlobError,
    glob_matches,
    kyverno_name,
    scope_matches,
    wildcard_matches,
)
from kguard.layers.images.semantics.references import InvalidReferenceError, parse_reference

GLOBS = [
    ("index.docker.io/library/shop:latest", "shop", True),
    ("index.docker.io/library/*", "shop", True),
    ("index.docker.io/*/*", "shop", True),
    ("index.docker.**", "shop", True),
    ("**", "shop", True),
    ("*", "shop", True),
    ("*", "acme/shop", False),
    ("*/*", "acme/shop", True),
    ("*/*", "ghcr.io/shop/web", False),
    ("shop*", "shop", True),
    ("acme/shop**", "acme/shop", True),
    ("ghcr.io/*/*", "ghcr.io/acme/shop", True),
    ("ghcr.io/*/*", "ghcr.io/shop", False),
    ("ghcr.io/*", "ghcr.io/acme/shop", False),
    ("ghcr.io/**", "ghcr.io/acme/shop", True),
    ("ghcr.io/**", "ghcrxio/acme", False),
    ("ghcr.io/acme", "eu-ghcr.io/acme", False),
    ("ghcr.io/acme", "ghcr.io/acme-two", False),
    ("ghcr.io/acme/shop:v1", "ghcr.io/acme/shop:v1", True),
    ("ghcr.io/acme/shop", "ghcr.io/acme/shop", True),
    ("ghcr.io/acme/shop", "ghcr.io/acme/shop:v1", False),
]


@pytest.mark.parametrize(("glob", "image", "expected"), GLOBS)
def test_policy_controller_globs(glob, image, expected):
    assert glob_matches(glob, image) is expected


@pytest.mark.parametrize("glob", [".+", "[a-z]*", "", "shop?"])
def test_policy_controller_refuses_other_patterns(glob):
    with pytest.raises(InvalidGlobError):
        glob_matches(glob, "shop")


def test_an_invalid_image_is_an_error():
    with pytest.raises(InvalidReferenceError):
        glob_matches("**", "not&valid")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("nginx", "docker.io/nginx:latest"),
        ("library/nginx:1", "docker.io/library/nginx:1"),
        ("acme/shop:1", "docker.io/acme/shop:1"),
        ("ghcr.io/acme/shop", "ghcr.io/acme/shop:latest"),
    ],
)
def test_kyverno_names(image, name):
    assert kyverno_name(parse_reference(image)) == name


def test_kyverno_wildcards():
    assert wildcard_matches("ghcr.io/*", "ghcr.io/acme/shop:v1")
    assert wildcard_matches("ghcr.io/acme/sh?p*", "ghcr.io/acme/shop:v1")
    assert not wildcard_matches("ghcr.io/acme", "ghcr.io/acme/shop:v1")


@pytest.mark.parametrize(
    ("scope", "image", "expected"),
    [
        ("ghcr.io", "ghcr.io/acme/shop:v1", True),
        ("ghcr.io/acme", "ghcr.io/acme/shop:v1", True),
        ("ghcr.io/ac", "ghcr.io/acme/shop:v1", False),
        ("ghcr.io/acme/shop:v1", "ghcr.io/acme/shop:v1", True),
        ("ghcr.io/acme/shop:v2", "ghcr.io/acme/shop:v1", False),
        ("*.example.com", "eu.example.com:5000/shop", True),
        ("*.example.com", "example.com/shop/web", False),
        ("docker.io", "nginx", True),
    ],
)
def test_openshift_scopes(scope, image, expected):
    assert scope_matches(scope, parse_reference(image)) is expected
