# SPDX-License-Identifier: Apache-2.0
"""Which DestinationRules and imports might a mesh hold? Random ones that Istio takes."""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]

_EXPORTS: tuple[list[str] | None, ...] = (
    None,
    None,
    None,
    ["*"],
    ["."],
    ["client"],
    ["shop"],
    ["client", "web"],
)
_FILES = {"clientCertificate": "/etc/certs/c.pem", "privateKey": "/etc/certs/k.pem"}


def rule(random: Random, hosts: list[str]) -> Json:
    """The spec of a rule for one of the hosts, by its full name, a short one or a wildcard."""
    spec: Json = {"host": _host(random, random.choice(hosts))}
    if random.random() < 0.8:
        spec["trafficPolicy"] = _policy(random, ports=True)
    subsets = [_subset(random, name) for name in ("v1", "v2", "all") if random.random() < 0.25]
    if subsets:
        spec["subsets"] = subsets
    export = random.choice(_EXPORTS)
    if random.random() < 0.15:
        spec["workloadSelector"] = {"matchLabels": {"role": random.choice("xy")}}
    elif export is not None:
        spec["exportTo"] = export
    return spec


def _host(random: Random, host: str) -> str:
    name, _, rest = host.partition(".")
    place = rest.partition(".")[0]
    other = (name, f"{name}.{place}", f"*.{rest}", "*.local", "*.svc.cluster.local", "*")
    return random.choice((host, host, host, host, *other))


def _subset(random: Random, name: str) -> Json:
    found: Json = {"name": name}
    if name != "all":
        found["labels"] = {"version": name}
    if random.random() < 0.6:
        found["trafficPolicy"] = _policy(random, ports=True)
    return found


def _policy(random: Random, *, ports: bool) -> Json:
    found: Json = {}
    if random.random() < 0.65:
        found["tls"] = _tls(random)
    if random.random() < 0.2:
        found["loadBalancer"] = {"simple": random.choice(("PASSTHROUGH", "ROUND_ROBIN"))}
    if not found or random.random() < 0.2:
        found["connectionPool"] = {"tcp": {"maxConnections": 10}}
    if ports and random.random() < 0.3:
        numbers = random.sample((80, 8000, 8080, 5432), random.choice((1, 2)))
        found["portLevelSettings"] = [
            {**_policy(random, ports=False), "port": {"number": number}} for number in numbers
        ]
    return found


def _tls(random: Random) -> Json:
    mode = random.choice(("DISABLE", "ISTIO_MUTUAL", "ISTIO_MUTUAL", "SIMPLE", "MUTUAL", ""))
    if mode == "MUTUAL":
        return {"mode": mode, **random.choice((_FILES, {"credentialName": "secret"}))}
    if mode == "SIMPLE":
        return {"mode": mode, **random.choice(({}, {"credentialName": "secret"}))}
    return {"mode": mode} if mode else {}


def egress(random: Random, hosts: list[str]) -> list[Json]:
    """The entries of a Sidecar, each for all ports or for one."""
    found = []
    for number in random.sample((80, 8000, 8080, 0), random.choice((1, 1, 2))):
        chosen = {_import(random, random.choice(hosts)) for _ in range(random.choice((1, 2, 3)))}
        entry: Json = {"hosts": sorted(chosen)}
        if number:
            entry["port"] = {"number": number, "name": f"http-{number}", "protocol": "HTTP"}
        found.append(entry)
    return sorted(found, key=lambda entry: "port" not in entry)


def _import(random: Random, host: str) -> str:
    place = random.choice((".", "*", "*", "shop", "web", "client"))
    name, _, rest = host.partition(".")
    exact = (host, host, f"*.{rest}", "*", "*", f"{name}.shop.svc.cluster.local")
    return f"{place}/{random.choice(exact)}"
