# SPDX-License-Identifier: Apache-2.0
"""For which random images, and with which pull secrets, do we ask the kubelet's keyring?

Most keys belong to the host of the image, with a label replaced by a glob, another port, a scheme
or the beginning of the path; some secrets are broken. The kubelet names Docker Hub `docker.io`
before it asks.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from random import Random
from typing import Any

_HOSTS = ("registry.example.com", "docker.io", "quay.io", "index.docker.io", "r1.a.test", "node7")
_IMAGE_HOSTS = ("registry.example.com", "docker.io", "quay.io", "r1.a.test")
_PATHS = ("library/redis", "shop/cart", "shop/cart/api", "a", "v2/x")
_PORTS = ("", "", "", ":5000", ":443")
_GLOBS = ("*", "r*", "*e*", "?uay", "[a-z]*", "[^x]*", "[", "\\*", "re[g-h]istry", "exampl[e]")
_ENDS = ("", "", "", "/", "/v1/", "/v2/", "/v2/shop", "/shop", "/sho", "/shop/cart", "?x", "#y")
_SCHEMES = ("", "", "", "https://", "http://")
_SPOILT: tuple[Any, ...] = (3, None, [], {"auth": "%"}, {"auth": "bm9jb2xvbg=="}, {"username": 4})
JSON, OLD = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"


def questions(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Images with secrets."""
    rng = Random(seed)
    for _ in range(count):
        host = rng.choice((*(h + rng.choice(_PORTS) for h in _IMAGE_HOSTS), "node7:5000"))
        image = f"{host}/{rng.choice(_PATHS)}"
        secrets = [_secret(rng, host) for _ in range(rng.randint(1, 2))]
        yield {"image": image, "secrets": secrets}


def _secret(rng: Random, host: str) -> dict[str, Any]:
    entries = {_key(rng, host): _entry(rng) for _ in range(rng.randint(0, 4))}
    kind = rng.choice((JSON, JSON, OLD, "Opaque"))
    body: Any = {rng.choice(("auths",) * 9 + ("Auths",)): entries} if kind == JSON else entries
    text = json.dumps(body).encode()
    if rng.random() < 0.03:
        text = text[:-1]
    return {"type": kind, "data": base64.b64encode(text).decode()}


def _key(rng: Random, host: str) -> str:
    name, colon, port = host.partition(":")
    labels = (name if rng.random() < 0.8 else rng.choice(_HOSTS)).split(".")
    if rng.random() < 0.5:
        labels[rng.randrange(len(labels))] = rng.choice(_GLOBS)
    if rng.random() < 0.1:
        labels.pop()
    if rng.random() < 0.2:
        port = rng.choice(("", "5000"))
    place = ".".join(labels) + (f":{port}" if colon and port else "")
    return rng.choice(_SCHEMES) + place + rng.choice(_ENDS)


def _entry(rng: Random) -> Any:
    if rng.random() < 0.04:
        return rng.choice(_SPOILT)
    user, password = f"u{rng.randrange(100)}", rng.choice(("pw", "p:w", "pw"))
    if rng.random() < 0.5:
        name = rng.choice(("username", "username", "Username"))
        return {name: user, "password": password, "email": "x@y.test"}
    text = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"auth": text.rstrip("=") if rng.random() < 0.3 else text, "username": "ignored"}
