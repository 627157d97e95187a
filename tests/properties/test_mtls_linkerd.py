# SPDX-License-Identifier: Apache-2.0
"""Does Linkerd's inbound policy, read client by client, say the same as our index of grants?

There is no oracle: the policy controller is a Rust program whose crates are in no registry. The
reading here walks over all objects for each client, as the documentation of the policy API is
worded, and shares nothing with the layer but the random clusters.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from kguard.layers.mtls.semantics.linkerd import DEFAULT_POLICY, IDENTITY_PORTS, Pod, verdict
from kguard.layers.mtls.semantics.linkerd_objects import index

Json = dict[str, Any]
COUNT = 4000
GROUP = "policy.linkerd.io"
CLIENTS = ("plain", "tls", "identity")
ADMITTED = {
    "nobody": set(),
    "authenticated": {"identity"},
    "tls": {"identity", "tls"},
    "unauthenticated": set(CLIENTS),
}
DEFAULTS = (
    "all-authenticated",
    "all-unauthenticated",
    "cluster-authenticated",
    "cluster-unauthenticated",
    "audit",
    "deny",
)


def test_client_by_client() -> None:
    seen: Counter[str] = Counter()
    for seed in range(COUNT):
        rng = random.Random(seed)
        objects = list(_objects(rng))
        pod = _pod(rng)
        port, default = rng.choice([8080, 9090]), rng.choice(DEFAULTS)
        whole = rng.random() < 0.7
        ours = verdict(index(_listed(objects), whole=whole), pod, port, default).accepts
        seen[ours] += 1
        expected = _expected(objects, pod, port, default, whole=whole)
        assert (seed, ours if ours == "unknown" else ADMITTED[ours]) == (seed, expected)
    assert min(seen[kind] for kind in (*ADMITTED, "unknown")) > COUNT // 200


def _listed(objects: list[Json]) -> Iterator[tuple[str, Json]]:
    return ((str(number), value) for number, value in enumerate(objects))


def _objects(rng: random.Random) -> Iterator[Json]:
    for name in rng.sample(["a", "b", "c"], rng.randint(0, 2)):
        yield _server(rng, name)
    for name in "ip":
        if rng.random() < 0.7:
            spec: Json = {"identities": ["*"]} if rng.random() < 0.9 else {}
            yield _object("MeshTLSAuthentication", name, spec)
        if rng.random() < 0.7:
            spec = {"networks": [{"cidr": "10.0.0.0/8"}] if rng.random() < 0.9 else []}
            yield _object("NetworkAuthentication", name, spec)
    if rng.random() < 0.4:
        parent = {"group": GROUP, "kind": "Server", "name": rng.choice("ab")}
        if rng.random() < 0.2:
            parent["namespace"] = "elsewhere"
        yield _object("HTTPRoute", "r", {"parentRefs": [parent]})
    for number in range(rng.randint(0, 2)):
        yield _policy(rng, f"policy-{number}")
    if rng.random() < 0.3:
        yield _older(rng)


def _object(kind: str, name: str, spec: Json, **metadata: Any) -> Json:
    metadata = {"name": name, "namespace": "shop", **metadata}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec}


def _server(rng: random.Random, name: str) -> Json:
    spec: Json = {"port": rng.choice([8080, 9090, "http"])}
    spec["podSelector"] = {"matchLabels": {"app": "cart"}} if rng.random() < 0.8 else {}
    if rng.random() < 0.3:
        spec["accessPolicy"] = rng.choice(["nonsense", *DEFAULTS])
    metadata: Json = {"labels": {"part": rng.choice("xy")}}
    if rng.random() < 0.6:
        metadata["creationTimestamp"] = f"2026-01-0{rng.randint(1, 2)}T00:00:00Z"
    return _object("Server", name, spec, **metadata)


def _policy(rng: random.Random, name: str) -> Json:
    kind = rng.choice(["Server", "Server", "Namespace", "HTTPRoute", "Deployment"])
    names = {"Namespace": "shop", "HTTPRoute": "r"}
    target = {"kind": kind, "name": names.get(kind) or rng.choice("ab")}
    if kind != "Namespace":
        target["group"] = GROUP if rng.random() < 0.9 else ""
    refs = [_reference(rng) for _ in range(rng.choice([0, 1, 1, 2]))]
    return _object(
        "AuthorizationPolicy", name, {"targetRef": target, "requiredAuthenticationRefs": refs}
    )


def _reference(rng: random.Random) -> Json:
    kinds = ["MeshTLSAuthentication", "NetworkAuthentication", "ServiceAccount", "Secret"]
    kind = rng.choices(kinds, [4, 4, 2, 1])[0]
    found = {"kind": kind, "name": rng.choice("ip")}
    return found if kind in ("ServiceAccount", "Secret") else {**found, "group": GROUP}


def _older(rng: random.Random) -> Json:
    server = rng.choice([{"name": "a"}, {"selector": {"matchLabels": {"part": "x"}}}])
    client = rng.choice(
        [
            {"unauthenticated": True},
            {"meshTLS": {"unauthenticatedTLS": True}},
            {"meshTLS": {"identities": ["*"]}},
            {"meshTLS": {}},
            {},
        ]
    )
    return _object("ServerAuthorization", "old", {"server": server, "client": client})


def _pod(rng: random.Random) -> Pod:
    annotations = {}
    if rng.random() < 0.3:
        annotations[DEFAULT_POLICY] = rng.choice(["nonsense", *DEFAULTS])
    if rng.random() < 0.3:
        annotations[IDENTITY_PORTS] = "8080"
    return Pod("shop", {"app": "cart"}, annotations, {"http": frozenset({8080})})


def _expected(objects: list[Json], pod: Pod, port: int, default: str, *, whole: bool) -> Any:
    """The clients that get in, or `unknown`."""
    servers = [o for o in objects if o["kind"] == "Server" and _about(o, pod, port)]
    if not servers:
        return _by_default(pod, port, default)
    found = [_by_server(objects, server, whole=whole) for server in servers]
    dated = [o for o in servers if "creationTimestamp" in o["metadata"]]
    if not dated:
        return found[0] if all(answer == found[0] for answer in found) else "unknown"
    first = min(dated, key=lambda o: (o["metadata"]["creationTimestamp"], o["metadata"]["name"]))
    return found[servers.index(first)]


def _about(server: Json, pod: Pod, port: int) -> bool:
    spec = server["spec"]
    if spec.get("accessPolicy", "deny") not in DEFAULTS:
        return False
    return port == (8080 if spec["port"] == "http" else spec["port"])


def _by_default(pod: Pod, port: int, default: str) -> set[str]:
    written = pod.annotations.get(DEFAULT_POLICY, "")
    name = written if written in DEFAULTS else default
    if name == "deny":
        return set()
    if name == "audit":
        return set(CLIENTS)
    strict = name.endswith("-authenticated") or (port == 8080 and IDENTITY_PORTS in pod.annotations)
    return {"identity"} if strict else set(CLIENTS)


def _by_server(objects: list[Json], server: Json, *, whole: bool) -> Any:
    answers = [_grants(objects, server, o, whole=whole) for o in objects]
    access = server["spec"].get("accessPolicy", "deny")
    if access != "deny":
        answers.append({"identity"} if access.endswith("-authenticated") else set(CLIENTS))
    admitted: set[str] = set().union(*(a for a in answers if a != "unknown"))
    return "unknown" if "unknown" in answers and admitted != set(CLIENTS) else admitted


def _grants(objects: list[Json], server: Json, value: Json, *, whole: bool) -> Any:
    """The clients that one object lets in."""
    spec, name = value["spec"], server["metadata"]["name"]
    if value["kind"] == "ServerAuthorization":
        chosen = spec["server"]
        hit = chosen.get("name", name) == name and (
            "selector" not in chosen or server["metadata"]["labels"]["part"] == "x"
        )
        return _older_clients(spec["client"]) if hit else set()
    if value["kind"] != "AuthorizationPolicy":
        return set()
    target = spec["targetRef"]
    if target["kind"] == "Deployment" or (target["kind"] != "Namespace" and not target["group"]):
        return set()
    routed = any(
        o["kind"] == "HTTPRoute"
        and o["spec"]["parentRefs"][0] == {"group": GROUP, "kind": "Server", "name": name}
        for o in objects
    )
    hit = {"Server": target["name"] == name, "Namespace": True, "HTTPRoute": routed}
    if not hit[target["kind"]]:
        return set()
    return _required(objects, spec["requiredAuthenticationRefs"], whole=whole)


def _older_clients(client: Json) -> set[str]:
    if client.get("unauthenticated"):
        return set(CLIENTS)
    tls = client.get("meshTLS", {})
    if tls.get("unauthenticatedTLS"):
        return {"identity", "tls"}
    return {"identity"} if tls.get("identities") else set()


def _required(objects: list[Json], refs: list[Json], *, whole: bool) -> Any:
    kinds = [ref["kind"] for ref in refs]
    proofs = [k for k in kinds if k in ("MeshTLSAuthentication", "ServiceAccount")]
    if "Secret" in kinds or len(proofs) > 1 or kinds.count("NetworkAuthentication") > 1:
        return set()
    missing = False
    for ref in refs:
        if ref["kind"] == "ServiceAccount":
            continue
        same = [
            o for o in objects if (o["kind"], o["metadata"]["name"]) == (ref["kind"], ref["name"])
        ]
        if same and not any(same[0]["spec"].values()):
            return set()
        missing |= not same
    if missing:
        return set() if whole else "unknown"
    return {"identity"} if proofs else set(CLIENTS)
