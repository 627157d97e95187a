# SPDX-License-Identifier: Apache-2.0
"""Which globs, ClusterImagePolicies and pods is policy-controller asked about?

Policies that decide about pods have static authorities, so that no registry is asked; those that
are only validated have every kind of authority, with one field wrong in most of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from support.generators.signed.pki import Key

Json = dict[str, Any]

DIGEST = "sha256:" + "5a" * 32
_HOSTS = ("", "docker.io/", "index.docker.io/", "ghcr.io/", "registry.test:5000/")
"""Not `localhost/`: go-containerregistry took it for a path of Docker Hub before 0.21."""
_PATHS = ("shop", "acme/shop", "acme/shop/cart", "library/shop", "acme/shop-debug", "a_b/c.d")
_ENDINGS = ("", ":1.0", ":latest", f"@{DIGEST}", f":1.0@{DIGEST}")
_STARS = (
    "*",
    "**",
    "/*",
    "/**",
    ":*",
    ":**",
    "@*",
    "@sha256:*",
    "*/shop",
    "**/shop*",
    "*sha256:**",
)
_ODD = ("[a-z]", "shop?", "", "a b", "sh#op", "ghcr.io/acme/.*", "shop\\", "Ünï")
_KINDS = (("v1", "Pod", "pods", ""), ("apps/v1", "Deployment", "deployments", "apps"))
_LABELS: tuple[Json, ...] = ({}, {"app": "shop"}, {"app": "cart"}, {"app": "shop", "tier": "web"})
_SELECTORS: tuple[Any, ...] = (
    None,
    {},
    {"matchLabels": {"app": "shop"}},
    {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["shop"]}]},
)


def questions(seed: int, count: int) -> Iterator[Json]:
    """Globs, policies and pods by turns."""
    for number in range(count):
        random = Random(f"image policies {seed} {number}")
        if number % 3 == 0:
            image = _image(random)
            yield {"glob": _glob(random, image), "image": image}
        elif number % 3 == 1:
            yield {"policy": _policy(random)}
        else:
            yield _admission(random)


def _image(random: Random) -> str:
    if random.random() < 0.05:
        return random.choice(("", "Shop", "a//b", "shop:", f"shop@{DIGEST[:20]}", "x"))
    return random.choice(_HOSTS) + random.choice(_PATHS) + random.choice(_ENDINGS)


def _glob(random: Random, image: str = "") -> str:
    """Some image, or the given one as it is compared, with stars in place of parts."""
    if random.random() < 0.1:
        return random.choice(_ODD)
    text = random.choice((image or _image(random), _compared(image), _image(random)))
    for _ in range(random.randrange(3)):
        place = random.randrange(len(text) + 1)
        end = min(len(text), place + random.randrange(8))
        text = text[:place] + random.choice(_STARS) + text[end:]
    return text


def _compared(image: str) -> str:
    """Roughly the full name of an image."""
    short = image.removeprefix("docker.io/")
    host = "" if "." in short.partition("/")[0] or ":" in short.partition("/")[0] else _HOSTS[2]
    return host + short if "/" in short else f"{_HOSTS[2]}library/{short}:latest"


def _admission(random: Random) -> Json:
    policies = [_static_policy(random, f"p{n}") for n in range(random.randrange(4))]
    config = {}
    if random.random() < 0.6:
        config["no-match-policy"] = random.choice(("allow", "warn", "deny", "other", ""))
    return {"policies": policies, "config": config, "object": _object(random)}


def _static_policy(random: Random, name: str) -> Json:
    actions = [random.choice(("pass", "fail", "fail")) for _ in range(random.randint(1, 2))]
    spec: Json = {
        "images": [{"glob": _near(random)} for _ in range(random.randint(1, 2))],
        "authorities": [{"static": {"action": action}} for action in actions],
    }
    if mode := random.choice((None, "enforce", "warn", "warn")):
        spec["mode"] = mode
    if random.random() < 0.4:
        spec["match"] = [_match(random) for _ in range(random.randint(1, 2))]
    return _named(name, spec)


def _near(random: Random) -> str:
    """A glob that matches more often than not."""
    if random.random() < 0.3:
        return _glob(random)
    return random.choice(("**", "*", "**shop**", "ghcr.io/**", "*/acme/*", "ghcr.io/acme/shop:*"))


def _match(random: Random) -> Json:
    _, _, resource, group = random.choice(_KINDS)
    found: Json = {"version": random.choice(("v1", "v1", "*", "v1beta1"))}
    found["resource"] = random.choice((resource, resource, "jobs", ""))
    if group or random.random() < 0.2:
        found["group"] = random.choice((group, group, "batch"))
    if (selector := random.choice(_SELECTORS)) is not None:
        found["selector"] = selector
    return found


def _object(random: Random) -> Json:
    version, kind, _, _ = random.choice(_KINDS)
    host, path = random.choice(_HOSTS), random.choice(_PATHS)
    image = f"{host}{path}{random.choice((f'@{DIGEST}', f':1.0@{DIGEST}'))}"
    pod = {"containers": [{"name": "app", "image": image}], "serviceAccountName": "default"}
    metadata = {"name": "shop", "namespace": "default", "labels": random.choice(_LABELS)}
    spec: Json = pod
    if kind == "Deployment":
        template = {"metadata": {"labels": random.choice(_LABELS)}, "spec": pod}
        spec = {"replicas": 1, "template": template}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _named(name: str, spec: Json) -> Json:
    return {
        "apiVersion": "policy.sigstore.dev/v1beta1",
        "kind": "ClusterImagePolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def _policy(random: Random) -> Json:
    """A policy with every kind of authority and one field wrong in most of them."""
    authorities = [_authority(random) for _ in range(random.randint(1, 2))]
    spec: Json = {"images": [{"glob": "ghcr.io/acme/**"}], "authorities": authorities}
    wrong: Json = {}
    if random.random() < 0.3:
        wrong = random.choice(
            (
                {"images": []},
                {"images": [{"glob": _glob(random)}]},
                {"images": [{}]},
                {"authorities": []},
                {"mode": random.choice(("warn", "enforce", "audit", ""))},
                {"match": [_match(random)]},
                {"match": [{"selector": {"matchLabels": {"app": "shop"}}}]},
                {"policy": _further_policy(random)},
            )
        )
    return _named("asked", {**spec, **wrong})


def _authority(random: Random) -> Json:
    found: Json = {"name": "one"}
    kinds = random.choice(
        (["key"], ["keyless"], ["static"], ["key"], ["keyless"], ["key", "static"], [])
    )
    for kind in kinds:
        found[kind] = {"key": _key, "keyless": _keyless, "static": _static}[kind](random)
    if random.random() < 0.2:
        found["source"] = [_source(random) for _ in range(random.choice((1, 1, 2)))]
    if random.random() < 0.2:
        found["attestations"] = [_attestation(random)]
    if random.random() < 0.1:
        found["ctlog"] = {"url": "https://rekor.test"}
    if random.random() < 0.1:
        found["rfc3161timestamp"] = {"trustRootRef": "root"}
    return found


def _static(random: Random) -> Json:
    return random.choice(
        ({"action": "pass"}, {"action": "fail", "message": "no"}, {"action": "x"}, {})
    )


def _key(random: Random) -> Json:
    pem = Key("release").pem.decode()
    secret = {"name": "key", "namespace": random.choice(("", "cosign-system", "default"))}
    choices: tuple[Json, ...] = (
        {"data": pem},
        {"data": pem, "hashAlgorithm": random.choice(("sha256", "SHA512", "md5", " sha384 "))},
        {"data": pem.replace("A", "B", 1)},
        {"data": "no key"},
        {"data": pem, "secretRef": secret},
        {"secretRef": secret},
        {"kms": random.choice(_KMS)},
        {"kms": random.choice(_KMS), "secretRef": secret},
        {},
    )
    return random.choice(choices)


_ARN = "arn:aws:kms:us-east-2:111122223333"
_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
_KMS = (
    f"awskms:///{_ARN}:key/{_ID}",
    f"awskms:///{_ARN}:alias/shop",
    f"awskms://localhost:4566/{_ARN}:key/{_ID}",
    f"awskms://localhost/{_ARN}:key/{_ID}",
    f"awskms:///{_ID}",
    "awskms:///alias/shop",
    f"awskms:///{_ARN}:keys/{_ID}",
    "gcpkms://projects/acme/locations/global/keyRings/r/cryptoKeys/k",
    "azurekms://acme.vault.azure.net/key",
    "hashivault://key",
    "vault://key",
)


def _keyless(random: Random) -> Json:
    found: Json = {"identities": [_identity(random) for _ in range(random.choice((1, 1, 2, 0)))]}
    if random.random() < 0.5:
        found["url"] = "https://fulcio.sigstore.dev"
    if random.random() < 0.15:
        found["ca-cert"] = _key(random)
    return found


def _identity(random: Random) -> Json:
    found: Json = {}
    issuers: tuple[Json, ...] = ({"issuer": "https://issuer.test"}, {"issuerRegExp": ".*"})
    subjects: tuple[Json, ...] = (
        {"subject": "a@acme.test"},
        {"subjectRegExp": r"^https://github\.com/acme/.*$"},
        {"subjectRegExp": "(unclosed"},
        {"subjectRegExp": "a**"},
    )
    for choices in (issuers, subjects, subjects[:1] if random.random() < 0.1 else ()):
        if choices and random.random() < 0.93:
            found |= random.choice(choices)
    return found


def _source(random: Random) -> Json:
    places = ("ghcr.io/acme/signatures", "ghcr.io/ACME/x", "registry.test:5000", "acme", "acme/x")
    found: Json = {"oci": random.choice(places)}
    if random.random() < 0.3:
        found["signaturePullSecrets"] = [random.choice(({"name": "login"}, {"name": ""}))]
    return found


def _attestation(random: Random) -> Json:
    found: Json = {"name": "provenance", "predicateType": "slsaprovenance"}
    found["predicateType"] = random.choice(
        ("slsaprovenance", "https://slsa.dev/provenance/v1", "x")
    )
    if random.random() < 0.2:
        del found[random.choice(("name", "predicateType"))]
    if random.random() < 0.4:
        found["policy"] = _further_policy(random)
    return found


def _further_policy(random: Random) -> Json:
    found: Json = {"type": random.choice(("cue", "rego", "cue", "lua"))}
    remote = {"url": random.choice(("https://acme.test/p", "http://acme.test/p", "x"))}
    if random.random() < 0.7:
        remote["sha256sum"] = "00"
    sources: tuple[Json, ...] = (
        {"data": "x: 1"},
        {"data": ""},
        {"configMapRef": {"name": "c", "key": "k"}},
        {"configMapRef": {"name": "c"}},
        {"remote": remote},
        {"data": "x: 1", "configMapRef": {"name": "c", "key": "k"}},
    )
    found |= random.choice(sources)
    if random.random() < 0.2:
        found["includeSpec"] = True
    return found
