# SPDX-License-Identifier: Apache-2.0
"""Which images and patterns is Kyverno asked about?"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

DIGEST = "sha256:" + "5a" * 32
_HOSTS = ("", "", "docker.io/", "ghcr.io/", "registry.test:5000/", "localhost/", "index.docker.io/")
_PATHS = ("shop", "library/shop", "acme/shop", "acme/shop/cart", "acme/shop-debug", "a_b/c.d")
_ENDINGS = ("", ":1.0", ":latest", f"@{DIGEST}", f":1.0@{DIGEST}")
_ODD = (
    "",
    "Shop",
    "a//b",
    "shop:",
    "shop@sha256:5a",
    "UPPER.io/shop",
    "a b",
    "-x",
    "x:" + "y" * 129,
)
_STARS = ("*", "*", "?", "**", "*:*", "/*", ":*")


def questions(seed: int, count: int) -> Iterator[dict[str, str]]:
    """Images with a pattern each, most of them near the image."""
    for number in range(count):
        random = Random(f"kyverno images {seed} {number}")
        image = _image(random)
        yield {"image": image, "pattern": _pattern(random, image)}


def _image(random: Random) -> str:
    if random.random() < 0.08:
        return random.choice(_ODD)
    return random.choice(_HOSTS) + random.choice(_PATHS) + random.choice(_ENDINGS)


def _pattern(random: Random, image: str) -> str:
    text = random.choice((image, f"docker.io/{image}", f"docker.io/{image}:latest", _image(random)))
    for _ in range(random.randrange(3)):
        place = random.randrange(len(text) + 1)
        end = min(len(text), place + random.randrange(8))
        text = text[:place] + random.choice(_STARS) + text[end:]
    return text
