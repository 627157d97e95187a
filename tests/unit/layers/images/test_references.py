# SPDX-License-Identifier: Apache-2.0
"""Are image references read as the registry client reads them?"""

from __future__ import annotations

import pytest

from kguard.layers.images.semantics.mutability import mutability
from kguard.layers.images.semantics.references import (
    InvalidReferenceError,
    parse_reference,
    parse_weakly,
)

DIGEST = "sha256:" + "ab" * 32

NAMES = {
    "nginx": "index.docker.io/library/nginx:latest",
    "docker.io/nginx": "index.docker.io/library/nginx:latest",
    "index.docker.io/nginx:1": "index.docker.io/library/nginx:1",
    "docker.io/library/nginx:1.27": "index.docker.io/library/nginx:1.27",
    "acme/shop": "index.docker.io/acme/shop:latest",
    "localhost/shop": "localhost/shop:latest",
    "localhost:5000/shop:v1": "localhost:5000/shop:v1",
    "registry:5000/shop": "registry:5000/shop:latest",
    "registry.example.com:8443/a/b/c:v1": "registry.example.com:8443/a/b/c:v1",
    f"ghcr.io/acme/shop:v1@{DIGEST}": f"ghcr.io/acme/shop@{DIGEST}",
    f"nginx@{DIGEST}": f"index.docker.io/library/nginx@{DIGEST}",
    "[2001:db8::1]:5000/shop": "[2001:db8::1]:5000/shop:latest",
}


@pytest.mark.parametrize("text", NAMES)
def test_defaults_are_filled_in(text):
    assert parse_reference(text).name == NAMES[text]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "Nginx",
        "nginx:",
        "nginx:ta g",
        "nginx:" + "a" * 129,
        "nginx:-v1",
        "ghcr.io/-acme/shop",
        "ghcr.io/acme//shop",
        "ghcr.io/acme/shop/",
        "https://ghcr.io/acme/shop",
        "nginx@sha256:abc",
        "nginx@sha512:" + "ab" * 64,
        "nginx@sha256:" + "AB" * 32,
        f"nginx@{DIGEST}@{DIGEST}",
        "{{ .Values.image }}",
        "${IMAGE}",
        "ghcr.io/" + "a" * 300,
        "x" * 5000,
    ],
)
def test_invalid_references_are_refused(text):
    with pytest.raises(InvalidReferenceError):
        parse_reference(text)


def test_the_registry_client_is_looser_than_the_kubelet():
    assert parse_weakly("ghcr.io/acme//shop").repository == "acme//shop"


MUTABILITY = {
    "nginx": "latest",
    "nginx:latest": "latest",
    "nginx:latest-alpine": "latest",
    "nginx:1": "floating_tag",
    "nginx:v1.27": "floating_tag",
    "nginx:1.27-alpine": "floating_tag",
    "nginx:stable": "floating_tag",
    "nginx:stable-alpine": "floating_tag",
    "nginx:main": "floating_tag",
    "redis:alpine": "floating_tag",
    "nginx:1.27.3": "version_tag",
    "nginx:v1.27.3-alpine": "version_tag",
    "nginx:20261102": "version_tag",
    "nginx:9f2c1ab": "version_tag",
    f"nginx:latest@{DIGEST}": "digest",
}


@pytest.mark.parametrize("text", MUTABILITY)
def test_mutability(text):
    assert mutability(parse_reference(text)) == MUTABILITY[text]
